"""What a device hands out to services elsewhere."""

from __future__ import annotations

import pytest

from monitor.app import knowledge
from monitor.model.capabilities import State
from monitor.model.contacts import Contact, Outcome
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from tests.engine.played import configured, engine

TCP = 6
START = 1_700_000_000_000_000_000
RELAY = Verdict(
    "example.org", "domain:example.org", OperatorKind.DOMAIN, "GB", None, None, None, None, None, Confidence.LOW, ""
)


@pytest.mark.parametrize(("port", "capability"), [(587, "export.email"), (8883, "export.mqtt"), (1935, "export.rtmp")])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_service_that_answered_shows_the_function_at_work(port: int, capability: str, outcome: Outcome) -> None:
    """An attempt that nobody answered has handed nothing out."""
    config = configured(device=[{"name": "gate", "ip": "10.20.0.17"}])
    with knowledge(config) as known:
        inspection = engine(known, config).engine.inspection
        device = inspection._devices.named("gate")
        assert device is not None
        contact = Contact(device, None, RELAY, START, START, b"", outcome, outbound=True, names=["relay.example.org"])
        inspection.exported(contact, (TCP, port), START)
        page = inspection.ledger.known("gate")
        row = page.rows.get(capability) if page is not None else None
        if outcome < Outcome.ANSWERED:
            assert row is None
        else:
            assert row is not None
            assert row.state() is State.HIDDEN
            assert row.exercised is not None
            assert row.exercised.source == f"tcp/{port} of relay.example.org"
