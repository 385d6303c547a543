"""Damaged packets: byte errors, header fields, truncation, splices and insertions, on every link type."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from monitor.wire import layout as at
from tests.fuzz import seeds

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTE_ERRORS: Final = 0.02
"""As editcap -E does it."""
LINKS: Final = {
    at.LINK_ETHERNET: 14, at.LINK_SLL: 16, at.LINK_SLL2: 20, at.LINK_NULL: 4, at.LINK_LOOP: 4, at.LINK_RAW: 0,
    at.LINK_RAW_BSD: 0, at.LINK_RAW_OPENBSD: 0, at.LINK_IPV4: 0, at.LINK_IPV6: 0,
}  # fmt: skip
"""Link types and the length of their headers."""
TELLING: Final = (0, 1, 2, 4, 5, 6, 7, 8, 9, 16, 20, 22, 24, 26, 32, 33, 40, 41, 42, 43, 44, 45, 46, 47, 48)
"""Offsets from the network header of lengths, offsets, protocols, ports, flags and first payload bytes."""
EDGES: Final = (0, 1, 4, 5, 6, 7, 8, 15, 17, 43, 44, 51, 58, 59, 60, 63, 64, 127, 128, 192, 254, 255)


def on_link(link: int, frame: bytes, network: int) -> tuple[bytes, int]:
    """The frame behind the header of another link type, and where its network header is now."""
    header, kind = LINKS[link], frame[network - 2 : network]
    if link == at.LINK_ETHERNET:
        return frame, network
    head = bytearray(header)
    if link == at.LINK_SLL:
        head[4:6], head[6:12], head[14:16] = b"\x00\x06", frame[6:12], kind
    elif link == at.LINK_SLL2:
        head[0:2], head[11], head[12:18] = kind, 6, frame[6:12]
    elif header:
        head[0 if link == at.LINK_NULL else 3] = 30 if kind == b"\x86\xdd" else 2
    return bytes(head) + frame[network:], header


def mutants(random: Random, count: int) -> Iterator[tuple[bytes, int, int]]:
    """(frame, link type, length on the wire); of two one is on Ethernet, where most of the seeds' protocols live."""
    originals = seeds.frames()
    links = list(LINKS)
    for number in range(count):
        frame, network = random.choice(originals)
        link = links[number % len(links)] if number & 1 else at.LINK_ETHERNET
        frame, network = on_link(link, frame, network)
        data = bytearray(frame)
        act = random.randrange(6)
        if act in (0, 5):
            for _ in range(int(len(data) * BYTE_ERRORS) + 1):
                data[random.randrange(len(data))] = random.randrange(256)
        if act in (1, 5):
            for _ in range(random.randrange(1, 4)):
                place = network + random.choice(TELLING)
                if place < len(data):
                    data[place] = random.choice(EDGES)
        if act == 2:
            other, start = random.choice(originals)
            data[random.randrange(len(data)) :] = other[random.randrange(start, len(other)) :]
        wire = len(data)
        if act in (3, 5):
            del data[random.randrange(len(data) + 1) :]
            wire = random.choice((wire, len(data)))
        if act == 4:
            start = random.randrange(len(data))
            data[start:start] = random.randbytes(random.randrange(40))
            wire = len(data)
        yield bytes(data), link, wire


def cuts(longest: int) -> Iterator[tuple[bytes, int, int]]:
    """Every distinct frame up to ``longest`` bytes, cut at each of its lengths, as captured and as sent."""
    links = list(LINKS)
    for number, (frame, network) in enumerate(seeds.frames()):
        if len(frame) > longest:
            continue
        moved, _ = on_link(links[number % len(links)], frame, network)
        for length in range(len(moved)):
            yield moved[:length], links[number % len(links)], (length, len(moved))[length & 1]
