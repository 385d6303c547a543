"""How devices spell themselves."""

from __future__ import annotations

import pytest

from monitor.protocols.device_text import field, leaf, mac_of, mac_of_octets, plain


@pytest.mark.parametrize("text", ["44:19:B6:01:02:03", "44-19-b6-01-02-03", "4419b6010203", " 44:19:b6:01:02:03 "])
def test_macs(text: str) -> None:
    """Colons, dashes or neither come out as one spelling."""
    assert mac_of(text) == "44:19:b6:01:02:03"


@pytest.mark.parametrize(
    "text",
    [None, "", "44:19:b6:01:02", "44:19-b6:01:02:03", "44:19:b6:01:02:0g", "ff-ff-ff-ff-ff-ff", "00:00:00:00:00:00"],
)
def test_what_is_no_hosts_mac(text: str | None) -> None:
    """Other lengths and mixed separators; the broadcast and the all-zero address."""
    assert mac_of(text) is None


def test_octets() -> None:
    """Six of them."""
    assert mac_of_octets(bytes.fromhex("4419b6010203")) == "44:19:b6:01:02:03"
    assert mac_of_octets(b"") is mac_of_octets(bytes(6)) is mac_of_octets(b"\x01\x00\x5e\x00\x00\x01") is None


def test_text() -> None:
    """A NUL ends a field; controls and blanks around go, secrets are cut, 255 characters are kept."""
    assert field(b" gate\x07\x00junk") == "gate"
    assert field(b"\x00x") is None
    assert field("\u00dc".encode() + b"\xff") == "\u00dc\ufffd"
    assert plain("\ud800\x1b[31mred") == "[31mred"
    assert plain("x?password=hunter2") == "x?password=***"
    assert len(plain("n" * 5000) or "") == 255
    assert plain(" \r\n") is plain(None) is None


def test_leaves() -> None:
    """The first element of exactly this name that holds text alone; GB2312 is read as its superset."""
    assert leaf(b"<a><Name>gate</Name><Name>hall</Name></a>", b"Name") == "gate"
    assert (
        leaf(b"<Name><b>x</b></Name>", b"Name") is leaf(b"<name>x</name>", b"Name") is leaf(b"<Name>x", b"Name") is None
    )
    chinese = '<?xml version="1.0" encoding="GB2312"?><Name>\u5927\u95e8</Name>'
    assert leaf(chinese.encode("gb18030"), b"Name") == "\u5927\u95e8"
