"""Evidence of a running daemon: what a message names is there when it arrives, and a bad folder stops nothing."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from monitor.evidence.pcapng import read
from pcaps.packets import Host
from pcaps.wire import MS, START, Connection, Wire
from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import attempt, camera, configured

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 400


def pushed() -> list[bytes]:
    """A computer of the site pushes a firmware to camera 0."""
    wire = Wire()
    computer = Host.at("10.20.0.50", "00:14:22:5a:10:50")
    connection = Connection(wire, computer, camera(0), 80, at=START, rng=Random(1), rtt=MS)
    connection.open()
    head = b"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nHost: cam\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
    connection.say(head + IMAGE)
    connection.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
    return [frame.data for frame in wire.frames()]


def test_what_is_told_is_there(site: Site, tmp_path: Path) -> None:
    """The packet of an attempt, and an image that was pushed, when the message is on the broker."""
    state = tmp_path / "state"
    daemon = Daemon(site, configured(1, sensor={"name": "here", "state": str(state)}, evidence={"images": True}))
    site.send(attempt(0))
    wait_until(lambda: site.about("cam-0"), "the attempt")
    told = site.about("cam-0")[0]["unmapped"]["camwarden"]["evidence"]
    data = (state / "evidence" / told["pcap"]).read_bytes()
    assert sha256(data).hexdigest() == told["sha256"]
    assert next(packet.data for packet in read(data))[12:14] == b"\x08\x00"

    site.send(*pushed())
    wait_until(lambda: site.told("firmware_update"), "the update")
    wait_until(
        lambda: [each for each in site.told("firmware_update") if "image" in each["unmapped"]["camwarden"]["evidence"]],
        "its image",
    )
    image = site.told("firmware_update")[-1]["unmapped"]["camwarden"]["evidence"]["image"]
    assert image == {"sha256": sha256(IMAGE).hexdigest(), "bytes": len(IMAGE), "file": sha256(IMAGE).hexdigest()}
    assert (state / "evidence" / image["file"]).read_bytes() == IMAGE
    wait_until(lambda: daemon.metric("limit_size", 'limit="evidence_image_bytes"') >= len(IMAGE), "the gauge")
    daemon.stop()


def test_a_bad_folder_stops_nothing(site: Site, tmp_path: Path) -> None:
    """Messages come without evidence, health and log say why, and once."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "evidence").write_text("a file is in the way")
    daemon = Daemon(site, configured(2, sensor={"name": "here", "state": str(state)}))
    site.send(attempt(0), attempt(1))
    wait_until(lambda: site.about("cam-0") and site.about("cam-1"), "both attempts")
    assert "evidence" not in site.about("cam-0")[0]["unmapped"]["camwarden"]
    assert (
        "exists" in str(daemon.health()["evidence"]).lower() or "directory" in str(daemon.health()["evidence"]).lower()
    )
    assert daemon.health()["code"] == 200
    assert len(daemon.says("evidence")) == 1
    daemon.stop()
