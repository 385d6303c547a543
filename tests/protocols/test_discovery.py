"""What every discovery parser keeps to: it is found, it harms nothing, it tells no secret, and it is quick."""

from __future__ import annotations

from time import thread_time
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, Malformed, MalformedSeen
from monitor.protocols import hikvision_tftp
from monitor.protocols.conversation import Conversation
from monitor.protocols.registry import DATAGRAMS
from tests.protocols.discovery_samples import SAMPLES, SECRET, Sample

MODULES: Final = tuple(dict.fromkeys(each.module for each in SAMPLES))
PORTS: Final = tuple(sorted({port for each in SAMPLES for port in (each.sport, each.dport)}))
LARGEST: Final = 65_507
"""Octets of a datagram over IPv4."""
SLOW_S: Final = 0.005

_FILLINGS: Final = (
    b"<a/>", b"<a>", b"<a b='' c='' d=''/>", b"&#65;", b"\n", b"\r", b"x\n", b"<!---->", b"<?a?>", b"<![CDATA[a]]>",
    b"\xff", b"\x00", b"<", b"{", b"[", b'{"a":', b'"\\u0041', b"1,", b"a: b\r\n", b"\r\n", b":", b"\xff:",
    b"\x01\x00", b"\x05\x01a", b"onvif://www.onvif.org/name/%41 ", b"<a>&#65;</a>\n", b"%25", b"pw=",
)  # fmt: skip


def parser(sample: Sample) -> object:
    return (
        sample.module.Parser(sample.sport, sample.dport) if sample.module is hikvision_tftp else sample.module.Parser()
    )


def fed(sample: Sample, data: bytes) -> list[Fact]:
    try:
        return parser(sample).feed(data)  # type: ignore[attr-defined,no-any-return]
    except Malformed:
        return []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.module.LAYER)
def test_synthetic_datagrams_reach_their_own_parser(sample: Sample) -> None:
    """Of all the protocols that are sniffed for, each sample is taken by its own, and says something."""
    facts = Conversation(DATAGRAMS, sample.sport, sample.dport, stream=False).feed(0, sample.data)
    assert facts
    assert {getattr(fact, "protocol", None) for fact in facts} == {sample.module.LAYER}
    assert facts == fed(sample, sample.data)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.module.LAYER)
def test_no_secret_is_told(sample: Sample) -> None:
    """Passwords, salts, codes and session keys of a message stay in it."""
    assert SECRET not in msgspec.json.encode(fed(sample, sample.data)).decode()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.module.LAYER)
def test_cut_datagrams_are_borne(sample: Sample) -> None:
    """A capture that cuts frames leaves any beginning of a message."""
    for end in range(len(sample.data)):
        fed(sample, sample.data[:end])
        sample.module.sniff(sample.data[:end], sample.sport, sample.dport)


@given(st.sampled_from(SAMPLES), st.binary(max_size=400), st.sampled_from(PORTS), st.sampled_from(PORTS))
def test_random_input(sample: Sample, data: bytes, sport: int, dport: int) -> None:
    """Nothing but Malformed, from any octets, with or without the beginning of a message before them."""
    for octets in (data, sample.data[:8] + data, sample.data[: len(sample.data) // 2] + data):
        msgspec.json.encode(fed(sample, octets))
        sample.module.sniff(octets, sport, dport)


@given(st.sampled_from(SAMPLES), st.data())
def test_mutated_messages(sample: Sample, data: st.DataObject) -> None:
    """Nothing but Malformed from a message with octets changed, put in or taken out; and what comes out is bounded."""
    octets = bytearray(sample.data)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(octets)))
        octets[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    sample.module.sniff(bytes(octets), sample.sport, sample.dport)
    for fact in fed(sample, bytes(octets)):
        for value in msgspec.structs.asdict(fact).values():
            assert all(len(text) <= 255 for text in (value if isinstance(value, tuple) else (value,)) if text)
        msgspec.json.encode(fact)


@given(st.sampled_from(MODULES), st.binary(max_size=300), st.sampled_from(PORTS), st.sampled_from(PORTS))
def test_sniff_rejects_random_octets(module: object, data: bytes, sport: int, dport: int) -> None:
    """Random octets are no discovery, whatever the ports; the shortest marks, one or four octets, are spelled out."""
    if data in {b"\xff", b"\x01\x00\x00\x00", b"DH\x01\x01"}:
        return
    assert not module.sniff(data, sport, dport)  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.LAYER)
def test_the_largest_datagram_is_quick(module: object) -> None:
    """64 KiB of anything behind any beginning of a message is sniffed and read within 5 ms; the best of three counts."""
    for sample in SAMPLES:
        if sample.module is not module:
            continue
        for cut in (8, len(sample.data) // 2, sample.data.rfind(b"</") if b"</" in sample.data else len(sample.data)):
            for filling in _FILLINGS:
                data = (sample.data[:cut] + filling * (LARGEST // len(filling)))[:LARGEST]
                best = 1.0
                for _ in range(3):
                    begin = thread_time()
                    sample.module.sniff(data, sample.sport, sample.dport)
                    fed(sample, data)
                    best = min(best, thread_time() - begin)
                    if best < SLOW_S:
                        break
                assert best < SLOW_S, (filling, cut, len(sample.data))


def test_synthetic_damage_is_told_behind_what_stood_before_it() -> None:
    """XML that breaks off still says what came before."""
    for sample in SAMPLES:
        if sample.data.endswith((b"</ProbeMatch>", b"Envelope>", b"</root>")):
            facts = fed(sample, sample.data[:-12] + b"<<")
            assert isinstance(facts[-1], MalformedSeen)
            assert facts[:-1] == fed(sample, sample.data)
