"""The flow table against a plain model of it, and against who would steer it."""

from __future__ import annotations

import struct
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.wire import layout as at
from monitor.wire.flows import FlowTable
from tests.wire.tap import MS, SECOND, SEED, START, Tap

IDLE = {at.UNANSWERED: 120, at.ANSWERED: 120, at.CONNECTED: 7440, at.CLOSED: 5}
"""Seconds, as the module says and cites."""
WAIT = 5 * SECOND
"""How long an answer may be on its way."""


def segment(source: int, port: int, flags: int, *, back: bool = False, sequence: int = 1, proto: int = 6) -> bytes:
    """A bare packet between 10.0.0.``source`` and 192.0.2.1:443."""
    here, there = bytes((10, 0, source >> 8, source & 255)), bytes((192, 0, 2, 1))
    ports = struct.pack(">HH", 443, port) if back else struct.pack(">HH", port, 443)
    if proto == at.PROTO_TCP:
        transport = ports + struct.pack(">IIBBHHH", sequence, 0, 0x50, flags, 0, 0, 0)
    else:
        transport = ports + struct.pack(">HH", 8, 0)
    ends = there + here if back else here + there
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(transport), 0, 0, 64, proto, 0) + ends + transport


@dataclass
class Modelled:
    """A flow as a plain record."""

    number: int
    source: int
    which: int = at.UNANSWERED
    watched: bool = False
    touched: int = 0
    port: int = 0
    flags: set[str] = field(default_factory=set)


class Model:
    """What the table's docstring promises, without slots, lists or hashes."""

    def __init__(self, capacity: int, source_cap: int) -> None:
        self.capacity, self.source_cap, self.quota = capacity, source_cap, capacity // 2
        self.flows: OrderedDict[tuple[int, int, int], Modelled] = OrderedDict()
        """By (source, port, protocol), the least recently active first."""
        self.created = self.released = self.evicted = 0

    def victim(self, source: int) -> Modelled | None:
        """Who goes before a new flow of ``source`` can come."""
        own = sorted((each for each in self.flows.values() if each.source == source), key=lambda each: each.number)
        if len(own) >= self.source_cap:
            return own[0]
        if len(self.flows) < self.capacity:
            return None
        over = sum(each.watched for each in self.flows.values()) > self.quota
        order = [self.oldest(over, at.CLOSED), self.oldest(not over, at.CLOSED)]
        order += [self.least(watched=True)] if over else []
        order += [self.least(watched=False), self.least(watched=True)]
        return next(each for each in order if each is not None)

    def least(self, *, watched: bool) -> Modelled | None:
        """Which open flow of these goes first."""
        unanswered, answered = self.oldest(watched, at.UNANSWERED), self.oldest(watched, at.ANSWERED)
        if unanswered is not None and answered is not None and unanswered.touched - answered.touched > WAIT:
            return answered
        return unanswered or answered or self.oldest(watched, at.CONNECTED)

    def oldest(self, watched: bool, which: int) -> Modelled | None:
        """Which flow of a class was silent for longest."""
        return next((each for each in self.flows.values() if (each.watched, each.which) == (watched, which)), None)

    def drop(self, flow: Modelled) -> None:
        """Forget a flow."""
        key = next(key for key, each in self.flows.items() if each is flow)
        del self.flows[key]
        self.released += 1


class Table(RuleBasedStateMachine):
    """Two tables that differ in nothing but their seed, and the model, under the same packets."""

    @initialize(capacity=st.integers(2, 12), cap=st.integers(1, 12))
    def begin(self, capacity: int, cap: int) -> None:
        """A small table, so that it is often full."""
        self.now = START
        self.taps = [
            Tap(capacity=capacity, seed=seed, source_cap=cap, window_ns=0) for seed in (SEED, b"another seed 16b")
        ]
        self.model = Model(capacity, cap)
        self.gone: list[tuple[str, int]] = []

    @rule(
        source=st.integers(1, 4),
        port=st.integers(1024, 1029),
        kind=st.sampled_from(["syn", "answer", "reset", "datagram", "reply"]),
    )
    def packet(self, source: int, port: int, kind: str) -> None:
        """One packet at a new millisecond."""
        self.now += MS
        proto = at.PROTO_UDP if kind in ("datagram", "reply") else at.PROTO_TCP
        back = kind in ("answer", "reset", "reply")
        flags = {"syn": at.TCP_SYN, "answer": at.TCP_SYN | at.TCP_ACK, "reset": at.TCP_RST}.get(kind, 0)
        frame = segment(source, port, flags, back=back, proto=proto)
        seen = [tap.see(self.now, frame, link=at.LINK_RAW) for tap in self.taps]
        assert [each.what for each in seen[0]] == [each.what for each in seen[1]]
        self.follow(source, port, proto, kind)

    def follow(self, source: int, port: int, proto: int, kind: str) -> None:
        """The same in the model. A source is whoever sent the first packet of a flow."""
        model, key = self.model, (source, port, proto)
        flow = model.flows.get(key)
        if flow is not None and kind == "syn" and "syn" not in flow.flags:
            self.gone.append(("reuse", flow.number))
            model.drop(flow)
            flow = None
        if flow is None:
            sender = source if kind in ("syn", "datagram") else 0
            victim = model.victim(sender)
            if victim is not None:
                self.gone.append(("evict", victim.number))
                model.drop(victim)
                model.evicted += 1
            model.created += 1
            flow = model.flows[key] = Modelled(model.created, sender, touched=self.now, port=port)
        elif self.now - flow.touched > SECOND:
            flow.touched = self.now
            model.flows.move_to_end(key)
        before = flow.which
        if proto == at.PROTO_TCP:
            flow.flags.add({"syn": "syn", "answer": "answered", "reset": "closed"}[kind])
            if "closed" in flow.flags:
                flow.which = at.CLOSED
            elif "answered" in flow.flags:
                flow.which = at.CONNECTED
        elif kind == "reply" and "answered" not in flow.flags:
            flow.flags.add("answered")
            flow.which = at.ANSWERED
        if flow.which != before:
            flow.touched = self.now
            model.flows.move_to_end(key)

    @rule(which=st.integers(0, 20))
    def watch(self, which: int) -> None:
        """A flow turns out to be a watched device's when it begins: it is the youngest of its list then."""
        live = list(self.model.flows.values())
        if not live or live[-1].watched or live[-1].touched != self.now:
            return
        live[-1].watched = True
        for tap in self.taps:
            tap.table.watch(self.slot(tap, live[-1]))

    @rule(which=st.integers(0, 20))
    def release(self, which: int) -> None:
        """A flow is over."""
        live = list(self.model.flows.values())
        if live:
            flow = live[which % len(live)]
            for tap in self.taps:
                tap.table.release(self.slot(tap, flow))
            self.model.drop(flow)

    @rule(seconds=st.sampled_from([1, 2, 6, 7, 121, 122, 7441, 7442]))
    def wait(self, seconds: int) -> None:
        """Time passes; those whose idle time is over are named, the first begun first among the oldest of each list."""
        self.now += seconds * SECOND
        over = {
            each.number
            for each in self.model.flows.values()
            if self.now - each.touched > (IDLE[each.which] + 1) * SECOND
        }
        named = []
        for tap in self.taps:
            mine = []
            while (slot := tap.table.idle(self.now)) >= 0:
                mine.append(tap.table.field(slot, at.NUMBER))
                tap.table.release(slot)
            named.append(mine)
        assert named[0] == named[1]
        assert set(named[0]) == over
        for flow in [each for each in self.model.flows.values() if each.number in over]:
            self.model.drop(flow)

    def slot(self, tap: Tap, flow: Modelled) -> int:
        (slot,) = (slot for slot in tap.table.slots() if tap.table.field(slot, at.NUMBER) == flow.number)
        return slot

    @invariant()
    def agrees(self) -> None:
        """Counts add up, the same flows live in both tables, and the same went for want of room."""
        if not hasattr(self, "model"):
            return
        for tap in self.taps:
            table, model = tap.table, self.model
            assert table.created == table.used + table.released == model.created
            assert (table.used, table.evicted) == (len(model.flows), model.evicted)
            assert table.watched == sum(each.watched for each in model.flows.values())
            assert table.sources_used == len({each.source for each in model.flows.values()})
            assert [table.field(slot, at.NUMBER) for slot in table.slots()] == sorted(
                each.number for each in model.flows.values()
            )
            for slot in table.slots():
                number = table.field(slot, at.NUMBER)
                (flow,) = (each for each in model.flows.values() if each.number == number)
                assert table.field(slot, at.LIST) == flow.which + at.CLASSES * flow.watched
            assert ages_in_order(table)
            assert tap.gone == self.gone
            ends = [each.touched + (IDLE[each.which] + 1) * SECOND + 1 for each in model.flows.values()]
            oldest = table.oldest_ns()
            assert oldest == min(ends, default=None)

    @precondition(lambda self: hasattr(self, "model") and self.model.flows)
    @rule()
    def found(self) -> None:
        """Every live flow is found by its key from either side, and says who began it."""
        for source, port, proto in self.model.flows:
            here, there = mapped(10, 0, 0, source), mapped(192, 0, 2, 1)
            for tap in self.taps:
                one = tap.scanner.lookup(here, there, port, 443, proto)
                other = tap.scanner.lookup(there, here, 443, port, proto)
                assert one is not None
                assert other is not None
                assert one[0] == other[0]
                assert one[1] is not other[1]


def ages_in_order(table: FlowTable) -> bool:
    """Along each list, from its young end, the time of last activity falls."""
    for which in range(at.LISTS):
        mine = [slot for slot in table.slots() if table.field(slot, at.LIST) == which]
        chain = [slot for slot in mine if table.field(slot, at.NEWER) == -1]
        assert len(chain) == (1 if mine else 0)
        while chain and (older := table.field(chain[-1], at.OLDER)) != -1:
            assert table.field(older, at.NEWER) == chain[-1]
            assert table.field(older, at.TOUCHED) <= table.field(chain[-1], at.TOUCHED)
            chain.append(older)
        assert sorted(chain) == sorted(mine)
    return True


def mapped(*parts: int) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes(parts)


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


def test_an_eviction_order_in_words() -> None:
    """Closed flows go first, then unanswered, then answered ones; of each the one that was silent for longest."""
    tap = Tap(capacity=4, window_ns=0)
    ts = START

    def say(port: int, flags: int, *, back: bool = False, proto: int = 6) -> None:
        nonlocal ts
        ts += 2 * SECOND
        tap.see(ts, segment(port, port, flags, back=back, proto=proto), link=at.LINK_RAW)

    say(1, at.TCP_SYN)
    say(1, at.TCP_SYN | at.TCP_ACK, back=True)
    say(2, 0, proto=17)
    say(2, 0, proto=17, back=True)
    say(3, at.TCP_SYN)
    say(4, at.TCP_SYN)
    say(4, at.TCP_RST | at.TCP_ACK, back=True)
    for port in (5, 6, 7):
        say(port, at.TCP_SYN)
        say(port, at.TCP_SYN | at.TCP_ACK, back=True)
    assert tap.gone == [("evict", 4), ("evict", 3), ("evict", 2)]
    say(8, at.TCP_SYN)
    assert tap.gone[-1] == ("evict", 1)


def test_who_waits_for_an_answer_stays_while_others_have_long_been_answered() -> None:
    """For as long as the answer may be on its way; then it goes before them, as a flood does."""
    for silence, gone in ((WAIT, 2), (WAIT + MS, 1)):
        tap = Tap(capacity=2, window_ns=0)
        tap.see(START, segment(1, 1, 0, proto=17), link=at.LINK_RAW)
        tap.see(START, segment(1, 1, 0, back=True, proto=17), link=at.LINK_RAW)
        for port in (2, 3):
            tap.see(START + silence, segment(port, port, at.TCP_SYN), link=at.LINK_RAW)
        assert tap.gone == [("evict", gone)]


def test_watched_flows_go_last_until_they_exceed_their_quota() -> None:
    """A flood of strangers takes nothing from watched devices; watched devices take from each other beyond half."""
    tap = Tap(capacity=8, window_ns=0)
    for port in range(3):
        tap.see(START + port, segment(1, 2000 + port, at.TCP_SYN), link=at.LINK_RAW)
        tap.table.watch(tap.scanner.slot)
    for port in range(40):
        tap.see(START + 10 + port, segment(2, 3000 + port, at.TCP_SYN), link=at.LINK_RAW)
    assert {1, 2, 3} <= {tap.table.field(slot, at.NUMBER) for slot in tap.table.slots()}
    tap = Tap(capacity=8, window_ns=0)
    for port in range(3):
        tap.see(START + port, segment(2, 2000 + port, at.TCP_SYN), link=at.LINK_RAW)
    for port in range(8):
        tap.see(START + 10 + port, segment(1, 3000 + port, at.TCP_SYN), link=at.LINK_RAW)
        tap.table.watch(tap.scanner.slot)
    assert [number for _, number in tap.gone] == [4, 5, 6]


def test_one_source_cannot_fill_the_table() -> None:
    """Beyond its cap a source pushes out its own oldest flow, and nobody else's."""
    tap = Tap(capacity=16, source_cap=4, window_ns=0)
    tap.see(START, segment(1, 2000, at.TCP_SYN), link=at.LINK_RAW)
    for port in range(20):
        tap.see(START + 10 + port, segment(2, 3000 + port, at.TCP_SYN), link=at.LINK_RAW)
    assert [number for _, number in tap.gone] == list(range(2, 18))
    assert tap.table.used == 5


def test_an_empty_table_has_nothing_idle() -> None:
    """Nor a time at which it would."""
    table = FlowTable(4, SEED)
    assert table.idle(2**62) == -1
    assert table.oldest_ns() is None
    assert table.slots() == []


@pytest.mark.parametrize(("capacity", "seed"), [(0, SEED), (4, b"short"), (4, b"seventeen bytes !")])
def test_a_table_needs_room_and_a_seed(capacity: int, seed: bytes) -> None:
    """Otherwise ValueError."""
    with pytest.raises(ValueError, match="capacity"):
        FlowTable(capacity, seed)


def test_flows_of_overlapping_networks_are_told_apart_by_vlan() -> None:
    """Only where the configuration says that networks overlap."""
    tagged = [b"\0" * 12 + struct.pack(">HHH", 0x8100, tag, 0x0800) + segment(1, 2000, at.TCP_SYN) for tag in (5, 6)]
    for overlapping, flows in ((False, 1), (True, 2)):
        tap = Tap(overlapping=overlapping, window_ns=0)
        for number, frame in enumerate(tagged):
            tap.see(START + number, frame)
        assert tap.table.used == flows


COLLIDING = 100_000
MERSENNE = 2**61 - 1
"""Python's hash of an integer is its remainder by this, so addresses that differ by it collide in a plain dict."""


def segment6(source: int, destination: int) -> bytes:
    """A SYN between two IPv6 addresses that are given as numbers."""
    transport = struct.pack(">HHIIBBHHH", 40000, 443, 1, 0, 0x50, at.TCP_SYN, 0, 0, 0)
    ends = source.to_bytes(16, "big") + destination.to_bytes(16, "big")
    return struct.pack(">IHBB", 6 << 28, len(transport), at.PROTO_TCP, 64) + ends + transport


def seconds(frames: list[bytes]) -> float:
    """What it takes to create and find a flow for each frame: the quicker of two runs."""
    took = []
    for _ in range(2):
        tap = Tap(capacity=131072, window_ns=0, care=False, wanted=False)
        packets = [(START + number, frame, at.LINK_RAW, len(frame)) for number, frame in enumerate(frames)]
        started = time.perf_counter()
        tap.run(packets)
        took.append(time.perf_counter() - started)
        assert tap.table.used == len(frames)
    return min(took)


def test_keys_that_collide_without_a_seed_cost_no_more_than_others() -> None:
    """100,000 flows that a plain integer hash, or an exclusive or of the ends, would put in one chain."""
    base, other = 0x2A00 << 112, 0x2400 << 112
    by_remainder = [base + number * MERSENNE for number in range(COLLIDING)]
    assert len({hash(address) for address in by_remainder}) == 1
    random = Random(7)
    plain = seconds(
        [segment6(base + random.getrandbits(100), other + random.getrandbits(100)) for _ in range(COLLIDING)]
    )
    assert seconds([segment6(address, other) for address in by_remainder]) < 2 * plain
    assert seconds([segment6(base ^ number, other ^ number) for number in range(COLLIDING)]) < 2 * plain
