"""A device that is not what it was is told once, with both who claim to be it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from monitor.detectors import device_changed
from monitor.model.address import mac_from_text, pack
from monitor.model.contacts import Device
from monitor.model.identity import Claimant, Evidence, IdentityChange, IdentityKind
from monitor.model.incidents import Activity, Kind, Severity
from monitor.model.verdicts import Confidence
from pcaps.packets import Host
from pcaps.wire import START
from tests.engine.played import Site, play

if TYPE_CHECKING:
    from monitor.app import Knowledge

SECOND = 1_000_000_000
FORGER = "00:14:22:66:66:66"


def test_two_hosts_that_claim_a_camera_s_address_are_one_incident(known: Knowledge) -> None:
    """Both are named, it is told once however long it lasts, and the camera's calls stay the camera's."""
    site = Site()
    forger = Host.at("10.20.0.11", FORGER)
    for turn in range(20):
        site.wire.arp(START + turn * SECOND, site.gate, site.server)
        site.wire.udp(START + turn * SECOND + 1000, site.gate, 5000, site.server, 6000, b"x")
        site.wire.arp(START + turn * SECOND + 500_000_000, forger, site.server)
    told = play(known, site).told
    claimed = [each for each in told if each.kind is Kind.DEVICE_CHANGED]
    opened = claimed[0]
    assert [each.activity for each in claimed] == [Activity.NEW]
    assert (opened.severity, opened.device.name, opened.properties) == (Severity.HIGH, "gate", ("address_claimed",))
    assert "44:19:b6:20:00:0b at 10.20.0.11" in opened.message or "44:19:b6:20:00:0b" in opened.message
    assert FORGER in opened.message
    assert (opened.verdict, opened.outcome, opened.attempts) == (None, None, 0)


@pytest.mark.parametrize("left", [64, 63], ids=["sent", "forwarded"])
def test_a_camera_that_forwards_a_phone_is_no_clone(known: Knowledge, left: int) -> None:
    """The phone's packets come with the camera's MAC, and with one hop less than hosts send with."""
    site = Site()
    camera, phone = Host.at("10.20.0.60", "44:19:b6:20:00:3c"), Host.at("10.99.0.2", "44:19:b6:20:00:3c", ttl=left)
    for turn in range(20):
        site.wire.udp(START + turn * SECOND, camera, 5000 + turn, site.server, 6000, b"x")
        site.wire.udp(START + turn * SECOND + 1000, phone, 5000 + turn, site.remote("115.231.97.60"), 6000, b"x")
    cloned = [each for each in play(known, site).told if each.kind is Kind.DEVICE_CHANGED]
    assert [each.severity for each in cloned] == ([Severity.HIGH] if left == 64 else [])


def test_what_may_be_one_host_says_less() -> None:
    """Neither the severity nor the sentence is that of a clone."""
    once = device_changed.detect(structs.replace(change(IdentityKind.MAC_CLONED), certain=False))
    assert once is not None
    assert (once.severity, once.confidence) == (Severity.MEDIUM, Confidence.LOW)
    assert "there and back once" in once.message


def change(kind: IdentityKind, *, alarm: bool = True, mac: str = FORGER) -> IdentityChange:
    address = pack("10.20.0.11")
    claimants = tuple(
        Claimant(mac_from_text(each), address, START, Evidence.ARP) for each in ("44:19:b6:20:00:0b", mac)
    )
    return IdentityChange(Device("gate", "gate", START), kind, "before", "after", claimants, START, alarm)


@pytest.mark.parametrize("kind", IdentityKind)
def test_every_kind_has_a_sentence(kind: IdentityKind) -> None:
    """With the device in it, what was and what is."""
    notice = device_changed.detect(change(kind))
    assert notice is not None
    assert all(word in notice.message for word in ("gate", "before", "after"))
    assert notice.message[0].isupper()
    assert notice.about == kind


def test_a_note_is_no_incident() -> None:
    """What happens where nothing is wrong is told to nobody."""
    assert device_changed.detect(change(IdentityKind.ADDRESS_MOVED, alarm=False)) is None


def test_a_mac_that_anybody_can_choose_says_less() -> None:
    """A locally administered address is told with less confidence."""
    assert device_changed.detect(change(IdentityKind.REPLACED)).confidence is Confidence.HIGH
    local = device_changed.detect(change(IdentityKind.REPLACED, mac="da:a1:19:4e:07:3c"))
    assert local.confidence is Confidence.MEDIUM


def test_a_message_names_one_address_of_its_device(known: Knowledge) -> None:
    """The camera begins with its maker's fixed address and then has a lease, from which it calls."""
    site = Site()
    first, leased = (Host.at(ip, "44:19:b6:20:00:3c") for ip in ("192.168.0.20", "10.20.0.60"))
    site.wire.arp(START, first, site.server)
    site.wire.arp(START + 90 * SECOND, leased, site.server)
    site.wire.udp(START + 91 * SECOND, leased, 5000, site.remote("115.231.97.60"), 6000, b"x")
    called = [each for each in play(known, site).told if each.kind is not Kind.DEVICE_CHANGED]
    assert [(each.device.ip, each.evidences[0].device_ip) for each in called] == [("10.20.0.60", "10.20.0.60")]
