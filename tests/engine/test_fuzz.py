"""Damaged packets through the whole engine: none raises, none holds it up, each is counted.

Threat model C1 and C2. CAMWARDEN_MUTANTS says how many (``make soak``: ten million).
"""

from __future__ import annotations

import gc
import ipaddress
import os
import resource
import time
from array import array
from random import Random
from typing import TYPE_CHECKING, Final

from collectors.blocks import Block, Interface
from collectors.captures import Captures
from monitor.wire import layout as at
from pcaps import scenarios
from pcaps.wire import MS, SECOND, START
from tests.engine.played import configured, engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge

MUTANTS: Final = int(os.environ.get("CAMWARDEN_MUTANTS", "100000"))
SLOWEST: Final = 0.050
"""Seconds of processor time for one packet, with all ticks that come before it (threat model C2)."""
DRIFT: Final = 64 * 1024
"""KiB that the process may grow after the first fifth: what memories of text and verdicts take until they are full."""
BYTE_ERRORS: Final = 0.02
CAMERAS: Final = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]
"""Every host of the scenarios' sites is one."""
LINKS: Final = {
    at.LINK_ETHERNET: 14, at.LINK_SLL: 16, at.LINK_SLL2: 20, at.LINK_NULL: 4, at.LINK_LOOP: 4, at.LINK_RAW: 0,
    at.LINK_RAW_BSD: 0, at.LINK_RAW_OPENBSD: 0, at.LINK_IPV4: 0, at.LINK_IPV6: 0,
}  # fmt: skip
"""Link types and the length of their headers."""
TELLING: Final = (0, 1, 2, 4, 5, 6, 7, 8, 9, 16, 20, 22, 24, 26, 32, 33, 40, 41, 42, 43, 44, 45, 46, 47, 48)
"""Offsets from the network header of lengths, offsets, protocols, ports, flags and first payload bytes."""
EDGES: Final = (0, 1, 4, 5, 6, 7, 8, 15, 17, 43, 44, 51, 58, 59, 60, 63, 64, 127, 128, 192, 254, 255)


def seeds() -> list[tuple[bytes, int]]:
    """Distinct frames of the scenarios, the first of each length and beginning, and where their network header is."""
    chosen: dict[tuple[int, bytes], bytes] = {}
    for name in scenarios.NAMES:
        for block in Captures([scenarios.load(name).capture]).blocks():
            memory = bytes(block.memory)
            for row in range(block.count):
                offset, length = block.index[5 * row + 1], block.index[5 * row + 2]
                frame = memory[offset : offset + length]
                chosen.setdefault((length, frame[12:14] + frame[23:24] + frame[34:38]), frame)
    return [(frame, 18 if frame[12:14] == b"\x81\x00" else 14) for frame in chosen.values()]


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
    """(frame, link type, length on the wire): byte errors, header fields, truncation and splices."""
    originals = seeds()
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


class Collector:
    """Processor time that Python's own collector takes: a pause of the process, no packet's doing."""

    def __init__(self) -> None:
        self.spent = 0.0
        self._since = 0.0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._since = time.thread_time()
        else:
            self.spent += time.thread_time() - self._since


def test_damaged_packets(known: Knowledge) -> None:
    """No exception, no fault of a parser, no packet slower than 50 ms, every packet counted, no memory that grows."""
    random = Random(0xC0FFEE)
    known.operators.prepare()
    config = configured(
        site={"home": ["GB"], "camera_networks": [str(network) for network in CAMERAS]},
        limits={"flows": 4096, "contacts": 2048, "devices": 512},
    )
    heard = told = early = 0

    def observer(*_: object) -> None:
        nonlocal heard
        heard += 1

    played = engine(known, config, cameras=CAMERAS, observer=observer)
    played.engine.book._max_open = 1024
    now, slowest, collector = START, (0.0, b""), Collector()
    interfaces = {link: (Interface("capture", link),) for link in LINKS}
    gc.callbacks.append(collector)
    try:
        for number, (frame, link, wire) in enumerate(mutants(random, MUTANTS)):
            now += random.randrange(20 * MS) if number % 1000 else 40 * SECOND
            block = Block(frame, array("q", (now, 0, len(frame), wire, 0)), 1, interfaces[link])
            before = time.thread_time() - collector.spent
            told += len(played.engine.feed(block))
            took = time.thread_time() - collector.spent - before
            if took > slowest[0]:
                slowest = (took, frame)
            if number == MUTANTS // 5:
                early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    finally:
        gc.callbacks.remove(collector)
    played.finish()
    scanner, counts = played.engine.scanner, played.engine.counts
    assert counts.faults == 0
    assert scanner.packets == MUTANTS
    assert slowest[0] < SLOWEST, (slowest[0], slowest[1].hex())
    assert sum(scanner.malformed()) > MUTANTS // 100
    assert heard > MUTANTS // 10
    assert told > 100
    assert scanner.table.created == scanner.table.released
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early < DRIFT
