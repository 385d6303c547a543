"""The daemon on a live source says what a replay of the same packets says."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from collectors.captures import Captures
from monitor.app import build_engine, knowledge, renderer
from monitor.config import convert
from pcaps import messages, packets, quic, scenarios, tls
from pcaps.messages import PPPP_PORT, Pppp, pppp
from pcaps.packets import Host
from pcaps.savefile import write
from pcaps.wire import MS, SECOND, START, Connection, lookup
from tests.app.living import METRICS_PORT, Daemon, Site, wait_until
from tests.app.planted import toml
from tests.engine.played import AMAZON_IE, AMAZON_IE_2, MICROSOFT_GB, SITE, TENCENT, UNKNOWN_CN
from tests.engine.played import Site as Scene

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


Picture = set[tuple[Any, ...]]


def picture(messages: Iterable[dict[str, Any]]) -> Picture:
    """Device, operator, kinds, outcome, attempts and bytes of each incident, by its last message."""
    last = {each["finding_info"]["uid"]: each for each in messages}
    return {
        (
            each["device"]["name"],
            each["unmapped"]["camwarden"].get("verdict", {}).get("operator"),
            tuple(sorted(each["finding_info"]["types"])),
            each["unmapped"]["camwarden"].get("outcome"),
            each["unmapped"]["camwarden"]["attempts"],
            each["unmapped"]["camwarden"]["bytes_out"],
            each["unmapped"]["camwarden"]["bytes_in"],
        )
        for each in last.values()
    }


def replayed(path: Path, tables: dict[str, Any]) -> Picture:
    """What a replay of the file says."""
    config = convert({**tables, "sensor": {"name": "here"}}, "test")
    render = renderer("here")
    with knowledge(config) as known:
        engine = build_engine(config, known)
        told = [transition for block in Captures([path]).blocks() for transition in engine.feed(block)]
        told += engine.finish()
    return picture(msgspec.json.decode(render(each, 1, 1)) for each in told)


def scene(path: Path) -> Path:
    """Four seconds in which cameras do a little of everything."""
    here, tagged = Scene(), Scene(vlan=(7,))
    wire, rng, gate, hall = here.wire, here.rng, here.gate, here.hall

    def conversation(host: Host, ip: str, port: int, at_ms: int) -> Connection:
        return Connection(wire, host, here.remote(ip), port, at=START + at_ms * MS, rng=rng)

    lookup(wire, START, gate, here.server, "dev.hik-connect.com", AMAZON_IE)
    cloud = conversation(gate, AMAZON_IE, 443, 200)
    cloud.tls(rng, "dev.hik-connect.com")
    cloud.close()
    lookup(wire, START + 300 * MS, gate, here.server, "firmware.example.net", MICROSOFT_GB)
    fetch = conversation(gate, MICROSOFT_GB, 80, 400)
    fetch.open()
    fetch.say(messages.request("GET", "/latest", "HTTP/1.1", {"Host": "firmware.example.net"}))
    fetch.hear(messages.response("200 OK", "HTTP/1.1", {"Server": "x"}, b"1.2.3" * 400))
    fetch.close()
    talk_quic(here, gate, "8.219.10.20", START + 700 * MS)

    conversation(hall, UNKNOWN_CN, 8800, 0).reset()
    for again in (900, 1800):
        conversation(hall, UNKNOWN_CN, 8801, again).unanswered((SECOND,))
    conversation(hall, AMAZON_IE_2, 8802, 300).prohibited(here.router)
    for turn in range(4):
        wire.udp(START + turn * 700 * MS, hall, 32100, here.remote(TENCENT), PPPP_PORT, pppp(Pppp.HELLO))
        wire.udp(START + turn * 500 * MS, hall, 7000, here.remote("47.97.12.60"), 7001, b"question" * 20)
        wire.udp(START + (turn * 500 + 40) * MS, here.remote("47.97.12.60"), 7001, hall, 7000, b"answer" * 50)
    for turn in range(50):
        wire.udp(START + turn * 60 * MS, gate, 5004, here.server, 6004, b"v" * 900)

    yard = Host.at("10.20.7.13", "44:19:b6:20:07:0d")
    lookup(tagged.wire, START + 100 * MS, yard, tagged.server, "www.easy4ipcloud.com", "47.241.20.9")
    aside = Connection(tagged.wire, yard, tagged.remote("47.241.20.9"), 443, at=START + 600 * MS, rng=rng)
    aside.tls(rng, "www.easy4ipcloud.com")
    aside.close()
    dome = Host(hall.mac[:5] + b"\x0e", packets.address("2001:db8:20::e"))
    far = Connection(wire, dome, here.remote("240b:4001:280:1f00::8"), 443, at=START + 800 * MS, rng=rng)
    far.tls(rng, "en.ezcloud.uniview.com")
    far.close()
    Connection(wire, dome, here.remote("240d:c000:2010:1a80::9"), 443, at=START + SECOND, rng=rng).unanswered((SECOND,))
    write(path, sorted(wire.frames() + tagged.wire.frames(), key=lambda frame: frame.ts_ns))
    return path


def talk_quic(here: Scene, camera: Host, ip: str, at: int) -> None:
    """The first packets of a connection, answered."""
    server, port, rng = here.remote(ip), camera.next_port(), here.rng
    chosen, mine, theirs = (rng.randbytes(8) for _ in range(3))
    hello = tls.client_hello(rng, "api.hik-connect.com", ("h3",), quic=quic.transport_parameters(mine))
    keys = quic.Keys.of(chosen, "client")
    for number, part in enumerate((hello[:900], hello[900:])):
        first = quic.initial(keys, quic.Path(chosen, mine), number, quic.crypto(900 * number, part))
        here.wire.udp(at + number * MS, camera, port, server, 443, first)
    answer = quic.acknowledge(1) + quic.crypto(0, tls.server_hello(rng, hello))
    back = quic.initial(quic.Keys.of(chosen, "server"), quic.Path(mine, theirs), 0, answer)
    here.wire.udp(at + 40 * MS, server, 443, camera, port, back)
    here.wire.udp(at + 80 * MS, camera, port, server, 443, quic.one_rtt(rng, quic.Path(theirs, mine), 700))


TABLES: Final = {
    **{key: value for key, value in SITE.items() if key != "sensor"},
    "site": {**SITE["site"], "networks": ["2001:db8:20::/64"]},
    "device": [
        *SITE["device"],
        {"name": "yard", "ip": "10.20.7.13", "group": "cameras"},
        {"name": "dome", "ip": "2001:db8:20::e", "group": "cameras"},
    ],
}
ROUTER_SIDE: Final = "00:00:0c:07:ac:01"


def of_sensor(site: Site, name: str) -> Picture:
    """What one of several daemons told of devices."""
    told = [body for _, body in site.received() if body["unmapped"]["camwarden"]["sensor"] == name]
    return picture(body for body in told if body["device"]["name"] != name)


def test_live_is_replay(site: Site, tmp_path: Path) -> None:
    """A capture that passes at its own pace and one read from a file give the same incidents.

    It passes one tap; two taps that carry a direction each; and, as two other programs capture it, a folder in which
    dumpcap rotates files, and a pipe that tcpdump writes to.
    """
    path = scene(tmp_path / "scene.pcap")
    for pair in (("out", "outward"), ("in", "inward")):
        site.space.pair(*pair)
    folder, pipe = tmp_path / "ring", tmp_path / "pipe"
    folder.mkdir(mode=0o777)
    os.mkfifo(pipe)
    sources = {
        "tap": {"interfaces": ["hear"]},
        "taps": {"interfaces": ["outward", "inward"]},
        "folder": {"folder": str(folder)},
        "pipe": {"pipe": str(pipe)},
    }
    daemons = {}
    for number, (name, capture) in enumerate(sources.items()):
        tables = toml({**TABLES, "capture": capture, "prometheus": {"port": METRICS_PORT + number}})
        daemons[name] = Daemon(site, tables, name=name, watches=False)
    site.start("dumpcap", "-q", "-i", "hear", "-b", "filesize:30", "-w", str(folder / "ring.pcapng"))
    site.start("tcpdump", "-U", "-i", "hear", "-w", "-", output=pipe)
    for daemon in daemons.values():
        daemon.watches()
    wait_until(lambda: any(folder.iterdir()), "dumpcap")
    time.sleep(0.5)  # until dumpcap and tcpdump have opened their sockets

    cache = tmp_path / "directions"
    site.space.run("tcpprep", f"--mac={ROUTER_SIDE}", "--pcap", str(path), "--cachefile", str(cache))
    split = site.space.replaying(path, "in", "--timer=nano", "--cachefile", str(cache), "--intf2", "out")
    sent = site.space.replay(path, "send", "--timer=nano")
    split.communicate()
    for name, daemon in daemons.items():
        wait_until(lambda daemon=daemon: daemon.health()["packets"] == sent, f"all packets: {name}")
    for side in ("outward", "inward"):
        wait_until(lambda side=side: daemons["taps"].metric("packets_total", f'"{side}"') > 0, "the next save")
    assert len(list(folder.iterdir())) > 2
    for daemon in daemons.values():
        daemon.process.terminate()
    for daemon in daemons.values():
        daemon.ended()
    expected = replayed(path, TABLES)
    assert {each[0] for each in expected} == {"gate", "hall", "yard", "dome"}
    assert len(expected) == 9
    for name in daemons:
        assert of_sensor(site, name) == expected, name
    blind = {body["finding_info"]["uid"]: body for body in site.told("sensor_blind")}  # before the first packet
    assert all(body["activity_id"] == 3 for body in blind.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["irish_vendor_cloud", "quic_abroad", "hardcoded_p2p", "names_only", "ipv6_abroad"])
def test_live_is_replay_in_every_scenario(site: Site, name: str) -> None:
    """Also over minutes."""
    scenario = scenarios.load(name)
    tables = {key: value for key, value in scenario.configuration.items() if key != "sensor"}
    daemon = Daemon(site, toml(tables))
    sent = site.space.replay(scenario.capture, "send", "--timer=nano")
    wait_until(lambda: daemon.health()["packets"] == sent, "all packets")
    daemon.stop()
    time.sleep(1)
    assert picture(body for _, body in site.received()) == replayed(scenario.capture, tables)
