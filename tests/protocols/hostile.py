"""What every parser must bear: bytes from anywhere, cut anywhere."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.model.facts import Malformed, MalformedSeen, Want

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor.model.facts import Fact
    from monitor.protocols.conversation import Parser


def told(parser: Parser, pieces: Iterable[bytes]) -> list[Fact]:
    """All facts of these pieces, until the parser has enough; Malformed counts as a fact."""
    facts: list[Fact] = []
    for piece in pieces:
        if parser.want is Want.STOP:
            break
        try:
            facts += parser.feed(piece)
        except Malformed as error:
            facts.append(MalformedSeen(error.layer, error.reason))
            break
    return facts


def everything(parser: Parser, stream: bytes, *cuts: int) -> list[Fact]:
    """All facts of a stream cut at these places, also behind the end; a Malformed counts as the fact that it becomes."""
    facts: list[Fact] = []
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        try:
            facts += parser.feed(stream[start:end])
        except Malformed as error:
            facts.append(MalformedSeen(error.layer, error.reason))
    return facts


def cut(stream: bytes, first: int, places: list[int]) -> list[bytes]:
    """The stream in pieces: never within its first octets, which recognised it."""
    ends = sorted({first, len(stream), *(first + place % max(1, len(stream) - first) for place in places)})
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def mutants(valid: Iterable[bytes], count: int, seed: int) -> Iterable[bytes]:
    """Valid messages with octets changed, cut off or doubled."""
    source = random.Random(seed)
    messages = list(valid)
    for _ in range(count):
        made = bytearray(source.choice(messages))
        for _ in range(source.randrange(1, 4)):
            at = source.randrange(len(made) + 1)
            change = source.randrange(3)
            if change == 0 and at < len(made):
                made[at] = source.randrange(256)
            elif change == 1:
                del made[at:]
            else:
                made[at:at] = source.randbytes(source.randrange(1, 5))
        yield bytes(made)


def only_malformed(make: Callable[[], Parser], messages: Iterable[bytes], layer: str) -> None:
    """A parser raises nothing else, on messages alone and behind one another."""
    shared = make()
    for message in messages:
        for parser in (make(), shared):
            try:
                parser.feed(message)
            except Malformed as error:
                assert error.layer == layer
        if shared.want is Want.STOP:
            shared = make()


def refuses_chance(
    sniff: Callable[[bytes, int, int], bool], ports: tuple[int, int], heads: Iterable[bytes] = (b"",)
) -> None:
    """Of 20,000 random payloads, each behind one of these first octets, none is taken."""
    source = random.Random(7)
    starts = list(heads)
    for turn in range(20_000):
        assert not sniff(starts[turn % len(starts)] + source.randbytes(source.randrange(1, 90)), *ports)
