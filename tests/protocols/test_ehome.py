"""EHome 2; all messages are synthetic, shaped as the captures that 365seal.com and mhzhuji.com show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DeviceAnnounced, Malformed, P2pContact, Want
from monitor.protocols.ehome import MAX_MESSAGE, Parser, sniff
from tests.protocols.hostile import cut, mutants, only_malformed, refuses_chance, told


def message(kind: str, command: str, params: str = "") -> bytes:
    name = "Command" if kind == "REQUEST" else "WhichCommand"
    return (
        '<?xml version="1.0" encoding="GB2312"?>\n<PPVSPMessage>\n<Version>2.0</Version>\n<Sequence>1</Sequence>\n'
        f"<CommandType>{kind}</CommandType>\n<{name}>{command}</{name}>\n<Params>{params}</Params>\n</PPVSPMessage>\n"
    ).encode()


REGISTER = message(
    "REQUEST",
    "REGISTER",
    "<DeviceID>560796072</DeviceID><Password>hunter2</Password><FirmwareVersion>V5.4.5 build 170302</FirmwareVersion>"
    "<LocalIP>192.168.1.100</LocalIP>",
)
REGISTERED = message("RESPONSE", "REGISTER", "<AlarmServerIP>10.21.84.13</AlarmServerIP>")
KEEPALIVE = message("REQUEST", "KEEPALIVE")
CONFIGURE = message("REQUEST", "GETDEVICECONFIG")
CONFIGURED = message("RESPONSE", "GETDEVICECONFIG")
DEVICE = DeviceAnnounced("ehome", firmware="V5.4.5 build 170302", serial="560796072", message="REGISTER")


@given(st.lists(st.integers(0, 2_000), max_size=8))
def test_device_registers(places: list[int]) -> None:
    """However a stream is cut: what the device asks and answers, with its firmware, without its password; each once."""
    stream = REGISTER + KEEPALIVE + KEEPALIVE + CONFIGURED
    assert sniff(stream, 40000, 7660)
    assert told(Parser(), cut(stream, 100, places)) == [
        P2pContact("ehome", "REGISTER", "device"),
        DEVICE,
        P2pContact("ehome", "KEEPALIVE", "device"),
        P2pContact("ehome", "GETDEVICECONFIG_ANSWER", "device"),
    ]


def test_platform_answers() -> None:
    """The other side is the server's, on any port."""
    assert sniff(REGISTERED, 7660, 40000)
    assert told(Parser(), [REGISTERED, CONFIGURE]) == [
        P2pContact("ehome", "REGISTER_ANSWER", "server"),
        P2pContact("ehome", "GETDEVICECONFIG", "server"),
    ]


def test_a_command_that_is_no_word() -> None:
    """What a message calls itself is told only if it can be a name."""
    assert told(Parser(), [message("REQUEST", "x" * 40)]) == [P2pContact("ehome", "UNKNOWN", "unknown")]


def test_endless_message_stops() -> None:
    """More than 16 KiB without an end is not held."""
    parser = Parser()
    with pytest.raises(Malformed):
        parser.feed(REGISTER[:100] + b" " * MAX_MESSAGE)
    assert parser.want is Want.STOP


@pytest.mark.parametrize("other", [b"", b"<PPVSPMessag>", b"x" + REGISTER, b"<" + b" " * 200 + b"<PPVSPMessage>", b"<?xml version='1.0'?><Probe/>"])  # fmt: skip
def test_sniff_refuses(other: bytes) -> None:
    """Another root, or none near the beginning."""
    assert not sniff(other, 40000, 7660)


def test_chance_is_refused() -> None:
    """Random payloads, alone and behind a declaration."""
    refuses_chance(sniff, (40000, 7660), [b"", b"<?xml version='1.0'?>"])


def test_mutants_raise_only_malformed() -> None:
    """3,000 damaged messages."""
    only_malformed(Parser, mutants([REGISTER, REGISTERED, CONFIGURE], 3_000, 8), "ehome")
