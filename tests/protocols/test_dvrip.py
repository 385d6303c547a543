"""DVRIP and DHIP; all streams are synthetic, after DahuaConsole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import (
    DeviceAnnounced,
    ExploitAttempt,
    FirmwareCall,
    FirmwareTransfer,
    MalformedSeen,
    ServiceBanner,
)
from monitor.protocols.dvrip import Parser, sniff
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told


def le(number: int) -> bytes:
    return number.to_bytes(4, "little")


def dhip(body: bytes) -> bytes:
    return b"\x20\x00\x00\x00DHIP" + le(5) + le(1) + le(len(body)) + le(0) + le(len(body)) + le(0) + body


def json(body: bytes) -> bytes:
    return b"\xf6\x00\x00\x00" + le(len(body)) + le(1) + le(0) + le(len(body)) + le(0) + le(5) + le(0) + body


REALM = b"Realm:Login to 3c9d8f12\r\nRandom:1234567890\r\n\r\n"
ASK_REALM = b"\xa0\x01\x00\x00" + bytes(20) + bytes.fromhex("050201010000a1aa")
TELL_REALM = b"\xb0\x00\x00\x58" + le(len(REALM)) + bytes(24) + REALM
LOGIN = b"\xa0\x05\x00\x00" + le(20) + bytes(16) + bytes.fromhex("050200080000a1aa") + b"admin&&" + b"D" * 13
OLD_LOGIN = b"\xa0\x00\x00\x00" + le(0) + b"k" * 16 + bytes.fromhex("050200010000a1aa")
TEXT = b"TransactionID:1\r\nMethod:GetParameterNames\r\n\r\n"
SUB_CHANNEL = b"\xf4\x00\x00\x00" + le(len(TEXT)) + bytes(24) + TEXT
QUESTION = b'{"method":"magicBox.getSoftwareVersion","params":null,"id":3,"session":5}'
CHALLENGE = (
    b'{"error":{"code":268632079},"id":1,"params":{"encryption":"Default","random":"1234567890",'
    b'"realm":"Login to 3c9d8f12"},"result":false,"session":5}'
)
VERSION = b'{"id":3,"params":{"version":{"BuildDate":"2020-06-05","Version":"2.800.0000016.0.R"}},"result":true,"session":5}\n'
KIND = b'{"id":4,"params":{"type":"IPC-HFW1105B"},"result":true,"session":5}'
KEYBOARD = b'{"method":"global.login","params":{"userName":"admin","clientType":"NetKeyboard","password":"x"},"id":1}'
NUMBER = b'{"id":5,"params":{"sn":"7L0ABCDPAZ12345"},"result":true,"session":5}'


@given(st.lists(st.integers(0, 600), max_size=8))
def test_device_over_dvrip(places: list[int]) -> None:
    """However the stream is cut: the realm greets, the nonce is not told, answers tell version, model and serial."""
    stream = TELL_REALM + json(VERSION) + json(KIND) + json(NUMBER)
    assert sniff(stream, 37777, 40000)
    assert told(Parser(37777, 40000), cut(stream, 32, places)) == [
        ServiceBanner("dvrip", "server", "Login to 3c9d8f12"),
        DeviceAnnounced("dvrip", firmware="2.800.0000016.0.R", message="magicBox"),
        DeviceAnnounced("dvrip", model="IPC-HFW1105B", message="magicBox"),
        DeviceAnnounced("dvrip", serial="7L0ABCDPAZ12345", message="magicBox"),
    ]


def test_log_in_without_a_password() -> None:
    """A log-in that devices let in without one is told; that of a browser, and what others say back, is not."""
    stream = dhip(KEYBOARD.replace(b"NetKeyboard", b"Web3.0")) + dhip(KEYBOARD) + dhip(QUESTION)
    assert told(Parser(40000, 5000), [stream]) == [
        ServiceBanner("dhip", "client", None),
        ExploitAttempt("CVE-2021-33044", None),
    ]


@pytest.mark.parametrize("first", [ASK_REALM, OLD_LOGIN, LOGIN])
def test_client_over_dvrip(first: bytes) -> None:
    """Three ways to log in, on any port; nothing of the login is told."""
    assert sniff(first, 40000, 50000)
    assert told(Parser(40000, 50000), [first + json(QUESTION)]) == [ServiceBanner("dvrip", "client", None)]


def test_second_connection_needs_the_port() -> None:
    """A sub-channel begins with text, which is recognised on Dahua's ports alone."""
    assert sniff(SUB_CHANNEL, 40000, 37777)
    assert not sniff(SUB_CHANNEL, 40000, 50000)
    assert told(Parser(40000, 37777), [SUB_CHANNEL]) == [ServiceBanner("dvrip", "client", None)]


def test_dhip_on_the_web_port() -> None:
    """Either side is known by what it says; the challenge's nonce is not told."""
    assert sniff(dhip(QUESTION), 40000, 80)
    assert told(Parser(40000, 80), [dhip(QUESTION)]) == [ServiceBanner("dhip", "client", None)]
    assert told(Parser(80, 40000), [dhip(CHALLENGE) + dhip(VERSION)]) == [
        ServiceBanner("dhip", "server", "Login to 3c9d8f12"),
        DeviceAnnounced("dhip", firmware="2.800.0000016.0.R", message="magicBox"),
    ]


def test_event_comes_from_the_device() -> None:
    """A method that begins with "client." is one that the device calls."""
    event = dhip(b'{"method":"client.notifyEventStream","params":{"SID":513}}')
    assert told(Parser(50000, 40000), [event]) == [ServiceBanner("dhip", "server", None)]


@pytest.mark.parametrize("other", [b"", ASK_REALM[:31], ASK_REALM[:-1] + b"\x00", TELL_REALM[:1] + b"\x07" + TELL_REALM[2:], dhip(QUESTION)[:24] + le(1) + bytes(4) + QUESTION, json(b"[1]"), b"\xa0\x00" * 20])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Too little, lengths that differ, another end."""
    assert not sniff(other, 37777, 40000)


def test_chance_is_refused() -> None:
    """Random streams off Dahua's ports, alone and behind first octets."""
    refuses_chance(sniff, (50000, 40000), [b"", b"\xa0\x00\x00\x00", b"\xf6\x00\x00\x00", b"\x20\x00\x00\x00DHIP"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages; where framing is lost the parser says so."""
    valid = [TELL_REALM, json(VERSION), json(KIND), LOGIN, dhip(CHALLENGE), SUB_CHANNEL]
    only_malformed(lambda: Parser(37777, 40000), mutants(valid, 3_000, 4), "dvrip")
    assert MalformedSeen("dvrip", "no message where one should begin") in told(Parser(), [ASK_REALM + bytes(32)])


def pieces(*bodies: bytes) -> bytes:
    """Binary data behind JSON."""
    made = b""
    for body in bodies:
        said = b'{"method":"upgrader.appendData","params":{"length":%d},"id":7,"session":5}' % len(body)
        made += b"\x20\x00\x00\x00DHIP" + le(5) + le(7) + le(len(said) + len(body)) + le(0) + le(len(said))
        made += le(len(body)) + said + body
    return made


@given(st.lists(st.integers(0, 9_000), max_size=6))
def test_an_upgrade_over_dhip(places: list[int]) -> None:
    """Prepare, pieces, execute: calls are told, the pieces counted without a hash, for no capture confirms their shape."""
    prepare, execute = (
        dhip(b'{"method":"upgrader.%s","id":1,"session":5}' % each) for each in (b"prepare", b"execute")
    )
    stream = prepare + pieces(b"DH\x03\x04" + bytes(4_092), bytes(4_096)) + execute
    facts = told(Parser(40000, 5000), cut(stream, 32, places))
    assert facts == [
        ServiceBanner("dhip", "client", None),
        FirmwareCall("rpc", "upload", None),
        FirmwareTransfer("unknown", "rpc", None, None, 8_192, False, None, "dahua-zip", "dahua", ("call", "magic")),
        FirmwareCall("rpc", "install", None),
    ]
