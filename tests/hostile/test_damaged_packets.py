"""Damaged packets through the whole engine: none raises, none holds it up, each is counted in one place.

Threat model C1 and C2, test T7. CAMWARDEN_MUTANTS says how many (``make soak``: ten million).
"""

from __future__ import annotations

import ipaddress
import os
from array import array
from collections import Counter
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from collectors.blocks import Block, Interface
from monitor.model.facts import FlowEnd
from monitor.wire import layout as at
from monitor.wire.flows import FlowTable
from monitor.wire.scan import Scanner
from pcaps.wire import MS, SECOND, START
from tests.engine.played import configured, engine
from tests.hostile.measure import MIB, Stopwatch, resident
from tests.hostile.mutants import LINKS, cuts, mutants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.app import Knowledge
    from monitor.model.facts import Observation

MUTANTS: Final = int(os.environ.get("CAMWARDEN_MUTANTS", "100000"))
LONGEST_CUT: Final = 1600 if MUTANTS > 100_000 else 64
"""Frames up to this length are cut at each byte: all of them in the long run."""
SLOWEST_NS: Final = 50 * MS
"""Of one packet, with all ticks that come before it."""
USUAL_NS: Final = 5 * MS
USUAL: Final = 0.9999
DRIFT: Final = 64 * MIB
"""What the process may grow by after the first fifth: memories of text and verdicts, until they are full."""
UNSUPPORTED: Final = 127
"""LINKTYPE_IEEE802_11_RADIOTAP: framed by collectors, read by nobody."""
FLOWS: Final = 4096
COUNTERS: Final = ("malformed", "unsupported", "copy")
CAMERAS: Final = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")]
"""Every host of the scenarios' sites is one."""


class Beside:
    """A scanner of its own that says where each packet belongs, whatever the engine makes of it."""

    def __init__(self, seed: bytes, flows: int) -> None:
        self.scanner = Scanner(FlowTable(flows, seed, source_cap=flows // 4))
        self.scanner.due = 2**62
        self.classes: Counter[str] = Counter()

    def see(self, block: Block) -> None:
        """Count the only packet of a block in one class."""
        scanner, events = self.scanner, 0
        before = self._counted()
        scanner.begin(block.memory, block.index, 1, array("q", [block.interfaces[0].link_type]))
        while event := scanner.scan():
            if event & at.EVICT:
                scanner.table.evict(scanner.slot)
            elif event & at.REUSE:
                scanner.table.release(scanner.slot)
            else:
                events |= event
        counted = [name for name, was, now in zip(COUNTERS, before, self._counted(), strict=True) if was != now]
        told = [name for bit, name in ((at.NEIGHBOUR, "neighbour"), (at.FRAGMENT, "fragment")) if events & bit]
        assert len(counted) + len(told) <= 1, (counted, told)
        self.classes[(counted + told or ["flow"])[0]] += 1

    def _counted(self) -> tuple[int, int, int]:
        scanner = self.scanner
        return sum(scanner.malformed()), scanner.others, scanner.duplicates


class Ledger:
    """Where each packet went, counted beside the engine's own counters."""

    def __init__(self, known: Knowledge) -> None:
        known.operators.prepare()
        config = configured(
            site={"home": ["GB"], "camera_networks": [str(network) for network in CAMERAS]},
            limits={"flows": FLOWS, "contacts": 2048, "devices": 512},
        )
        self.played = engine(known, config, seed=bytes(16), cameras=CAMERAS, observer=self._observe)
        self.engine = self.played.engine
        self.engine.book._max_open = 1024
        self.beside = Beside(bytes(16), FLOWS)
        self.heard = self.told = self.flows = 0

    def _observe(self, observation: Observation, _: object) -> None:
        self.heard += 1
        if isinstance(observation.fact, FlowEnd):
            self.flows += observation.fact.packets_out + observation.fact.packets_in

    def feed(self, packets: Iterable[tuple[bytes, int, int]], watch: Stopwatch, random: Random) -> int:
        """Each packet in a block of its own; how many there were."""
        interfaces = {link: (Interface("capture", link),) for link in (*LINKS, UNSUPPORTED)}
        now, number = max(START, self.engine.now_ns), 0
        for number, (frame, link, wire) in enumerate(packets, 1):
            now += random.randrange(20 * MS) if number % 1000 else 40 * SECOND
            seen_on = interfaces[link if number % 500 else UNSUPPORTED]
            block = Block(frame, array("q", (now, 0, len(frame), wire, 0)), 1, seen_on)
            if number % 1000 == 0:  # forty seconds pass: what they bring is the clock's doing, not the packet's
                watch.step(b"time", partial(self._pass, now), usual=False)
            watch.step(frame, partial(self._take, block))
            self.beside.see(block)
        return number

    def _take(self, block: Block) -> None:
        self.told += len(self.engine.feed(block))

    def _pass(self, now: int) -> None:
        self.told += len(self.engine.advance(now))

    def balance(self, count: int) -> None:
        """In = decoded + malformed + unsupported, and the engine says the same but for what fragments add to it."""
        scanner, table, of = self.engine.scanner, self.engine.scanner.table, self.beside.classes
        self.played.finish()
        assert self.engine.counts.faults == 0
        assert scanner.packets == count
        assert of["flow"] + of["neighbour"] + of["fragment"] + of["copy"] + of["malformed"] + of["unsupported"] == count
        assert scanner.duplicates == of["copy"]
        # A datagram put together is read once more, and may be anything.
        for counted, expected in (
            (sum(scanner.malformed()), of["malformed"]), (scanner.others, of["unsupported"]), (self.flows, of["flow"]),
        ):  # fmt: skip
            assert expected <= counted <= expected + of["fragment"]
        assert table.created == table.released == self.engine.counts.flow_ends


def test_damaged_packets(known: Knowledge) -> None:
    """No exception, no fault of a parser, no packet slower than 50 ms, every packet counted once, no memory that grows."""
    random, ledger, early = Random(0xC0FFEE), Ledger(known), 0
    with Stopwatch() as watch:
        count = ledger.feed(mutants(random, MUTANTS // 5), watch, random)
        early = resident()
        count += ledger.feed(mutants(random, MUTANTS - MUTANTS // 5), watch, random)
    assert resident() - early < DRIFT
    ledger.balance(count)
    assert watch.slowest[0] < SLOWEST_NS, (watch.slowest[0], watch.slowest[1].hex())
    assert watch.quantile(USUAL) < USUAL_NS
    assert sum(ledger.engine.scanner.malformed()) > MUTANTS // 100
    assert ledger.engine.scanner.others >= MUTANTS // 500
    assert ledger.heard > MUTANTS // 10
    assert ledger.told > 100


def test_frames_cut_at_every_length(known: Knowledge) -> None:
    """Wherever a frame ends, it is read as far as it goes or counted as malformed."""
    random, ledger = Random(7), Ledger(known)
    with Stopwatch() as watch:
        count = ledger.feed(cuts(LONGEST_CUT), watch, random)
    assert count > 1000
    ledger.balance(count)
    assert watch.slowest[0] < SLOWEST_NS, (watch.slowest[0], watch.slowest[1].hex())
