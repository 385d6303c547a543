"""A firmware that somebody pushes and the device does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from monitor.model.address import pack
from monitor.model.facts import FirmwareCall, FirmwareTransfer
from monitor.model.flows import Flow
from monitor.model.incidents import Kind, Severity
from pcaps.wire import SECOND, START
from tests.engine.played import engine

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.inspection import Inspection
    from monitor.model.incidents import Notice

URI: Final = "http://10.20.0.17/ISAPI/System/updateFirmware"
IMAGE: Final = FirmwareTransfer(
    "to_device", "isapi", "digicap.dav", URI, 4096, True, None, "hikvision-dav", "hikvision"
)


class Push:
    """A service PC, which calls a camera and gets its answers."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        gate = inspection._devices.named("gate")
        assert gate is not None
        self.flow = Flow(0, pack("10.20.0.63"), gate.addresses[0], 40000, 80, 6, (), None, None, START)

    def call(self, accepted: bool | None, at: int) -> list[Notice]:
        self.inspection.fact(self.flow, int(accepted is not None), FirmwareCall("isapi", "upload", URI, accepted), at)
        return self.told()

    def told(self) -> list[Notice]:
        return [notice for _, notice in self.inspection.take() if notice.kind is Kind.FIRMWARE_UPDATE]


@pytest.fixture
def push(known: Knowledge) -> Push:
    return Push(engine(known).engine.inspection)


def test_a_log_in_by_digest_is_one_message(push: Push) -> None:
    """Refused once, asked again with a log-in, taken: that is how every push goes."""
    told = [
        each for step, accepted in enumerate((None, False, None, True)) for each in push.call(accepted, START + step)
    ]
    push.inspection.tick(START + 60 * SECOND)
    told += push.told()
    assert [each.properties for each in told] == [("probable",)]


def test_one_that_stays_refused_is_no_update(push: Push) -> None:
    """It was an attempt, and what the device does next is no consequence of it."""
    (opened,) = push.call(None, START)
    assert push.call(False, START + SECOND) == []
    push.inspection.fact(push.flow, 0, IMAGE, START + SECOND)
    push.told()
    push.inspection.tick(START + 5 * SECOND)
    assert push.told() == []
    push.inspection.tick(START + 20 * SECOND)
    (refused,) = push.told()
    assert refused.about == opened.about
    assert refused.severity is Severity(opened.severity - 1)
    assert "refused" in refused.properties
    assert "was to be changed, which the device refused," in refused.message
    assert push.inspection.ledger.page("gate").watched_update(START + 30 * SECOND) is None
    push.inspection.tick(START + 40 * SECOND)
    assert push.told() == []


def test_one_that_is_taken_later_is_an_update_after_all(push: Push) -> None:
    push.call(None, START)
    push.call(False, START)
    push.inspection.tick(START + 20 * SECOND)
    push.told()
    (again,) = push.call(None, START + 30 * SECOND)
    assert again.properties == ("probable",)
    assert push.inspection.ledger.page("gate").watched_update(START + 31 * SECOND) is not None
