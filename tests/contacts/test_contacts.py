"""Contacts: found again, bounded per device and in all, and named by the best evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.contacts.contacts import MAX_NAMES, MAX_SERVICES, Contacts, climb, name_it, use_service
from monitor.model.address import Address
from monitor.model.contacts import Contact, Device, Outcome
from monitor.model.verdicts import Confidence, OperatorKind, Verdict


def device(key: str = "cam") -> Device:
    return Device(key, key, 1)


def address(number: int) -> Address:
    return Address(number.to_bytes(16, "big"))


def verdict(operator: str = "as:1") -> Verdict:
    return Verdict(
        operator, operator, OperatorKind.NETWORK, "GB", 1, None, None, "GB", None, Confidence.HIGH, "because"
    )


def begin(contacts: Contacts, who: Device, remote: int, operator: str = "as:1", *, further: bool = False) -> Contact:
    return contacts.begin(who, address(remote), None, verdict(operator), 1, b"id", further=further)


def test_a_contact_is_found_by_device_and_address() -> None:
    """And by no other's."""
    contacts, one, other = Contacts(), device("one"), device("other")
    contact = begin(contacts, one, 7)
    assert contacts.find(one, address(7)) is contact
    assert contacts.find(other, address(7)) is None
    assert contacts.find(one, address(8)) is None
    assert (contact.outcome, contact.attempts, contact.outbound) == (Outcome.ATTEMPTED, 0, False)


def test_a_name_that_was_only_asked_for_is_found_by_it() -> None:
    """Its outcome is the lowest."""
    contacts, who = Contacts(), device()
    contact = contacts.begin(who, None, "a.example.org", verdict(), 1, b"id")
    assert contacts.find(who, "a.example.org") is contact
    assert (contact.outcome, contact.names, contact.remote) == (Outcome.ASKED, ("a.example.org",), None)


def test_further_operators_at_one_address_are_kept_apart() -> None:
    """Each has a contact of its own; the first is found without saying whose."""
    contacts, who = Contacts(), device()
    first = begin(contacts, who, 7, "vendor:a")
    second = begin(contacts, who, 7, "vendor:b", further=True)
    assert contacts.find(who, address(7)) is first
    assert contacts.find(who, address(7), "vendor:b") is second
    assert contacts.find(who, address(7), "vendor:c") is None
    assert len(contacts) == 2


def test_a_further_contact_that_became_anothers_is_not_found_as_the_first_operators() -> None:
    """Otherwise one operator's doing would be counted as another's."""
    contacts, who = Contacts(), device()
    begin(contacts, who, 7, "vendor:a")
    second = begin(contacts, who, 7, "vendor:b", further=True)
    second.verdict = verdict("vendor:c")
    assert contacts.find(who, address(7), "vendor:b") is None
    third = begin(contacts, who, 7, "vendor:b", further=True)
    assert contacts.find(who, address(7), "vendor:b") is third
    assert (len(contacts), contacts.evicted) == (2, 1)
    contacts.use(second, 9)
    assert second.last_ns == 9


def test_the_one_unused_for_longest_makes_room() -> None:
    """Of the device that has too many; else of all."""
    contacts, busy, quiet = Contacts(max_contacts=6, max_per_device=3), device("busy"), device("quiet")
    kept = begin(contacts, quiet, 1)
    mine = [begin(contacts, busy, number) for number in range(3)]
    contacts.use(mine[0], 5_000_000_000)
    begin(contacts, busy, 3)
    assert [contacts.find(busy, address(number)) is not None for number in range(4)] == [True, False, True, True]
    assert contacts.find(quiet, address(1)) is kept
    others = [begin(contacts, device(f"d{number}"), 1) for number in range(3)]
    assert contacts.find(quiet, address(1)) is None
    assert (len(contacts), contacts.evicted) == (6, 2)
    assert (busy.dropped, quiet.dropped, others[0].device.dropped) == (1, 1, 0)
    assert contacts.find(others[-1].device, address(1)) is others[-1]


def test_a_forgotten_contact_may_still_be_used() -> None:
    """A flow can outlive it."""
    contacts, who = Contacts(max_per_device=1), device()
    gone = begin(contacts, who, 1)
    begin(contacts, who, 2)
    contacts.use(gone, 7)
    assert gone.last_ns == 7
    assert len(contacts) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=120))
def test_bounds_hold_whatever_happens(steps: list[tuple[int, int, bool]]) -> None:
    """In all and per device, with each one forgotten counted."""
    contacts, begun = Contacts(max_contacts=8, max_per_device=4), 0
    who = [device(f"d{number}") for number in range(4)]
    for index, remote, use in steps:
        found = contacts.find(who[index], address(remote))
        if found is None:
            begin(contacts, who[index], remote)
            begun += 1
        elif use:
            contacts.use(found, begun)
        assert len(contacts) == begun - contacts.evicted == sum(len(list(contacts.of(each))) for each in who) <= 8
        assert all(len(list(contacts.of(each))) <= 4 for each in who)


def test_an_outcome_only_climbs() -> None:
    """Who refused is known only while that is how far it got."""
    contact = begin(Contacts(), device(), 1)
    assert climb(contact, Outcome.REFUSED, "10.0.0.1")
    assert contact.refused_by == "10.0.0.1"
    assert not climb(contact, Outcome.REFUSED, "10.0.0.2")
    assert climb(contact, Outcome.ANSWERED)
    assert contact.refused_by is None
    assert not climb(contact, Outcome.ATTEMPTED)
    assert contact.outcome is Outcome.ANSWERED


def test_what_a_device_said_goes_before_what_it_was_told() -> None:
    """SNI and Host come first and stay first; a told name joins behind."""
    contact = begin(Contacts(), device(), 1)
    assert name_it(contact, "told.example.org", "dns")
    assert name_it(contact, "said.example.org", "sni")
    assert not name_it(contact, "said.example.org", "sni")
    assert not name_it(contact, "again.example.org", "dns")
    assert contact.names == ("said.example.org", "told.example.org", "again.example.org")
    assert contact.name_source == "sni"
    assert name_it(contact, "told.example.org", "host")
    assert contact.names[0] == "told.example.org"
    for number in range(20):
        name_it(contact, f"n{number}.example.org", "sni")
    assert len(contact.names) == MAX_NAMES
    assert contact.names[0] == "n19.example.org"


def test_a_name_that_was_asked_for_keeps_its_only_name() -> None:
    """It is what it is found by."""
    contact = Contacts().begin(device(), None, "a.example.org", verdict(), 1, b"id")
    assert not name_it(contact, "b.example.org", "dns")
    assert contact.names == ("a.example.org",)


def test_services_are_bounded() -> None:
    """The first ones, each once."""
    contact = begin(Contacts(), device(), 1)
    for port in [443, 443, *range(MAX_SERVICES + 5)]:
        use_service(contact, 6, port)
    assert contact.services[:2] == ((6, 443), (6, 0))
    assert len(contact.services) == MAX_SERVICES


def test_what_the_user_named_makes_room_last() -> None:
    """First what nobody watches, then what was recognised; within each the one unused for longest."""
    contacts, stranger, recognised, named = Contacts(max_contacts=3), device("a"), device("b"), device("c")
    stranger.watched, recognised.watched, named.watched, named.named = False, True, True, True
    for number, who in enumerate((named, recognised, stranger)):
        begin(contacts, who, number)
    begin(contacts, named, 3)
    assert [each.device.key for who in (stranger, recognised, named) for each in contacts.of(who)] == ["b", "c", "c"]
    begin(contacts, named, 4)
    assert [len(list(contacts.of(who))) for who in (stranger, recognised, named)] == [0, 0, 3]
    assert contacts.find(named, address(0)) is not None


def test_a_device_takes_its_contacts_along() -> None:
    """What it had is found no more, and others keep their place."""
    contacts, leaving, staying = Contacts(), device("a"), device("b")
    gone = [begin(contacts, leaving, number) for number in range(3)]
    kept = begin(contacts, staying, 7)
    assert contacts.forget_all(leaving) == gone
    assert (len(contacts), contacts.evicted, leaving.held, list(contacts.of(leaving))) == (1, 3, 0, [])
    assert list(contacts.of(staying)) == [kept]
