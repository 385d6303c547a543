"""Floods written straight into blocks, a column of bytes at a time: a million packets a second, and no file."""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING, Final

from collectors.blocks import COLUMNS, Block, Interface
from monitor.protocols.conversation import HEAD
from pcaps import messages, packets, tls
from pcaps.packets import SYN, Host, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START: Final = 1_777_881_600_000_000_000
"""Monday 4 May 2026, 08:00 UTC."""
BLOCK: Final = 4096
"""Packets of a block, as collectors.captures has it."""
CAPTURE: Final = (Interface("capture", 1),)
SOURCE: Final = 26
"""Offset of the source address in an Ethernet frame without tags (RFC 894, RFC 791); the destination follows it."""
DESTINATION: Final = 30
PORTS: Final = 34
SEQUENCE: Final = 38
SOURCE_MAC: Final = 6

ROUTER: Final = "00:00:0c:07:ac:01"
GATE: Final = Host.at("10.20.0.11", "44:19:b6:20:00:0b")
RESOLVER: Final = Host.at("10.20.0.2", "00:14:22:5a:10:02")
ELSEWHERE: Final = Host.at("198.51.100.1", ROUTER)
HELLO_NAME: Final = "aaaaaaaa.example-cloud.com"


class Mould:
    """One frame, again and again, of which some bytes differ."""

    def __init__(self, frame: bytes, count: int = BLOCK) -> None:
        self.count = count
        self._width = len(frame)
        self._memory = bytearray(frame * count)
        self._index = array("q", bytes(8 * COLUMNS * count))
        self._index[1::COLUMNS] = array("q", range(0, self._width * count, self._width))
        self._index[2::COLUMNS] = array("q", [self._width]) * count
        self._index[3::COLUMNS] = array("q", [self._width]) * count

    def fill(self, at: int, columns: Sequence[bytes]) -> None:
        """Bytes from offset ``at`` on; each column has one byte for each frame."""
        for place, column in enumerate(columns, at):
            self._memory[place :: self._width] = column

    def number(self, at: int, width: int, first: int) -> None:
        """``first``, ``first`` + 1 and so on, big-endian."""
        packed = b"".join(each.to_bytes(width, "big") for each in range(first, first + self.count))
        self.fill(at, [packed[place::width] for place in range(width)])

    def block(self, now: int, step: int) -> Block:
        """The frames, ``step`` nanoseconds apart."""
        self._index[0::COLUMNS] = array("q", [now + place * step for place in range(self.count)])
        return Block(self._memory, self._index, self.count, CAPTURE)


def one(now: int, frame: bytes) -> Block:
    """A block of one packet."""
    return Block(frame, array("q", (now, 0, len(frame), len(frame), 0)), 1, CAPTURE)


def syn(source: Host, destination: Host, sport: int = 40000, dport: int = 443, seq: int = 1) -> bytes:
    """The frame that asks for a connection."""
    return packets.frame(source, destination, packets.tcp(source, destination, Segment(sport, dport, seq, 0, SYN)))


def datagram(source: Host, destination: Host, sport: int, dport: int, payload: bytes) -> bytes:
    return packets.frame(source, destination, packets.udp(source, destination, sport, dport, payload))


def random_tuples(
    count: int, rng: Random, *, local: int, prefix: bytes, step: int, now: int = START
) -> Iterator[Block]:
    """SYN and UDP in turn, each with random addresses and ports and a random MAC of this prefix.

    The first ``local`` bytes of each source are those of 10.20.0.11.
    """
    moulds = (
        Mould(syn(GATE, ELSEWHERE)),
        Mould(datagram(GATE, ELSEWHERE, 40000, 7000, b"x" * 24)),
    )
    for number in range(0, count, BLOCK):
        mould = moulds[number // BLOCK % 2]
        mould.fill(SOURCE + local, [rng.randbytes(BLOCK) for _ in range(4 - local + 4 + 4)])
        mould.fill(SOURCE_MAC, [bytes((octet,)) * BLOCK for octet in prefix])
        mould.fill(SOURCE_MAC + 3, [rng.randbytes(BLOCK) for _ in range(3)])
        yield mould.block(now, step)
        now += mould.count * step


def destinations(count: int, *, step: int, now: int = START) -> Iterator[Block]:
    """One camera that calls ``count`` addresses."""
    mould = Mould(syn(GATE, ELSEWHERE), min(count, BLOCK))
    for first in range(0, count, BLOCK):
        mould.number(DESTINATION, 4, 0x17000000 + first * 97)
        yield mould.block(now, step)
        now += mould.count * step


def names(count: int, *, step: int, now: int = START) -> Iterator[Block]:
    """One camera that asks for ``count`` names."""
    frame = datagram(GATE, RESOLVER, 40000, 53, messages.dns_query(7, HELLO_NAME))
    yield from _spelled(frame, count, step, now)


def hellos(count: int, *, step: int, now: int = START) -> Iterator[Block]:
    """One camera that says ``count`` server names, each on a connection of its own."""
    hello = tls.first_flight(tls.client_hello(Random(1), HELLO_NAME, ("h2",)))
    segment = Segment(40000, 443, 2, 1, packets.ACK | packets.PSH, payload=hello)
    frame = packets.frame(GATE, ELSEWHERE, packets.tcp(GATE, ELSEWHERE, segment))
    yield from _spelled(frame, count, step, now, destination=True)


def beginnings(count: int, *, step: int, now: int = START) -> Iterator[Block]:
    """One camera that begins ``count`` connections with octets that no protocol begins with, and says no more."""
    segment = Segment(40000, 9999, 2, 1, packets.ACK | packets.PSH, payload=b"?" * (HEAD - 1))
    mould = Mould(packets.frame(GATE, ELSEWHERE, packets.tcp(GATE, ELSEWHERE, segment)), min(count, BLOCK))
    for first in range(0, count, BLOCK):
        mould.number(DESTINATION, 4, 0x17000000 + first * 97)
        yield mould.block(now, step)
        now += mould.count * step


def _spelled(frame: bytes, count: int, step: int, now: int, *, destination: bool = False) -> Iterator[Block]:
    """``frame`` with the first label of HELLO_NAME counted up in letters, and a port of its own."""
    at = frame.index(b"aaaaaaaa")
    mould = Mould(frame, min(count, BLOCK))
    for first in range(0, count, BLOCK):
        letters = bytes(
            97 + (number >> 4 * place & 15) for number in range(first, first + mould.count) for place in range(8)
        )
        mould.fill(at, [letters[place::8] for place in range(8)])
        mould.number(PORTS, 2, 1024 + first % 32768)
        mould.number(18, 2, first & 0x7FFF)
        if destination:
            mould.number(DESTINATION + 2, 2, first & 0x7FFF)
        yield mould.block(now, step)
        now += mould.count * step


def stations(count: int, *, step: int, now: int = START) -> Iterator[Block]:
    """``count`` MACs that each announce an address."""
    mould = Mould(packets.arp(packets.ARP_REQUEST, GATE, RESOLVER), min(count, BLOCK))
    for first in range(0, count, BLOCK):
        mould.number(SOURCE_MAC + 2, 4, first)
        mould.number(22 + 2, 4, first)  # the sender's hardware address, then its own (RFC 826)
        mould.number(28 + 1, 3, first)
        yield mould.block(now, step)
        now += mould.count * step
