"""Names as levels of MQTT topics."""

from __future__ import annotations

from typing import Final

FORBIDDEN_IN_TOPIC: Final = frozenset("+#\0")
MEANINGFUL: Final = frozenset("/+#%$")


def topic_level(name: str) -> str:
    """Return ``name`` as one level of a topic: what MQTT gives a meaning to is percent-encoded.

    So is what a receiver may refuse or mistake: control and direction characters, and what is none (MQTT 5.0, 1.5.4).
    """
    return "".join(each if each not in MEANINGFUL and each.isprintable() else _encoded(each) for each in name)


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
