"""Whom cameras called, as told to a subscriber, where every packet is of a real program or of the kernel."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.app.test_run import picture, replayed
from tests.oracles.by_hand import dealings
from tests.site.conftest import CAMERA, CAMERA_MAC, VAULT, VAULT_MAC
from tests.site.network import BLOCKED, CHINA, CLOSED, DARK, ENGLAND, IRELAND, RESET, ROUTER, TENCENT
from tests.site.servers import CLOUD, FIRMWARE_BYTES

if TYPE_CHECKING:
    from tests.site.conftest import Day


class Expected(NamedTuple):
    kind: str
    properties: set[str]
    operator: str
    country: str
    jurisdiction: str
    outcome: str
    attempts: int
    port: int
    refused_by: str | None = None


LITERAL: Final = {"literal_address"}
ABROAD: Final = {"literal_address", "foreign"}
CALLS: Final = {
    (CAMERA, IRELAND): Expected("vendor_cloud", {"foreign"}, "Hikvision", "IE", "CN", "transferred", 3, 443),
    (CAMERA, CHINA): Expected("unexpected_contact", ABROAD, "AS58461 Chinanet", "CN", "CN", "transferred", 1, 8080),
    (CAMERA, TENCENT): Expected("unexpected_contact", ABROAD, "Tencent", "CN", "CN", "transferred", 1, 1883),
    (CAMERA, ENGLAND): Expected("unexpected_contact", LITERAL, "AS2818 BBC", "GB", "GB", "transferred", 1, 9000),
    (CAMERA, CLOSED): Expected("unexpected_contact", ABROAD, "Alibaba", "US", "CN", "refused", 1, 9000, "peer"),
    (CAMERA, BLOCKED): Expected("unexpected_contact", ABROAD, "Amazon", "IE", "US", "refused", 1, 443, ROUTER),
    (CAMERA, RESET): Expected("unexpected_contact", ABROAD, "Hetzner", "DE", "DE", "refused", 1, 443, "peer"),
    (CAMERA, DARK): Expected("unexpected_contact", ABROAD, "OVHcloud", "FR", "FR", "attempted", 1, 443),
    (VAULT, ENGLAND): Expected("isolation_broken", LITERAL, "AS2818 BBC", "GB", "GB", "refused", 1, 80, "peer"),
}
"""A reset that the router sends in another's name is that other's: only the router could tell."""


def ours(incident: dict[str, Any]) -> dict[str, Any]:
    return incident["unmapped"]["camwarden"]


@pytest.mark.parametrize(("device", "address"), CALLS)
def test_each_call_is_told_as_what_it_was(day: Day, device: str, address: str) -> None:
    """Kind, whose and where the remote end is, how far it got, and by whom it was refused."""
    incident = day.about(device, address)
    kind, *properties = incident["finding_info"]["types"]
    (evidence,) = incident["evidences"]
    remote, verdict = evidence["dst_endpoint"], ours(incident)["verdict"]
    assert verdict["location"] == remote["location"]["country"]
    found = Expected(
        kind,
        set(properties),
        verdict["operator"],
        verdict["location"],
        verdict["jurisdiction"],
        ours(incident)["outcome"],
        ours(incident)["attempts"],
        remote["port"],
        ours(incident).get("refused_by"),
    )
    assert found == CALLS[device, address]


def test_nothing_else_is_told(day: Day) -> None:
    """DHCP, the site's resolver and time server, and a visitor's SSH are nothing to report."""
    assert sorted(day.incidents) == sorted({device for device, _ in CALLS})
    assert sum(map(len, day.incidents.values())) == len(CALLS)


def test_devices_are_known_without_an_inventory(day: Day) -> None:
    """They have the maker of their MAC, the name and the address of their lease."""
    known = {
        (each["device"]["name"], each["device"]["mac"], each["device"]["ip"], each["device"]["vendor_name"])
        for incidents in day.incidents.values()
        for each in incidents
    }
    assert known == {
        (CAMERA, CAMERA_MAC, day.addresses[CAMERA], "Hikvision"),
        (VAULT, VAULT_MAC, day.addresses[VAULT], "Dahua"),
    }


def test_the_cloud_has_its_name(day: Day) -> None:
    """It is the one that DNS told and that the hello asks for."""
    (evidence,) = day.about(CAMERA, IRELAND)["evidences"]
    assert evidence["dst_endpoint"]["hostname"] == CLOUD
    assert evidence["src_endpoint"]["ip"] == day.addresses[CAMERA]


@pytest.mark.parametrize("device", [CAMERA, VAULT])
def test_counts_are_those_of_tshark(day: Day, device: str) -> None:
    """Attempts, frame bytes each way and the outcome, of every remote end, counted from the recording by hand."""
    counted = dealings(day.capture, day.addresses[device])
    assert set(counted) == {address for name, address in CALLS if name == device}
    for address, expected in counted.items():
        told = ours(day.about(device, address))
        found = (told["attempts"], told["bytes_out"], told["bytes_in"], told["outcome"])
        assert found == (expected.attempts, expected.bytes_out, expected.bytes_in, expected.outcome), address


def test_bytes_are_those_of_the_router(day: Day) -> None:
    """All that incidents say went out and came in is what the kernel counted on the router's uplink."""
    beyond = [day.about(*call) for call in CALLS if call[1] not in (BLOCKED, RESET, DARK)]
    assert sum(ours(each)["bytes_out"] for each in beyond) == day.left
    assert sum(ours(each)["bytes_in"] for each in beyond) == day.came
    assert min(day.left, day.came) > FIRMWARE_BYTES


def test_every_frame_of_the_switch_was_seen(day: Day) -> None:
    """The daemon took as many frames as the mirror port gave, none lost, none twice; its log has no fault."""
    assert day.packets == day.flooded
    for incident in (each for incidents in day.incidents.values() for each in incidents):
        assert ours(incident)["visibility"] == {
            "duplicates": 0, "evictions": 0, "gaps_s": 0, "loss_ppm": 0, "one_sided": False,
        }  # fmt: skip
    assert "Traceback" not in day.log
    assert "hunter2" not in day.log


def test_live_is_replay_of_the_recording(day: Day) -> None:
    """The daemon and a replay of what tcpdump wrote on the same interface say the same."""
    live = picture(each for incidents in day.incidents.values() for each in incidents)
    assert replayed(day.capture, tomllib.loads(day.tables)) == live
