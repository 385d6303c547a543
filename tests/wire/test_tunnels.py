"""What is inside: PPPoE, MPLS, GRE, ERSPAN, VXLAN, GENEVE, IP in IP and 802.11, built by scapy (synthetic)."""

from __future__ import annotations

import ipaddress
import warnings
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire import layout as at
from tests.wire.tap import MS, START, Tap, fields

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy imports what cryptography is about to remove
    pytest.importorskip("scapy")
    from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
    from scapy.contrib.geneve import GENEVE
    from scapy.contrib.mpls import MPLS, EoMCW
    from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
    from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
    from scapy.layers.l2 import ARP, GRE, GRE_PPTP, LLC, SNAP, STP, Dot1AD, Dot1Q, Dot3, Ether
    from scapy.layers.ppp import PPP, PPPoE
    from scapy.layers.sctp import SCTP
    from scapy.layers.vxlan import VXLAN
    from scapy.packet import Packet, Raw

if TYPE_CHECKING:
    from types import SimpleNamespace

CAMERA: Final = "44:19:b6:20:00:0c"
GATEWAY: Final = "00:00:0c:07:ac:01"
SWITCH: Final = "00:1b:54:00:00:01"
SENSOR: Final = "52:54:00:00:00:02"
ACCESS_POINT: Final = "00:0b:86:00:00:03"

LINK: Final = Ether(src=SWITCH, dst=SENSOR)
CARRIER: Final = IP(src="192.0.2.1", dst="192.0.2.2")
CARRIER6: Final = IPv6(src="2001:db8::1", dst="2001:db8::2")
SYN: Final = IP(src="10.20.0.12", dst="52.30.100.10") / TCP(sport=40000, dport=443, seq=7, flags="S")
SYN6: Final = IPv6(src="2001:db8:20::c", dst="2a00:1450::10") / TCP(sport=40000, dport=443, seq=7, flags="S")
SEEN: Final = Ether(src=CAMERA, dst=GATEWAY) / SYN
"""A frame as a mirror port sees it."""
TAGGED: Final = Ether(src=CAMERA, dst=GATEWAY) / Dot1Q(vlan=20) / SYN
DATA: Final = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800) / SYN


class Case(NamedTuple):
    frame: Packet
    carried: bool = True
    """In a flow of its own, which is counted too."""
    inside: bool = False
    """The MACs are those of a frame inside."""
    vlans: tuple[int, ...] = ()
    link: int = at.LINK_ETHERNET


def pppoe(body: bytes) -> Packet:
    return LINK / PPPoE(sessionid=7) / Raw(body)


def vxlan(frame: Packet, port: int = 4789) -> Packet:
    return LINK / CARRIER / UDP(sport=51000, dport=port) / VXLAN(vni=42, flags=8) / frame


def wireless(*, to: int, control: Packet | None = None) -> Packet:
    """A data frame; the station is the camera, which the DS bits say where to look for."""
    addresses = {
        0: {"addr1": GATEWAY, "addr2": CAMERA, "addr3": ACCESS_POINT},
        1: {"addr1": ACCESS_POINT, "addr2": CAMERA, "addr3": GATEWAY},
        2: {"addr1": GATEWAY, "addr2": ACCESS_POINT, "addr3": CAMERA},
        3: {"addr1": ACCESS_POINT, "addr2": SWITCH, "addr3": GATEWAY, "addr4": CAMERA},
    }[to]
    header = Dot11(type=2, subtype=8 if control else 0, FCfield=to)
    for name, value in addresses.items():
        header.setfieldval(name, value)
    return header / control / DATA if control else header / DATA


CASES: Final = {
    "priority tag": Case(LINK / Dot1Q(vlan=0, prio=5) / SYN, carried=False),
    "priority tag and VLAN": Case(LINK / Dot1AD(vlan=0) / Dot1Q(vlan=7) / SYN, carried=False, vlans=(7,)),
    "802.3": Case(Dot3(src=SWITCH, dst=SENSOR) / DATA, carried=False),
    "PPPoE": Case(LINK / PPPoE(sessionid=7) / PPP(proto=0x0021) / SYN, carried=False),
    "PPPoE, IPv6": Case(LINK / PPPoE(sessionid=7) / PPP(proto=0x0057) / SYN6, carried=False),
    "PPPoE, VLAN": Case(LINK / Dot1Q(vlan=835) / PPPoE() / PPP(proto=0x0021) / SYN, carried=False, vlans=(835,)),
    "PPPoE, compressed": Case(pppoe(b"\x21" + bytes(SYN)), carried=False),
    "PPPoE, address and control": Case(pppoe(b"\xff\x03\x00\x21" + bytes(SYN)), carried=False),
    "PPPoE, MPLS": Case(pppoe(b"\x02\x81" + bytes(MPLS(label=16, s=1, ttl=9) / SYN)), carried=False),
    "PPP": Case(PPP(proto=0x0021) / SYN, carried=False, link=at.LINK_PPP),
    "MPLS": Case(LINK / MPLS(label=16, s=1, ttl=9) / SYN, carried=False),
    "MPLS, three labels": Case(
        LINK / Dot1Q(vlan=3) / MPLS(label=1, s=0) / MPLS(label=2, s=0) / MPLS(label=3, s=1) / SYN6, carried=False, vlans=(3,)
    ),
    "MPLS, pseudowire": Case(LINK / MPLS(label=16, s=1) / EoMCW() / TAGGED, carried=False, inside=True, vlans=(20,)),
    "GRE": Case(LINK / CARRIER / GRE() / SYN),
    "GRE, all fields": Case(LINK / CARRIER / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=1) / SYN),
    "GRE, IPv6": Case(LINK / CARRIER / GRE() / SYN6),
    "GRE over IPv6": Case(LINK / CARRIER6 / GRE() / SYN),
    "GRE, MPLS": Case(LINK / CARRIER / GRE(proto=0x8847) / MPLS(label=16, s=1) / SYN),
    "GRE, bridged": Case(LINK / Dot1Q(vlan=99) / CARRIER / GRE(proto=0x6558) / TAGGED, inside=True, vlans=(20,)),
    "GRE, VLAN outside": Case(LINK / Dot1Q(vlan=99) / CARRIER / GRE() / SYN, vlans=(99,)),
    "PPTP": Case(LINK / CARRIER / GRE_PPTP(seqnum_present=1, sequence_number=1, call_id=7) / PPP(proto=0x0021) / SYN),
    "PPTP, acknowledging": Case(
        LINK
        / CARRIER
        / GRE_PPTP(seqnum_present=1, sequence_number=1, acknum_present=1, ack_number=1)
        / PPP(proto=0x0057)
        / SYN6
    ),
    "ERSPAN I": Case(LINK / CARRIER / GRE(proto=0x88BE) / Raw(bytes(SEEN)), inside=True),
    "ERSPAN II": Case(
        LINK / CARRIER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(vlan=20, en=3) / TAGGED, inside=True, vlans=(20,)
    ),
    "ERSPAN III": Case(LINK / CARRIER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III() / SEEN, inside=True),
    "ERSPAN III, subheader": Case(
        LINK / CARRIER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(o=1) / ERSPAN_PlatformSpecific() / SEEN,
        inside=True,
    ),
    "ERSPAN III, IP": Case(LINK / CARRIER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(ft=2) / Raw(bytes(SYN6))),
    "VXLAN": Case(vxlan(SEEN), inside=True),
    "VXLAN, reserved bits set": Case(
        LINK / CARRIER / UDP(sport=51000, dport=4789) / Raw(b"\x0f\1\2\3\0\0\x2a\4" + bytes(SEEN)), inside=True
    ),
    "VXLAN, tagged": Case(vxlan(TAGGED), inside=True, vlans=(20,)),
    "VXLAN, Linux's port": Case(vxlan(SEEN, 8472), inside=True),
    "VXLAN over IPv6": Case(LINK / CARRIER6 / UDP(sport=51000, dport=4789) / VXLAN(vni=42, flags=8) / SEEN, inside=True),
    "GENEVE": Case(LINK / CARRIER / UDP(sport=51000, dport=6081) / GENEVE(vni=42, proto=0x6558) / SEEN, inside=True),
    "GENEVE, options": Case(
        LINK / CARRIER / UDP(sport=51000, dport=6081) / Raw(b"\x02\x00\x08\x00\x00\x00\x2a\x00" + bytes(8) + bytes(SYN))
    ),
    "IPv4 in IPv4": Case(LINK / CARRIER / SYN),
    "IPv6 in IPv4": Case(LINK / CARRIER / SYN6),
    "IPv4 in IPv6": Case(LINK / CARRIER6 / SYN),
    "IPv6 in IPv6": Case(LINK / CARRIER6 / SYN6),
    "802.11, ad hoc": Case(wireless(to=0), carried=False, inside=True, link=at.LINK_WIFI),
    "802.11, to the network": Case(wireless(to=1), carried=False, inside=True, link=at.LINK_WIFI),
    "802.11, from the network": Case(wireless(to=2), carried=False, inside=True, link=at.LINK_WIFI),
    "802.11, bridge": Case(wireless(to=3), carried=False, inside=True, link=at.LINK_WIFI),
    "802.11, QoS": Case(wireless(to=1, control=Dot11QoS()), carried=False, inside=True, link=at.LINK_WIFI),
    "radiotap": Case(RadioTap() / wireless(to=1), carried=False, inside=True, link=at.LINK_RADIOTAP),
    "radiotap, time and padding": Case(
        # Length 20: presence words for time and flags and one more, time aligned to 8, flags.
        Raw(b"\x00\x00\x19\x00\x03\x00\x00\x80\x00\x00\x00\x00" + bytes(4) + bytes(8) + b"\x20")
        / Raw(bytes(wireless(to=1, control=Dot11QoS()))[:26] + b"\x00\x00" + bytes(DATA)),
        carried=False, inside=True, link=at.LINK_RADIOTAP,
    ),
}  # fmt: skip


def packed(text: str) -> bytes:
    """16 bytes of an address."""
    address = ipaddress.ip_address(text)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def whole(case: Case) -> bytes:
    return bytes(case.frame)


def block(frame: bytes, link: int, wire: int | None = None) -> tuple[bytes, array[int], int, array[int]]:
    """One packet, as Scanner.begin takes it."""
    row = array("q", (START, 0, len(frame), len(frame) if wire is None else wire, 0))
    return frame, row, 1, array("q", (link,))


def looked(tap: Tap, frame: bytes | Packet, *, link: int = at.LINK_ETHERNET, ts: int = START, wire: int | None = None) -> dict[str, object]:  # fmt: skip
    tap.see(ts, bytes(frame), link=link, wire=wire)
    return fields(tap.scanner)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_what_is_inside_is_judged(case: Case) -> None:
    """Addresses, ports and sequence number are those of the segment inside; MACs and tags where Ethernet is inside."""
    tap = Tap()
    saw = looked(tap, case.frame, link=case.link)
    assert sum(tap.scanner.malformed()) == tap.scanner.others == 0
    inner = SYN6 if saw["source"] == packed("2001:db8:20::c") else SYN
    assert (saw["source"], saw["destination"]) == (packed(inner.src), packed(inner.dst))
    assert (saw["proto"], saw["sport"], saw["dport"], saw["sequence"], saw["flags"]) == (6, 40000, 443, 7, 2)
    assert (saw["payload_wire"], saw["payload_length"]) == (0, 0)
    assert saw["vlans"] == case.vlans
    if case.inside:
        assert saw["macs"] == (mac(CAMERA), mac(GATEWAY))
    elif case.link == at.LINK_ETHERNET:
        assert saw["macs"] == (mac(SWITCH), mac(SENSOR))
    assert tap.scanner.packets == 1
    assert tap.scanner.octets == len(whole(case))
    assert tap.table.used == 1 + case.carried


@pytest.mark.parametrize("case", [each for each in CASES.values() if each.carried], ids=str)
def test_the_flow_that_carries_is_counted_too(case: Case) -> None:
    """With the addresses of the tunnel's ends, its MACs and its tags, before the one inside; each counts one packet."""
    tap = Tap()
    scanner = tap.scanner
    frames: list[dict[str, object]] = []
    frame = whole(case)
    over6 = packed("2001:db8::1") in frame
    source, destination = ("2001:db8::1", "2001:db8::2") if over6 else ("192.0.2.1", "192.0.2.2")
    scanner.begin(*block(frame, case.link))
    while scanner.scan():
        frames.append(fields(scanner))
    outer, inner = frames
    assert (outer["source"], outer["destination"]) == (packed(source), packed(destination))
    assert outer["macs"] == (mac(SWITCH), mac(SENSOR))
    assert outer["proto"] in {4, 41, 47, 17}
    assert int(str(outer["payload_wire"])) > int(str(inner["payload_wire"])) == 0
    assert [tap.table.field(slot, at.PACKETS) for slot in tap.table.slots()] == [1, 1]
    assert [tap.table.field(slot, at.BYTES) for slot in tap.table.slots()] == [len(frame)] * 2


def test_a_second_tunnel_is_a_flow_of_its_protocol() -> None:
    """GRE in VXLAN, VXLAN in GRE, IP in IP in IP: one is entered, the next is judged as it stands."""
    deeper = IP(src="198.51.100.1", dst="198.51.100.2")
    for frame, proto, ports in (
        (vxlan(Ether(src=CAMERA, dst=GATEWAY) / deeper / GRE() / SYN), 47, (0, 0)),
        (LINK / CARRIER / GRE() / deeper / UDP(sport=7, dport=4789) / VXLAN(vni=1, flags=8) / SEEN, 17, (7, 4789)),
        (LINK / CARRIER / deeper / SYN, 4, (0, 0)),
        (LINK / MPLS(label=16, s=1) / EoMCW() / Ether(src=CAMERA, dst=GATEWAY) / deeper / GRE() / SYN, 47, (0, 0)),
    ):
        saw = looked(Tap(), frame)
        assert (saw["source"], saw["proto"], saw["sport"], saw["dport"]) == (packed(deeper.src), proto, *ports)


@pytest.mark.parametrize(
    "frame",
    [
        LINK / CARRIER / UDP(sport=1, dport=8472) / Raw(b"\x09\0\0\0\0\0\x2a\0" + bytes(SEEN)),
        LINK / CARRIER / UDP(sport=1, dport=8472) / Raw(b"\x08\0\0\0\0\0\x2a\x01" + bytes(SEEN)),
        LINK / CARRIER / UDP(sport=1, dport=4789) / Raw(b"\x09\0\0\0\0\0\x2a\0" + bytes(range(60))),
        LINK / CARRIER / UDP(sport=1, dport=4789) / Raw(b"\x08\0\0\0\0\0\x2a\x00" + bytes(13)),
        LINK / CARRIER / UDP(sport=4789, dport=4790) / Raw(b"\x08\0\0\0\0\0\x2a\0" + bytes(SEEN)),
        LINK / CARRIER / UDP(sport=1, dport=6081) / Raw(b"\x40\0\x65\x58\0\0\x2a\0" + bytes(SEEN)),
        LINK / CARRIER / UDP(sport=1, dport=6081) / Raw(b"\x00\0\x88\xcc\0\0\x2a\0" + bytes(SEEN)),
        LINK / CARRIER / UDP(sport=1, dport=6081) / Raw(b"\x3f\0\x65\x58\0\0\x2a\0" + bytes(SEEN)),
        LINK / CARRIER / GRE(routing_present=1, proto=0x0800) / SYN,
        LINK / CARRIER / GRE(version=2, proto=0x0800) / Raw(bytes(SYN)),
        LINK / CARRIER / GRE(proto=0x2001) / Raw(bytes(SYN)),
        LINK / CARRIER / GRE(proto=0),
        LINK / CARRIER / GRE_PPTP(acknum_present=1, ack_number=1),
        LINK / CARRIER / GRE(proto=0x88BE, seqnum_present=1) / Raw(b"\x20" + bytes(7) + bytes(SEEN)),
        LINK / CARRIER / GRE(proto=0x22EB, seqnum_present=1) / Raw(b"\x10" + bytes(11) + bytes(SEEN)),
        LINK / CARRIER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(ft=7) / Raw(bytes(SEEN)),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", proto=47) / Raw(b"\0\0"),
        LINK / IP(src="192.0.2.1", dst="192.0.2.2", proto=4),
    ],
)
def test_what_is_not_surely_a_tunnel_is_a_flow(frame: Packet) -> None:
    """A reserved bit that is set, an unknown version or kind, nothing inside: the packet is judged by its own header."""
    tap = Tap()
    saw = looked(tap, frame)
    assert (saw["source"], saw["destination"]) == (packed("192.0.2.1"), packed("192.0.2.2"))
    assert (tap.table.used, tap.scanner.others, sum(tap.scanner.malformed())) == (1, 0, 0)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (ARP(psrc="10.20.0.12", pdst="10.20.0.1"), {"neighbour"}),
        (LLC() / STP(), set()),
        (Raw(b"\x88\xcc" + bytes(40)), set()),
        (IP(version=5) / Raw(bytes(20)), {"malformed"}),
    ],
)  # fmt: skip
def test_a_frame_inside_may_be_anything(inside: Packet, said: set[str]) -> None:
    """ARP is a neighbour's, what is not IP is counted as other, what lies is malformed; the carrier is a flow all the same."""
    tap = Tap()
    frame: Packet = (Dot3 if isinstance(inside, LLC) else Ether)(src=CAMERA, dst=GATEWAY) / inside
    if isinstance(inside, Raw):
        frame = Raw(mac(GATEWAY) + mac(CAMERA) + bytes(inside))
    elif isinstance(inside, IP):
        frame = Raw(bytes(Ether(src=CAMERA, dst=GATEWAY, type=0x0800)) + bytes(inside))
    seen = tap.see(START, bytes(vxlan(frame)))
    assert [each.what for each in seen[1:]] == ([frozenset(said)] if said else [])
    assert "new" in seen[0].what
    assert tap.scanner.others + sum(tap.scanner.malformed()) == ("neighbour" not in said)
    assert (tap.table.used, tap.scanner.packets) == (1, 1)


@pytest.mark.parametrize(
    "frame",
    [
        LINK / Raw(b""),
        Ether(type=0x8863) / Raw(b"\x11\x09" + bytes(30)),
        LINK / PPPoE(sessionid=7) / PPP(proto=0xC021) / Raw(bytes(20)),
        LINK / MPLS(label=16, s=1) / Raw(b"\x10" + bytes(40)),
        LINK / MPLS(label=16, s=1) / Raw(bytes(40)),
        LINK / MPLS(label=16, s=1),
    ],
)
def test_what_carries_no_ip_is_counted_as_other(frame: Packet) -> None:
    """PPPoE discovery, LCP, a pseudowire of something else, an empty label stack."""
    tap = Tap()
    assert tap.see(START, bytes(frame)) == []
    assert (tap.scanner.others, sum(tap.scanner.malformed())) == (1, 0)


@pytest.mark.parametrize(
    ("control", "flags", "quality"),
    [(0x80, 0, None), (0x88, 0x41, 0), (0x88, 0x05, 0), (0xC8, 0x01, 0), (0x88, 0x01, 0x80), (0xD4, 0, None)],
    ids=["beacon", "encrypted", "more fragments", "null", "aggregate", "acknowledgement"],
)
def test_wireless_frames_that_say_nothing(control: int, flags: int, quality: int | None) -> None:
    """Management and control frames, what is encrypted, empty, in parts, or several in one, is counted as other."""
    frame = bytes([control, flags]) + bytes(22) + (b"" if quality is None else bytes([quality, 0])) + bytes(DATA)
    tap = Tap()
    assert tap.see(START, frame[:14] if control == 0xD4 else frame, link=at.LINK_WIFI) == []
    assert (tap.scanner.others, sum(tap.scanner.malformed())) == (1, 0)


@pytest.mark.parametrize(
    ("frame", "link", "reason"),
    [
        (LINK / Raw(b""), at.LINK_RADIOTAP, "wrong version"),
        (Raw(b"\0\0\x07\0" + bytes(40)), at.LINK_RADIOTAP, "bad header length"),
        (Raw(b"\0\0\xff\0" + bytes(40)), at.LINK_RADIOTAP, "header cut short"),
        (Raw(b"\0\0\x08\0"), at.LINK_RADIOTAP, "header cut short"),
        (Raw(b"\x08"), at.LINK_WIFI, "header cut short"),
        (Raw(b"\x08\x01" + bytes(20)), at.LINK_WIFI, "header cut short"),
        (Raw(b"\xff\x03"), at.LINK_PPP, "header cut short"),
        (Raw(b"\x00"), at.LINK_PPP, "header cut short"),
        (Ether(type=0x8864) / Raw(b"\x11\x00\x00"), at.LINK_ETHERNET, "header cut short"),
        (Ether(type=0x8864) / Raw(b"\x21" + bytes(20)), at.LINK_ETHERNET, "wrong version"),
        (Ether(type=0x8847) / Raw(b"\x00\x01\x00"), at.LINK_ETHERNET, "header cut short"),
        (Ether(type=0x8847) / Raw(b"\x00\x01\x00\x40" * 8 + b"\x00\x01\x01\x40" + bytes(SYN)), at.LINK_ETHERNET, "too many labels"),
    ],
)  # fmt: skip
def test_what_is_wrong_on_the_way_is_said(frame: Packet, link: int, reason: str) -> None:
    """A header below IP that lies or is short: malformed link, with its reason."""
    tap = Tap()
    assert tap.one(START, bytes(frame), link=link) == {"malformed"}
    assert (at.LAYERS[tap.scanner.frame.layer], at.REASONS[tap.scanner.frame.reason]) == ("link", reason)


def test_eight_labels_are_stepped_over() -> None:
    """The loop over labels is bounded, and long enough."""
    frame = Ether(type=0x8847) / Raw(b"\x00\x01\x00\x40" * 7 + b"\x00\x01\x01\x40" + bytes(SYN))
    assert looked(Tap(), frame)["sport"] == 40000


def test_sctp_is_counted_with_its_ports() -> None:
    """Payload is what follows the ports' word; nobody reads it."""
    saw = looked(Tap(), LINK / IP(src="10.20.0.12", dst="52.30.100.10") / SCTP(sport=2905, dport=2906) / Raw(b"x" * 20))
    assert (saw["proto"], saw["sport"], saw["dport"]) == (132, 2905, 2906)


@pytest.mark.parametrize("size", [9000, 65_495, 180_000])
def test_merged_frames_are_as_long_as_they_were_captured(size: int) -> None:
    """Jumbo, GRO up to what a length can say, and beyond it, where the length is zero; the same inside a tunnel."""
    body = IP(src="10.20.0.12", dst="52.30.100.10", len=size + 40 if size < 65_500 else 0)
    segment = body / TCP(sport=40000, dport=443, seq=7, flags="A") / Raw(b"x" * size)
    assert looked(Tap(), Ether(src=CAMERA, dst=GATEWAY) / segment)["payload_wire"] == size
    tunnel = IP(src="192.0.2.1", dst="192.0.2.2", len=0) / GRE() / segment
    assert looked(Tap(), LINK / tunnel)["payload_wire"] == size
    if size > 65_500:
        datagram = UDP(sport=1, dport=4789, len=0) / VXLAN(vni=1, flags=8) / Ether(src=CAMERA, dst=GATEWAY) / segment
        carrier = IPv6(src="2001:db8::1", dst="2001:db8::2", plen=0, nh=17)
        assert looked(Tap(), LINK / carrier / datagram)["payload_wire"] == size


def test_padding_behind_a_pppoe_frame_is_no_payload() -> None:
    """Its length says where it ends, even for a packet whose own length is zero."""
    packet = IP(src="10.20.0.12", dst="52.30.100.10", len=0) / UDP(sport=1, dport=2, len=0) / Raw(b"abcd")
    frame = bytes(LINK / PPPoE(sessionid=7) / PPP(proto=0x0021) / packet) + bytes(18)
    saw = looked(Tap(), frame)
    assert (saw["payload_wire"], saw["payload_length"]) == (4, 4)


def test_a_mirrored_frame_that_the_switch_cut() -> None:
    """ERSPAN says so: the frame counts as truncated, and no more than what came counts as payload."""
    seen = bytes(Ether(src=CAMERA, dst=GATEWAY) / IP(src="10.20.0.12", dst="52.30.100.10") / UDP(sport=1, dport=2) / Raw(bytes(900)))  # fmt: skip
    tap = Tap()
    saw = looked(tap, LINK / CARRIER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(t=1) / Raw(seen[:100]))
    assert (saw["sport"], saw["truncated"], saw["payload_wire"]) == (1, 1, 58)
    assert tap.scanner.truncated == 1


def test_copies_are_told_by_what_is_inside() -> None:
    """A mirror that sends a frame twice numbers its own packets: the second is a duplicate all the same, and one."""
    tap = Tap()
    body = Ether(src=CAMERA, dst=GATEWAY) / IP(src="10.20.0.12", dst="52.30.100.10", id=77) / UDP(sport=1, dport=2)
    for number in (1, 2):
        header = GRE(proto=0x88BE, seqnum_present=1, sequence_number=number) / ERSPAN_II()
        carrier = IP(src="192.0.2.1", dst="192.0.2.2", id=number)
        tap.see(START + number * MS, bytes(LINK / carrier / header / body / Raw(b"12345678")))
    assert (tap.scanner.duplicates, tap.scanner.packets) == (1, 2)
    counted = {tap.table.field(slot, at.PACKETS) for slot in tap.table.slots()}
    assert counted == {1, 2}
    frame = bytes(LINK / IP(src="192.0.2.1", dst="192.0.2.2", id=9) / GRE() / IP(src="10.0.0.1", dst="10.0.0.2", id=8) / ICMP())  # fmt: skip
    tap = Tap()
    tap.see(START, frame)
    tap.see(START + MS, frame)
    assert tap.scanner.duplicates == 1


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_a_full_table_counts_each_flow_once(capacity: int) -> None:
    """Where the carrier or what it carries must wait for room, neither is lost and neither is counted twice."""
    tap = Tap(capacity=capacity, window_ns=0)
    for number in range(20):
        inner = IP(src=f"10.20.0.{number}", dst="52.30.100.10") / UDP(sport=1, dport=2)
        tap.see(START + number, bytes(LINK / CARRIER / GRE() / inner))
    assert tap.scanner.packets == 20
    live = sum(tap.table.field(slot, at.PACKETS) for slot in tap.table.slots())
    assert live + len(tap.gone) >= 20
    assert tap.table.used == capacity
    if capacity == 1:
        assert len(tap.gone) == 39


@pytest.mark.parametrize("six", [False, True])
def test_a_fragmented_carrier_is_read_when_it_is_whole(six: bool) -> None:
    """A mirrored frame of full size does not fit its carrier: reassembled, it has the fragments' tags outside."""
    tap = Tap()
    outside = LINK / Dot1Q(vlan=99)
    carried = (CARRIER6 if six else CARRIER) / GRE(proto=0x6558) / TAGGED
    if six:
        head = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(nh=47, m=1, id=7) / Raw(bytes(24))
        assert tap.one(START, bytes(outside / head)) == {"fragment"}
    else:
        for each in fragment(CARRIER / GRE(proto=0x6558) / TAGGED, fragsize=24):  # type: ignore[no-untyped-call]
            assert tap.one(START, bytes(outside / each)) == {"fragment"}
    frames = []
    tap.scanner.begin(*block(bytes(carried), at.LINK_SAME))
    while tap.scanner.scan():
        frames.append(fields(tap.scanner))
    outer, inner = frames
    assert (outer["macs"], outer["vlans"], outer["proto"]) == ((mac(SWITCH), mac(SENSOR)), (99,), 47)
    assert (inner["macs"], inner["vlans"], inner["sport"]) == ((mac(CAMERA), mac(GATEWAY)), (20,), 40000)


def test_fragments_inside_do_not_open_another_tunnel() -> None:
    """A datagram that fragments inside a tunnel make up is inside it still: fragments of fragments end somewhere."""
    tap = Tap()
    inner = IP(src="10.20.0.12", dst="52.30.100.10", flags="MF", proto=47) / Raw(bytes(16))
    seen = tap.see(START, bytes(LINK / CARRIER / GRE() / inner))
    assert [sorted(each.what) for each in seen] == [["attempt", "new"], ["fragment"]]
    saw = looked(tap, IP(src="10.20.0.12", dst="52.30.100.10") / GRE() / SYN, link=at.LINK_SAME, ts=START + 1)
    assert (saw["proto"], saw["source"]) == (47, packed("10.20.0.12"))
    tap.see(START + 2, bytes(LINK / IP(src="10.0.0.1", dst="10.0.0.2", flags="MF", proto=47) / Raw(bytes(16))))
    assert looked(tap, CARRIER / GRE() / SYN, link=at.LINK_SAME, ts=START + 3)["sport"] == 40000


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_prefix_is_taken_as_far_as_it_goes(case: Case) -> None:
    """Cut at any byte, as a capture or as a packet: nothing raises, and the record's end is the end.

    Behind the record lie other bytes; the result with these and with others must be the same.
    """
    frame = whole(case)
    inner = (packed(SYN.src), packed(SYN6.src))
    taps = [(Tap(window_ns=0), b"\x00" * 64), (Tap(window_ns=0), b"\xff" * 64)]
    for length in range(len(frame)):
        for wire in (len(frame), length):
            results = []
            for tap, beyond in taps:
                tap.scanner.begin(frame[:length] + beyond, *block(frame[:length], case.link, wire)[1:])
                while events := tap.scanner.scan():
                    if events & at.REUSE:
                        tap.table.release(tap.scanner.slot)
                results.append((fields(tap.scanner), tap.picture(), tap.scanner.malformed(), tap.scanner.others))
            assert results[0] == results[1]
            saw = results[0][0]
            assert int(str(saw["payload"])) + int(str(saw["payload_length"])) <= length
            assert saw["source"] in {bytes(16), packed("192.0.2.1"), packed("2001:db8::1"), *inner}
            if saw["source"] in inner and saw["sport"]:
                assert (saw["sport"], saw["dport"]) == (40000, 443)


@given(
    name=st.sampled_from(sorted(CASES)),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    keep=st.integers(0, 300),
    more=st.integers(0, 100),
)
def test_mutants_are_decoded_alike_with_and_without_the_compiler(
    name: str, changes: list[tuple[int, int]], keep: int, more: int, uncompiled: SimpleNamespace
) -> None:
    """Changed and cut tunnel packets: nothing raises, lengths stay inside the record, both builds agree on every field."""
    frame = bytearray(whole(CASES[name]))
    for where, value in changes:
        frame[where % len(frame)] = value
    data = bytes(frame[:keep])
    seen = []
    for made in (None, uncompiled):
        tap = Tap(made)
        said = tap.see(START, data, link=CASES[name].link, wire=len(data) + more)
        seen.append((said, fields(tap.scanner), tap.picture(), tap.scanner.malformed(), tap.scanner.others))
    assert seen[0] == seen[1]
    saw = seen[0][1]
    length = int(str(saw["payload_length"]))
    assert int(str(saw["payload"])) + length <= len(data)
    assert int(str(saw["payload_wire"])) >= length >= 0
    assert tap.scanner.packets == 1


def test_tags_of_the_frame_inside_replace_those_outside() -> None:
    """Four tags outside and four inside: the frame inside has its own."""
    outside, inside = LINK, Ether(src=CAMERA, dst=GATEWAY)
    for tag in range(1, 5):
        outside = outside / Dot1Q(vlan=tag)
        inside = inside / Dot1Q(vlan=10 + tag)
    frame = outside / CARRIER / UDP(sport=1, dport=4789) / VXLAN(vni=1, flags=8) / inside / SYN
    assert looked(Tap(), frame)["vlans"] == (11, 12, 13, 14)


def test_a_record_beyond_the_memory_raises() -> None:
    """Of every word that is read at once the first and the last byte are checked: nothing is read behind the buffer."""
    frame = whole(CASES["VXLAN"])
    for length in range(len(frame) - 2):  # but for the urgent pointer, which nobody reads
        tap = Tap()
        tap.scanner.begin(frame[:length], *block(frame, at.LINK_ETHERNET)[1:])
        with pytest.raises(IndexError):
            while tap.scanner.scan():
                pass
