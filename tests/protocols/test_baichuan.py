"""Baichuan on TCP 9000; all streams are synthetic, after neolink."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, FileRequest, FirmwareTransfer, MalformedSeen, ServiceBanner, Want
from monitor.protocols.baichuan import Parser, sniff
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told

KEY = bytes.fromhex("1f2d3c4b5a6978ff")
VERSION = (
    b'<?xml version="1.0" encoding="UTF-8" ?>\n<body>\n<VersionInfo version="1.1">\n<name>Garage</name>\n<type>E1</type>\n'
    b"<serialNumber>00000000000000</serialNumber>\n<firmwareVersion>v2.0.0.587_19110800</firmwareVersion>\n</VersionInfo></body>"
)


def xor(body: bytes, channel: int = 0) -> bytes:
    return bytes(
        octet ^ mask ^ channel
        for octet, mask in zip(body, cycle(KEY[channel % 8 :] + KEY[: channel % 8]), strict=False)
    )


def message(
    number: int, body: bytes, kind: int, status: int = 0, *, channel: int = 0, magic: str = "f0debc0a"
) -> bytes:
    head = bytes.fromhex(magic) + number.to_bytes(4, "little") + len(body).to_bytes(4, "little")
    head += bytes([channel, 0, 1, 0]) + status.to_bytes(2, "little") + kind.to_bytes(2, "little")
    return head + (bytes(4) if kind in {0x6414, 0x6482, 0} else b"") + body


LOGIN = message(1, b"5" * 64 + bytes(1772), 0x6514, 0xDC01)
OFFER = message(
    1,
    xor(b'<?xml version="1.0" ?><body><Encryption><nonce>9E6D1FCB9E69846D</nonce></Encryption></body>'),
    0x6614,
    0xDD01,
)
ASK = message(80, b"", 0x6414)
ANSWER = message(80, xor(VERSION), 0x0000, 200)
UPGRADE = message(67, b"\x13\x59\x72\x32" + bytes(60_000), 0x6414)
DEVICE = DeviceAnnounced(
    "baichuan",
    name="Garage",
    model="E1",
    serial="00000000000000",
    firmware="v2.0.0.587_19110800",
    message="VersionInfo",
)


@given(st.lists(st.integers(0, 1_000), max_size=8))
def test_device_says_its_version(places: list[int]) -> None:
    """However the stream is cut: it greets by what it answers, and its version is read through the fixed XOR."""
    stream = OFFER + ANSWER
    assert sniff(stream, 40000, 50000)
    assert told(Parser(40000, 50000), cut(stream, 20, places)) == [ServiceBanner("baichuan", "server", None), DEVICE]


@pytest.mark.parametrize("body", [VERSION, xor(VERSION, 3)])
def test_version_in_the_clear_or_on_a_channel(body: bytes) -> None:
    """Old firmware does without the XOR; on a channel it is another one."""
    channel = 0 if body == VERSION else 3
    assert told(Parser(9000, 40000), [message(80, body, 0, 200, channel=channel)])[1] == DEVICE


def test_client_uploads_firmware() -> None:
    """The digests of the login are not told; message 67 is a file that is written, told once."""
    assert sniff(LOGIN, 40000, 9000)
    assert told(Parser(40000, 9000), [LOGIN + ASK, UPGRADE, UPGRADE]) == [
        ServiceBanner("baichuan", "client", None),
        FileRequest("baichuan", "write", "firmware"),
    ]


def test_an_upload_is_counted() -> None:
    """What passes in messages 67 is counted to its end; there is no hash, for its framing is not known."""
    parser = Parser(40000, 9000)
    for _ in range(70):  # more messages than are read of an ordinary connection
        parser.feed(UPGRADE)
    (transfer,) = parser.ended(True)
    assert isinstance(transfer, FirmwareTransfer)
    assert (transfer.via, transfer.complete, transfer.sha256, transfer.signs[0]) == ("baichuan", False, None, "call")
    assert transfer.bytes == 70 * (len(UPGRADE) - 20)


def test_version_behind_aes_is_not_read() -> None:
    """What the XOR does not turn into XML is left."""
    assert told(Parser(9000, 40000), [message(80, bytes(range(256)), 0, 200)]) == [
        ServiceBanner("baichuan", "server", None)
    ]


def test_other_magic_and_lost_framing() -> None:
    """The other magic is as good; behind nonsense nothing is read."""
    parser = Parser(40000, 9000)
    assert parser.feed(message(109, b"", 0x6414, magic="a0cbed0f") + bytes(20)) == [
        ServiceBanner("baichuan", "client", None),
        MalformedSeen("baichuan", "no message where one should begin"),
    ]
    assert parser.want is Want.STOP


@pytest.mark.parametrize("other", [b"", LOGIN[:19], message(0, b"", 0x6414), message(1_001, b"", 0x6414), message(1, b"", 0x6415), b"\xf0\xde\xbc\x0b" + LOGIN[4:]])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, an id that is none, another class or magic."""
    assert not sniff(other, 40000, 9000)


def test_chance_is_refused() -> None:
    """Random streams, alone and behind the magics."""
    refuses_chance(sniff, (40000, 9000), [b"", b"\xf0\xde\xbc\x0a", b"\xa0\xcb\xed\x0f"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([LOGIN, OFFER, ASK, ANSWER], 3_000, 6), "baichuan")
