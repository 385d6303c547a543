"""SSH: the identification string of either side (RFC 4253, 4.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed, MalformedSeen, ServiceBanner, Want
from monitor.protocols import sides
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "ssh"
PORTS: Final = frozenset({22})
MAX_LINE: Final = 255
"""Octets of the string, CR and LF included (RFC 4253, 4.2)."""

_MAGIC: Final = b"SSH-"
_IDENTIFICATION: Final = re.compile(rb"SSH-[0-9]{1,2}\.[0-9]{1,2}-([\x20-\xff]*)")
_MAY_START: Final = re.compile(rb"SSH-(?:[0-9]{1,2}(?:\.(?:[0-9]{1,2}(?:-|$)|$)|$)|$)")


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a direction of a TCP stream begins with an identification string, as far as it goes."""
    return head.startswith(_MAGIC) and _MAY_START.match(head) is not None


class Parser:
    """One direction of a TCP connection: one banner, then no more."""

    def __init__(self, sport: int, dport: int) -> None:
        self.want = Want.MORE
        self._role = sides.role(sport, dport, PORTS)
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Fact]:
        """The software and its comment, once their line is whole."""
        if self.want is Want.STOP:
            return []
        self._held += data[: MAX_LINE + 1]
        line, ended, _ = bytes(self._held[:MAX_LINE]).partition(b"\n")
        if not ended and len(self._held) < MAX_LINE:
            return []
        self.want = Want.STOP
        self._held.clear()
        line = line.rstrip(b"\r")
        found = _IDENTIFICATION.match(line)
        if found is None:
            raise Malformed(LAYER, "no identification string")
        facts: list[Fact] = [ServiceBanner(LAYER, self._role, cut(spell(found[1].rstrip())) or None)]
        if not ended or found.end() < len(line):
            facts.append(MalformedSeen(LAYER, "identification string does not end"))
        return facts
