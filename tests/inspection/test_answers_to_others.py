"""Answers that a device gives to others than us: what they may say, and what they may not fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.ledger.ledger import MAX_ANSWERS
from monitor.model.address import pack
from monitor.model.facts import CapabilityStated
from monitor.model.flows import Flow
from pcaps.wire import SECOND, START
from tests.engine.played import engine

if TYPE_CHECKING:
    from monitor.app import Knowledge

EZVIZ: Final = ("DeviceCap/SysCap/isSupportEZVIZ", "true")
LESS: Final = ("DeviceCap/SysCap/isSupportReboot", "true")


def overheard(fact: CapabilityStated, port: int = 80) -> tuple[Flow, int, CapabilityStated]:
    """An answer of the camera to a recorder."""
    flow = Flow(0, pack("10.20.0.90"), pack("10.20.0.11"), 40000, port, 6, (), None, None, START)
    return flow, 1, fact


def test_an_account_that_may_see_less(known: Knowledge) -> None:
    """A recorder's account is shown less than ours: the first poll is no news, nor is what either hears later."""
    inspection = engine(known).engine.inspection
    device = inspection._devices.named("gate")
    assert device is not None
    device.first_ns = START - SECOND
    inspection.fact(*overheard(CapabilityStated("isapi", "System/capabilities", (LESS,))), START)
    for minute in range(1, 10):
        inspection.stated(device, CapabilityStated("isapi", "System/capabilities", (LESS, EZVIZ)), START + minute)
        inspection.fact(*overheard(CapabilityStated("isapi", "System/capabilities", (LESS,))), START + minute)
    assert inspection.take() == []


def test_another_device_behind_the_same_address(known: Knowledge) -> None:
    """A recorder shows a camera at a port of its own: what that can do is not new to the recorder."""
    inspection = engine(known).engine.inspection
    for minute in range(10):
        for port, said in ((80, (LESS,)), (65001, (LESS, EZVIZ))):
            inspection.fact(
                *overheard(CapabilityStated("isapi", "System/capabilities", said), port), START + minute * SECOND
            )
    assert inspection.take() == []


def test_what_passes_leaves_room_for_what_we_ask(known: Knowledge) -> None:
    """Ten thousand answers that somebody forges take no place of ours, and each is counted."""
    inspection = engine(known).engine.inspection
    device = inspection._devices.named("gate")
    assert device is not None
    for number in range(10_000):
        inspection.fact(*overheard(CapabilityStated("isapi", f"System/{number}", (LESS,))), START + number)
    for number in range(MAX_ANSWERS):
        inspection.stated(device, CapabilityStated("isapi", f"Ours/{number}", (LESS,)), START + number)
    page = inspection.ledger.page(device.key)
    assert len(page.answers) == MAX_ANSWERS
    assert len(page.overheard) == MAX_ANSWERS // 2
    assert inspection.ledger.crowded == 10_000 - MAX_ANSWERS // 2
