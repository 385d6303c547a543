"""Hikvision's SDK protocol; all streams are synthetic, the greetings those of nmap-service-probes."""

from __future__ import annotations

import pytest

from monitor.model.facts import ServiceBanner, Want
from monitor.protocols.hik_sdk import Parser, sniff
from tests.protocols.hostile import mutants, only_malformed, refuses_chance, told

GREETING = bytes.fromhex("000000100000001e0000001e00000000")
LOGIN = (216).to_bytes(4, "big") + bytes.fromhex("5a0000000000000000010000") + bytes(200)
COMMAND = (36).to_bytes(4, "big") + bytes.fromhex("630000008f03a1c200111040") + bytes(20)


@pytest.mark.parametrize(("stream", "role"), [(GREETING, "server"), (LOGIN, "client"), (COMMAND, "client")])
def test_synthetic_beginnings(stream: bytes, role: str) -> None:
    """The header tells it, in whatever pieces it comes; then the parser is done."""
    assert sniff(stream, 8000, 40000)
    parser = Parser()
    assert told(parser, [stream[:4], stream[4:15], stream[15:]]) == [ServiceBanner("hikvision-sdk", role, None)]
    assert parser.want is Want.STOP


@pytest.mark.parametrize("other", [b"", GREETING[:15], bytes(16), LOGIN[:4] + b"\x5b" + LOGIN[5:], COMMAND + b"\x00", (16).to_bytes(4, "big") + bytes(12)])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, another family, a wrong length."""
    assert not sniff(other, 40000, 8000)


def test_chance_is_refused() -> None:
    """Random streams, alone and behind a likely length."""
    refuses_chance(sniff, (40000, 8000), [b"", b"\x00\x00\x00\x10", b"\x00\x00\x00\x40\x63\x00\x00\x00"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged beginnings."""
    only_malformed(Parser, mutants([GREETING, LOGIN, COMMAND], 3_000, 5), "hikvision-sdk")
