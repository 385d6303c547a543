"""JSON within bounds."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Malformed
from monitor.protocols.bounded_json import MAX_OCTETS, object_in, read_object, text_in


def test_objects_and_texts() -> None:
    """What is not there, and what is of another type, is nothing."""
    value = read_object(b'{"a": {"b": " x\\u0007y "}, "c": 1}\n\x00', "t")
    assert text_in(object_in(value, "a"), "b") == "xy"
    assert object_in(value, "c") == object_in(value, "d") == {}
    assert text_in(value, "c") is text_in(value, "d") is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"1", b"nul", b'{"a": 1} x', b"{" * 60_000, b"[" * 60_000, b'{"a":' * 255, b'{"a": 1e999999}',
        b'{"a": "\\ud800"}', b" " * (MAX_OCTETS + 1),
    ],
)  # fmt: skip
def test_what_is_refused(body: bytes) -> None:
    """No JSON, no object, too deep, too long, lone surrogates."""
    with pytest.raises(Malformed):
        read_object(body, "t")


def test_another_charset() -> None:
    """Octets that are no UTF-8 are replaced."""
    assert text_in(read_object(b'{"a": "\xb0\xa1"}', "t"), "a") == "\ufffd\ufffd"


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_read_can_be_told(written: dict[str, str]) -> None:
    """Any text comes out bounded, printable and fit for a message."""
    value = read_object(msgspec.json.encode(written), "t")
    for key in written:
        text = text_in(value, key)
        assert text is None or (text.isprintable() and len(text) <= 255)
        msgspec.json.encode(text)
