"""SIP (RFC 3261), as door phones speak it, and as GB/T 28181 has cameras speak it to a platform.

Strategy: one parser for datagrams and streams, both directions; a message is a start line, fields, and a body as long
as Content-Length says. Each combination of method, status and command is told once. Bodies of GB/T 28181 (MANSCDP
XML) name a command and a device; an answer to DeviceInfo has maker, model and firmware. Credentials are in fields
that are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, MalformedSeen, SipMessage, Want
from monitor.protocols.device_text import leaf, plain
from monitor.protocols.http_fields import MAX_READ, Fields, length_of, split, text_of
from monitor.protocols.secrets import MASK

if TYPE_CHECKING:
    from monitor.model.facts import Fact

LAYER: Final = "sip"
NO_MESSAGE: Final = "no message where one should begin, or one longer than is read"
MAX_HEADER: Final = 16_384
"""Octets of a header section, as for HTTP."""
MAX_BODY: Final = 65_536
"""Octets of a body that are held: a datagram's worth (RFC 3261, 18.1.1); longer ones end the parser."""
MAX_TOLD: Final = 64
"""Different messages of one direction that are told; a call or a registration has some ten."""
MAX_KEEPALIVE: Final = 16
"""Octets of a datagram that only keeps a way open: blank lines (RFC 5626, 3.5.1), blanks, zeros, a word."""
LONGEST_BEGINNING: Final = 64
"""Octets of a stream that are enough to tell a start line."""

# RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086.
_METHODS: Final = (
    rb"(?:INVITE|ACK|BYE|CANCEL|OPTIONS|REGISTER|PRACK|SUBSCRIBE|NOTIFY|PUBLISH|INFO|REFER|MESSAGE|UPDATE)"
)
_BEGINS: Final = re.compile(rb"SIP/2\.0 [1-6][0-9]{2}[ \r\n]|" + _METHODS + rb" (?:sips?|tel):", re.IGNORECASE)
_REQUEST: Final = re.compile(rb"(" + _METHODS + rb") ((?:sips?|tel):\S{1,1000}) SIP/2\.0\r?\n", re.IGNORECASE)
_RESPONSE: Final = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: [^\r\n]*)?\r?\n", re.IGNORECASE)
_END: Final = re.compile(rb"\r?\n\r?\n")
_SEQUENCE: Final = re.compile(rb"[0-9]{1,10}\s+([A-Za-z]{1,32})")
_PASSWORD: Final = re.compile(r"^(sips?:[^:@;?]*):[^@]*@", re.IGNORECASE)
"""RFC 3261, 19.1.1: user:password@."""
_COMPACT: Final = {b"l": b"content-length", b"c": b"content-type"}
"""RFC 3261, 7.3.3."""


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether a datagram or a stream begins so with SIP: a method and a SIP URI, or a status line."""
    return head[:1].isalpha() and _BEGINS.match(head) is not None


class Parser:
    """One direction of a flow or connection."""

    def __init__(self, *, stream: bool) -> None:
        self.want = Want.MORE
        self._stream = stream
        self._held = bytearray()
        self._awaited = 0
        """Octets that a message whose head was read has with its body."""
        self._told: set[SipMessage] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """The messages that were not told before in this direction, and what they say of the device."""
        if not self._stream:
            return self._datagram(data) if len(data) > MAX_KEEPALIVE else []
        self._held += data
        if len(self._held) < self._awaited:
            return []
        self._awaited = 0
        facts: list[Fact] = []
        try:
            while message := self._next():
                facts += self._message(*message)
        except Malformed as error:
            self.want = Want.STOP
            self._held.clear()
            if not facts:
                raise
            facts.append(MalformedSeen(error.layer, error.reason))
        return facts

    def _datagram(self, data: bytes) -> list[Fact]:
        if not sniff(data, 0, 0):
            raise Malformed(LAYER, "no start line")
        end = _END.search(data, 0, MAX_HEADER)
        head, body = (data[: end.start()], data[end.end() :]) if end else (data[:MAX_HEADER], b"")
        return self._message(head + b"\r\n", body[:MAX_BODY])

    def _next(self) -> tuple[bytes, bytes] | None:
        """Header section and body of the next message that is complete. Raises Malformed."""
        blank = len(self._held) - len(self._held.lstrip(b"\r\n"))
        del self._held[:blank]
        if not self._held:
            return None
        end = _END.search(self._held, 0, MAX_HEADER)
        if end is None:
            # Of a message that has just begun there may be less than tells it; what tells it is its first word.
            if len(self._held) >= MAX_HEADER or (len(self._held) > LONGEST_BEGINNING and not _BEGINS.match(self._held)):
                raise Malformed(LAYER, NO_MESSAGE)
            return None
        head = bytes(self._held[: end.start()]) + b"\r\n"
        length = length_of(_fields(head)) or 0
        if not sniff(head, 0, 0) or not 0 <= length <= MAX_BODY:
            raise Malformed(LAYER, NO_MESSAGE)
        if len(self._held) < end.end() + length:
            self._awaited = end.end() + length
            return None
        body = bytes(self._held[end.end() : end.end() + length])
        del self._held[: end.end() + length]
        return head, body

    def _message(self, head: bytes, body: bytes) -> list[Fact]:
        fields = _fields(head)
        request = _REQUEST.match(head)
        response = None if request else _RESPONSE.match(head)
        if request is not None:
            method, uri = request[1].decode("ascii").upper(), _uri(request[2])
        elif response is not None:
            sequence = _SEQUENCE.match(fields.get(b"cseq", [b""])[0])
            method, uri = sequence[1].decode("ascii").upper() if sequence else "UNKNOWN", None
        else:
            raise Malformed(LAYER, "no start line")
        manscdp = b"manscdp" in fields.get(b"content-type", [b""])[0].lower()
        message = SipMessage(
            method,
            int(response[1]) if response else None,
            uri,
            text_of(fields, b"user-agent") or text_of(fields, b"server"),
            leaf(body, b"CmdType") if manscdp else None,
            leaf(body, b"DeviceID") if manscdp else None,
        )
        if message in self._told or len(self._told) == MAX_TOLD:
            return []
        self._told.add(message)
        if message.command == "DeviceInfo" and b"<Response>" in body:
            return [message, _device(body)]
        return [message]


def _fields(head: bytes) -> Fields:
    fields, _ = split(head.partition(b"\n")[2])
    for short, name in _COMPACT.items():
        if short in fields:
            fields.setdefault(name, fields[short])
    return fields


def _uri(octets: bytes) -> str | None:
    uri = octets[:MAX_READ].decode("utf-8", errors="replace")
    return plain(_PASSWORD.sub(rf"\1:{MASK}@", uri))


def _device(body: bytes) -> DeviceAnnounced:
    """What an answer to DeviceInfo says (GB/T 28181-2016, A.2.6)."""
    return DeviceAnnounced(
        "gb28181",
        name=leaf(body, b"DeviceName"),
        vendor=leaf(body, b"Manufacturer"),
        model=leaf(body, b"Model"),
        firmware=leaf(body, b"Firmware"),
        message="DeviceInfo",
    )
