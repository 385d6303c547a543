"""Back doors: streams whose first word opens a device to whoever knows it.

``{D79E94C5-70F0-46BD-965B-E17497CCB598}`` on TCP 4567 is what two programs inside TVT's recorders say to each other; on
the network nobody has a reason to (bashis, TVT and OEM, 2018-04-09). ``OpenTelnet:OpenOnce``, behind an octet with its
length, on TCP 9530 asks Xiongmai's firmware for a root shell (public texts 36028535013 and 42018805408 on GitHub).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.facts import ExploitAttempt, Want

if TYPE_CHECKING:
    from monitor.model.facts import Fact

SHORTEST: Final = 8
"""Octets of a word that tell it from others' greetings."""


class Door(Struct, frozen=True):
    key: str
    """Of the catalogue's vulnerability row."""
    word: bytes
    port: int
    """Of the device, which may say the word back."""


DOORS: Final = (
    Door("tvt-nvms9000", b"{D79E94C5-70F0-46BD-965B-E17497CCB598}", 4567),
    Door("xm-opentelnet", b"\x13OpenTelnet:OpenOnce", 9530),
    Door("xm-opentelnet", b"OpenTelnet:OpenOnce", 9530),
)


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a stream begins with such a word, or with enough of one."""
    return any(head.startswith(door.word[: max(SHORTEST, min(len(head), len(door.word)))]) for door in DOORS)


class Parser:
    """One direction of a connection."""

    def __init__(self, sport: int = 0, dport: int = 0) -> None:  # noqa: ARG002  as all rows are made
        self.want = Want.MORE
        self._sport = sport
        self._held = b""

    def feed(self, data: bytes) -> list[Fact]:
        """The attempt, once its word is complete; nothing of a device that says it back."""
        self._held += data[: max(len(door.word) for door in DOORS)]
        for door in DOORS:
            if self._held.startswith(door.word):
                self.want = Want.STOP
                return [] if self._sport == door.port else [ExploitAttempt(door.key, None)]
        if not any(door.word.startswith(self._held) for door in DOORS):
            self.want = Want.STOP
        return []
