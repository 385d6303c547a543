"""XML within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed
from monitor.protocols.bounded_xml import MAX_DEPTH, MAX_ELEMENTS, MAX_OCTETS, Document, begins


def test_elements_in_the_order_in_which_they_begin() -> None:
    """Names without prefix, depth, and each one's own text."""
    document = Document(b"<a:r xmlns:a='u'> x <b>1&amp;2</b><![CDATA[<y>]]><c/></a:r>", "t")
    assert [(each.name, each.depth, each.text) for each in document.elements] == [
        ("r", 1, "x <y>"), ("b", 2, "1&2"), ("c", 2, None),
    ]  # fmt: skip
    assert document.root == "r"
    assert document.damage is None


def test_first_text_of_a_name_wins() -> None:
    """An empty one does not count."""
    assert Document(b"<r><b/><b>1</b><b>2</b></r>", "t").texts() == {"b": "1"}


@pytest.mark.parametrize("end", range(40))
def test_a_document_that_ends_early(end: int) -> None:
    """It is no damage; an element that it ends in has no text."""
    data = b"<r><b>1</b><c>22</c><d>333</d><e>4444</e></r>"
    document = Document(data[:end], "t")
    assert document.damage is None
    assert document.texts().items() <= {"b": "1", "c": "22", "d": "333", "e": "4444"}.items()


@pytest.mark.parametrize("data", [b"<r></x>", b"<r>&nothing;", b"x ", b"<r a=1>", b"<r/>x", b"<r>\x00</r>"])
def test_damage_is_told(data: bytes) -> None:
    """What is not well-formed, undeclared entities and NULs inside it."""
    assert Document(data, "t").damage == "no well-formed XML"


def test_caps() -> None:
    """Octets, elements and depth: at the cap it is read, beyond it refused."""
    assert len(Document(b"<r>" + b"<a/>" * (MAX_ELEMENTS - 1), "t").elements) == MAX_ELEMENTS
    assert len(Document(b"<a>" * MAX_DEPTH, "t").elements) == MAX_DEPTH
    for data in (b"<r>" + b"<a/>" * MAX_ELEMENTS, b"<a>" * (MAX_DEPTH + 1), b"<r>" + b" " * MAX_OCTETS):
        with pytest.raises(Malformed):
            Document(data, "t")


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE r><r/>",
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>',
        b'<!DOCTYPE r SYSTEM "http://192.0.2.1/x"><r/>',
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]><r/>',
    ],
)
def test_document_types_are_refused(data: bytes) -> None:
    """So there are no entities to expand or to fetch."""
    with pytest.raises(Malformed, match="document type declaration"):
        Document(data, "t")


def test_the_declared_encoding_has_no_say() -> None:
    """No codec is looked up by a name from the wire: text is UTF-8, and what is not is replaced."""
    for name in (b"utf-16", b"gb2312", b"idna", b"rot13", b"no-such"):
        document = Document(b'<?xml version="1.0" encoding="' + name + b'"?><r>\xc3\x9c\xff</r>', "t")
        assert document.texts() == {"r": "\u00dc\ufffd"}


def test_begins() -> None:
    """A byte order mark and blanks may stand before a document."""
    assert begins(b"\xef\xbb\xbf\r\n <a/>")
    assert not begins(b"")
    assert not begins(b" " * 1000 + b"<a/>")
    assert not begins(b"x<a/>")


@given(
    st.lists(st.sampled_from([b"<a>", b"</a>", b"<a b='1'>", b"x", b"&lt;", b"<", b"\xff", b"<?p?>", b"<!--", b"]]>"]))
)
def test_random_pieces(pieces: list[bytes]) -> None:
    """Nothing but Malformed."""
    try:
        document = Document(b"".join(pieces), "t")
    except Malformed:
        return
    assert all(each.depth <= MAX_DEPTH for each in document.elements)
