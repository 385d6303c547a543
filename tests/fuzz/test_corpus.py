"""Every input that a fuzzer ever broke something with, and every seed, through its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.protocols.registry import DATAGRAMS, STREAMS
from tests.fuzz.conversations import name_of
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
KEPT = sorted(str(path.relative_to(CORPUS)) for path in CORPUS.glob("*/*"))


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_do_no_harm(name: str) -> None:
    """No target raises for what is well formed."""
    target = TARGETS[name]
    for seed in target.seeds():
        target.run(seed)


@pytest.mark.parametrize("kept", KEPT)
def test_kept_inputs_do_no_harm(kept: str) -> None:
    """No target raises any more for what it once raised for."""
    TARGETS[kept.partition("/")[0]].run((CORPUS / kept).read_bytes())


def test_every_kept_input_has_a_target() -> None:
    """A target that is renamed takes its folder along."""
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} <= set(TARGETS)


def test_every_protocol_has_a_target() -> None:
    """The registry names the targets, so that a protocol cannot come without one."""
    assert {name_of(row, stream=True) for row in STREAMS} | {name_of(row, stream=False) for row in DATAGRAMS} <= set(
        TARGETS
    )
