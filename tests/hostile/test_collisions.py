"""Keys chosen to collide cost no more than others: no table has a hash that can be worked out in advance.

Threat model C4, test T10.
"""

from __future__ import annotations

import os
import time
from array import array
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from collectors.blocks import Block, Interface
from monitor.wire import layout as at
from pcaps.packets import Host
from tests.engine.played import configured, engine
from tests.hostile import floods
from tests.wire.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.app import Knowledge

KEYS: Final = 100_000
THROUGH_ENGINE: Final = int(os.environ.get("CAMWARDEN_COLLIDING", "6000"))
"""Six thousand keys that collide are eighteen million comparisons already, more than all else that is done."""
LEAST: Final = 0.5
"""Of the rate with random keys."""
MERSENNE: Final = (1 << 61) - 1
"""Python's hash of an int is its rest by this (sys.hash_info.modulus)."""
HERE: Final = int.from_bytes(bytes.fromhex("20010db8002000000000000000000000"))
THERE: Final = int.from_bytes(bytes.fromhex("2a001450400900000000000000000000"))
ONES: Final = (1 << 128) - 1
PREFIX: Final = 0x2A00 << 112

Pair = tuple[int, int]


def at_random(number: int) -> Pair:
    rng = Random(number)
    return HERE | rng.getrandbits(32), PREFIX | rng.getrandbits(112)


def python_int(number: int) -> Pair:
    """Every address has one ``hash(int)``, and so has a tuple of them."""
    return HERE, THERE + number * MERSENNE


def exclusive_or(number: int) -> Pair:
    """Source ^ destination is one value, as symmetric hashes of flow tables fold them."""
    return HERE ^ number, THERE ^ number


def addition(number: int) -> Pair:
    """Source + destination is one value."""
    return HERE + number, THERE - number


def crc32(number: int) -> Pair:
    """One CRC-32 (IEEE 802.3) of the addresses: a multiple of its polynomial is added, which leaves the rest as it is."""
    polynomial, multiple, bit = 0x104C11DB7, 0, 0
    while number >> bit:
        if number >> bit & 1:
            multiple ^= polynomial << bit
        bit += 1
    return HERE, THERE ^ multiple


def fibonacci(number: int) -> Pair:
    """One value of the low 64 bits times the golden ratio, from the top 20 bits on (Knuth's multiplicative hash)."""
    inverse = pow(0x9E3779B97F4A7C15, -1, 1 << 64)
    return HERE, (THERE >> 64 << 64) | number * inverse & (1 << 64) - 1


CRAFTED: Final = (python_int, exclusive_or, addition, crc32, fibonacci)


def frame(pair: Pair) -> bytes:
    here, there = (each & ONES for each in pair)
    return floods.syn(Host(floods.GATE.mac, here.to_bytes(16)), Host(bytes.fromhex("00000c07ac01"), there.to_bytes(16)))


def blocks(craft: Callable[[int], Pair], count: int) -> list[Block]:
    """SYNs between ``count`` crafted pairs, made before the time is taken."""
    whole = frame((HERE, THERE))
    made, now = [], floods.START
    for first in range(0, count, floods.BLOCK):
        pairs = [craft(number) for number in range(first, min(first + floods.BLOCK, count))]
        addresses = [((here & ONES) << 128 | there & ONES).to_bytes(32) for here, there in pairs]
        memory = b"".join(whole[:22] + ends + whole[54:] for ends in addresses)
        index = array("q")
        for place in range(len(pairs)):
            index.extend((now + place * 1000, place * len(whole), len(whole), len(whole), 0))
        now += len(pairs) * 1000
        made.append(Block(memory, index, len(pairs), (Interface("capture", 1),)))
    return made


@pytest.mark.parametrize("craft", CRAFTED, ids=lambda craft: craft.__name__)
def test_the_flow_table_bears_them(craft: Callable[[int], Pair]) -> None:
    """A hundred thousand crafted flows are found again and again at half the speed of random ones at least."""

    def seconds(craft: Callable[[int], Pair]) -> float:
        given, best = blocks(craft, KEYS), 1e9
        for _ in range(3):
            tap = Tap(capacity=2 * KEYS, seed=os.urandom(16), window_ns=0, care=False, wanted=False)
            scanner, links = tap.scanner, array("q", [1])
            before = time.process_time()
            for _ in range(2):
                for each in given:
                    scanner.begin(each.memory, each.index, each.count, links)
                    while scanner.scan():
                        pass
            best = min(best, time.process_time() - before)
            assert tap.table.created == KEYS
        return best

    assert seconds(at_random) / seconds(craft) >= LEAST


@pytest.mark.parametrize("craft", CRAFTED[:2], ids=lambda craft: craft.__name__)
def test_every_room_bears_them(craft: Callable[[int], Pair], known: Knowledge) -> None:
    """The same through the whole engine: devices, contacts, names, verdicts and what the site remembers."""
    known.operators.prepare()
    config = configured(site={"home": ["GB"], "camera_networks": ["2001:db8::/32"]})

    def seconds(craft: Callable[[int], Pair]) -> float:
        given, best = blocks(craft, THROUGH_ENGINE), 1e9
        for _ in range(2):
            played = engine(known, config, seed=os.urandom(16))
            before = time.process_time()
            for each in given:
                played.engine.feed(each)
            best = min(best, time.process_time() - before)
        return best

    assert seconds(at_random) / seconds(craft) >= LEAST


def test_a_table_with_a_known_seed_can_be_steered_and_one_with_another_seed_not() -> None:
    """The seed is what protects: keys that share a bucket under one seed are spread under another."""

    def buckets(seed: bytes, chosen: list[int] | None) -> dict[int, list[int]]:
        tap = Tap(capacity=1 << 15, seed=seed, window_ns=0)
        numbers = chosen if chosen is not None else list(range(1 << 15))
        for number in numbers:
            tap.see(floods.START + number, frame((HERE, THERE + number)))
        found: dict[int, list[int]] = {}
        for number, slot in zip(numbers, tap.table.slots(), strict=True):
            found.setdefault(tap.table.field(slot, at.BUCKET) >> 8, []).append(number)
        return found

    steered = max(buckets(bytes(16), None).values(), key=len)
    assert len(steered) > 64
    again = buckets(os.urandom(16), steered)
    assert max(map(len, again.values())) < len(steered) // 4
