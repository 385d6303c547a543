"""What an interface does to frames, against ethtool's word for it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from collectors.offloads import MERGING, offloads
from tests.collectors.namespaces import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def space() -> Iterator[Namespace]:
    if shutil.which("ethtool") is None:
        pytest.skip("ethtool is not installed")
    made = Namespace()
    try:
        made.pair("send", "hear")
        yield made
    finally:
        made.close()


def test_merging_is_told_when_it_is_on(space: Namespace) -> None:
    """As it is switched on and off with ethtool(8)."""
    for state in ("on", "off"):
        space.run("ethtool", "-K", "hear", "gro", state)
        with space.inside():
            assert offloads("hear") & MERGING == ({"rx-gro"} if state == "on" else set())


def test_the_same_features_as_ethtool(space: Namespace) -> None:
    """Every feature that ethtool(8) shows as on under the kernel's own name."""
    kernel = {line.split(":")[0].strip() for line in space.run("ethtool", "-k", "hear").splitlines() if ": on" in line}
    with space.inside():
        found = offloads("hear")
    assert {name for name in kernel if name.startswith(("tx-checksum-ip", "tx-tcp", "tx-gso"))} <= found
    assert found


def test_no_such_interface(space: Namespace) -> None:
    """Is an error; an interface without ethtool has no features."""
    with space.inside(), pytest.raises(OSError, match="No such device"):
        offloads("nowhere")
