"""The decoder against scapy's dissection of the same random packets."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire import layout as at
from tests.wire.tap import START, Tap, fields

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy imports what cryptography is about to remove
    inet = pytest.importorskip("scapy.layers.inet")
    inet6 = pytest.importorskip("scapy.layers.inet6")
    l2 = pytest.importorskip("scapy.layers.l2")
    from scapy.packet import Raw

ports = st.integers(0, 65535)
v4 = st.integers(1, 2**32 - 2).map(lambda number: ".".join(str(byte) for byte in number.to_bytes(4, "big")))
v6 = st.binary(min_size=16, max_size=16).map(
    lambda packed: ":".join(packed[at : at + 2].hex() for at in range(0, 16, 2))
)


@st.composite
def transports(draw: st.DrawFn, six: bool) -> Any:
    """A TCP segment with options, a UDP datagram, or an echo."""
    body = Raw(draw(st.binary(max_size=40)))
    kind = draw(st.sampled_from(["tcp", "udp", "echo"]))
    if kind == "tcp":
        options = draw(
            st.lists(
                st.sampled_from([("NOP", None), ("MSS", 1460), ("WScale", 7), ("Timestamp", (3_000_000_001, 2))]),
                max_size=4,
            )
        )
        number = st.integers(0, 2**32 - 1)
        return (
            inet.TCP(
                sport=draw(ports),
                dport=draw(ports),
                seq=draw(number),
                ack=draw(number),
                flags=draw(st.integers(0, 255)),
                options=options,
            )
            / body
        )
    if kind == "udp":
        return inet.UDP(sport=draw(ports), dport=draw(ports)) / body
    return (inet6.ICMPv6EchoRequest() if six else inet.ICMP(type=8)) / body


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Ethernet with tags, IPv4 with options or IPv6 with extension headers, and a transport."""
    six = draw(st.booleans())
    frame = l2.Ether(src="44:19:b6:20:00:0c", dst="00:00:0c:07:ac:01")
    for tag in draw(st.lists(st.integers(0, 4095), max_size=4)):
        frame /= l2.Dot1Q(vlan=tag, prio=draw(st.integers(0, 7)))
    if six:
        frame /= inet6.IPv6(src=draw(v6), dst=draw(v6), hlim=draw(st.integers(0, 255)))
        for header in draw(st.lists(st.sampled_from(["hop", "dest", "routing", "atomic"]), max_size=4)):
            frame /= {
                "hop": lambda: inet6.IPv6ExtHdrHopByHop(options=[inet6.PadN(optdata=b"\0" * 12)]),
                "dest": lambda: inet6.IPv6ExtHdrDestOpt(options=[inet6.PadN(optdata=b"\0" * 4)]),
                "routing": lambda: inet6.IPv6ExtHdrRouting(addresses=["2001:db8::1"]),
                "atomic": lambda: inet6.IPv6ExtHdrFragment(id=7),
            }[header]()
    else:
        options = [inet.IPOption_NOP()] * draw(st.integers(0, 40))
        frame /= inet.IP(src=draw(v4), dst=draw(v4), ttl=draw(st.integers(0, 255)), id=draw(ports), options=options)
    return bytes(frame / draw(transports(six)))


@given(frame=frames())
def test_fields_are_what_scapy_dissects(frame: bytes) -> None:
    """Addresses, tags, hop limit, ports, flags, numbers and the length of the payload agree."""
    tap = Tap()
    tap.see(START, frame)
    saw = fields(tap.scanner)
    assert not sum(tap.scanner.malformed())
    theirs = l2.Ether(frame)
    tags = [layer.vlan for layer in theirs.iterpayloads() if isinstance(layer, l2.Dot1Q)]
    assert saw["vlans"] == tuple(tag for tag in tags if tag)
    if inet.IP in theirs:
        ip = theirs[inet.IP]
        assert (saw["ttl"], saw["identification"], saw["v4"]) == (ip.ttl, ip.id, 1)
        assert (saw["source"], saw["destination"]) == (mapped(ip.src), mapped(ip.dst))
    else:
        ip = theirs[inet6.IPv6]
        assert (saw["ttl"], saw["v4"]) == (ip.hlim, 0)
        assert saw["source"] == bytes(ip)[8:24]
    if inet.TCP in theirs:
        tcp = theirs[inet.TCP]
        assert (saw["proto"], saw["sport"], saw["dport"]) == (at.PROTO_TCP, tcp.sport, tcp.dport)
        assert (saw["sequence"], saw["acknowledgement"], saw["flags"]) == (tcp.seq, tcp.ack, int(tcp.flags) & 0xFF)
        assert (saw["checksum"], saw["payload_wire"]) == (tcp.chksum, len(tcp.payload))
        clocks = [value[0] for name, value in tcp.options if name == "Timestamp"]
        assert saw["clock"] == (clocks[0] if clocks else -1)
    elif inet.UDP in theirs:
        udp = theirs[inet.UDP]
        assert (saw["proto"], saw["sport"], saw["dport"]) == (at.PROTO_UDP, udp.sport, udp.dport)
        assert (saw["checksum"], saw["payload_wire"]) == (udp.chksum, udp.len - 8)
    else:
        assert saw["sport"] == (8 if inet.IP in theirs else 128)


def mapped(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes(int(part) for part in text.split("."))
