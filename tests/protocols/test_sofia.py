"""Sofia on TCP 34567; all streams are synthetic, their JSON shaped as python-dvr and the Besder write-up have it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import (
    DeviceAnnounced,
    FileRequest,
    FirmwareCall,
    FirmwareTransfer,
    MalformedSeen,
    ServiceBanner,
    Want,
)
from monitor.protocols.sofia import Parser, sniff
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told


def message(command: int, body: bytes, *, answer: int = 0, end: bytes = b"\n\x00") -> bytes:
    body += end
    numbers = bytes(4) + (7).to_bytes(4, "little") + bytes(2) + command.to_bytes(2, "little")
    return bytes([0xFF, answer, 0, 0]) + numbers + len(body).to_bytes(4, "little") + body


LOGIN = message(1000, b'{"EncryptType":"MD5","LoginType":"DVRIP-Web","PassWord":"tlJwpbo6","UserName":"admin"}')
ASK = message(1020, b'{"Name":"SystemInfo","SessionID":"0x6"}')
UPGRADE = message(
    1520, b'{"Name":"OPSystemUpgrade","OPSystemUpgrade":{"Action":"Start","Type":"System"},"SessionID":"0x6"}'
)
ANSWER = message(1001, b'{"AliveInterval":30,"ChannelNum":1,"DeviceType ":"IPC","Ret":100,"SessionID":"0x6"}', answer=1)
INFO = message(
    1021,
    b'{"Name":"SystemInfo","Ret":100,"SystemInfo":{"BuildTime":"2020-11-24 16:47:14","DeviceModel":"50X50-WG","HardWare":'
    b'"XM530","SerialNo":"09d53d540f99b818","SoftWareVersion":"V5.00.R02.00030747.10010.349f17.0000000"}}',
    answer=1,
)
MEDIA = message(1412, b"\x00\x00\x01\xfc" + bytes(9_000), answer=1, end=b"")
DEVICE = DeviceAnnounced(
    "sofia",
    model="50X50-WG",
    firmware="V5.00.R02.00030747.10010.349f17.0000000",
    serial="09d53d540f99b818",
    message="SystemInfo",
)


@given(st.lists(st.integers(0, 12_000), max_size=8))
def test_device_says_what_it_is(places: list[int]) -> None:
    """However the stream is cut: its type greets, system information tells model, firmware and serial, media is skipped."""
    stream = ANSWER + MEDIA + INFO
    assert sniff(stream, 34567, 40000)
    assert told(Parser(), cut(stream, 20, places)) == [ServiceBanner("sofia", "server", "IPC"), DEVICE]


def test_client_uploads_firmware() -> None:
    """A login is told without its password; the start of an upgrade is a file that is written."""
    assert told(Parser(), [LOGIN + ASK + UPGRADE]) == [
        ServiceBanner("sofia", "client", None),
        FileRequest("sofia", "write", "System"),
        FirmwareCall("sofia", "upload", None),
    ]


def piece(number: int, body: bytes, last: int = 0) -> bytes:
    head = bytes((0xFF, 0, 0, 0)) + bytes(4) + number.to_bytes(4, "little") + bytes((0, last))
    return head + (1522).to_bytes(2, "little") + len(body).to_bytes(4, "little") + body


IMAGE = b"PK\x03\x04" + bytes(26) + b"InstallDesc" + bytes(range(256)) * 300
PIECES = [IMAGE[at : at + 32_768] for at in range(0, len(IMAGE), 32_768)]


@given(st.lists(st.integers(0, 80_000), max_size=8))
def test_an_image_in_pieces(places: list[int]) -> None:
    """However the stream is cut: the bodies of 1522 together are the file, the one that says it is the last ends it."""
    stream = UPGRADE + b"".join(piece(number, body) for number, body in enumerate(PIECES)) + piece(3, b"", 1)
    *_, transfer = told(Parser(), cut(LOGIN + stream, 20, places))
    assert transfer == FirmwareTransfer(
        "unknown", "sofia", None, None, len(IMAGE), True, sha256(IMAGE).hexdigest(), "xm-zip", "xiongmai", ("call", "magic")
    )  # fmt: skip


def test_pieces_that_are_missing() -> None:
    """A number is left out, the last piece never comes, or octets are lost: what was seen is counted, without a hash."""
    for stream in (
        piece(0, PIECES[0]) + piece(2, PIECES[2]) + piece(3, b"", 1),
        piece(0, PIECES[0]) + piece(1, PIECES[1][:-1]),
    ):
        parser = Parser()
        facts = parser.feed(LOGIN + UPGRADE + stream) + parser.ended(False)
        (transfer,) = [fact for fact in facts if isinstance(fact, FirmwareTransfer)]
        assert (transfer.complete, transfer.sha256) == (False, None)
        assert transfer.bytes in {len(PIECES[0]) + len(PIECES[2]), len(PIECES[0]) + len(PIECES[1]) - 1}


@pytest.mark.parametrize(("code", "accepted"), [(100, True), (511, True), (512, False), (514, False)])
def test_what_the_device_answers(code: int, accepted: bool) -> None:
    """An upgrade is taken or not."""
    answer = message(1521, b'{ "Name" : "OPSystemUpgrade", "Ret" : %d }' % code, answer=1)
    assert told(Parser(), [answer])[1:] == [FirmwareCall("sofia", "upload", None, accepted)]


def test_encrypted_answers_still_greet() -> None:
    """Newer firmware answers in Base64: that it speaks Sofia is all that is known."""
    assert told(Parser(), [message(1001, b"bm90IGpzb24=", answer=1)]) == [ServiceBanner("sofia", "server", None)]


def test_lost_framing_stops() -> None:
    """Behind nonsense nothing is read."""
    parser = Parser()
    assert parser.feed(LOGIN + bytes(20)) == [
        ServiceBanner("sofia", "client", None),
        MalformedSeen("sofia", "no message where one should begin"),
    ]
    assert parser.want is Want.STOP


@pytest.mark.parametrize("other", [b"", LOGIN[:19], b"\xff\x02" + LOGIN[2:], b"\xff\x00\x01" + LOGIN[3:], message(999, b"{}"), message(1000, b"[]"), b"\xff\x00\x00\x00" + b"\xff" * 30])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, another first octet, command or body."""
    assert not sniff(other, 40000, 34567)


def test_chance_is_refused() -> None:
    """Random streams, alone and behind the first four octets."""
    refuses_chance(sniff, (40000, 34567), [b"", b"\xff\x00\x00\x00", b"\xff\x01\x00\x00"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([LOGIN, ANSWER, INFO, UPGRADE], 3_000, 3), "sofia")


def test_deep_json_is_no_error() -> None:
    """Nesting without end is no system information."""
    assert told(Parser(), [message(1021, b'{"SystemInfo":' + b"[" * 8_000, answer=1)]) == [
        ServiceBanner("sofia", "server", None)
    ]
