"""What the doctor thinks of a mirror: bundled captures as they are, and the same ones spoilt in every known way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from scapy.utils import PcapReader, PcapWriter

from collectors.captures import Captures
from collectors.live import Ledger, LinkEvent, LinkState
from monitor.config import Config, convert
from monitor.doctor.finding import Finding, Light
from monitor.doctor.mirror import loss, mirror
from monitor.doctor.survey import Survey
from monitor.doctor.watching import over_captures
from pcaps import scenarios

Spoil = Callable[[Packet], Packet | None]
CAMERA = "10.20.0.21"
RECORDER = "10.20.0.10"


def survey(
    name: str, tmp_path: Path, spoil: Spoil | None = None, more: Iterable[Packet] = (), **config: object
) -> Survey:
    """A bundled scenario by its own configuration, each frame as ``spoil`` leaves it, None for not at all."""
    scenario = scenarios.load(name)
    capture = scenario.capture
    if spoil is not None or more:
        capture = tmp_path / "spoilt.pcap"
        with PcapReader(str(scenario.capture)) as frames, PcapWriter(str(capture), linktype=1, sync=True) as out:
            spoilt = [frame if spoil is None else spoil(frame) for frame in frames]
            kept = [frame for frame in (*spoilt, *more) if frame is not None]
            for frame in sorted(kept, key=lambda each: each.time) if more else kept:
                out.write(frame)
    return over_captures(convert({**scenario.configuration, **config}, name), Captures([capture]))


def told(seen: Survey) -> dict[str, Finding]:
    """The findings by topic; the gravest of those that come more than once."""
    order = [Light.GREEN, Light.AMBER, Light.RED]
    found: dict[str, Finding] = {}
    for finding in mirror(seen):
        if finding.topic not in found or order.index(finding.light) > order.index(found[finding.topic].light):
            found[finding.topic] = finding
    return found


def not_green(findings: dict[str, Finding]) -> set[str]:
    return {topic for topic, finding in findings.items() if finding.light is not Light.GREEN}


def source(frame: Packet) -> str:
    return str(frame[IP].src) if IP in frame else str(frame[ARP].psrc) if ARP in frame else ""


def is_camera(address: str) -> bool:
    return bool(re.fullmatch(r"10\.20\.0\.(2[1-9]|3[0-2])", address))


def test_a_good_mirror_is_green_throughout(tmp_path: Path) -> None:
    """Every line, with all its devices and all its conversations."""
    findings = told(survey("quiet_site", tmp_path))
    assert not_green(findings) == set()
    assert "13 recognised, 13 of them configured" in findings["devices"].text
    assert findings["conversations"].text == "16 of 16 seen in both directions"


def test_each_packet_twice(tmp_path: Path) -> None:
    """The bundled mirror that copies: nearly half of all is copies, and no NAT is made of those that were routed."""
    findings = told(survey("duplicate_mirror", tmp_path))
    assert findings["duplicates"].light is Light.AMBER
    assert "57 of 118 packets (48.3%)" in findings["duplicates"].text
    assert findings["nat"].light is Light.GREEN


def test_only_what_the_cameras_send(tmp_path: Path) -> None:
    """Red, and it says which way is missing. What they send is enough to know them all."""
    seen = survey("quiet_site", tmp_path, lambda frame: frame if is_camera(source(frame)) else None)
    findings = told(seen)
    assert findings["conversations"].light is Light.RED
    assert "what is sent to the devices is missing" in findings["conversations"].text
    assert (seen.only_from, seen.only_to, seen.two_sided) == (16, 0, 0)
    assert "12 recognised" in findings["devices"].text
    assert "recorder" in findings["absent"].text


def test_only_what_the_cameras_are_sent(tmp_path: Path) -> None:
    """The other way round; and to be sent something is not to be there."""

    def to_cameras(frame: Packet) -> Packet | None:
        return None if is_camera(source(frame)) or ARP in frame else frame

    findings = told(survey("quiet_site", tmp_path, to_cameras))
    assert findings["conversations"].light is Light.RED
    assert "what the devices send is missing" in findings["conversations"].text
    assert "12 configured and not seen: axis-01, axis-02" in findings["absent"].text


def test_one_port_of_many_mirrored_one_way(tmp_path: Path) -> None:
    """Amber, and the camera is named."""
    findings = told(survey("quiet_site", tmp_path, lambda frame: None if source(frame) == CAMERA else frame))
    assert findings["conversations"].light is Light.AMBER
    assert "(axis-01)" in findings["conversations"].text
    assert findings["absent"].light is Light.AMBER
    assert "1 configured and not seen: axis-01;" in findings["absent"].text


def test_unanswered_attempts_prove_nothing(tmp_path: Path) -> None:
    """A firewall that is silent makes no mirror one-sided: 2,750 attempts without an answer, and none is held against it."""
    seen = survey("airport_storm", tmp_path)
    assert (seen.only_from, seen.only_to, seen.unclear) == (0, 0, 0)
    assert told(seen)["conversations"].light is not Light.RED


def test_an_ordinary_switch_port(tmp_path: Path) -> None:
    """What every host of a network gets anyway: broadcasts and multicasts."""
    findings = told(survey("quiet_site", tmp_path, lambda frame: frame if int(frame.dst[:2], 16) & 1 else None))
    assert findings["mirror"].light is Light.RED


def test_nothing_at_all(tmp_path: Path) -> None:
    """One red line in place of twenty green ones."""
    findings = list(mirror(survey("quiet_site", tmp_path, lambda _: None)))
    assert [(each.light, each.topic) for each in findings] == [(Light.RED, "packets")]


def test_frames_that_were_cut(tmp_path: Path) -> None:
    """A snapshot length of 96 bytes."""

    def cut(frame: Packet) -> Packet:
        whole = bytes(frame)
        shorter = Ether(whole[:96])
        shorter.time, shorter.wirelen = frame.time, len(whole)
        return shorter

    findings = told(survey("quiet_site", tmp_path, cut))
    assert findings["whole"].light is Light.AMBER
    assert "were cut" in findings["whole"].text


def test_frames_that_were_merged(tmp_path: Path) -> None:
    """Longer than an MTU of 1500 with any header around it; a tagged full frame is not."""
    full = Ether(dst="c0:56:e3:20:00:0a", src="ac:cc:8e:20:00:15") / IP(src=CAMERA, dst=RECORDER) / TCP(sport=554)
    tagged = full / (b"x" * 1464)
    merged = full / (b"x" * 2920)
    assert told(survey("quiet_site", tmp_path, more=[tagged]))["frames"].light is Light.GREEN
    findings = told(survey("quiet_site", tmp_path, more=[merged, merged]))
    assert findings["frames"].light is Light.AMBER
    assert "2 larger than the wire carries (up to 2,974 bytes)" in findings["frames"].text


def test_a_router_in_between(tmp_path: Path) -> None:
    """All cameras have one MAC: they are there, and cannot be told from their successors."""

    def routed(frame: Packet) -> Packet | None:
        if ARP in frame:
            return None
        if is_camera(source(frame)):
            frame.src = "00:00:0c:07:ac:01"
        elif is_camera(str(frame[IP].dst)):
            frame.dst = "00:00:0c:07:ac:01"
        return frame

    findings = told(survey("quiet_site", tmp_path, routed))
    assert findings["macs"].light is Light.AMBER
    assert "13 of 15 local hosts send with 00:00:0c:07:ac:01" in findings["macs"].text


@pytest.mark.parametrize("ttl", [127, 62])
def test_hosts_that_share_an_address(tmp_path: Path, ttl: int) -> None:
    """TCP from one address at two distances, or of two kinds of host."""

    def farther(frame: Packet) -> Packet:
        if source(frame) == CAMERA and TCP in frame and bytes(frame[TCP].payload) and frame[TCP].sport != 554:
            frame[IP].ttl = ttl
        return frame

    findings = told(survey("quiet_site", tmp_path, farther))
    assert findings["nat"].light is Light.AMBER
    assert findings["nat"].text.startswith(CAMERA)


def test_a_routed_copy_is_nobody_else(tmp_path: Path) -> None:
    """Every second packet comes first as its routed copy, with one hop less: copies, no NAT."""
    count = 0
    copies: list[Packet] = []

    def routed_first(frame: Packet) -> Packet:
        nonlocal count
        count += 1
        if count % 2 and IP in frame:
            copies.append(frame.copy())
            frame[IP].ttl -= 1
        return frame

    with PcapReader(str(scenarios.load("quiet_site").capture)) as frames:
        first = [routed_first(frame) for frame in frames]
    seen = survey("quiet_site", tmp_path, lambda _: None, more=[*first, *copies])
    findings = told(seen)
    assert any(len(ttls) > 1 for ttls in seen.ttls.values())
    assert findings["nat"].light is Light.GREEN


def lookups(count: int) -> Iterator[Packet]:
    for number in range(count):
        wire = Ether(dst="00:00:0c:07:ac:01", src="ac:cc:8e:20:00:15") / IP(src=CAMERA, dst="10.20.0.2")
        asked = wire / UDP(sport=50000 + number, dport=53) / DNS(id=number, qd=DNSQR(qname=f"{number}.example.org"))
        asked.time = 1_770_000_000 + number
        yield asked


def test_questions_without_an_answer(tmp_path: Path) -> None:
    """Whose address is whose stays unknown: red; and without a single question, amber."""

    def without_answers(frame: Packet) -> Packet | None:
        return None if UDP in frame and frame[UDP].sport == 53 else frame

    findings = told(survey("quiet_site", tmp_path, without_answers, more=lookups(5)))
    assert findings["dns"].light is Light.RED
    assert "queries and no answer" in findings["dns"].text

    def without_dns(frame: Packet) -> Packet | None:
        return None if UDP in frame and 53 in (frame[UDP].sport, frame[UDP].dport) else frame

    findings = told(survey("quiet_site", tmp_path, without_dns))
    assert findings["dns"].light is Light.AMBER
    assert "flows to the outside have a name" in findings["dns"].text


def test_no_camera_anywhere(tmp_path: Path) -> None:
    """The hosts that are there are listed; and configured ones that are all absent are red."""
    laptop = Ether(src="f0:de:f1:00:00:01", dst="00:00:0c:07:ac:01") / IP(src="10.0.0.9", dst="203.0.113.5")
    findings = told(survey("quiet_site", tmp_path, lambda _: None, more=[laptop / TCP(sport=50000, dport=443)]))
    assert findings["devices"].light is Light.RED
    assert "among 1 local hosts (f0:de:f1:00:00:01)" in findings["devices"].text
    assert findings["absent"].light is Light.RED
    assert "13 configured and not seen" in findings["absent"].text


def test_what_is_no_ip(tmp_path: Path) -> None:
    """An encapsulation that nobody here reads."""
    strange = Ether(dst="00:00:0c:07:ac:01", src="ac:cc:8e:20:00:15", type=0x9999) / (b"x" * 60)
    findings = told(survey("quiet_site", tmp_path, more=[strange] * 2000))
    assert findings["protocols"].light is Light.RED


def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    """Two hours, in the middle."""
    count = 0

    def back(frame: Packet) -> Packet:
        nonlocal count
        count += 1
        frame.time -= 7200 if count > 400 else 0
        return frame

    findings = told(survey("quiet_site", tmp_path, back))
    assert findings["times"].light is Light.AMBER
    assert findings["times"].text.startswith("set back 1 times")


@pytest.mark.parametrize(
    ("ledger", "light"),
    [
        (Ledger("eth1", arrived=1000, dropped=0, seen=990, waiting=10), Light.GREEN),
        (Ledger("eth1", arrived=1000, dropped=10, seen=990, waiting=0), Light.AMBER),
        (Ledger("eth1", arrived=1000, dropped=11, seen=989, waiting=0), Light.RED),
        (Ledger("eth1", arrived=1000, dropped=0, seen=999, waiting=0), Light.RED),
    ],
)
def test_what_was_lost(ledger: Ledger, light: Light) -> None:
    """None, a few, more than one in a hundred; and an account that does not add up."""
    seen = Survey()
    seen.ledgers = (ledger,)
    assert [each.light for each in loss(seen)] == [light]


def test_what_the_card_lost_and_when_the_cable_was_out() -> None:
    """Each is a line of its own."""
    seen = Survey()
    seen.ledgers = (Ledger("eth1", arrived=10, dropped=0, seen=10, waiting=0, missed=7),)
    seen.events = [LinkEvent(1, "eth1", LinkState.DOWN), LinkEvent(2, "eth1", LinkState.UP)]
    texts = [each.text for each in loss(seen) if each.light is Light.AMBER]
    assert texts[0].startswith("eth1: the card lost 7 more")
    assert texts[1].startswith("eth1 was down")
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("path", "topic", "says"),
    [
        (
            "smart_home_firewall/eval/latency/all-devices/no-firewall/wan.pcap",
            "conversations",
            "sent to the devices is missing",
        ),
        ("fit_iot_dataset/pcaps/blink-cam-01.pcap", "whole", "14,790 of 24,022 frames"),
        ("fit_iot_dataset/pcaps/blink-cam-01.pcap", "times", "10 times it jumps by hours"),
        ("update_traffic_eufy/controlled/sony_tv/sony_tv_full.pcapng", "hidden names", "asked by encrypted DNS"),
        ("intl_iot/model/yi_camera_sample.pcap", "dns", "0 of 3 flows to the outside have a name"),
    ],
)
def test_captures_of_others(captures: Path, path: str, topic: str, says: str) -> None:
    """Faults that real captures have, and nobody put there for us."""
    if not (captures / path).is_file():
        pytest.skip(f"no {path}")
    finding = told(over_captures(Config(), Captures([captures / path])))[topic]
    assert finding.light is not Light.GREEN
    assert says in finding.text


def test_a_real_camera_seen_whole(captures: Path) -> None:
    """A Dahua camera and its viewer: nothing to object to but that it is short."""
    if not (captures / "2ic80_dahua_rtsp/rtsp.pcapng").is_file():
        pytest.skip("no 2ic80_dahua_rtsp/rtsp.pcapng")
    assert not_green(told(over_captures(Config(), Captures([captures / "2ic80_dahua_rtsp/rtsp.pcapng"])))) == {
        "conversations"
    }
