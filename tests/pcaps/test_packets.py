"""The packet builder, judged by the RFCs' own numbers and by scapy."""

from __future__ import annotations

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6

from pcaps import packets, quic, tls
from pcaps.packets import ACK, Host, Segment, checksum

ENDS = (("10.20.0.11", "52.30.100.10"), ("2001:db8:20::b", "240b:4001:280::7"))
MAC = "44:19:b6:00:00:11"


def ends(pair: tuple[str, str]) -> tuple[Host, Host]:
    """Two hosts on one link."""
    return Host.at(pair[0], MAC), Host.at(pair[1], "00:00:0c:07:ac:01")


def sums(packet: bytes) -> list[int]:
    """Every checksum of a packet as it stands, and as scapy would have it."""
    layer = (IP if packet[0] >> 4 == 4 else IPv6)(packet)
    stands = [part.chksum for part in (layer, layer.payload) if hasattr(part, "chksum")]
    for part in (layer, layer.payload):
        if hasattr(part, "chksum"):
            del part.chksum
    again = layer.__class__(bytes(layer))
    return stands + [-part.chksum for part in (again, again.payload) if hasattr(part, "chksum")]


def test_checksum_is_the_rfc_s_example() -> None:
    """RFC 1071, 3: the words add up to ddf2."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@pytest.mark.parametrize("pair", ENDS)
@given(payload=st.binary(max_size=300), sport=st.integers(1, 65535), dport=st.integers(1, 65535))
def test_udp_as_scapy_has_it(pair: tuple[str, str], payload: bytes, sport: int, dport: int) -> None:
    """Ports, payload and every checksum, for odd lengths too."""
    packet = packets.udp(*ends(pair), sport, dport, payload)
    layer = (IP if packet[0] >> 4 == 4 else IPv6)(packet)
    assert (layer[UDP].sport, layer[UDP].dport) == (sport, dport)
    assert packet.endswith(payload)
    assert sum(sums(packet)) == 0


@pytest.mark.parametrize("pair", ENDS)
@given(payload=st.binary(max_size=300), seq=st.integers(0, 2**33), flags=st.sampled_from((2, 16, 18, 24, 20)))
def test_tcp_as_scapy_has_it(pair: tuple[str, str], payload: bytes, seq: int, flags: int) -> None:
    """Sequence numbers wrap, options count, checksums are right."""
    segment = Segment(40000, 443, seq, seq + 1, flags, options=b"\x01\x01\x08\x0a" + bytes(8), payload=payload)
    packet = packets.tcp(*ends(pair), segment)
    layer = (IP if packet[0] >> 4 == 4 else IPv6)(packet)
    assert (layer[TCP].seq, layer[TCP].ack) == (seq % 2**32, (seq + 1) % 2**32)
    assert int(layer[TCP].flags) == flags
    assert layer[TCP].dataofs == 8
    assert sum(sums(packet)) == 0


def test_udp_checksum_of_zero_is_written_as_all_ones() -> None:
    """Zero would mean that there is none (RFC 768)."""
    hosts = ends(ENDS[0])
    bare = packets.udp(*hosts, 5000, 5001, bytes(2))
    stands = struct.unpack_from("!H", bare, 26)[0]
    filled = packets.udp(*hosts, 5000, 5001, struct.pack("!H", stands))
    assert struct.unpack_from("!H", filled, 26)[0] == 0xFFFF


def test_a_routed_copy_differs_in_ttl_and_checksum_only() -> None:
    """And its header still adds up."""
    packet = packets.udp(*ends(ENDS[0]), 5000, 53, b"question")
    onward = packets.one_hop_on(packet)
    assert IP(onward).ttl == IP(packet).ttl - 1
    assert onward[:8] + onward[12:] == packet[:8] + packet[12:]
    assert checksum(onward[:20]) == 0


@pytest.mark.parametrize("pair", ENDS)
def test_a_refusal_quotes_what_it_refuses(pair: tuple[str, str]) -> None:
    """The whole packet, back to its sender."""
    camera, remote = ends(pair)
    refused = packets.tcp(camera, remote, Segment(40000, 443, 7, 0, 2))
    answer = packets.admin_prohibited(remote, refused)
    assert answer.endswith(refused)
    assert camera.ip in answer[: -len(refused)]


def test_solicited_node_group() -> None:
    """RFC 4291, 2.7.1: 4037::01:800:200e:8c6c listens at ff02::1:ff0e:8c6c, MAC 33:33:ff:0e:8c:6c."""
    group = packets.solicited_node(packets.address("4037::01:800:200e:8c6c"))
    assert packets.text(group.ip) == "ff02::1:ff0e:8c6c"
    assert group.mac == packets.mac("33:33:ff:0e:8c:6c")


def test_eui64_is_the_rfc_s_example() -> None:
    """RFC 2464, 4: 34-56-78-9A-BC-DE becomes 36-56-78-FF-FE-9A-BC-DE."""
    made = packets.link_local(packets.mac("34:56:78:9a:bc:de"))
    assert packets.text(made) == "fe80::3656:78ff:fe9a:bcde"


def test_detection_of_duplicates_comes_from_nowhere() -> None:
    """Source ``::``, no link address, hop limit 255 (RFC 4862, 5.4.2)."""
    target = packets.address("fe80::1")
    _, packet = packets.neighbour_solicitation(Host(packets.mac(MAC), bytes(16)), target)
    layer = IPv6(packet)
    assert (layer.src, layer.hlim, layer[ICMPv6ND_NS].tgt) == ("::", 255, "fe80::1")
    assert not bytes(layer[ICMPv6ND_NS].payload)


def test_short_frames_are_padded() -> None:
    """60 bytes without the check sequence, 64 with a tag."""
    hosts = ends(ENDS[0])
    packet = packets.tcp(*hosts, Segment(40000, 443, 0, 0, ACK))
    assert len(packets.frame(*hosts, packet)) == 60
    assert len(packets.frame(*hosts, packet, (20,))) == 64


def test_quic_keys_are_the_rfc_s_example() -> None:
    """RFC 9001, appendix A.1."""
    chosen = bytes.fromhex("8394c8f03e515708")
    client, server = quic.Keys.of(chosen, "client"), quic.Keys.of(chosen, "server")
    assert client.key.hex() == "1f369613dd76d5467730efcbe3b1a22d"
    assert client.iv.hex() == "fa044b2f42a3fd3b46fb255c"
    assert client.header.hex() == "9f50449e04a0e810283a1e9933adedd2"
    assert server.key.hex() == "cf3a5331653c364c88f0f379b6067e37"
    assert server.header.hex() == "c206b8d9b9f0f37644430b490eeaa314"


def test_a_server_s_initial_is_the_rfc_s_example() -> None:
    """RFC 9001, appendix A.3, whole and byte for byte."""
    frames = bytes.fromhex(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
        "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
        "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
        "020304"
    )
    keys = quic.Keys.of(bytes.fromhex("8394c8f03e515708"), "server")
    path = quic.Path(b"", bytes.fromhex("f067a5502a4262b5"))
    packet = quic.initial(keys, path, 1, frames, datagram=0)
    assert packet.hex() == (
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a"
        "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3"
        "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
        "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4"
        "2158407dd074ee"
    )


@pytest.mark.parametrize("value", [0, 63, 64, 16383, 16384, 2**30 - 1, 2**30, 2**62 - 1])
def test_varint_is_as_short_as_can_be(value: int) -> None:
    """RFC 9000, 16: the two top bits say how long it is."""
    coded = quic.varint(value)
    width = 1 << (coded[0] >> 6)
    assert len(coded) == width
    assert int.from_bytes(coded, "big") & ((1 << (8 * width - 2)) - 1) == value
    assert width == 1 or value >= 1 << (8 * (width // 2) - 2)


def test_varint_refuses_what_does_not_fit() -> None:
    """2^62 has no form."""
    with pytest.raises(ValueError, match="62 bits"):
        quic.varint(2**62)


def test_client_hello_that_needs_two_datagrams() -> None:
    """With a post-quantum key share it is longer than one Initial packet can carry."""
    hello = tls.client_hello(Random(1), "a.example", ("h3",), quic=b"")
    assert len(hello) > quic.LEAST_DATAGRAM
    assert int.from_bytes(hello[1:4], "big") == len(hello) - 4


def test_grease_is_there_when_asked_for() -> None:
    """A reserved cipher comes first (RFC 8701)."""
    greased = tls.client_hello(Random(1), None, grease=True)
    plain = tls.client_hello(Random(1), None)
    first_cipher = 39 + greased[38] + 2
    assert greased[first_cipher] == greased[first_cipher + 1]
    assert greased[first_cipher] & 0x0F == 0x0A
    assert plain[first_cipher : first_cipher + 2] == b"\x13\x02"
