"""Dahua's peer-to-peer network (easy4ip, and the clouds of those who sell its devices).

No specification is public; names and shapes are those of khoanguyen-3fc/dh-p2p (MIT). Three languages share a UDP
port: HTTP-like requests (``DHGET``, ``DHPOST``) and answers to rendezvous servers, STUN with every octet inverted to
open the way, and PTCP, which carries TCP. Only first lines are read: the WSSE header holds credentials, paths hold
serials and tokens.
"""

from __future__ import annotations

import re
from typing import Final

from monitor.model.facts import Malformed
from monitor.protocols.p2p import P2pParser

NETWORK: Final = "dahua"
MAX_DATAGRAMS: Final = 64
"""Datagrams of one direction that are read: the rendezvous takes ten, all from one port (dh-p2p, README)."""
MAX_LINE: Final = 512

_CLIENT: Final = "client"
_SERVER: Final = "server"
_UNKNOWN: Final = "unknown"

_REQUEST: Final = re.compile(rb"(?:DH)?(?:GET|POST) (/[!-~]{1,400}) HTTP/1\.[01]\r\n")
_PATHS: Final = (
    (re.compile(rb"/probe/p2psrv$"), "PROBE_SERVER", _UNKNOWN),
    (re.compile(rb"/online/p2psrv/[^/]+$"), "FIND_SERVER", _CLIENT),
    (re.compile(rb"/probe/device/[^/]+$"), "PROBE_DEVICE", _CLIENT),
    (re.compile(rb"/info/device/[^/]+$"), "DEVICE_INFO", _CLIENT),
    (re.compile(rb"/online/relay$"), "FIND_RELAY", _UNKNOWN),
    (re.compile(rb"/device/[^/]+/p2p-channel$"), "OPEN_CHANNEL", _UNKNOWN),
    (re.compile(rb"/device/[^/]+/relay-channel$"), "OPEN_RELAY_CHANNEL", _UNKNOWN),
    (re.compile(rb"/relay/agent$"), "FIND_AGENT", _UNKNOWN),
    (re.compile(rb"/relay/start/[^/]+$"), "START_RELAY", _UNKNOWN),
)
_ANSWER: Final = b"HTTP/1.1 "
_SEQUENCE: Final = b"\r\nCSeq:"
"""Which HTTP over UDP otherwise does not have: SSDP (UPnP Device Architecture 2.0, 1.3)."""

_PTCP: Final = b"PTCP"
_PTCP_HEADER: Final = 24
_PTCP_SYN: Final = b"\x00\x03\x01\x00"
_PTCP_TYPES: Final = {
    0x10: "PTCP_DATA", 0x11: "PTCP_BIND", 0x12: "PTCP_STATUS", 0x13: "PTCP_HEARTBEAT", 0x17: "PTCP_17",
    0x18: "PTCP_18", 0x19: "PTCP_AUTH", 0x1A: "PTCP_AUTH_ANSWER", 0x1B: "PTCP_AUTH_ACK",
}  # fmt: skip

_STUN: Final = {b"\xff\xfe": "STUN_REQUEST", b"\xfe\xfe": "STUN_ANSWER"}
"""Binding request 0001 and success response 0101 (RFC 8489, 5), inverted."""
_STUN_HEADER: Final = 20
_STUN_ATTRIBUTES: Final = frozenset({b"\x7f\xd5\xff\xf7", b"\x7f\xd6\xff\xf7"})
"""Types 802A and 8029, eight octets long (ICE-CONTROLLING and ICE-CONTROLLED, RFC 8445, 16.1), inverted."""


def _request(datagram: bytes) -> tuple[str, str] | None:
    line = _REQUEST.match(datagram, 0, MAX_LINE)
    if line is None:
        return None
    for path, message, role in _PATHS:
        if path.match(line[1]):
            return message, role
    return ("REQUEST", _UNKNOWN) if datagram.startswith(b"DH") else None


def _ptcp(datagram: bytes) -> str | None:
    body = datagram[_PTCP_HEADER : _PTCP_HEADER + 12]
    if len(datagram) < _PTCP_HEADER:
        return None
    if not body:
        return "PTCP_ACK"
    if body == _PTCP_SYN:
        return "PTCP_SYN"
    fits = len(body) == 12 and int.from_bytes(body[2:4], "big") == len(datagram) - _PTCP_HEADER - 12
    return _PTCP_TYPES.get(body[0]) if fits and not any(body[8:12]) else None


def _stun(datagram: bytes) -> str | None:
    message = _STUN.get(datagram[:2])
    if message is None or len(datagram) < _STUN_HEADER + 12:
        return None
    length = 0xFFFF - int.from_bytes(datagram[2:4], "big")
    attribute = datagram[_STUN_HEADER : _STUN_HEADER + 4]
    return message if length == len(datagram) - _STUN_HEADER and attribute in _STUN_ATTRIBUTES else None


def _message(datagram: bytes) -> tuple[str, str] | None:
    """Name and sender of a message of this network; None if it is none."""
    first = datagram[:1]
    if first == b"P" and datagram.startswith(_PTCP):
        ptcp = _ptcp(datagram)
        return (ptcp, _UNKNOWN) if ptcp is not None else None
    if first in {b"\xff", b"\xfe"}:
        stun = _stun(datagram)
        return (stun, _UNKNOWN) if stun is not None else None
    if first in {b"D", b"G", b"P"}:
        return _request(datagram)
    if first == b"H" and datagram.startswith(_ANSWER) and _SEQUENCE in datagram[:MAX_LINE]:
        return "ANSWER", _SERVER
    return None


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is one of the network's three languages; a PTCP header alone is not enough to tell."""
    found = _message(head)
    return found is not None and found[0] != "PTCP_ACK"


class Parser(P2pParser):
    """One direction of a flow."""

    network = NETWORK
    most = MAX_DATAGRAMS

    def read(self, datagram: bytes) -> tuple[str, str] | None:
        """The message; None for real STUN and what it opens the way for, which share the port."""
        found = _message(datagram)
        if found is None and datagram.startswith((_PTCP, b"DH")):
            raise Malformed(NETWORK, "no request, and no PTCP message of a known type and length")
        return found
