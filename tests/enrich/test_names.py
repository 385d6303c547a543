"""Names that devices were told for addresses."""

from __future__ import annotations

from monitor.enrich.names import MAX_NAMES, Names
from monitor.model.address import pack

IP, OTHER = pack("192.0.2.7"), pack("192.0.2.8")
T = 1_000


def test_a_name_belongs_to_the_device_that_was_told() -> None:
    """And to the address."""
    names = Names()
    names.learn("cam", "a.example.org", IP, T)
    assert names.of("cam", IP, T) == ["a.example.org"]
    assert names.of("cam", OTHER, T) == []
    assert names.of("phone", IP, T) == []


def test_valid_names_come_before_expired_ones_and_new_ones_before_old() -> None:
    """An expired name is still the best there is; hearing it again makes it new."""
    names = Names()
    for name, expires in (("old", T + 50), ("gone", T - 1), ("new", T), ("lost", T - 2)):
        names.learn("cam", name, IP, expires)
    assert names.of("cam", IP, T) == ["new", "old", "lost", "gone"]
    names.learn("cam", "old", IP, T + 60)
    assert names.of("cam", IP, T)[:2] == ["old", "new"]


def test_names_of_an_address_are_bounded() -> None:
    """The ones told first go."""
    names = Names()
    for number in range(MAX_NAMES + 3):
        names.learn("cam", f"n{number}", IP, T)
    assert names.of("cam", IP, T) == [f"n{number}" for number in range(MAX_NAMES + 2, 2, -1)]


def test_addresses_are_bounded() -> None:
    """The one unused for longest goes, and is counted; asking is using."""
    names = Names(max_entries=3)
    for last in range(3):
        names.learn("cam", "a.example.org", pack(f"192.0.2.{last}"), T)
    names.of("cam", pack("192.0.2.0"), T)
    names.learn("cam", "a.example.org", pack("192.0.2.9"), T)
    assert [bool(names.of("cam", pack(f"192.0.2.{last}"), T)) for last in (0, 1, 2, 9)] == [True, False, True, True]
    assert (len(names), names.evicted) == (3, 1)
