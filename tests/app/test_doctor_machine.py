"""What the doctor thinks of the machine: real files, real sockets, a real broker."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from monitor.config import convert
from monitor.doctor import machine
from monitor.doctor.clock import discipline, judged
from monitor.doctor.finding import Finding, Light, amber, red, some
from monitor.doctor.interface import link, offloads
from monitor.sinks.mqtt_config import MqttConfig, MqttTls
from monitor.sinks.prometheus_config import PrometheusConfig
from monitor.store.checking import corrupts
from monitor.store.journal import Store
from tests.sinks.conftest import Mosquitto
from tests.sinks.test_mqtt_tls import Authority


@pytest.mark.parametrize(
    ("version", "bad"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_which_sqlite_can_corrupt_a_journal(version: tuple[int, int, int], bad: bool) -> None:
    """The range of the defect, without its two back-ports."""
    assert corrupts(version) == bad
    assert machine.sqlite(version).light is (Light.AMBER if bad else Light.GREEN)


def test_libraries() -> None:
    """Old ones are a shortcoming, not a reason not to run."""
    assert machine.expat((2, 7, 1)).light is Light.AMBER
    assert machine.expat((2, 7, 2)).light is Light.GREEN
    assert machine.openssl((1, 1), "OpenSSL 1.1.1w").light is Light.AMBER
    assert machine.openssl((3, 0), "OpenSSL 3.0.15").light is Light.GREEN


def test_the_clock() -> None:
    """What the kernel says is read, whatever it is; a second of error is where evidence stops fitting together."""
    assert discipline().topic == "clock"
    assert judged(999_999, unsynchronised=False).light is Light.GREEN
    assert judged(1_000_000, unsynchronised=False).light is Light.AMBER
    assert judged(0, unsynchronised=True).light is Light.AMBER


def test_a_journal_that_is_whole(tmp_path: Path) -> None:
    """Opened read-only: nothing of it is touched, and none is made where there is none."""
    assert machine.journal(tmp_path).light is Light.GREEN
    assert list(tmp_path.iterdir()) == []
    Store.open(tmp_path, sensor="hall-1", sinks=[]).close()
    finding = machine.journal(tmp_path)
    assert (finding.light, finding.text) == (Light.GREEN, "whole, 0 messages")
    assert machine.journal(tmp_path / "nowhere").light is Light.AMBER


def test_a_journal_that_is_damaged(tmp_path: Path) -> None:
    """A page of zeros is red, and so is a file that never was a journal."""
    Store.open(tmp_path, sensor="hall-1", sinks=[]).close()
    (path,) = tmp_path.glob("*.sqlite3")
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
    assert machine.journal(tmp_path).light is Light.RED
    path.write_bytes(b"no database" * 1000)
    assert machine.journal(tmp_path).light is Light.RED


def test_a_journal_with_a_row_cut_out(tmp_path: Path) -> None:
    """SQLite finds nothing wrong with that, and the numbers do."""
    Store.open(tmp_path, sensor="hall-1", sinks=[]).close()
    (path,) = tmp_path.glob("*.sqlite3")
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER journal_is_dense")
        db.execute("INSERT INTO journal VALUES(3, 1, zeroblob(16), zeroblob(16), 1, 'x', 1, 0, 0, 0, zeroblob(16))")
    db.close()
    finding = machine.journal(tmp_path)
    assert finding.light is Light.RED
    assert "2 rows of the journal are missing" in finding.text


def test_room_for_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system that a directory will be made on counts too; the two marks are the journal's own."""
    assert machine.space(tmp_path / "not" / "yet").light in Light
    figures = list(os.statvfs(tmp_path))
    for free, light in ((63 << 20, Light.RED), (1000 << 20, Light.AMBER), (1025 << 20, Light.GREEN)):
        figures[1], figures[4] = 1, free
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(figures))
        assert machine.space(tmp_path).light is light


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/proc/version").exists(), reason="needs a read-only file system")
def test_a_read_only_disk() -> None:
    """sysfs of a container, or any other place that nothing can be written to."""
    places = [
        line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if "ro" in line.split()[3].split(",")
    ]
    if not places:
        pytest.skip("nothing is mounted read-only here")
    assert machine.space(Path(places[0])).light is Light.RED


def test_data_that_cannot_be_used(tmp_path: Path) -> None:
    """The file is named."""
    (tmp_path / "own.mmdb").write_bytes(b"nothing")
    config = convert({"geo": {"databases": [str(tmp_path / "own.mmdb")]}}, "here")
    (finding,) = machine.data(config)
    assert finding.light is Light.RED
    assert "own.mmdb" in finding.text


def test_old_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amber by age alone."""
    later = time.time() + 3 * 365 * 86400
    monkeypatch.setattr(machine.time, "time", lambda: later)
    lights = {each.light for each in machine.data(convert({}, "here")) if each.topic == "addresses"}
    assert lights == {Light.AMBER}


def test_the_metrics_port() -> None:
    """Free, taken, and open to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = machine.metrics(PrometheusConfig(port=taken.getsockname()[1]))
        assert finding.light is Light.AMBER
        assert "in use" in finding.text
    assert machine.metrics(PrometheusConfig(port=0)).light is Light.GREEN
    assert "open to the network" in machine.metrics(PrometheusConfig(port=0, host="0.0.0.0")).text
    assert machine.metrics(PrometheusConfig(port=0, host="::1")).light in (Light.GREEN, Light.AMBER)


def test_a_broker_in_the_clear(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """It answers, and anybody can read along."""
    mosquitto.start()
    finding = machine.broker(MqttConfig(host="127.0.0.1", port=mosquitto.port))
    assert (finding.light, "without TLS" in finding.text) == (Light.AMBER, True)
    (tmp_path / "password").write_text("x")
    secret = MqttConfig(host="127.0.0.1", port=mosquitto.port, username="a", password_file=str(tmp_path / "password"))
    assert "password travels in the clear" in machine.broker(secret).text


@pytest.mark.parametrize(
    ("trusted", "called", "light", "says"),
    [
        ("right", "localhost", Light.AMBER, "should have been renewed"),
        ("wrong", "localhost", Light.RED, "not trusted"),
        ("right", "elsewhere", Light.RED, "not trusted"),
        ("missing", "localhost", Light.RED, "No such file"),
    ],
)
def test_a_broker_with_tls(
    mosquitto: Mosquitto, tmp_path: Path, trusted: str, called: str, light: Light, says: str
) -> None:
    """Authority and name are verified; the certificate of the test is good for one more day."""
    right, _ = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    mosquitto.extra = right.issue(called)
    mosquitto.start()
    tls = MqttTls(ca=str(tmp_path / f"{trusted}.pem"))
    finding = machine.broker(MqttConfig(host="localhost", port=mosquitto.port, tls=tls))
    assert finding.light is light
    assert says in finding.text


def test_a_broker_that_is_not_there() -> None:
    """Refused, unknown, or a credential that only the unit has: red, in one line."""
    for config, says in (
        (MqttConfig(host="127.0.0.1", port=9), "Connection refused"),
        (MqttConfig(host="broker.invalid"), "broker.invalid:1883"),
        (MqttConfig(host="127.0.0.1", password_file="$CREDENTIALS_DIRECTORY/x"), "LoadCredential"),
    ):
        finding = machine.broker(config)
        assert finding.light is Light.RED
        assert says in finding.text
        assert "\n" not in finding.line(colour=False)


def test_interfaces() -> None:
    """One that is there, and one that is not."""
    assert link("lo").light in (Light.GREEN, Light.RED)
    missing = link("nosuch0")
    assert missing.light is Light.RED
    assert "there are " in missing.text
    assert "lo" in missing.text
    assert offloads("nosuch0").light is Light.AMBER


def test_lines() -> None:
    """With colour and without; what a device calls itself cannot move the cursor."""
    assert amber("dns", "none").line(colour=False) == "amber  dns            none"
    assert red("dns", "none").line(colour=True) == "\x1b[1;31mred   \x1b[0m dns            none"
    assert "\x1b" not in Finding(Light.GREEN, "devices", "\x1b[2Jcamera").line(colour=False)
    assert some(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
