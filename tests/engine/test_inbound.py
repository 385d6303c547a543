"""Somebody outside reaches a device: told where it answered and no rule lets them in, and never as the device's doing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.model.community_id import community_id
from monitor.model.contacts import Outcome
from monitor.model.incidents import Kind, Severity
from pcaps import messages
from pcaps.wire import MINUTE, MS, SECOND, START, Connection
from tests.engine.played import UNKNOWN_CN, Site, configured, group, play
from tests.engine.test_continuity import Process

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from pcaps.packets import Host

AT_HOME = "81.2.69.142"
LATER = START + 10 * MINUTE
"""When nothing that passes can be older than the capture."""


def viewed(site: Site, viewer: Host, *, at: int = LATER) -> Connection:
    """The viewer's connection to the camera, which answers."""
    connection = Connection(site.wire, viewer, site.gate, 554, at=at, rng=site.rng)
    connection.open()
    connection.say(messages.request("OPTIONS", "rtsp://10.20.0.11/", "RTSP/1.0", {"CSeq": "1"}))
    connection.hear(messages.response("200 OK", "RTSP/1.0", {"CSeq": "1"}))
    return connection


def begun(site: Site) -> None:
    """Something of the site's own, so that the capture is older than what follows."""
    site.wire.udp(START, site.gate, 40000, site.server, 40001, b"here")


def datagrams(site: Site, viewer: Host, answers: int) -> None:
    """One datagram to a port of the camera's, and so many from it."""
    begun(site)
    site.wire.udp(LATER, viewer, 40000, site.gate, 9000, b"hello")
    for number in range(answers):
        site.wire.udp(LATER + (1 + number) * 40 * MS, site.gate, 9000, viewer, 40000, bytes((number,)) * 900)
    site.wire.udp(LATER + 5 * SECOND, site.gate, 40000, site.server, 40001, b"here")


def test_by_tcp(known: Knowledge) -> None:
    """Who, how much each way, by which flow; the device attempted nothing."""
    site = Site()
    viewer = site.remote(UNKNOWN_CN)
    connection = viewed(site, viewer)
    played = play(known, site)
    last = played.only()
    assert (last.kind, last.severity, last.outcome) == (Kind.INBOUND_VIEWER, Severity.HIGH, Outcome.TRANSFERRED)
    assert (last.attempts, last.foreign) == (0, True)
    assert last.bytes_out > 0 < last.bytes_in
    (evidence,) = last.evidences
    ports = connection.ports
    assert (evidence.remote_ip, evidence.remote_port, evidence.device_port) == (UNKNOWN_CN, ports[0], 554)
    assert evidence.community_id == community_id(
        b"\x00" * 10 + b"\xff\xff" + viewer.ip, b"\x00" * 10 + b"\xff\xff" + site.gate.ip, *ports, 6
    )
    message = json.loads(played.rendered()[-1])
    assert "was reached from outside by" in message["message"]
    assert message["message"].endswith("no rule lets it in")
    assert message["evidences"][0]["connection_info"]["direction_id"] == 1


def test_by_datagrams(known: Knowledge) -> None:
    """Where the device goes on talking; an answer or two to a probe is no conversation."""
    site = Site()
    datagrams(site, site.remote(UNKNOWN_CN), 8)
    last = play(known, site).only()
    assert (last.kind, last.attempts) == (Kind.INBOUND_VIEWER, 0)
    site = Site()
    datagrams(site, site.remote(UNKNOWN_CN), 2)
    assert play(known, site).told == []


@pytest.mark.parametrize("end", ["unanswered", "reset", "open"])
def test_who_is_not_answered_is_not_told(known: Knowledge, end: str) -> None:
    """A scan that finds nothing: no answer, a refusal, a handshake without payload."""
    site = Site()
    connection = Connection(site.wire, site.remote(UNKNOWN_CN), site.gate, 554, at=LATER, rng=site.rng)
    getattr(connection, end)()
    assert play(known, site).told == []


def test_who_began_must_have_been_seen(known: Knowledge) -> None:
    """In the middle of a connection ports say who is the server, and may be wrong."""
    site = Site()
    begun(site)
    viewed(site, site.remote(UNKNOWN_CN))
    frames = [frame for frame in site.wire.frames() if frame.ts_ns == START or len(frame.data) > 90]
    assert len(frames) >= 3
    site.wire._frames = frames
    assert play(known, site).told == []


def test_at_home_it_is_low_and_for_an_isolated_group_critical(known: Knowledge) -> None:
    site = Site()
    viewed(site, site.remote(AT_HOME))
    last = play(known, site).only()
    assert (last.kind, last.severity, last.foreign) == (Kind.INBOUND_VIEWER, Severity.LOW, False)
    last = play(known, site, group(isolated=True)).only()
    assert (last.kind, last.severity) == (Kind.INBOUND_VIEWER, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("allow", "let_in"),
    [([UNKNOWN_CN], True), (["AS58461"], True), ([f"{UNKNOWN_CN} tcp/554"], False), ([AT_HOME], False)],
)
def test_a_rule_without_a_service_lets_in(known: Knowledge, allow: list[str], let_in: bool) -> None:
    """One with a service says where the device may go, and nothing of who may come."""
    site = Site()
    viewed(site, site.remote(UNKNOWN_CN))
    assert (play(known, site, group(allow=allow)).told == []) is let_in


def test_the_sites_core_may_look(known: Knowledge) -> None:
    """Recorders and operators are there; a camera that calls them is another matter."""
    site = Site()
    viewed(site, site.remote("10.99.0.5"))
    assert play(known, site, configured(site={"home": ["GB"], "core_networks": ["10.99.0.0/16"]})).told == []


def test_the_device_calls_back(known: Knowledge) -> None:
    """Then it is one incident, which counts its attempts from there on."""
    site = Site()
    viewer = site.remote(UNKNOWN_CN)
    viewed(site, viewer)
    Connection(site.wire, site.gate, viewer, 8000, at=LATER + MINUTE, rng=site.rng).unanswered(())
    played = play(known, site)
    last = played.only()
    assert (last.kind, last.attempts) == (Kind.INBOUND_VIEWER, 1)
    assert "was reached from outside by, and tried once to reach, " in json.loads(played.rendered()[-1])["message"]


def test_a_sensor_that_starts_anew_knows_it(known: Knowledge, tmp_path: Path) -> None:
    """The incident goes on: nobody is said to be allowed after all."""
    site = Site()
    connection = viewed(site, site.remote(UNKNOWN_CN))
    site.wire.udp(LATER + SECOND, site.gate, 40000, site.server, 40001, b"here")
    frames = site.wire.frames()
    before = Process(known, "quiet_site", tmp_path)
    opened = before.feed(frames)
    before.stop()
    assert [each.kind for each in opened] == [Kind.INBOUND_VIEWER]
    connection.now += MINUTE
    connection.hear(bytes(900))
    after = Process(known, "quiet_site", tmp_path)
    told = after.feed(site.wire.frames()[len(frames) :]) + after.finish()
    last = told[-1]
    assert (last.incident, last.kind, last.outcome) == (opened[0].incident, Kind.INBOUND_VIEWER, Outcome.TRANSFERRED)
    assert last.bytes_out > opened[0].bytes_out + 900
    assert "no rule lets it in" in last.message
