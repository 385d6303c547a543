"""DUML, the language of DJI's drones, controllers and apps, over UDP.

A frame is ``55``, its length and version (10 and 6 bits, little-endian), a CRC-8 of these three octets, sender and
receiver (5 bits of kind, 3 of number), sequence, flags, command set, command, body, a CRC-16 of it all
(o-gs/dji-firmware-tools comm_mkdupc.py, comm_dissector; facts only). It is a link between aircraft and app, no cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import DeviceAnnounced, Malformed, ServiceBanner, Want

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.facts import Fact

PROTOCOL: Final = "duml"
MAX_DATAGRAMS: Final = 256
"""Datagrams of one direction that are read: an app asks for versions soon after it has connected."""

_MAGIC: Final = 0x55
_VERSION: Final = 1
_SHORTEST: Final = 13
"""Octets of a frame without a body."""
_APPS: Final = frozenset({2, 10})
"""Kinds of sender that are programs: an app, a PC."""
_RESPONSE: Final = 0x80
_ENCRYPTED: Final = 0x07
_VERSION_QUERY: Final = (0, 1)
"""Command set and command."""
_VERSION_BODY: Final = 26
"""Two octets, the hardware's name (16), versions of loader and program (4 octets each, little-endian)."""


def _table(polynomial: int) -> tuple[int, ...]:
    """Remainders of a reflected CRC, octet by octet."""

    def remainder(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        return value

    return tuple(remainder(octet) for octet in range(256))


_CRC8: Final = _table(0x8C)
_CRC16: Final = _table(0x8408)
_SEED8: Final = 0x77
_SEED16: Final = 0x3692
"""Of the Phantom 3 and later."""


def _crc(table: tuple[int, ...], seed: int, octets: Iterable[int]) -> int:
    for octet in octets:
        seed = seed >> 8 ^ table[(seed ^ octet) & 0xFF]
    return seed


def _length(datagram: bytes) -> int:
    """Octets of the frame with which a datagram begins; 0 if it begins with none."""
    if len(datagram) < _SHORTEST or datagram[0] != _MAGIC:
        return 0
    word = int.from_bytes(datagram[1:3], "little")
    length = word & 0x3FF
    if word >> 10 != _VERSION or not _SHORTEST <= length <= len(datagram):
        return 0
    return length if _crc(_CRC8, _SEED8, datagram[:3]) == datagram[3] else 0


def sniff(head: bytes, sport: int, dport: int) -> bool:  # noqa: ARG001  content alone decides
    """Whether this datagram begins with a frame: magic, version, length and both checksums."""
    length = _length(head)
    return bool(length) and _crc(_CRC16, _SEED16, head[: length - 2]) == int.from_bytes(
        head[length - 2 : length], "little"
    )


class Parser:
    """One direction of a flow."""

    def __init__(self) -> None:
        self.want = Want.MORE
        self._datagrams = 0
        self._told: set[Fact] = set()

    def feed(self, data: bytes) -> list[Fact]:
        """Who speaks, once, and the versions that parts of an aircraft say they have."""
        self._datagrams += 1
        if self._datagrams >= MAX_DATAGRAMS:
            self.want = Want.STOP
        if not sniff(data, 0, 0):
            raise Malformed(PROTOCOL, "magic, version, length or a checksum is wrong")
        length = _length(data)
        role = "client" if data[4] & 0x1F in _APPS else "server"
        facts: list[Fact] = [ServiceBanner(PROTOCOL, role, None)] if self._datagrams == 1 else []
        version = _version(data[:length])
        if version is not None and version not in self._told:
            self._told.add(version)
            facts.append(version)
        return facts


def _version(frame: bytes) -> DeviceAnnounced | None:
    body = frame[11:-2]
    clear_answer = frame[8] & _RESPONSE and not frame[8] & _ENCRYPTED
    if not clear_answer or (frame[9], frame[10]) != _VERSION_QUERY or len(body) < _VERSION_BODY:
        return None
    hardware = body[2:18].partition(b"\x00")[0]
    firmware = ".".join(f"{octet:02d}" for octet in reversed(body[22:26]))
    name = hardware.decode("ascii", errors="replace")
    return DeviceAnnounced(
        PROTOCOL, model=name if name.isprintable() and name else None, firmware=firmware, message="version"
    )
