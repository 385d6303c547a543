"""XMEye, the cloud of Xiongmai's devices, over UDP.

No specification is public. Commands, sizes and ports are what independent clients of it and a dissector of a camera's
traffic agree on (KostasEreksonas/Besder-... bf343b23; libprotoident lpi_netcat_cctv_udp.cc; two clients on GitHub). A
message is a magic (LE16: 2012 rendezvous and relay, 2014 bootstrap, 2015 directory), a command (LE16) and fields of
fixed size; names are text that ends with a zero. Serials identify a device to its cloud; they are not reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import Malformed
from monitor.protocols.p2p import P2pParser

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK: Final = "xmeye"
MAX_DATAGRAMS: Final = 32
"""Datagrams of one direction that are read: bootstrap, directory, rendezvous and relay take some ten."""

_SERIAL: Final = 16
"""Hexadecimal digits of a device's serial."""
_HEXADECIMAL: Final = frozenset(b"0123456789abcdefABCDEF")
_CLIENT_NAME: Final = b"!xmnatuuid"
_SLICE: Final = b"XMIP"


def _is_serial(text: bytes) -> bool:
    return len(text) == _SERIAL and _HEXADECIMAL.issuperset(text)


def _name(datagram: bytes, at: int) -> bytes:
    return datagram[at : at + 100].partition(b"\x00")[0]


def _is_text(datagram: bytes, at: int) -> bool:
    """Whether a name stands there, and zeros behind it."""
    name, _, rest = datagram[at : at + 100].partition(b"\x00")
    return len(name) >= 8 and name.isascii() and name.decode("ascii").isprintable() and not any(rest[:8])


def _starts_with_name(datagram: bytes) -> bool:
    return _is_text(datagram, 4)


def _says_sender(datagram: bytes) -> bool:
    """A number of the session, then the sender's name."""
    return _is_text(datagram, 8)


def _says_address(datagram: bytes) -> bool:
    """An IPv4 address as text."""
    parts = datagram[4:20].partition(b"\x00")[0].split(b".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 for part in parts)


def _is_found(datagram: bytes) -> bool:
    """Whether there is such a device, then its serial."""
    return datagram[4:8] in {b"\x00" * 4, b"\x01\x00\x00\x00"} and _is_text(datagram, 8)


def _is_plain(datagram: bytes) -> bool:
    return datagram[4:].rstrip(b"\x00").isalnum()


def _carries_slice(datagram: bytes) -> bool:
    return int.from_bytes(datagram[6:8], "little") == len(datagram) - 12 and datagram[12:16] == _SLICE


class _Command(NamedTuple):
    message: str
    role: str
    sizes: range
    shape: Callable[[bytes], bool] | None = None
    """What a body must look like, besides its size."""


_MAX: Final = 1_500
"""Octets of the largest: a datagram that is not fragmented."""
_COMMANDS: Final = {
    (0x2014, 1524): _Command("BOOTSTRAP", "unknown", range(104, _MAX), _starts_with_name),
    (0x2014, 1525): _Command("BOOTSTRAP_ANSWER", "server", range(32, _MAX), _says_address),
    (0x2015, 0xB000): _Command("LOOKUP", "client", range(12, 105), _is_plain),
    (0x2015, 0xB001): _Command("LOOKUP_ANSWER", "server", range(140, _MAX), _is_found),
    (0x2012, 1000): _Command("PUBLIC_ADDRESS_QUERY", "unknown", range(4, 5)),
    (0x2012, 1001): _Command("PUBLIC_ADDRESS", "server", range(22, _MAX), _says_address),
    (0x2012, 1002): _Command("REGISTER", "device", range(104, _MAX), _starts_with_name),
    (0x2012, 1004): _Command("RENDEZVOUS", "unknown", range(360, 365), _says_sender),
    (0x2012, 1008): _Command("KEEPALIVE", "device", range(104, _MAX), _starts_with_name),
    (0x2012, 2000): _Command("SYNC", "unknown", range(112, 185), _says_sender),
    (0x2012, 2001): _Command("SYNC_ACK", "unknown", range(112, 185), _says_sender),
    (0x2012, 2003): _Command("DATA", "unknown", range(24, _MAX), _carries_slice),
    (0x2012, 2004): _Command("CLOSE", "unknown", range(4, 5)),
    (0x2012, 3001): _Command("RELAY_JOIN", "client", range(212, 213), _starts_with_name),
}


def _command(datagram: bytes) -> _Command | None:
    if len(datagram) < 4 or datagram[1] != 0x20:
        return None
    key = int.from_bytes(datagram[:2], "little"), int.from_bytes(datagram[2:4], "little")
    command = _COMMANDS.get(key)
    if command is None or len(datagram) not in command.sizes:
        return None
    return command if command.shape is None or command.shape(datagram) else None


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram is XMEye's: magic, a known command, its size and its shape."""
    return _command(head) is not None


class Parser(P2pParser):
    """One direction of a flow."""

    network = NETWORK
    most = MAX_DATAGRAMS

    def read(self, datagram: bytes) -> tuple[str, str] | None:
        """The command; None if it is an unknown one."""
        command = _command(datagram)
        if command is not None:
            return command.message, _role(datagram, command)
        if datagram[1:2] != b"\x20":
            raise Malformed(NETWORK, "no magic")
        return None


def _role(datagram: bytes, command: _Command) -> str:
    """Who sends it; where both may, the name in it says so."""
    if command.shape is _says_sender:
        name = _name(datagram, 8)
        if name.startswith(_CLIENT_NAME):
            return "client"
        if _is_serial(name):
            return "device"
    return command.role
