"""One packet's headers: every link type, tags, options, extension headers, and whatever is cut or lies."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire import layout as at
from pcaps import packets
from pcaps.packets import Host, Segment
from tests.wire.tap import START, Tap, fields

if TYPE_CHECKING:
    from types import SimpleNamespace

CAMERA = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
REMOTE = Host.at("52.30.100.10", "00:00:0c:07:ac:01", ttl=48)
CAMERA6 = Host.at("2001:db8:20::c", "44:19:b6:20:00:0c")
REMOTE6 = Host.at("2a00:1450::10", "00:00:0c:07:ac:01", ttl=48)
SYN = packets.tcp(CAMERA, REMOTE, Segment(40000, 443, 7, 0, packets.SYN))
SYN6 = packets.tcp(CAMERA6, REMOTE6, Segment(40000, 443, 7, 0, packets.SYN))
DATAGRAM = packets.udp(CAMERA, REMOTE, 40000, 32100, b"\xf1\x00\x00\x00")
ECHO = packets.ip(CAMERA, REMOTE, packets.ICMP, b"\x08\x00\x12\x34\x00\x01\x00\x02payload")

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, NO_NEXT, OPTIONS = 0, 43, 44, 51, 59, 60


def on_link(link: int, packet: bytes) -> bytes:
    """The IP packet behind the header of a link type."""
    six = packet[0] >> 4 == 6
    kind = 0x86DD if six else 0x0800
    return {
        at.LINK_NULL: struct.pack("<I", 30 if six else 2),
        at.LINK_LOOP: struct.pack(">I", 24 if six else 2),
        at.LINK_ETHERNET: REMOTE.mac + CAMERA.mac + struct.pack(">H", kind),
        at.LINK_SLL: struct.pack(">HHH", 4, 1, 6) + CAMERA.mac + b"\0\0" + struct.pack(">H", kind),
        at.LINK_SLL2: struct.pack(">HHIHBB", kind, 0, 2, 1, 4, 6) + CAMERA.mac + b"\0\0",
    }.get(link, b"") + packet


LINKS = (
    at.LINK_NULL, at.LINK_ETHERNET, at.LINK_RAW_BSD, at.LINK_RAW_OPENBSD, at.LINK_RAW, at.LINK_LOOP, at.LINK_SLL,
    at.LINK_IPV4, at.LINK_IPV6, at.LINK_SLL2,
)  # fmt: skip


def look(
    frame: bytes, link: int = at.LINK_ETHERNET, wire: int | None = None
) -> tuple[frozenset[str], dict[str, object]]:
    """What is said about one packet, and what its frame says."""
    tap = Tap()
    return tap.one(START, frame, link=link, wire=wire), fields(tap.scanner)


def why(frame: bytes, link: int = at.LINK_ETHERNET, wire: int | None = None) -> tuple[str, str]:
    """Layer and reason of a packet that is malformed."""
    tap = Tap()
    assert tap.one(START, frame, link=link, wire=wire) == {"malformed"}
    counted = tap.scanner.malformed()
    assert sum(counted) == counted[tap.scanner.frame.layer] == 1
    return at.LAYERS[tap.scanner.frame.layer], at.REASONS[tap.scanner.frame.reason]


@pytest.mark.parametrize("packet", [SYN, SYN6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("link", LINKS)
def test_every_link_type_leads_to_the_same_segment(link: int, packet: bytes) -> None:
    """Ports, sequence number and flags do not depend on the link; MACs are there where the link has them."""
    said, saw = look(on_link(link, packet), link)
    assert said == {"new", "attempt", "syn"}
    assert (saw["sport"], saw["dport"], saw["sequence"], saw["flags"]) == (40000, 443, 7, packets.SYN)
    six = packet is SYN6
    assert saw["source"] == (CAMERA6.ip if six else bytes(10) + b"\xff\xff" + CAMERA.ip)
    assert saw["destination"] == (REMOTE6.ip if six else bytes(10) + b"\xff\xff" + REMOTE.ip)
    if link == at.LINK_ETHERNET:
        assert saw["macs"] == (CAMERA.mac, REMOTE.mac)
    elif link in (at.LINK_SLL, at.LINK_SLL2):
        assert saw["macs"] == (CAMERA.mac, bytes(6))
    else:
        assert saw["macs"] == (None, None)
    assert saw["vlans"] == ()


@pytest.mark.parametrize("family", [10, 24, 28, 30])
@pytest.mark.parametrize("order", ["<", ">"])
def test_loopback_families_of_every_system(family: int, order: str) -> None:
    """AF_INET6 differs between systems, and stands in the byte order of the machine that captured."""
    assert look(struct.pack(f"{order}I", family) + SYN6, at.LINK_NULL)[0] == {"new", "attempt", "syn"}


def test_other_loopback_families_and_link_types_are_counted_as_others() -> None:
    """AppleTalk on loopback, or a link type that nobody knows, is neither malformed nor a flow."""
    tap = Tap()
    assert tap.one(START, struct.pack("<I", 16) + SYN, link=at.LINK_NULL) == frozenset()
    assert tap.one(START, SYN, link=147) == frozenset()
    assert tap.one(START, on_link(at.LINK_ETHERNET, SYN)[:12] + b"\x88\xcc" + bytes(50)) == frozenset()
    assert (tap.scanner.others, tap.scanner.packets, sum(tap.scanner.malformed()), tap.table.used) == (3, 3, 0, 0)


@pytest.mark.parametrize("depth", range(at.MAX_TAGS + 1))
@pytest.mark.parametrize("kind", [0x8100, 0x88A8, 0x9100])
def test_tags_are_stepped_over(depth: int, kind: int) -> None:
    """Up to four tags of any kind, outermost first; priority bits are no part of the id."""
    tags = b"".join(struct.pack(">HH", kind, 0xE000 | (100 + level)) for level in range(depth))
    frame = on_link(at.LINK_ETHERNET, SYN)
    said, saw = look(frame[:12] + tags + frame[12:])
    assert said == {"new", "attempt", "syn"}
    assert saw["vlans"] == tuple(range(100, 100 + depth))
    assert saw["macs"] == (CAMERA.mac, REMOTE.mac)


def test_a_fifth_tag_is_too_many() -> None:
    """The loop over tags is bounded."""
    frame = on_link(at.LINK_ETHERNET, SYN)
    assert why(frame[:12] + b"\x81\x00\x00\x07" * 5 + frame[12:]) == ("link", "too many tags")


@pytest.mark.parametrize("options", [1, 2])
def test_a_security_group_tag_is_stepped_over(options: int) -> None:
    """Cisco's, alone and behind a VLAN's; one that is cut short is malformed."""
    frame = on_link(at.LINK_ETHERNET, SYN)
    tag = b"\x89\x09\x01" + bytes((options,)) + b"\x00\x01\x00\x02" * options
    assert look(frame[:12] + tag + frame[12:])[0] == {"new", "attempt", "syn"}
    said, saw = look(frame[:12] + b"\x81\x00\x00\x07" + tag + frame[12:])
    assert (said, saw["vlans"]) == ({"new", "attempt", "syn"}, (7,))
    assert why(frame[:12] + tag[:6]) == ("link", "header cut short")


def test_tags_behind_a_cooked_header() -> None:
    """Linux keeps the tag in the packet where it captures on "any"."""
    frame = on_link(at.LINK_SLL, SYN)
    said, saw = look(frame[:14] + b"\x81\x00\x00\x07\x08\x00" + frame[16:], at.LINK_SLL)
    assert said == {"new", "attempt", "syn"}
    assert saw["vlans"] == (7,)


@pytest.mark.parametrize("words", range(5, 16))
def test_ipv4_options_are_stepped_over(words: int) -> None:
    """A header of 20 to 60 bytes."""
    options = b"\x01" * (4 * (words - 5))
    packet = (
        bytes([0x40 | words]) + SYN[1:2] + struct.pack(">H", len(SYN) + len(options)) + SYN[4:20] + options + SYN[20:]
    )
    said, saw = look(on_link(at.LINK_ETHERNET, packet))
    assert said == {"new", "attempt", "syn"}
    assert (saw["sport"], saw["dport"], saw["payload_wire"]) == (40000, 443, 0)


def extended(headers: list[tuple[int, bytes]], last: int, payload: bytes) -> bytes:
    """An IPv6 packet with extension headers; each is (its own number, its bytes but for the next header field)."""
    following = [number for number, _ in headers[1:]] + [last]
    chain = b"".join(bytes([after]) + body for (_, body), after in zip(headers, following, strict=True))
    first = headers[0][0] if headers else last
    return packets.ip(CAMERA6, REMOTE6, first, chain + payload)


SEGMENT = SYN6[40:]
ONE_UNIT = b"\x00" + bytes(6)
ATOMIC = b"\x00" + bytes(2) + b"\x00\x00\xbe\xef"


@pytest.mark.parametrize(
    "chain",
    [
        [(HOP_BY_HOP, ONE_UNIT)],
        [(OPTIONS, b"\x02" + bytes(22))],
        [(ROUTING, ONE_UNIT), (OPTIONS, ONE_UNIT)],
        [(AUTHENTICATION, b"\x04" + bytes(22))],
        [(FRAGMENT, ATOMIC)],
        [(HOP_BY_HOP, ONE_UNIT), (FRAGMENT, ATOMIC), (AUTHENTICATION, b"\x01" + bytes(10)), (OPTIONS, ONE_UNIT)],
        [(135, ONE_UNIT), (139, ONE_UNIT), (140, ONE_UNIT)],
        [(OPTIONS, ONE_UNIT)] * at.MAX_EXTENSIONS,
    ],
    ids=["hop-by-hop", "long", "routing", "authentication", "atomic", "mixed", "mobility", "eight"],
)
def test_extension_headers_are_stepped_over(chain: list[tuple[int, bytes]]) -> None:
    """Each by its own unit of length; an atomic fragment is whole (RFC 6946)."""
    said, saw = look(on_link(at.LINK_ETHERNET, extended(chain, packets.TCP, SEGMENT)))
    assert said == {"new", "attempt", "syn"}
    assert (saw["sport"], saw["dport"], saw["sequence"], saw["payload_wire"]) == (40000, 443, 7, 0)


def test_a_ninth_extension_header_is_too_many() -> None:
    """The loop over extension headers is bounded."""
    frame = on_link(at.LINK_ETHERNET, extended([(OPTIONS, ONE_UNIT)] * 9, packets.TCP, SEGMENT))
    assert why(frame) == ("ipv6", "too many extension headers")


def test_an_extension_header_longer_than_the_packet() -> None:
    """Its length is a lie where the capture is whole, and not known where it is cut."""
    frame = on_link(at.LINK_ETHERNET, extended([(OPTIONS, b"\xff" + bytes(6))], packets.TCP, SEGMENT))
    assert why(frame) == ("ipv6", "length beyond the packet")


def test_no_next_header_has_no_payload() -> None:
    """What follows protocol 59 is ignored (RFC 8200, 4.7)."""
    said, saw = look(on_link(at.LINK_ETHERNET, extended([(OPTIONS, ONE_UNIT)], NO_NEXT, b"never mind")))
    assert "payload" not in said
    assert (saw["proto"], saw["payload_wire"]) == (NO_NEXT, 0)


@pytest.mark.parametrize("six", [False, True])
def test_a_fragment_says_where_it_belongs(six: bool) -> None:
    """Offset in bytes, whether more follow, identification, and the bytes behind the header."""
    if six:
        body = struct.pack(">BBHI", packets.UDP, 0, 1480 | 1, 0xDEADBEEF) + b"x" * 64
        packet = packets.ip(CAMERA6, REMOTE6, FRAGMENT, body)
    else:
        packet = packets.ip(CAMERA, REMOTE, packets.UDP, b"x" * 64)
        packet = packet[:4] + b"\xbe\xef" + struct.pack(">H", 0x2000 | 185) + packet[8:]
    said, saw = look(on_link(at.LINK_ETHERNET, packet))
    assert said == {"fragment"}
    assert (saw["fragment"], saw["more_fragments"], saw["proto"]) == (1480, 1, packets.UDP)
    assert saw["identification"] == (0xDEADBEEF if six else 0xBEEF)
    assert int(str(saw["transport_end"])) - int(str(saw["transport"])) == saw["transport_wire"] == 64


def test_a_total_length_of_zero_is_what_was_captured() -> None:
    """Segmentation offload leaves it zero; the same for a UDP length and an IPv6 payload length (RFC 2675)."""
    big = packets.tcp(CAMERA, REMOTE, Segment(40000, 443, 7, 1, packets.ACK, payload=b"x" * 9000))
    _, saw = look(on_link(at.LINK_ETHERNET, big[:2] + b"\0\0" + big[4:]))
    assert saw["payload_wire"] == saw["payload_length"] == 9000
    six = packets.udp(CAMERA6, REMOTE6, 1, 2, b"y" * 100)
    jumbo = six[:4] + b"\0\0" + six[6:44] + b"\0\0" + six[46:]
    _, saw = look(on_link(at.LINK_ETHERNET, jumbo))
    assert saw["payload_wire"] == saw["payload_length"] == 100


def test_padding_is_no_payload() -> None:
    """Ethernet fills up to 60 bytes; what is beyond the total length is not the segment's."""
    frame = packets.frame(CAMERA, REMOTE, SYN)
    assert len(frame) == 60
    said, saw = look(frame)
    assert said == {"new", "attempt", "syn"}
    assert (saw["payload_wire"], saw["payload_length"]) == (0, 0)


@pytest.mark.parametrize("more", [0, 1, 2, 1000])
def test_a_length_beyond_the_packet_counts_what_is_there(more: int) -> None:
    """A total, payload or UDP length that promises more than passed, if by one byte, is cut to what passed."""
    total, length = (32 + more).to_bytes(2, "big"), (12 + more).to_bytes(2, "big")
    four = DATAGRAM[:2] + total + DATAGRAM[4:24] + length + DATAGRAM[26:]
    six = packets.udp(CAMERA6, REMOTE6, 1, 2, b"abcd")
    for packet in (four, six[:4] + length + six[6:44] + length + six[46:]):
        _, saw = look(on_link(at.LINK_ETHERNET, packet))
        assert (saw["payload_wire"], saw["payload_length"]) == (4, 4)


def test_an_extension_header_may_be_the_last_of_the_packet() -> None:
    """With nothing behind it, and no byte to spare."""
    said, saw = look(on_link(at.LINK_ETHERNET, extended([(OPTIONS, ONE_UNIT)], NO_NEXT, b"")))
    assert said == {"new", "attempt"}
    assert (saw["proto"], saw["transport_wire"]) == (NO_NEXT, 0)


@pytest.mark.parametrize(
    ("packet", "layer", "reason"),
    [
        (b"\x55" + SYN[1:], "ipv4", "wrong version"),
        (b"\x44" + SYN[1:], "ipv4", "bad header length"),
        (SYN[:2] + b"\x00\x10" + SYN[4:], "ipv4", "bad header length"),
        (b"\x4f" + SYN[1:2] + b"\x00\x3c" + SYN[4:], "ipv4", "header cut short"),
        (SYN[:12], "ipv4", "header cut short"),
        (SYN[:30], "tcp", "header cut short"),
        (SYN[:32] + b"\x40" + SYN[33:], "tcp", "bad header length"),
        (SYN[:32] + b"\xf0" + SYN[33:], "tcp", "bad header length"),
        (DATAGRAM[:24], "udp", "header cut short"),
        (DATAGRAM[:24] + b"\x00\x07" + DATAGRAM[26:], "udp", "length beyond the packet"),
        (ECHO[:22], "icmp", "header cut short"),
        (b"\x40" + SYN6[1:], "ipv6", "wrong version"),
        (SYN6[:30], "ipv6", "header cut short"),
        (SYN6[:50], "tcp", "header cut short"),
    ],
)
def test_what_is_wrong_is_said(packet: bytes, layer: str, reason: str) -> None:
    """A header that lies, or is short though the capture is whole, is malformed with its layer and a constant reason."""
    kind = b"\x86\xdd" if layer == "ipv6" or packet[:1] == b"\x60" else b"\x08\x00"
    assert why(REMOTE.mac + CAMERA.mac + kind + packet) == (layer, reason)


def test_a_malformed_packet_says_nothing_of_the_one_before() -> None:
    """Addresses, tags and MACs of an earlier packet are not left in the frame of one that has none."""
    tap = Tap()
    tagged = packets.ethernet(REMOTE.mac, CAMERA.mac, 0x8100, struct.pack(">HH", 7, 0x0800) + SYN)
    tap.see(START, tagged)
    assert tap.one(START + 1, REMOTE.mac + CAMERA.mac + b"\x08\x00" + b"\x55" + bytes(30)) == {"malformed"}
    saw = fields(tap.scanner)
    assert (saw["source"], saw["destination"], saw["sport"], saw["vlans"]) == (bytes(16), bytes(16), 0, ())
    tap.see(START + 2, tagged)
    assert tap.one(START + 3, tagged[:10]) == {"malformed"}
    saw = fields(tap.scanner)
    assert (saw["source"], saw["vlans"], saw["macs"], saw["ethertype"]) == (bytes(16), (), (None, None), 0)


@pytest.mark.parametrize(
    ("kind", "code", "ports"),
    [
        (8, 0, (8, 0)), (0, 0, (0, 8)), (13, 0, (13, 14)), (14, 0, (14, 13)), (15, 0, (15, 16)), (17, 0, (17, 18)),
        (18, 0, (18, 17)), (10, 0, (10, 9)), (9, 0, (9, 10)), (3, 13, (3, 13)), (11, 1, (11, 1)),
    ],
)  # fmt: skip
def test_icmp_types_stand_in_for_ports(kind: int, code: int, ports: tuple[int, int]) -> None:
    """Request and answer are one flow, everything else is told apart by its code (Community ID 1.0)."""
    message = bytes([kind, code]) + b"\x00\x00" + b"\x00\x01\x00\x02" + b"data"
    _, saw = look(on_link(at.LINK_ETHERNET, packets.ip(CAMERA, REMOTE, packets.ICMP, message)))
    assert (saw["sport"], saw["dport"], saw["payload_wire"]) == (*ports, 4)


@pytest.mark.parametrize(
    ("kind", "ports"),
    [(128, (128, 129)), (129, (129, 128)), (130, (130, 131)), (131, (131, 130)), (139, (139, 140)), (140, (140, 139)),
     (144, (144, 145)), (145, (145, 144)), (1, (1, 4)), (3, (3, 4))],
)  # fmt: skip
def test_icmp6_types_stand_in_for_ports(kind: int, ports: tuple[int, int]) -> None:
    """The same over IPv6, where neighbour discovery has an event of its own."""
    packet = packets.icmp6(CAMERA6, REMOTE6, kind, 4, b"\x00\x01\x00\x02data")
    _, saw = look(on_link(at.LINK_ETHERNET, packet))
    assert (saw["sport"], saw["dport"]) == ports


@pytest.mark.parametrize("kind", range(133, 138))
def test_neighbour_discovery_has_its_own_event(kind: int) -> None:
    """Router and neighbour messages are no flows."""
    tap = Tap()
    assert tap.one(START, on_link(at.LINK_ETHERNET, packets.icmp6(CAMERA6, REMOTE6, kind, 0, bytes(20)))) == {
        "neighbour"
    }
    assert tap.table.used == 0


SPECIMENS = {
    "segment with options": packets.tcp(
        CAMERA, REMOTE, Segment(40000, 443, 7, 9, packets.ACK, options=b"\x01\x01\x08\x0a" + bytes(8), payload=b"payload")
    ),
    "datagram": DATAGRAM,
    "echo": ECHO,
    "segment over IPv6": SYN6,
    "chain": extended([(HOP_BY_HOP, ONE_UNIT), (FRAGMENT, ATOMIC), (AUTHENTICATION, b"\x01" + bytes(10))], packets.UDP, DATAGRAM[20:]),
    "fragment": extended([(FRAGMENT, b"\x00\x00\x01" + b"\x00\x00\xbe\xef")], packets.UDP, b"x" * 40),
    "options": bytes([0x47]) + DATAGRAM[1:2] + b"\x00\x28" + DATAGRAM[4:20] + b"\x01" * 8 + DATAGRAM[20:],
    "error": packets.admin_prohibited(Host.at("10.20.0.1", "00:00:0c:07:ac:01"), SYN),
}  # fmt: skip


def whole_and_cut() -> list[tuple[str, int, bytes]]:
    """Specimens on every link type, with two tags on Ethernet."""
    chosen = []
    for name, packet in SPECIMENS.items():
        for link in (at.LINK_ETHERNET, at.LINK_SLL, at.LINK_SLL2, at.LINK_NULL, at.LINK_RAW):
            frame = on_link(link, packet)
            if link == at.LINK_ETHERNET:
                frame = frame[:12] + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + frame[12:]
            chosen.append((name, link, frame))
    return chosen


def test_every_prefix_of_a_packet_is_taken_as_far_as_it_goes() -> None:
    """Cut by the snap length at any byte: no error, nothing beyond the record, and never more found than with one byte more.

    Behind the record lie other bytes; the result with these and with others must be the same.
    """
    for _, link, frame in whole_and_cut():
        whole = Tap()
        whole.see(START, frame, link=link)
        complete = fields(whole.scanner)
        for length in range(len(frame)):
            results = []
            for beyond in (b"\x00" * 64, b"\xff" * 64):
                tap = Tap()
                tap.run([(START, frame[:length], link, len(frame)), (START + 10**9, beyond, 147, 64)])
                cut = Tap()
                cut.see(START, frame[:length], link=link, wire=len(frame))
                results.append((fields(cut.scanner), cut.picture(), tap.picture()))
            assert results[0] == results[1]
            saw = results[0][0]
            assert saw["truncated"] == 1
            assert int(str(saw["payload"])) + int(str(saw["payload_length"])) <= length
            if saw["sport"] or saw["dport"]:
                assert (saw["sport"], saw["dport"]) == (complete["sport"], complete["dport"])
            for name in ("payload_wire", "sequence", "flags", "transport_wire"):
                assert saw[name] in (0, complete[name]), (name, length)


def test_every_prefix_that_is_the_whole_capture_never_raises() -> None:
    """The same bytes as a short but complete packet: malformed or less than before, and counted once."""
    for _, link, frame in whole_and_cut():
        for length in range(len(frame)):
            tap = Tap()
            tap.see(START, frame[:length], link=link)
            saw = fields(tap.scanner)
            assert tap.scanner.packets == 1
            assert int(str(saw["payload"])) + int(str(saw["payload_length"])) <= length


def test_a_cut_header_with_options_is_still_a_fragment() -> None:
    """The offset stands before the options, so a fragment cut within them is not taken for a whole datagram."""
    packet = bytes([0x4F]) + b"\x00\x00\x64" + b"\xbe\xef\x20\xb9" + DATAGRAM[8:20] + b"\x01" * 40 + bytes(40)
    frame = on_link(at.LINK_ETHERNET, packet)
    assert look(frame[:50], wire=len(frame))[0] == {"fragment"}


def test_a_reassembled_datagram_is_no_fragment_again() -> None:
    """A fragment header inside a reassembled datagram is malformed: reassembly does not nest (RFC 8200, 4.5)."""
    inner = struct.pack(">BBHI", packets.UDP, 0, 8 | 1, 7) + bytes(16)
    tap = Tap()
    assert tap.one(START, packets.ip(CAMERA6, REMOTE6, FRAGMENT, inner), link=at.LINK_SAME) == {"malformed"}


def test_a_reassembled_datagram_keeps_the_link_fields() -> None:
    """It has no link layer of its own: MACs and tags are those of the frame before, even when that memory is gone."""
    tap = Tap()
    frame = on_link(at.LINK_ETHERNET, packets.ip(CAMERA, REMOTE, packets.UDP, b"x" * 64))
    fragment = frame[:12] + b"\x81\x00\x00\x07" + frame[12:20] + b"\x20\x00" + frame[22:]
    assert tap.one(START, fragment) == {"fragment"}
    assert "new" in tap.one(START, DATAGRAM, link=at.LINK_SAME)
    saw = fields(tap.scanner)
    assert (saw["macs"], saw["vlans"]) == ((CAMERA.mac, REMOTE.mac), (7,))


@given(data=st.binary(max_size=200), link=st.sampled_from([*LINKS, at.LINK_SAME, 147]), more=st.integers(0, 2000))
def test_any_bytes_are_decoded_alike_with_and_without_the_compiler(
    data: bytes, link: int, more: int, uncompiled: SimpleNamespace
) -> None:
    """Random bytes on any link: nothing raises, lengths stay inside the record, and both builds agree on every field."""
    seen = []
    for made in (None, uncompiled):
        tap = Tap(made)
        said = tap.see(START, data, link=link, wire=len(data) + more)
        seen.append((said, fields(tap.scanner), tap.picture(), tap.scanner.malformed()))
    assert seen[0] == seen[1]
    saw = seen[0][1]
    length = int(str(saw["payload_length"]))
    assert length == 0 or (int(str(saw["network"])) <= int(str(saw["payload"])) and length <= len(data))
    assert int(str(saw["payload"])) + length <= len(data)
    assert int(str(saw["payload_wire"])) >= length
