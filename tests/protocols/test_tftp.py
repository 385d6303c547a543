"""TFTP: which file is asked for."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model.facts import FileRequest, FirmwareCheck, Malformed, Want
from monitor.protocols.tftp import MAX_REQUESTS, Parser, sniff

READ = b"\0\1/update.sh\0octet\0"


@pytest.mark.parametrize(
    ("datagram", "fact"),
    [
        (READ, FileRequest("tftp", "read", "/update.sh", "octet")),
        (b"\0\2backup.cfg\0NetASCII\0", FileRequest("tftp", "write", "backup.cfg", "netascii")),
        (b"\0\1digicap.dav\0octet\0tsize\x000\0blksize\x001428\0", FileRequest("tftp", "read", "digicap.dav", "octet")),
        (b"\0\1a?password=b\xff\0mail\0", FileRequest("tftp", "read", "a?password=***", "mail")),
    ],
)
def test_synthetic_requests(datagram: bytes, fact: FileRequest) -> None:
    """Operation, name and mode, with or without options (RFC 2347), on any port; secrets are cut."""
    assert sniff(datagram, 40000, 50000)
    assert Parser().feed(datagram)[:1] == [fact]


def test_a_boot_loader_asks_for_firmware() -> None:
    """To read a file that is named like one is a check; what is written, or any other file, is none."""
    assert Parser().feed(READ)[1:] == [FirmwareCheck("tftp", "tftp:///update.sh")]
    assert Parser().feed(b"\0\1digicap.dav\0octet\0")[1:] == [FirmwareCheck("tftp", "tftp:///digicap.dav")]
    assert Parser().feed(b"\0\1SEP0011.cnf.xml\0octet\0")[1:] == []
    assert Parser().feed(b"\0\2/update.sh\0octet\0")[1:] == []


@pytest.mark.parametrize(
    "datagram",
    [
        b"", b"\0\1", b"\0\1\0octet\0", b"\0\1name\0octet", b"\0\1name\0binary\0", b"\0\3\0\1data", b"\0\4\0\1",
        b"\0\1name\0octet\0tsize\0", b"\0\1na\nme\0octet\0", b"\1\1name\0octet\0", b"\0\1n\0octet\0" + b"a\0" * 18,
    ],
)  # fmt: skip
def test_sniff_refuses(datagram: bytes) -> None:
    """Cut short, another mode, an option without value, data and acknowledgements: no request, on port 69 neither."""
    assert not sniff(datagram, 40000, 69)


def test_repeats_are_silent_and_bounded() -> None:
    """A request sent again is told once; other datagrams of the flow say nothing."""
    parser = Parser()
    assert [parser.feed(each) for each in (READ, READ, b"\0\5\0\1not found\0")] == [
        [FileRequest("tftp", "read", "/update.sh", "octet"), FirmwareCheck("tftp", "tftp:///update.sh")], [], [],
    ]  # fmt: skip
    for number in range(MAX_REQUESTS):
        parser.feed(b"\0\1%d\0octet\0" % number)
    assert parser.want is Want.STOP
    assert parser.feed(READ) == []


def test_a_broken_request_is_malformed() -> None:
    """Behind a request, one without name or mode is Malformed."""
    parser = Parser()
    parser.feed(READ)
    with pytest.raises(Malformed):
        parser.feed(b"\0\1name\0")


@given(st.one_of(st.binary(max_size=64), st.binary(max_size=40).map(lambda data: b"\0\1" + data + b"\0octet\0")))
@example(b"\0\1Firmware\0octet\0")
def test_hostile_input(datagram: bytes) -> None:
    """What sniff takes is told, the rest is Malformed or nothing."""
    try:
        facts = Parser().feed(datagram)
    except Malformed as error:
        assert error.layer == "tftp"
        facts = []
    asked = [fact for fact in facts if isinstance(fact, FileRequest)]
    assert len(asked) == sniff(datagram, 1, 2)
    assert all(fact.name.isprintable() for fact in asked)
    assert all(isinstance(fact, FirmwareCheck) for fact in facts if fact not in asked)
