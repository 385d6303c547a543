"""A camera that serves RTSP to a recorder on the site and to a viewer abroad: a real server, real clients."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from monitor.model.address import pack
from monitor.model.community_id import community_id
from tests.app.living import ROOT, Daemon, wait_until
from tests.site import servers
from tests.site.conftest import TABLES
from tests.site.dissected import rows
from tests.site.network import CHINA, CLOSED, SERVER, UPLINK, Network, finished, needs
from tests.site.servers import PASSWORD, REALM, STREAM, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.site.network import Host

ADDRESS: Final = "10.20.0.13"
PLAIN_MAC: Final = "02:11:22:33:44:0d"
"""Locally administered: the maker of nothing."""
FRAMES: Final = 25
OPENING: Final = 5
"""Answers until media passes: OPTIONS, DESCRIBE and DESCRIBE with the password, SETUP, PLAY."""


@dataclass(slots=True)
class Viewing:
    capture: Path
    incidents: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    log: str = ""


@pytest.fixture(scope="module", params=["digest", pytest.param("basic", marks=pytest.mark.slow)])
def viewing(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Viewing]:
    """It is over when tests look at it."""
    needs("tshark")
    network = Network(tmp_path_factory.mktemp("video"))
    try:
        yield viewed(network, request.param)
    finally:
        network.close()


def viewed(network: Network, method: str) -> Viewing:
    """Look at the camera from near and from afar, over UDP and inside the connection; then it calls somebody itself."""
    camera = network.attached(PLAIN_MAC, ADDRESS)
    servers.video(network, camera, method)
    network.world.ip("route", "replace", "10.20.0.0/16", "via", UPLINK, "src", CHINA)
    seen = Viewing(network.directory / "video.pcap")
    daemon = Daemon(network, TABLES)
    recorder = network.record(seen.capture)
    before = daemon.health()["packets"]
    for viewer in (network.server, network.world):
        for way in ("udp", "tcp"):
            look(viewer, way)
    camera.attempt(sys.executable, "-c", servers.ASK, CLOSED, "9000")
    wait_until(network.received, "the incident")
    assert daemon.health()["packets"] > before + 4 * FRAMES
    finished(recorder)
    seen.log = daemon.stop()
    network.delivered()
    seen.incidents = list({body["finding_info"]["uid"]: body for _, body in network.received()}.values())
    command = [sys.executable, "-m", "monitor.cli", "observe", str(seen.capture)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
    seen.said = [json.loads(line) for line in done.stdout.splitlines()]
    return seen


def look(viewer: Host, way: str) -> None:
    """See a second of the video over "udp" or "tcp". Client and server do not always agree on how to part."""
    viewer.attempt(
        "gst-launch-1.0", "-q", "rtspsrc", f"location=rtsp://{ADDRESS}:554{STREAM}", f"user-id={USER}",
        f"user-pw={PASSWORD}", f"protocols={way}", "latency=0", "!", "fakesink", f"num-buffers={FRAMES}",
    )  # fmt: skip


def of(viewing: Viewing, kind: str) -> list[dict[str, Any]]:
    return [each for each in viewing.said if each["kind"] == kind]


def test_being_looked_at_is_nothing_that_a_camera_does(viewing: Viewing) -> None:
    """Of all that was seen the one incident is where the camera went by itself; the video is in nobody's bytes."""
    (incident,) = viewing.incidents
    assert [each["dst_endpoint"]["ip"] for each in incident["evidences"]] == [CLOSED]
    assert incident["unmapped"]["camwarden"]["attempts"] == 1
    assert incident["unmapped"]["camwarden"]["bytes_out"] < 100
    sent = sum(
        each["bytes_out"] + each["bytes_in"] for each in of(viewing, "flow.end") if CHINA in (each["src"], each["dst"])
    )
    assert sent > 10_000


def test_a_camera_is_known_by_its_realm(viewing: Viewing) -> None:
    """Its MAC says nothing; how its RTSP server asks for a password does."""
    (incident,) = viewing.incidents
    assert (incident["device"]["ip"], incident["device"]["vendor_name"]) == (ADDRESS, "Hikvision")


def test_no_password_is_observed(viewing: Viewing) -> None:
    """Neither as it is, nor as Basic writes it (RFC 7617), nor digested."""
    clear = f"{USER}:{PASSWORD}"
    everything = f"{viewing.said} {viewing.incidents} {viewing.log}"
    for secret in (PASSWORD, base64.b64encode(clear.encode()).decode(), "response="):
        assert secret not in everything


def test_requests(viewing: Viewing) -> None:
    """Method, URI and client of each, as tshark reads them."""
    theirs = rows(viewing.capture, "rtsp.request", "ip.src", "rtsp.method", "rtsp.url")
    ours = [(each["src"], each["method"], each["uri"]) for each in of(viewing, "rtsp.request")]
    assert ours == theirs
    assert {method for _, method, _ in ours} >= {"OPTIONS", "DESCRIBE", "SETUP", "PLAY"}
    assert {source for source, _, _ in ours} == {SERVER, CHINA}


def test_responses(viewing: Viewing) -> None:
    """Status of each, in each connection; behind video in the connection itself, nothing is read any more."""
    ours: dict[tuple[str, int], list[str]] = defaultdict(list)
    theirs: dict[tuple[str, int], list[str]] = defaultdict(list)
    for each in of(viewing, "rtsp.response"):
        ours[each["dst"], each["dport"]].append(str(each["status"]))
    for viewer, port, status in rows(viewing.capture, "rtsp.response", "ip.dst", "tcp.dstport", "rtsp.status"):
        theirs[viewer, int(port)].append(status)
    inside = {(each["dst"], each["dport"]) for each in of(viewing, "rtp.stream") if each["transport"] == "interleaved"}
    assert len(inside) == 2
    assert ours == {ends: told[:OPENING] if ends in inside else told for ends, told in theirs.items()}
    assert {tuple(told[:OPENING]) for told in ours.values()} == {("200", "401", "200", "200", "200")}


def test_each_viewer_is_asked_for_the_password(viewing: Viewing) -> None:
    """In the camera's realm, by the server that it is; and is told of one video track then."""
    found = of(viewing, "rtsp.response")
    assert [each["realm"] for each in found if each["status"] == 401] == [REALM] * 4
    assert {each["server"] for each in found} == {"GStreamer RTSP server"}
    tracks = [(each["media"], each["codec"], each["control"]) for each in of(viewing, "sdp.track")]
    assert tracks == [("video", "H264", "stream=0")] * 4


def test_media_belongs_to_its_session(viewing: Viewing) -> None:
    """Each stream is the one that a connection agreed on: its Community ID, transport, codec and source."""
    streams = of(viewing, "rtp.stream")
    sessions = {}
    for source, destination, sport in rows(viewing.capture, 'rtsp.method == "PLAY"', "ip.src", "ip.dst", "tcp.srcport"):
        identity = community_id(pack(source), pack(destination), int(sport), 554, 6)
        sessions[identity] = source
    assert len(sessions) == 4
    assert {each["session"] for each in streams} == set(sessions)
    for viewer in (SERVER, CHINA):
        found = [each for each in streams if sessions[each["session"]] == viewer]
        assert sorted(each["transport"] for each in found) == ["interleaved", "udp"]
    assert {(each["media"], each["codec"], each["payload_type"]) for each in streams} == {("video", "H264", 96)}


def test_streams_are_those_of_tshark(viewing: Viewing) -> None:
    """Synchronisation sources of what tshark takes for RTP, but for the noise by which viewers open a way to them."""
    theirs = {
        int(ssrc, 0)
        for (cell,) in rows(viewing.capture, f"rtp && ip.src == {ADDRESS}", "rtp.ssrc")
        for ssrc in cell.split(",")
    }
    assert {each["ssrc"] for each in of(viewing, "rtp.stream")} == theirs
