"""NAT-PMP and PCP."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed, PortMapping, Want
from monitor.protocols.portmap import MAX_MESSAGES, Parser, sniff

TO, FROM = (40000, 5351), (5351, 40000)
MAPPED_V4 = bytes(10) + b"\xff\xff"


def pcp(opcode: int, *, result: int | None = None, lifetime: int = 7200, data: bytes = b"") -> bytes:
    if result is None:
        return struct.pack(">BBHI16s", 2, opcode, 0, lifetime, MAPPED_V4 + bytes((10, 0, 0, 2))) + data
    return struct.pack(">BBBBII12x", 2, 0x80 | opcode, 0, result, lifetime, 1000) + data


def mapping(protocol: int, internal: int, external: int, address: bytes = bytes(16)) -> bytes:
    return b"nonce nonce " + struct.pack(">B3xHH16s", protocol, internal, external, address)


NATPMP_MAP = struct.pack(">BBHHHI", 0, 2, 0, 80, 8080, 3600)
PCP_MAP = pcp(1, data=mapping(6, 554, 0))


@pytest.mark.parametrize(
    ("datagram", "ports", "fact"),
    [
        (b"\0\0", TO, PortMapping("natpmp", "request", None, None, None, None)),
        (NATPMP_MAP, TO, PortMapping("natpmp", "request", "tcp", 80, 8080, 3600)),
        (struct.pack(">BBHHHI", 0, 1, 0, 80, 0, 0), TO, PortMapping("natpmp", "request", "udp", 80, None, 0)),
        (
            struct.pack(">BBHI4s", 0, 128, 0, 9, bytes((192, 0, 2, 1))),
            FROM,
            PortMapping("natpmp", "response", None, None, None, None, "192.0.2.1", "SUCCESS"),
        ),
        (
            struct.pack(">BBHIHHI", 0, 130, 0, 9, 80, 8081, 3600),
            (5351, 5350),
            PortMapping("natpmp", "response", "tcp", 80, 8081, 3600, None, "SUCCESS"),
        ),
        (
            struct.pack(">BBHI", 0, 130, 2, 9),
            FROM,
            PortMapping("natpmp", "response", "tcp", None, None, None, None, "NOT_AUTHORIZED"),
        ),
        (PCP_MAP, TO, PortMapping("pcp", "request", "tcp", 554, None, 7200)),
        (
            pcp(1, result=0, lifetime=60, data=mapping(17, 5000, 5001, MAPPED_V4 + bytes((192, 0, 2, 1)))),
            FROM,
            PortMapping("pcp", "response", "udp", 5000, 5001, 60, "192.0.2.1", "SUCCESS"),
        ),
        (
            pcp(2, result=8, data=mapping(6, 1, 2) + bytes(20)),
            FROM,
            PortMapping("pcp", "response", "tcp", 1, 2, None, None, "NO_RESOURCES"),
        ),
        (pcp(0, result=0), (5351, 5350), PortMapping("pcp", "response", None, None, None, None, None, "SUCCESS")),
    ],
)
def test_synthetic_messages(datagram: bytes, ports: tuple[int, int], fact: PortMapping) -> None:
    """Requests and answers of both protocols: transport, ports, lifetime, outside address and result."""
    assert sniff(datagram, *ports)
    assert Parser(*ports).feed(datagram) == [fact]


@pytest.mark.parametrize(
    ("datagram", "ports"),
    [
        (b"", TO),
        (b"\0", TO),
        (b"\0\0", (40000, 5352)),
        (b"\0\0\0", TO),
        (b"\0\0", FROM),
        (NATPMP_MAP + b"\0", TO),
        (NATPMP_MAP, FROM),
        (b"\1" + NATPMP_MAP[1:], TO),
        (PCP_MAP[:-4], TO),
        (PCP_MAP + b"\0", TO),
        (pcp(1, result=0, data=mapping(6, 1, 2)), TO),
        (pcp(3, data=mapping(6, 1, 2)), TO),
        (pcp(1, result=14, data=mapping(6, 1, 2)), FROM),
    ],
)
def test_sniff_refuses(datagram: bytes, ports: tuple[int, int]) -> None:
    """Another port, size, version, opcode or result; an answer in the direction of requests."""
    assert not sniff(datagram, *ports)


def test_renewals_are_silent_and_bounded() -> None:
    """What differs is told, MAX_MESSAGES of it."""
    parser = Parser(*TO)
    assert len(parser.feed(NATPMP_MAP)) == 1
    assert parser.feed(NATPMP_MAP) == []
    for port in range(1, MAX_MESSAGES):
        assert parser.want is Want.MORE
        parser.feed(struct.pack(">BBHHHI", 0, 1, 0, port, port, 60))
    assert parser.want is Want.STOP


@given(
    st.sampled_from([TO, FROM]),
    st.one_of(
        st.binary(max_size=64),
        st.tuples(st.sampled_from([PCP_MAP, NATPMP_MAP]), st.integers(0, 11), st.integers(0, 255)).map(
            lambda each: each[0][: each[1]] + bytes([each[2]]) + each[0][each[1] + 1 :]
        ),
    ),
)
def test_hostile_input(ports: tuple[int, int], datagram: bytes) -> None:
    """What sniff takes is told, the rest is Malformed."""
    if sniff(datagram, *ports):
        assert len(Parser(*ports).feed(datagram)) == 1
    else:
        with pytest.raises(Malformed):
            Parser(*ports).feed(datagram)
