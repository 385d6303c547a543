"""What of another configuration a running engine takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitor import reload
from monitor.config import convert
from monitor.model.contacts import DeviceClass
from monitor.model.incidents import Activity, Kind
from pcaps.packets import Host
from pcaps.wire import MS, SECOND, START, Connection
from tests.engine.played import SITE, UNKNOWN_CN, Played, Site, blocks, configured, engine

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.model.incidents import Transition

GATE = {"name": "gate", "ip": "10.20.0.11", "mac": "44:19:b6:20:00:0b", "group": "cameras"}
HALL = {"name": "hall", "ip": "10.20.0.12", "mac": "44:19:b6:20:00:0c", "group": "cameras"}


def calling(*seconds: int) -> list[Any]:
    """The gate's attempts abroad."""
    site = Site()
    for second in seconds:
        Connection(site.wire, site.gate, site.remote(UNKNOWN_CN), 443, at=START + second * SECOND, rng=site.rng).syn()
        site.wire.udp(START + second * SECOND + 900 * MS, site.hall, 5000, site.server, 6000, b"x")
    return site.wire.frames()


def turned(played: Played, known: Knowledge, **tables: Any) -> None:
    """Have the engine go on with these tables in place of the site's."""
    taken = reload.prepare(configured(), configured(**tables), known)
    reload.apply(played.engine, taken)


def fed(played: Played, frames: list[Any]) -> list[Transition]:
    before = len(played.told)
    played.feed(blocks(frames))
    return played.told[before:]


def test_what_is_allowed_now_ends_its_incident(known: Knowledge) -> None:
    """And what is allowed no more opens one, with the next packet of anybody."""
    played = engine(known)
    (opened,) = fed(played, calling(0, 1, 2))[:1]
    allowing = [{"name": "cameras", "allow": [UNKNOWN_CN]}]
    turned(played, known, group=allowing)
    ended = fed(played, calling(3, 4))
    assert [(each.activity, each.incident) for each in ended] == [(Activity.END, opened.incident)]
    assert UNKNOWN_CN in ended[0].rule
    turned(played, known)
    (again, *_) = fed(played, calling(5, 6))
    assert (again.activity, again.kind) == (Activity.NEW, Kind.UNEXPECTED_CONTACT)
    assert again.incident != opened.incident


def test_what_is_long_over_is_not_told_again(known: Knowledge) -> None:
    """However often the configuration is read: only the next attempt opens an incident, under either policy."""
    limits = {"quiet_hours": 0.01}
    played = engine(known, configured(limits=limits))
    fed(played, calling(0))
    ended = fed(played, calling(100, 101)[1:2] + calling(102)[1:])
    assert [each.activity for each in ended] == [Activity.END]
    for number in range(3):
        allow = {"name": "cameras", "allow": [f"release-{number}.example"]}
        taken = reload.prepare(configured(limits=limits), configured(group=[allow], limits=limits), known)
        reload.apply(played.engine, taken)
        assert fed(played, calling(110 + number)[1:]) == []
    (again,) = fed(played, calling(120) + calling(121)[1:])
    assert (again.activity, again.device.name) == (Activity.NEW, "gate")


def test_what_nobody_was_told_of_is_told_however_long_ago_it_was(known: Knowledge) -> None:
    """As opened and over: what was allowed then is not now, or its host is only now known for a camera."""
    limits = {"quiet_hours": 0.01}
    allowing = [{"name": "cameras", "allow": [UNKNOWN_CN]}]
    played = engine(known, configured(limits=limits, group=allowing))
    assert fed(played, calling(0) + calling(90)[1:]) == []
    taken = reload.prepare(configured(limits=limits, group=allowing), configured(limits=limits), known)
    reload.apply(played.engine, taken)
    told = fed(played, calling(100)[1:] + calling(140)[1:])
    assert [(each.activity, each.device.name) for each in told] == [(Activity.NEW, "gate"), (Activity.END, "gate")]
    reload.apply(played.engine, taken)
    assert fed(played, calling(150)[1:]) == []


def test_another_group_is_another_policy(known: Knowledge) -> None:
    """A camera put into an isolated group has broken out of it."""
    played = engine(known)
    fed(played, calling(0, 1))
    groups = [{"name": "cameras"}, {"name": "cells", "isolated": True}]
    turned(played, known, group=groups, device=[{**GATE, "group": "cells"}, HALL])
    told = fed(played, calling(2, 3))
    assert {each.kind for each in told} | {kind for each in told for kind in each.properties} >= {Kind.ISOLATION_BROKEN}
    assert [each.device.group for each in told] == ["cells"] * len(told)


def test_a_host_that_is_there_becomes_a_device(known: Knowledge) -> None:
    """It keeps what is known of it, and its name is the inventory's from now on."""
    site = Site()
    site.wire.udp(START, site.phone, 5000, site.server, 6000, b"x")
    played = engine(known).feed(blocks(site.wire.frames()))
    devices = played.engine.attribution.devices
    (phone,) = (each for each in devices if each.mac == site.phone.mac)
    assert (phone.watched, phone.configured) == (False, False)
    turned(played, known, device=[GATE, HALL, {"name": "lobby", "ip": "10.20.0.90"}])
    assert (phone.watched, phone.configured, phone.name) == (True, True, "lobby")
    assert phone.key == "da:a1:19:4e:07:3c"
    assert devices.known(phone.addresses[0]) is phone


def test_a_device_that_left_the_inventory_is_a_host_like_others(known: Knowledge) -> None:
    """A camera by its MAC is still watched; a phone is not."""
    played = engine(known)
    fed(played, calling(0))
    phone = {"name": "phone", "mac": "da:a1:19:4e:07:3c"}
    turned(played, known, device=[GATE, HALL, phone])
    turned(played, known, device=[HALL])
    known_now = {each.name: each for each in played.engine.attribution.devices}
    gate, phone_now = known_now["gate"], known_now["phone"]
    assert (gate.configured, gate.watched, gate.device_class, gate.group) == (False, True, DeviceClass.CAMERA, None)
    assert (phone_now.configured, phone_now.watched) == (False, False)
    assert known_now["hall"].configured


def test_a_core_network_is_off_limits_from_now_on(known: Knowledge) -> None:
    """Also for addresses that were looked at before."""
    played = engine(known)
    site = Site()
    core = site.router.beyond("10.1.0.5")
    Connection(site.wire, site.gate, core, 22, at=START, rng=site.rng).syn()
    played.feed(blocks(site.wire.frames()))
    assert played.told == []
    turned(played, known, site={**SITE["site"], "core_networks": ["10.1.0.0/16"]})
    again = Site()
    again.gate.next_port()
    Connection(again.wire, again.gate, core, 22, at=START + SECOND, rng=again.rng).syn()
    again.wire.udp(START + 2 * SECOND, again.hall, 5000, again.server, 6000, b"x")
    (told, *_) = fed(played, again.wire.frames())
    assert told.kind is Kind.CORE_CONTACT


def test_what_needs_a_restart_is_named() -> None:
    """By table and key; what a running engine takes over is not among it."""
    old = configured(limits={"flows": 4096, "silent_minutes": 5}, prometheus={"port": 9477})
    new = convert(
        {
            **SITE,
            "sensor": {"name": "elsewhere"},
            "limits": {"flows": 8192, "silent_minutes": 7},
            "mqtt": {"host": "broker"},
            "group": [],
            "device": [],
        },
        "test",
    )
    assert reload.restart_needed(old, new) == ["sensor.name", "mqtt", "prometheus", "limits.flows"]
    assert reload.restart_needed(old, old) == []


@pytest.mark.parametrize("change", [{}, {"poll": {"api": "onvif"}}, {"poll": {"api": "isapi"}, "ip": "10.20.0.99"}])
def test_whom_to_ask_is_taken_up_at_the_start(change: dict[str, Any]) -> None:
    """A poll that changed, went or came, or that goes to another address, is named; other devices are not."""
    device = {"name": "gate", "ip": "10.20.0.11", "group": "cameras"}
    polls = {**device, "poll": {"api": "isapi"}}
    old, new, without = (convert({**SITE, "device": [each]}, "test") for each in (polls, {**device, **change}, device))
    assert reload.restart_needed(old, new) == ["device.poll"]
    assert reload.restart_needed(new, old) == ["device.poll"]
    assert reload.restart_needed(without, convert({**SITE, "device": [{**device, "ip": "10.20.0.12"}]}, "test")) == []


def test_a_vendor_that_nobody_knows_changes_nothing(known: Knowledge) -> None:
    """The catalogue is asked before anything is taken over."""
    with pytest.raises(ValueError, match="not in the catalogue"):
        reload.prepare(configured(), configured(group=[{"name": "cameras", "match": {"vendor": "acmee"}}]), known)


def test_a_silence_of_a_camera_that_is_watched_no_more_is_over(known: Knowledge) -> None:
    """Nobody would ever say so otherwise."""
    loft = Host.at("10.20.0.40", "00:14:22:00:00:40")  # of a maker of no cameras
    entry = {"name": "loft", "ip": "10.20.0.40", "group": "cameras"}
    played = engine(known, configured(device=[*SITE["device"], entry]))
    site = Site()
    for second in range(1400):
        for camera in (loft, site.hall) if second < 700 else (site.hall,):
            site.wire.udp(START + second * SECOND, camera, 5000, site.server, 6000, b"x" * 20)
    assert [each.activity for each in fed(played, site.wire.frames())] == [Activity.NEW]
    turned(played, known)
    again = Site()
    for second in range(1400, 1420):
        again.wire.udp(START + second * SECOND, again.hall, 5000, again.server, 6000, b"x" * 20)
    (over,) = fed(played, again.wire.frames())
    assert (over.activity, over.kind, over.device.name) == (Activity.END, Kind.DEVICE_SILENT, "loft")
