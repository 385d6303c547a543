"""Lookups: names that wait for something to follow."""

from __future__ import annotations

import pytest

from monitor.contacts.lookups import MAX_ADDRESSES, WAIT_NS, Lookups, is_public_name
from monitor.model.address import pack
from monitor.model.contacts import Device
from monitor.model.limits import Limit, Room

CAMERA, OTHER = Device("cam", "cam", 1), Device("other", "other", 1)
T = 1_000_000_000_000


def test_a_lookup_is_due_after_its_time() -> None:
    """Not earlier, in the order of asking, and once."""
    lookups = Lookups()
    lookups.asked(CAMERA, "a.example.org", T, b"1")
    lookups.asked(CAMERA, "b.example.org", T + 5, b"2")
    assert lookups.next_ns() == T + WAIT_NS
    assert lookups.due(T + WAIT_NS - 1) == []
    assert [each.name for each in lookups.due(T + WAIT_NS)] == ["a.example.org"]
    assert [each.name for each in lookups.due(T + WAIT_NS + 5)] == ["b.example.org"]
    assert (lookups.next_ns(), len(lookups)) == (None, 0)


def test_asking_again_is_the_same_lookup() -> None:
    """It waits from the first time; another device's is its own."""
    lookups = Lookups()
    for ts in (T, T + 9, T + 3):
        assert lookups.asked(CAMERA, "a.example.org", ts, b"1") is None
    lookups.asked(OTHER, "a.example.org", T, b"1")
    assert len(lookups) == 2
    (mine, _) = lookups.rest()
    assert (mine.asked_ns, mine.last_ns, len(lookups)) == (T, T + 9, 0)


def test_an_answer_tells_where_to_look() -> None:
    """All addresses, bounded; an answer that nobody asked for is nothing."""
    lookups = Lookups()
    lookups.asked(CAMERA, "a.example.org", T, b"1")
    lookups.answered(CAMERA, "b.example.org", "NOERROR", [pack("192.0.2.1")])
    for number in range(3 * MAX_ADDRESSES):
        lookups.answered(CAMERA, "a.example.org", "NOERROR", [pack(f"10.0.{number // 250}.{number % 250}")] * 2)
    (lookup,) = lookups.rest()
    assert lookup.rcode == "NOERROR"
    assert len(lookup.addresses) == len(set(lookup.addresses)) == MAX_ADDRESSES


def test_an_answer_counts_for_its_aliases() -> None:
    """For those that wait and those that are asked for while it is valid, of this device only; an A joins an AAAA."""
    lookups, v4, v6 = Lookups(), pack("192.0.2.1"), pack("2001:db8::1")
    lookups.asked(CAMERA, "alias.example.org", T, b"1")
    lookups.answered(CAMERA, "a.example.org", "NOERROR", [v6], ("alias.example.org",), T + 9)
    lookups.answered(CAMERA, "a.example.org", "NOERROR", [v4], ("alias.example.org",), T + 9)
    assert [each.addresses for each in lookups.rest()] == [[v6, v4]]
    for name, device, ts in (
        ("a.example.org", CAMERA, T + 9),
        ("alias.example.org", CAMERA, T + 9),
        ("alias.example.org", OTHER, T + 9),
    ):
        lookups.asked(device, name, ts, b"1")
    assert [each.addresses for each in lookups.rest()] == [[v4, v6], [v4, v6], []]
    lookups.asked(CAMERA, "alias.example.org", T + 10, b"1")
    assert [each.addresses for each in lookups.rest()] == [[]]


def test_answers_are_bounded() -> None:
    """The one told longest ago goes, and is counted."""
    lookups, ip = Lookups(max_answers=2), pack("192.0.2.1")
    for name in ("a.example.org", "b.example.org", "a.example.org", "c.example.org"):
        lookups.answered(CAMERA, name, "NOERROR", [ip], (), T)
    for name in ("a.example.org", "b.example.org", "c.example.org"):
        lookups.asked(CAMERA, name, T, b"1")
    assert [len(each.addresses) for each in lookups.rest()] == [1, 0, 1]
    assert lookups.limits()[1] == Limit(Room.ANSWERS, 2, 2, 1)


def test_beyond_the_bound_the_oldest_is_concluded_early() -> None:
    """It is handed over, and counted."""
    lookups = Lookups(max_open=2)
    lookups.asked(CAMERA, "a.example.org", T, b"1")
    lookups.asked(CAMERA, "b.example.org", T, b"1")
    early = lookups.asked(CAMERA, "c.example.org", T, b"1")
    assert early is not None
    assert (early.name, lookups.early, len(lookups)) == ("a.example.org", 1, 2)


@pytest.mark.parametrize(
    "name", ["a.example.org", "A.EXAMPLE.ORG.", "xn--bcher-kva.example.com", "1.2.3.4.example.com", "x.y", "a.b.c.d"]
)
def test_public_names(name: str) -> None:
    """Whoever asks for one asks somebody outside."""
    assert is_public_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "localhost", "camera", "camera.local", "camera.LAN", "1.0.0.127.in-addr.arpa", "x.home.arpa", "a.test", "a.invalid", "a.internal",
     "8.8.8.8", "8.8.8.8.", "[8.8.8.8]", "fe80::1%eth0.example", "::ffff:1.2.3.4"],
)  # fmt: skip
def test_names_of_nobody_outside(name: str) -> None:
    """No dot, a special-use ending, or an address spelled as a name."""
    assert not is_public_name(name)
