"""Telnet: that it is spoken, by which side, and how a server greets before it asks who is there (RFC 854, RFC 855).

Strategy: options are negotiated at the start, and that is what telnet is known by; a well-known port makes do with a
prompt. A server's text ends with its first prompt, for what follows may echo what is typed. A client's is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import ServiceBanner, Want
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "telnet"
PORTS: Final = frozenset({23, 2323})
"""IANA's, and the one that cameras' own daemons use beside it."""
MAX_TEXT: Final = 2_048
"""Octets in which a prompt must come: a screen of 24 lines of 80."""
MAX_OPTIONS: Final = 4_096
"""Octets of negotiation that are read."""
MAX_UNKNOWN: Final = 64
"""Octets of text that may pass while nothing says which side speaks."""

_IAC: Final = 255
_SE: Final = 240
_SB: Final = 250
_WILL: Final = 251
_DO: Final = 253
_COMMANDS: Final = range(_WILL, 255)
"""WILL, WONT, DO and DONT, each followed by an option."""
_OPTIONS: Final = frozenset({*range(50), 138, 139, 140, 255})
"""IANA, Telnet Options."""

_SERVER_SAYS: Final = {(_WILL, 1), *((_DO, option) for option in (24, 31, 32, 33, 34, 35, 39))}
"""A server echoes (RFC 857) and asks for the terminal's type, size, speed, flow control, mode, display, environment."""
_CLIENT_SAYS: Final = {(_WILL, option) for option in (24, 31, 32, 33, 34, 35, 39)}

_PROMPT: Final = re.compile(
    rb"(?:login|name|user|account|passw(?:or)?d|passcode|code|pin) ?:|: |[#$>%?]", re.IGNORECASE
)
_ASKS: Final = re.compile(rb"(?:login|username|user|password) ?:", re.IGNORECASE)
_ESCAPE: Final = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[^\[])")
"""Control sequences of terminals (ECMA-48, 5.4)."""
_TEXT: Final = frozenset({0, 7, 8, 9, 10, 12, 13, 27, *range(0x20, 0x7F)})


def _commands(head: bytes) -> tuple[int, int]:
    """How many negotiations ``head`` begins with, and where they end; -1 for what is none."""
    at = count = 0
    while at < len(head) and head[at] == _IAC:
        if at + 2 >= len(head):
            cut_short = at + 1 == len(head) or head[at + 1] in _COMMANDS or head[at + 1] == _SB
            return (count, len(head)) if cut_short else (-1, at)
        command, option = head[at + 1], head[at + 2]
        if option not in _OPTIONS:
            return -1, at
        if command == _SB:
            end = head.find(bytes((_IAC, _SE)), at + 3)
            if end < 0:
                return count, len(head)
            at = end + 2
        elif command in _COMMANDS:
            at += 3
        else:
            return -1, at
        count += 1
    return count, at


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether a direction of a TCP stream begins with negotiations; from a telnet port, text will do."""
    if head[:1] == b"\xff":
        count, end = _commands(head[:MAX_TEXT])
        if sport in PORTS or dport in PORTS:
            return count >= 0
        rest = head[end : end + 64]
        return count > 0 and (end == len(head) or (count > 1 and _IAC not in rest and _TEXT.issuperset(rest)))
    return sport in PORTS and bool(head) and _TEXT.issuperset(head[:64])


class Parser:
    """One direction of a TCP connection. A server is told at once, and again with its text."""

    def __init__(self, sport: int, dport: int) -> None:
        """The ports are those of this direction."""
        self.want = Want.MORE
        self._role = "server" if sport in PORTS else "client" if dport in PORTS else None
        self._told = False
        self._negotiates = False
        """Options came first, so this is the session's start."""
        self._command = bytearray()
        """A command that is not whole yet."""
        self._text = bytearray()
        self._octets = 0

    def feed(self, data: bytes) -> list[Fact]:
        """The banner of this side."""
        facts: list[Fact] = []
        if self.want is Want.STOP or not data:
            return facts
        if not self._octets:
            self._negotiates = data[0] == _IAC
            if not self._negotiates and not _ASKS.search(data):
                return self._end(facts)  # nobody knows how far the session is
        data = data[: MAX_OPTIONS - self._octets]
        self._octets += len(data)
        for octet in data:
            if self._command or octet == _IAC:
                self._negotiate(octet)
            else:
                self._text.append(octet)
                if self._role is None and len(self._text) >= MAX_UNKNOWN:
                    return self._end(facts)
        if self._role == "client":
            return self._end(facts)
        if self._role == "server":
            self._tell(facts)
            text = _ESCAPE.sub(b"", bytes(self._text[:MAX_TEXT]))
            prompt = (_PROMPT if self._negotiates else _ASKS).search(text)
            if prompt is not None:
                words = b" ".join(text[: prompt.end()].translate(None, b"\0\x07\x08").split())
                facts.append(ServiceBanner(LAYER, "server", cut(spell(words))))
                return self._end(facts)
        return self._end(facts) if len(self._text) >= MAX_TEXT or self._octets >= MAX_OPTIONS else facts

    def _tell(self, facts: list[Fact]) -> None:
        if not self._told:
            self._told = True
            facts.append(ServiceBanner(LAYER, self._role or "unknown", None))

    def _end(self, facts: list[Fact]) -> list[Fact]:
        self.want = Want.STOP
        self._tell(facts)
        self._text.clear()
        self._command.clear()
        return facts

    def _negotiate(self, octet: int) -> None:
        """Take one octet of a command (RFC 854), and what it says of who speaks."""
        command = self._command
        if len(command) < MAX_OPTIONS:
            command.append(octet)
        if len(command) < 2:
            return
        if command[1] == _SB:
            if command[-2:] == bytes((_IAC, _SE)):
                command.clear()
            return
        if command[1] in _COMMANDS:
            if len(command) < 3:
                return
            said = command[1], command[2]
            if self._role is None:
                self._role = "server" if said in _SERVER_SAYS else "client" if said in _CLIENT_SAYS else None
        command.clear()
