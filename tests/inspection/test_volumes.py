"""Updates that nobody can look into: by how much comes, and where from; and how a device greets afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from monitor.inspection.volumes import LEAST, MIB, WINDOW_NS
from monitor.model.address import pack
from monitor.model.contacts import Contact, Outcome
from monitor.model.facts import DeviceAnnounced, TlsClientHello
from monitor.model.flows import Flow
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from pcaps.wire import SECOND, START
from tests.engine.played import engine

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.inspection import Inspection
    from monitor.model.contacts import Device
    from monitor.model.incidents import Notice

UPDATES: Final = "download.tplinkcloud.com"
CLOUD: Final = Verdict(
    "TP-Link", "vendor:tp-link", OperatorKind.VENDOR_CLOUD, "IE", None, None, None, "CN", "tp-link", Confidence.HIGH, ""
)
TCP: Final = 6


@pytest.fixture
def inspection(known: Knowledge) -> Inspection:
    running: Inspection = engine(known).engine.inspection
    return running


@pytest.fixture
def gate(inspection: Inspection) -> Device:
    device = inspection._devices.named("gate")
    assert device is not None
    return device


def updates(inspection: Inspection) -> list[Notice]:
    return [notice for _, notice in inspection.take() if notice.kind is Kind.FIRMWARE_UPDATE]


def contact(gate: Device, name: str) -> Contact:
    return Contact(gate, pack("52.30.1.1"), CLOUD, START, START, b"", Outcome.TRANSFERRED, outbound=True, names=[name])


@pytest.mark.parametrize(
    ("name", "octets", "found"),
    [(UPDATES, LEAST, 1), (UPDATES, LEAST - 1, 0), ("n-devs-dcipc.tplinkcloud.com", 4 * LEAST, 0)],
)
def test_a_download_from_an_update_host(
    inspection: Inspection, gate: Device, name: str, octets: int, found: int
) -> None:
    """Encrypted, it is a hint by its volume; as much from a host for something else is none."""
    here = contact(gate, name)
    here.bytes_in = octets
    inspection.went(here, START + SECOND)
    told = updates(inspection)
    assert len(told) == found
    if found:
        assert told[0].confidence is Confidence.LOW
        assert "download: 8 MiB and more from download.tplinkcloud.com" in told[0].message


def test_what_adds_up_over_months_is_no_download(inspection: Inspection, gate: Device) -> None:
    """Questions whose answers come to as much, but not within a window."""
    here = contact(gate, UPDATES)
    for window in range(50):
        here.bytes_in += LEAST // 2
        inspection.went(here, START + (window + 2) * 2 * WINDOW_NS)
    assert updates(inspection) == []


@pytest.mark.parametrize(("octets", "lasted_ns", "found"), [(LEAST, 60 * SECOND, 1), (LEAST, 2 * WINDOW_NS, 0)])
def test_a_push_on_a_makers_own_port(
    inspection: Inspection, gate: Device, octets: int, lasted_ns: int, found: int
) -> None:
    """The maker's tool sends an image in minutes; a session of hours has its commands."""
    flow = Flow(0, pack("10.20.0.63"), gate.addresses[0], 40000, 8000, TCP, (), None, None, START)
    inspection.pushed(flow, octets, START + lasted_ns)
    told = updates(inspection)
    assert len(told) == found
    if found:
        assert f"download: {octets // MIB} MiB from 10.20.0.63 on tcp/8000" in told[0].message


def test_a_new_way_of_greeting_joins_an_update_and_opens_none(inspection: Inspection, gate: Device) -> None:
    """Another TLS library may come with a firmware, and with a setting."""
    flow = Flow(0, gate.addresses[0], pack("52.30.1.1"), 40000, 443, TCP, (), None, None, START)
    flow.device = gate

    def greet(ja4: str, ts_ns: int) -> None:
        inspection.fact(flow, 0, TlsClientHello("a.example", (), ja4, "1.3", ech=False), ts_ns)

    greet("t13d1516h2_8daaf6152771_02713d6af862", START)
    greet("t12d190800_d83cc789557e_7af1ed941c26", START + SECOND)
    assert updates(inspection) == []
    for second, version in ((2, "V5.5.0"), (3, "V5.7.0")):
        inspection.announced(gate, DeviceAnnounced("sadp", firmware=version), START + second * SECOND)
    assert "TLS fingerprint" not in updates(inspection)[-1].message
    greet("t12d190800_d83cc789557e_7af1ed941c26", START + 4 * SECOND)  # known before
    assert updates(inspection) == []
    greet("t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", START + 5 * SECOND)
    told = updates(inspection)
    assert "a TLS fingerprint that is new: t13d3112h2_e8f1e7e78f70_b26ce05bbdd6" in told[-1].message
    assert told[-1].severity is Severity.MEDIUM
