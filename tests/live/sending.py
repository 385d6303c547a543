"""What is sent at a live daemon: floods of made-up connections, and calls hidden among them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from collectors.blocks import CAPTURED, COLUMNS, OFFSET, TS
from monitor.app import knowledge
from monitor.config import Config
from monitor.enrich.geo import is_global
from monitor.model.address import pack, text
from monitor.model.verdicts import OperatorKind
from pcaps.packets import Host
from pcaps.savefile import Frame, write
from tests.hostile import floods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from collectors.blocks import Block
    from monitor.app import Knowledge

SECOND_NS: Final = 1_000_000_000
RETRIES_NS: Final = (0, SECOND_NS, 3 * SECOND_NS)
"""When Linux sends an unanswered SYN (RFC 6298)."""


def frames(blocks: Iterable[Block]) -> Iterator[Frame]:
    """The packets of blocks, one by one."""
    for block in blocks:
        memory = memoryview(block.memory)
        for row in range(0, block.count * COLUMNS, COLUMNS):
            at = block.index[row + OFFSET]
            yield Frame(block.index[row + TS], bytes(memory[at : at + block.index[row + CAPTURED]]))


def random_tuples(path: Path, count: int, *, local: int = 0, prefix: bytes = b"\x02\x00\x00", seed: int = 9) -> int:
    """Write SYN and UDP with random addresses and ports (tests.hostile.floods); the number of frames."""
    return write(path, frames(floods.random_tuples(count, Random(seed), local=local, prefix=prefix, step=1000)))


def many_calls(path: Path, camera: Host, count: int, addresses: list[str]) -> int:
    """Write ``count`` attempts of a camera, each a connection of its own, to one address after the other."""
    ends = [Host.at(address, floods.ROUTER) for address in addresses]
    return write(
        path,
        (
            Frame(
                floods.START + number * 1000,
                floods.syn(camera, ends[number % len(ends)], 1024 + number % 64_000, 1024 + number // 64_000, number),
            )
            for number in range(count)
        ),
    )


def one_call(path: Path, camera: Host, address: str, *, port: int = 40_000) -> int:
    """Write one attempt, which nobody answers."""
    frame = floods.syn(camera, Host.at(address, floods.ROUTER), port, 8000, 77 + port)
    return write(path, [Frame(floods.START + after, frame) for after in RETRIES_NS])


def operators(count: int) -> list[str]:
    """Addresses that are not in Great Britain, of as many operators that are nobody's cloud."""
    with knowledge(Config()) as known:
        return _operators(known, count)


def _operators(known: Knowledge, count: int) -> list[str]:
    found: dict[str, str] = {}
    rng = Random(3)
    while len(found) < count:
        address = pack(f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.7")
        if is_global(address):
            verdict = known.operators.resolve(address, (), None, name_is_proof=False)
            if verdict.kind is OperatorKind.NETWORK and verdict.location not in (None, "GB"):
                found.setdefault(verdict.operator_key, text(address))
    return list(found.values())
