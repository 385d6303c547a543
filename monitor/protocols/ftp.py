"""FTP: who serves, which files are asked for, and where they will pass (RFC 959, RFC 2428, RFC 3659).

Strategy: one parser reads either direction of a control connection; digits are a server's, letters a client's. Both
share a Session, which is what the parsers of the data connections know.
SMTP greets alike, POP3 and IRC have commands in common with it: off port 21 nothing is told until a word, a reply or a
command has passed that is FTP's alone. User names, passwords and accounts are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import FileRequest, ServiceBanner, Want
from monitor.protocols.ftp_transfer import Session, active, passive
from monitor.protocols.names import spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Fact
    from monitor.protocols.transfers import Announced

LAYER: Final = "ftp"
PORT: Final = 21
MAX_LINE: Final = 4_096
"""Octets of a command or a line of a reply: a longest path (PATH_MAX), which RFC 959 does not limit."""
MAX_REQUESTS: Final = 64
"""Files of one connection that are reported: a camera that uploads pictures names each of them anew."""
MAX_COMMANDS: Final = 1_024
MAX_UNPROVEN: Final = 8
"""Lines that may pass before one proves that this is FTP."""

_OPERATIONS: Final = {
    b"RETR": "read", b"STOR": "write", b"STOU": "write", b"APPE": "append", b"DELE": "delete",
    b"LIST": "list", b"NLST": "list", b"MLSD": "list",
}  # fmt: skip
_TYPES: Final = {b"A": "ascii", b"I": "image", b"E": "ebcdic", b"L": "local"}
"""RFC 959, 3.1.1."""
_SHARED: Final = frozenset(
    {b"USER", b"PASS", b"ACCT", b"AUTH", b"QUIT", b"NOOP", b"HELP", b"STAT", b"MODE", b"LANG", b"CLNT"} | {*_OPERATIONS}
)
"""Commands that POP3, NNTP, IRC or SMTP have as well."""
_OWN: Final = frozenset(
    (
        b"PASV", b"EPSV", b"PORT", b"EPRT", b"LPRT", b"LPSV", b"TYPE", b"STRU", b"STOR", b"STOU", b"APPE", b"ALLO",
        b"REST", b"CWD", b"XCWD", b"CDUP", b"PWD", b"XPWD", b"MKD", b"XMKD", b"RMD", b"SYST", b"FEAT", b"SITE",
        b"SMNT", b"RNFR", b"RNTO", b"ABOR", b"REIN", b"NLST", b"MLSD", b"MLST", b"SIZE", b"MDTM", b"PBSZ", b"PROT",
        b"OPTS",
    )
)  # fmt: skip
"""Commands of RFC 959, 2228, 2389, 2428 and 3659 that no other such protocol has."""
_OWN_REPLIES: Final = frozenset({b"331", b"332", b"230", b"232", b"234", b"215", b"227", b"229", b"257", b"530"})
"""Replies to the first commands of a session that are not SMTP's (RFC 959, 4.2.2; RFC 5321, 4.2.3)."""
_GREETING: Final = b"220"

_REPLY: Final = re.compile(rb"([1-6][0-9]{2})(?:[ -]([^\r]*)|\r?$)")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_TELNET: Final = bytes((0xFF, 0xF4, 0xF2))
"""Interrupt and synch, which stand before ABOR (RFC 959, 4.1.3)."""


def sniff(head: bytes, sport: int, dport: int) -> bool:
    """Whether a direction of a TCP stream begins with a server's greeting or a client's command."""
    first = head[:1]
    if first.isdigit():
        if sport == PORT:
            return len(head) >= 4 and head[:3].isdigit() and head[3:4] in {b" ", b"-"}
        return head.startswith(_GREETING) and head[3:4] in {b" ", b"-"} and b"smtp" not in head[:MAX_LINE].lower()
    if not first.isalpha():
        return False
    word = head[:5].split(maxsplit=1)[0]
    if len(word) not in {3, 4}:
        return False
    command = word.upper()
    return command in _OWN or (command in _SHARED and (dport == PORT or head[:5] != word))


def pair(sport: int, dport: int) -> tuple[Parser, Parser]:
    """Parsers of a direction and of the other one, which know of each other."""
    session = Session()
    return Parser(sport, dport, session), Parser(dport, sport, session)


class Parser:
    """One direction of a control connection. Holds one line."""

    def __init__(self, sport: int, dport: int, session: Session | None = None) -> None:
        """The ports are those of this direction; ``session`` is shared with the other one's parser."""
        self.want = Want.MORE
        self.announced: list[Announced] = []
        self._session = session
        self._proven = PORT in {sport, dport}
        self._line = bytearray()
        self._torn = False
        """The present line has lost octets and is left out."""
        self._lines = 0
        self._text: str | None = None
        """The first words of the greeting."""
        self._greets = False
        """This is a server."""
        self._named = False
        """Its banner was told."""
        self._owned = False
        """A command has passed that is FTP's alone."""
        self._mode: str | None = None
        self._seen: set[FileRequest] = set()
        self._told = False
        self._pending: list[Fact] = []

    def spool_to(self, spool: Spool) -> None:
        """Images of its data connections are to be kept there."""
        if self._session is not None:
            self._session.spool = spool

    def feed(self, data: bytes) -> list[Fact]:
        """The banner of this side, and the files that it asks for."""
        if self.want is Want.STOP:
            return []
        if self._torn:
            _, found, data = data.partition(b"\n")
            self._torn = not found
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._line += part
            line = bytes(self._line[: MAX_LINE + 1])
            self._line.clear()
            if not self._read(line):
                break
        else:
            self._line += rest[: MAX_LINE + 1]
        if len(self._line) > MAX_LINE:
            self._stop()
        if not self._proven:
            return []
        facts, self._pending = self._pending, []
        return facts

    def gap(self) -> None:
        """Octets are missing: commands begin anew behind the next line's end, a greeting does not."""
        self._torn = True
        self._line.clear()
        if self._greets or not self._lines:
            self._stop()

    def _stop(self) -> None:
        self.want = Want.STOP
        self._line.clear()

    def _read(self, line: bytes) -> bool:
        """Take a line without its end; whether there may be more."""
        self._lines += 1
        if self._lines > (MAX_COMMANDS if self._proven else MAX_UNPROVEN) or len(line) > MAX_LINE:
            self._stop()
        elif self._named:
            self._agree(line)
        elif line[:1].isdigit() or self._greets:
            self._reply(line)
        else:
            self._command(line.lstrip(_TELNET).rstrip(b"\r"))
        return self.want is Want.MORE

    def _reply(self, line: bytes) -> None:
        reply = _REPLY.match(line)
        code = reply[1] if reply is not None else None
        if not self._greets:
            self._greets = True
            if code != _GREETING:
                self._banner()
                return
        words = ((reply[2] or b"") if reply is not None else line).strip()
        if code in {_GREETING, None}:
            if self._text is None and _LETTER.search(words):
                self._text = cut(spell(words))
            self._proven = self._proven or b"ftp" in words.lower()
        if code in _OWN_REPLIES:
            self._proven = True
        elif code is not None and code != _GREETING and not self._proven:
            self._stop()  # SMTP goes on with 250
            return
        whole = code == _GREETING and line[3:4] != b"-"
        if self._proven and (self._text is not None or whole or code != _GREETING):
            self._banner()

    def _banner(self) -> None:
        self._pending.append(ServiceBanner(LAYER, "server", self._text))
        self._named = True
        if self._session is None or not self._proven:
            self._stop()

    def _agree(self, line: bytes) -> None:
        """A reply to a client that is known to speak FTP: it may say where a file will pass."""
        if line.startswith(b"234"):  # encrypted from here on (RFC 4217)
            self._stop()
        elif self._session is not None and line.startswith((b"227", b"229")):
            found = passive(line)
            if found is not None:
                self.announced.append(self._session.announced(*found))

    def _command(self, line: bytes) -> None:
        word, _, argument = line.partition(b" ")
        command, argument = word.upper(), argument.strip()
        if command in _OWN:
            self._owned = True
        elif command not in _SHARED:
            if not self._proven or not command.isalpha():  # another protocol; or encrypted from here on (RFC 4217)
                self._stop()
            return
        self._proven = self._proven or (self._owned and self._lines > 1)
        if not self._told:
            self._told = True
            self._pending.append(ServiceBanner(LAYER, "client", None))
        if command == b"TYPE":
            self._mode = _TYPES.get(argument[:1].upper())
        operation = _OPERATIONS.get(command)
        if self._session is not None:
            self._remember(command, operation, argument)
        if operation is None:
            return
        fact = FileRequest(LAYER, operation, cut(spell(argument)), self._mode)
        if fact not in self._seen:
            self._seen.add(fact)
            self._pending.append(fact)
            if len(self._seen) >= MAX_REQUESTS:
                self._stop()

    def _remember(self, command: bytes, operation: str | None, argument: bytes) -> None:
        """What the data connections are to know."""
        session = self._session
        assert session is not None  # noqa: S101  asked before
        session.mode = self._mode
        if operation is not None:
            session.name, session.operation = argument.decode("latin-1"), operation
        elif command == b"REST":
            session.offset = int(argument) if argument.isdigit() and len(argument) < 16 else 0
        elif command in {b"PORT", b"EPRT"}:
            found = active(command, argument)
            if found is not None:
                self.announced.append(session.announced(*found))
        if command in {b"PASV", b"EPSV", b"PORT", b"EPRT"}:
            session.name = session.operation = None
            session.offset = 0
