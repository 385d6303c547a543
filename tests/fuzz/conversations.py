"""Targets of all rows of STREAMS and DATAGRAMS: a new protocol has one by being registered.

An input is the two ports (2 bytes each), one byte that says how the rest comes, and up to 16 runs of bytes, each behind
2 bytes: the direction in the highest bit, the length in the others. A stream's runs, whole and cut into pieces, must
give the same facts, and a hole must do no harm.
"""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from monitor.protocols import telnet
from monitor.protocols.conversation import Conversation, Row
from monitor.protocols.registry import DATAGRAMS, STREAMS
from tests.builds import REPOSITORY
from tests.fuzz import seeds
from tests.fuzz.target import Input, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from monitor.model.facts import Fact

LONGEST_FACT: Final = 128 * 1024
"""Bytes of one fact as JSON: a hello of 16 KiB, every byte of its ALPN names escaped, has some 70 KiB."""
SHORT: Final = 64
"""Bytes of a message that only begins right."""
LONGEST_WORD: Final = 32
MOST_RUNS: Final = 16
MOST_PIECES: Final = 16
CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
encode = msgspec.json.Encoder().encode


def targets() -> dict[str, Target]:
    """One for each row."""
    named: dict[str, Target] = {}
    for stream, rows in ((True, STREAMS), (False, DATAGRAMS)):
        for row in rows:
            name = name_of(row, stream=stream)
            assert name not in named, f"{name} has two rows"
            named[name] = Target(
                of_row(row, stream=stream), partial(seeds_of, row, stream=stream), words=partial(words_of, row)
            )
    return named


def name_of(row: Row, *, stream: bool) -> str:
    return f"{'stream' if stream else 'datagram'}-{row.sniff.__module__.rpartition('.')[2]}"


def of_row(row: Row, *, stream: bool) -> Callable[[bytes], None]:
    """Both directions of one flow, taken for what this row reads."""
    taken_for_it = Row(lambda *_: True, row.parser, row.pair, once=row.once)

    def run(data: bytes) -> None:
        given = Input(data)
        ports, how = (given.number(2), given.number(2)), given.number()
        runs: list[tuple[int, bytes | None]] = list(directed(given))
        for direction, body in runs:
            assert body is not None
            row.sniff(body, ports[direction], ports[1 - direction])
            row.sniff(body[: how & 63], ports[direction], ports[1 - direction])
        whole = said(taken_for_it, ports, runs, stream=stream)
        if not stream:
            return
        pieces = [(direction, piece) for direction, body in runs for piece in cut(body or b"", 1 + (how & 63))]
        alike = said(taken_for_it, ports, pieces, stream=True) == whole
        assert alike or not (recognised(row, ports, runs) and recognised(row, ports, pieces))
        if how & 0x80 and pieces:
            hole = how % len(pieces)
            said(taken_for_it, ports, [*pieces[:hole], (pieces[hole][0], None), *pieces[hole + 1 :]], stream=True)

    return run


def recognised(row: Row, ports: tuple[int, int], runs: Iterable[tuple[int, bytes | None]]) -> bool:
    """Whether each direction begins as this row knows it: a parser may decide by the first bytes that it is given."""
    first = {direction: body or b"" for direction, body in reversed(list(runs))}
    if row.sniff.__module__ == telnet.__name__ and any(body[:1] != b"\xff" for body in first.values()):
        return False  # without negotiation a prompt must come with the first segment: what comes later may be an echo
    return all(row.sniff(body, ports[direction], ports[1 - direction]) for direction, body in first.items())


def directed(given: Input) -> Iterator[tuple[int, bytes]]:
    """Runs of bytes and the direction of each."""
    for _ in range(MOST_RUNS):
        if not given:
            return
        head = given.number(2)
        if body := given.take(head & 0x7FFF):
            yield head >> 15, body


def written(ports: tuple[int, int], runs: Iterable[tuple[int, bytes]], how: int = 0x8D) -> bytes:
    """What ``of_row`` takes apart."""
    head = b"".join(port.to_bytes(2, "big") for port in ports) + bytes((how,))
    return head + b"".join((direction << 15 | len(body)).to_bytes(2, "big") + body for direction, body in runs)


def said(
    row: Row, ports: tuple[int, int], runs: Iterable[tuple[int, bytes | None]], *, stream: bool
) -> list[tuple[int, Fact]]:
    """All facts, with the direction of each; each is small and holds no control character."""
    conversation = Conversation((row,), *ports, stream=stream)
    facts: list[tuple[int, Fact]] = []
    for direction, body in runs:
        if conversation.wants(direction):
            heard = conversation.lost(direction) if body is None else conversation.feed(direction, body)
            facts += [(direction, fact) for fact in heard]
    for direction in (0, 1):
        facts += [(direction, fact) for fact in conversation.ended(direction, stream)]
    for _, fact in facts:
        assert len(encode(fact)) <= LONGEST_FACT, len(encode(fact))
        assert not any(CONTROL.search(text) for text in texts(msgspec.to_builtins(fact))), fact
    return facts


def texts(value: object) -> Iterator[str]:
    """Every string inside a fact."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def cut(body: bytes, size: int) -> Iterator[bytes]:
    """Pieces of ``size`` bytes, of more where that would be very many."""
    size = max(size, len(body) // MOST_PIECES)
    for start in range(0, len(body), size):
        yield body[start : start + size]


def seeds_of(row: Row, *, stream: bool) -> list[bytes]:
    """What this row recognises of what the scenarios say; where that is nothing, its own words to begin with."""
    found = []
    for each in seeds.said():
        if each.stream is stream:
            direction, first = each.pieces[0]
            if row.sniff(first, each.ports[direction], each.ports[1 - direction]):
                found.append(written(each.ports, each.pieces))
    words = [word.ljust(SHORT, b"\0") for word in sorted(words_of(row), key=len, reverse=True)]
    found = found or [written((40000, 40001), [(0, word), (1, word)]) for word in words]
    return found[: seeds.MOST_SEEDS]


def words_of(row: Row) -> set[bytes]:
    """All short constants of the module that reads this row: magic numbers, methods, keys."""
    source = REPOSITORY.joinpath(*row.sniff.__module__.split(".")).with_suffix(".py").read_text()
    constants = {each.value for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Constant)}
    words = {
        each.encode("latin-1", "ignore") if isinstance(each, str) else each
        for each in constants
        if isinstance(each, str | bytes)
    }
    return {word for word in words if 1 < len(word) <= LONGEST_WORD and b"\n" not in word}
