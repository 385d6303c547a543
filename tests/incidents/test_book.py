"""The book: one incident per device and operator, told on news, exact in its counts, ended when quiet."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.incidents.book import MANY, Book, state, view
from monitor.incidents.digest import digest
from monitor.incidents.incident import decade
from monitor.model.address import Mac, pack
from monitor.model.contacts import Contact, Device, DeviceClass, Judgement, Outcome, Trait
from monitor.model.evidence import evidence_of_contact
from monitor.model.incidents import Activity, Finding, Kind, Severity, Totals, Transition, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

T = 1_000_000_000_000
HOUR = 3600 * 1_000_000_000
REFUSED = Judgement(allowed=False, rule="nothing is allowed", foreign=True, home_known=True)
ALLOWED = Judgement(allowed=True, rule="group g: allow *", foreign=False, home_known=True)
UNEXPECTED = Finding(Kind.UNEXPECTED_CONTACT, Severity.MEDIUM)
VENDOR = Finding(Kind.VENDOR_CLOUD, Severity.HIGH)
LOOKUP = Finding(Kind.NAME_LOOKUP, Severity.INFORMATIONAL)


def camera(key: str) -> Device:
    mac = Mac(bytes.fromhex("4419b600000b"))
    return Device(key, "cam", T, DeviceClass.CAMERA, addresses=[pack("10.20.0.11")], mac=mac)


CAMERA = camera("cam")


def verdict(operator: str = "as:1", location: str | None = "CN") -> Verdict:
    return Verdict(
        operator, operator, OperatorKind.NETWORK, location, 1, "Org", None, "CN", None, Confidence.HIGH, "because"
    )


def contact(
    remote: str = "192.0.2.7", operator: str = "as:1", *, attempts: int = 1, ts: int = T, device: Device = CAMERA
) -> Contact:
    made = Contact(device, pack(remote), verdict(operator), ts, ts, b"id" + remote.encode(), outbound=True)
    made.attempts, made.bytes_out, made.services = attempts, 60 * attempts, ((6, 443),)
    return made


def asked(name: str, operator: str = "as:1") -> Contact:
    made = Contact(CAMERA, None, verdict(operator), T, T, b"id", Outcome.ASKED, names=[name])
    made.asked = 1
    return made


def book(**limits: int) -> Book:
    return Book("here", Totals, **limits)


def judged(book: Book, given: Contact, *findings: Finding, now: int | None = None) -> list[Transition]:
    """What a judgement and the tick after it tell."""
    told = book.judge(given, REFUSED if findings else ALLOWED, findings, now or given.last_ns)
    return told + book.news(now or given.last_ns)


def recounted(book: Book, given: Contact, now: int) -> list[Transition]:
    """What new counts and the tick after them tell."""
    book.count(given)
    return book.news(now)


def test_news_waits_for_the_tick() -> None:
    """What climbs within a second is one message; the opening is told at once."""
    held, one = book(), contact()
    assert len(held.judge(one, REFUSED, [VENDOR], one.last_ns)) == 1
    for outcome in (Outcome.ANSWERED, Outcome.TRANSFERRED):
        one.outcome = outcome
        assert held.judge(one, REFUSED, [VENDOR], one.last_ns) == []
    assert held.next_ns() == 0
    (update,) = held.news(one.last_ns)
    assert (update.activity, update.outcome) == (Activity.UPDATE, Outcome.TRANSFERRED)
    assert held.news(one.last_ns) == []


def test_an_end_that_turns_out_to_be_anothers_is_shown_there_only() -> None:
    """The incident that it was in shows what else it has; one that ends for it shows it to the last."""
    held, one, other = book(), contact(), contact("192.0.2.8")
    for each in (one, other):
        judged(held, each, UNEXPECTED)
    one.verdict, one.names = verdict("vendor:hik"), ("dev.hik-connect.com",)
    judged(held, one, UNEXPECTED)
    other.attempts += 1
    held.count(other)
    left, joined = held.settle(T)[-1], held.open(one.incident or "")
    assert [each.remote_ip for each in left.evidences] == ["192.0.2.8"]
    assert joined is not None
    assert [(each.remote_ip, each.remote_name) for each in joined.evidences.values()] == [
        ("192.0.2.7", "dev.hik-connect.com")
    ]
    other.verdict = one.verdict
    (ended,) = [each for each in judged(held, other, UNEXPECTED) if each.activity is Activity.END]
    assert [each.remote_ip for each in ended.evidences] == ["192.0.2.8"]


def test_an_incident_opens_once() -> None:
    """With all that is known; the same contact again is no news."""
    held, one = book(), contact()
    one.traits |= {Trait.FOREIGN}
    (opened,) = judged(held, one, VENDOR, UNEXPECTED)
    assert (opened.activity, opened.kind, opened.number, opened.attempts) == (Activity.NEW, Kind.VENDOR_CLOUD, 1, 1)
    assert (opened.properties, opened.severity, opened.rule) == (("foreign",), Severity.HIGH, "nothing is allowed")
    assert (opened.device.key, opened.device.ip, opened.device.mac) == ("cam", "10.20.0.11", "44:19:b6:00:00:0b")
    (evidence,) = opened.evidences
    assert (evidence.remote_ip, evidence.remote_port, evidence.country) == ("192.0.2.7", 443, "CN")
    assert judged(held, one, VENDOR, UNEXPECTED) == []
    assert len(held) == 1


def test_ids_are_hashes_of_the_evidence() -> None:
    """Equal evidence gives equal ids; a sensor, device, operator or packet that differs gives others."""
    ids = set()
    for sensor, device, operator, ts in itertools.product(("a", "b"), ("c", "d"), ("as:1", "as:2"), (T, T + 1)):
        given = contact(operator=operator, ts=ts, device=camera(device))
        twice = [Book(sensor, Totals).judge(given, REFUSED, [UNEXPECTED], ts)[0] for _ in range(1)]
        given.told = False
        ids |= {(each.incident, each.uid) for each in twice}
    assert len(ids) == 16
    assert all(len(incident) == len(uid) == 32 for incident, uid in ids)
    assert digest("a", "bc") != digest("ab", "c")


def test_contacts_of_one_operator_are_one_incident() -> None:
    """Counts add up; a handful more addresses is no news, a new country is."""
    held = book()
    (opened,) = judged(held, contact(attempts=3), UNEXPECTED)
    for number in range(1, 8):
        assert judged(held, contact(f"192.0.2.{number}", attempts=2), UNEXPECTED) == []
    abroad = contact("198.51.100.1")
    abroad.verdict = verdict(location="RU")
    (told,) = judged(held, abroad, UNEXPECTED)
    assert (told.incident, told.activity, told.attempts) == (opened.incident, Activity.UPDATE, 3 + 7 * 2 + 1)
    assert len(told.evidences) == 8


def test_news_is_an_outcome_a_severity_a_property_or_a_decade() -> None:
    """Nothing else is told before the end of the packets; what is told then is exact."""
    held, one = book(), contact()
    assert len(judged(held, one, UNEXPECTED)) == 1
    one.attempts = 99
    assert recounted(held, one, T + 1) == []
    one.attempts = 100
    assert [each.attempts for each in recounted(held, one, T + 2)] == [100]
    one.attempts = 999
    assert recounted(held, one, T + 3) == []
    one.outcome = Outcome.REFUSED
    one.refused_by = "10.0.0.1"
    assert [(each.outcome, each.refused_by) for each in judged(held, one, UNEXPECTED)] == [
        (Outcome.REFUSED, "10.0.0.1")
    ]
    one.outcome = Outcome.TRANSFERRED
    assert [each.refused_by for each in judged(held, one, UNEXPECTED)] == [None]
    assert [each.severity for each in judged(held, one, Finding(Kind.UNEXPECTED_CONTACT, Severity.HIGH))] == [
        Severity.HIGH
    ]
    assert [each.properties for each in judged(held, one, VENDOR, UNEXPECTED)] == [("vendor_cloud",)]
    one.traits |= {Trait.ECH}
    assert [each.properties for each in judged(held, one, UNEXPECTED)] == [("vendor_cloud", "ech")]
    one.bytes_in = 1_000_000 - one.bytes_out
    assert [each.bytes_in for each in recounted(held, one, T + 4)] == [one.bytes_in]
    one.bytes_in = 9_000_000
    assert recounted(held, one, T + 5) == []
    (last,) = held.settle(T + 6)
    assert (last.activity, last.attempts, last.bytes_in) == (Activity.UPDATE, 999, 9_000_000)
    assert held.settle(T + 7) == []


def test_a_better_operator_keeps_the_id() -> None:
    """Where the incident has no other contact."""
    held, one = book(), contact()
    (opened,) = judged(held, one, UNEXPECTED)
    one.verdict = verdict("vendor:x")
    (told,) = judged(held, one, VENDOR, UNEXPECTED)
    assert (told.incident, told.kind, told.verdict.operator_key) == (
        opened.incident,
        Kind.UNEXPECTED_CONTACT,
        "vendor:x",
    )
    again = judged(held, contact("192.0.2.8", "vendor:x"), VENDOR)
    assert {each.incident for each in again} <= {opened.incident}
    assert len(held) == 1


def test_what_turns_out_to_be_the_same_is_merged() -> None:
    """The later one ends with the id of the one that goes on; no count is lost or doubled."""
    held, one, other = book(), contact(operator="vendor:x", attempts=2), contact("192.0.2.8", "as:1", attempts=3)
    (first,) = judged(held, one, VENDOR)
    (second,) = judged(held, other, UNEXPECTED)
    other.verdict = verdict("vendor:x")
    ended, *_ = judged(held, other, VENDOR)
    assert (ended.incident, ended.activity, ended.merged_into, ended.attempts) == (
        second.incident,
        Activity.END,
        first.incident,
        0,
    )
    (last,) = held.settle(T)
    assert (last.incident, last.attempts, last.bytes_out) == (first.incident, 5, 300)


def test_a_contact_that_leaves_takes_its_counts_along() -> None:
    """The rest of its incident goes on without them, and speaks of somebody who is still there."""
    held, stays, leaves = book(), contact(attempts=2), contact("192.0.2.8", attempts=3)
    leaves.outcome = Outcome.REFUSED
    judged(held, stays, UNEXPECTED)
    judged(held, leaves, UNEXPECTED)
    leaves.verdict = verdict("vendor:x")
    (opened,) = judged(held, leaves, VENDOR)
    assert (opened.attempts, opened.first_ns) == (3, T)
    judged(held, stays, UNEXPECTED)
    attempts = {each.verdict.operator_key: each.attempts for each in [*held.settle(T), opened]}
    assert attempts == {"as:1": 2, "vendor:x": 3}
    assert "192.0.2.7" in held._open["cam", "as:1"].best.names or held._open["cam", "as:1"].best is stays


def test_an_acquitted_contact_ends_its_incident() -> None:
    """Or leaves it, where others remain; the rule that refuses them stays."""
    held, one = book(), contact()
    judged(held, one, UNEXPECTED)
    (ended,) = judged(held, one)
    assert (ended.activity, ended.rule, ended.attempts) == (Activity.END, "group g: allow *", 1)
    assert (len(held), judged(held, one)) == (0, [])
    held, one, other = book(), contact(attempts=2), contact("192.0.2.8", attempts=3)
    judged(held, one, UNEXPECTED)
    judged(held, other, UNEXPECTED)
    assert judged(held, one) == []
    (last,) = held.settle(T)
    assert (last.attempts, last.rule) == (3, "nothing is allowed")


def test_quiet_incidents_end_and_what_comes_later_is_another() -> None:
    """The new one has only what is new."""
    held, one = book(quiet_ns=HOUR), contact(attempts=5)
    (opened,) = judged(held, one, UNEXPECTED)
    assert held.next_ns() == T + HOUR
    assert held.quiet(T + HOUR - 1) == []
    (ended,) = held.quiet(T + HOUR)
    assert (ended.activity, ended.attempts, ended.number) == (Activity.END, 5, 2)
    one.attempts, one.last_ns = 7, T + 2 * HOUR
    assert not held.count(one)
    (again,) = judged(held, one, UNEXPECTED)
    assert (again.activity, again.attempts, again.first_ns) == (Activity.NEW, 2, T + 2 * HOUR)
    assert again.incident != opened.incident


def test_a_packet_puts_the_quiet_end_off() -> None:
    """Also one that only counts."""
    held, one = book(quiet_ns=HOUR), contact()
    judged(held, one, UNEXPECTED)
    one.last_ns += HOUR // 2
    held.count(one)
    assert held.quiet(T + HOUR) == []
    assert held.next_ns() == T + HOUR // 2 + HOUR
    assert len(held.quiet(T + 2 * HOUR)) == 1
    assert held.next_ns() is None


def test_operators_beyond_the_bound_share_an_incident() -> None:
    """Counted exactly, whatever happens to their operators; it does not take another's place."""
    held = book(max_per_device=3)
    many = [contact(f"192.0.2.{number}", f"as:{number}", attempts=number) for number in range(1, 11)]
    for each in many:
        judged(held, each, UNEXPECTED)
    assert (len(held), held.folded) == (4, 7)
    for turn in range(3):
        for each in many[3:]:
            each.verdict = verdict(f"vendor:{turn}-{each.attempts}")
            judged(held, each, VENDOR)
            assert len(held) == 4
    assert sum(each.attempts for each in held._open.values()) == sum(range(1, 11))
    assert held._open["cam", MANY].contacts == 7
    many[5].verdict = many[0].verdict
    judged(held, many[5], UNEXPECTED)
    assert many[5].incident == many[0].incident
    assert sum(each.attempts for each in held._open.values()) == sum(range(1, 11))


def test_one_that_shares_does_not_open_another_by_changing_alone() -> None:
    """The only contact of the shared incident gets a better operator: it stays where it is."""
    held = book(max_per_device=2)
    for number in range(20):
        late = contact(f"192.0.2.{number}", f"as:{number}")
        judged(held, late, UNEXPECTED)
        late.verdict = verdict(f"domain:{number}")
        judged(held, late, UNEXPECTED)
        assert len(held) <= 3


def test_open_incidents_are_bounded() -> None:
    """The one that was silent for longest ends; also counts keep one alive."""
    held = book(max_open=3)
    devices = [camera(f"cam-{number}") for number in range(4)]
    given = [contact(device=device) for device in devices]
    for each in given[:3]:
        judged(held, each, UNEXPECTED)
    given[0].attempts += 1
    held.count(given[0])
    ended, opened = judged(held, given[3], UNEXPECTED)
    assert (ended.activity, ended.device.key) == (Activity.END, "cam-1")
    assert (opened.activity, opened.device.key) == (Activity.NEW, "cam-3")
    assert len(held) == 3


def test_a_name_that_was_asked_for_and_then_reached_is_another_incident() -> None:
    """The kind is fixed at opening, so the look-up ends in the incident of the contact; later look-ups join that."""
    held = book()
    (opened,) = judged(held, asked("a.example.org", "vendor:x"), LOOKUP)
    assert (opened.kind, opened.outcome, opened.evidences[0].remote_name) == (
        Kind.NAME_LOOKUP,
        Outcome.ASKED,
        "a.example.org",
    )
    ended, told = judged(held, contact(operator="vendor:x"), VENDOR, UNEXPECTED)
    assert (ended.incident, ended.activity, ended.merged_into) == (opened.incident, Activity.END, told.incident)
    assert (told.activity, told.kind, told.outcome, told.attempts) == (
        Activity.NEW,
        Kind.VENDOR_CLOUD,
        Outcome.ATTEMPTED,
        1,
    )
    assert judged(held, asked("b.example.org", "vendor:x"), LOOKUP) == []
    assert len(held) == 1


def test_visibility_is_what_was_missed_since_the_opening() -> None:
    """Not what was missed before."""
    seen = Totals(evictions=5, duplicates=7)
    held, one = Book("here", lambda: seen), contact()
    (opened,) = judged(held, one, UNEXPECTED)
    seen = Totals(evictions=6, duplicates=17)
    one.outcome = Outcome.ANSWERED
    (told,) = judged(held, one, UNEXPECTED)
    assert (opened.visibility, told.visibility) == (Visibility(), Visibility(evictions=1, duplicates=10))


def test_decades() -> None:
    """From a floor on, one more at each power of ten of it."""
    assert [decade(count, 100) for count in (0, 99, 100, 999, 1000, 99_999, 100_000)] == [0, 0, 1, 1, 2, 3, 4]


class Ledger(RuleBasedStateMachine):
    """However contacts change operators, are allowed and fall silent: what the book holds is what was not yet ended."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T
        self.held = book(quiet_ns=HOUR, max_per_device=3, max_open=8)
        devices = [camera(key) for key in ("one", "two")]
        self.contacts = [
            contact(f"192.0.2.{number}", f"as:{number % 4}", device=devices[number % 2]) for number in range(8)
        ]
        self.told: list[Transition] = []
        self.open: set[str] = set()

    def take(self, told: list[Transition]) -> None:
        """Each incident begins once, is numbered without a gap, and says nothing after its end."""
        for each in told:
            if each.activity is Activity.NEW:
                assert each.incident not in self.open
                self.open.add(each.incident)
                assert each.number == 1
            else:
                assert each.incident in self.open
                before = [one.number for one in self.told if one.incident == each.incident]
                assert each.number == before[-1] + 1
            if each.activity is Activity.END:
                self.open.discard(each.incident)
            assert each.attempts >= 0
            self.told.append(each)

    @rule(which=st.integers(0, 7), operator=st.integers(0, 5), attempts=st.integers(0, 150), seconds=st.integers(1, 90))
    def moves(self, which: int, operator: int, attempts: int, seconds: int) -> None:
        """A contact does something and may be another operator's."""
        each = self.contacts[which]
        self.now += seconds * 1_000_000_000
        each.verdict, each.last_ns = verdict(f"as:{operator}"), self.now
        each.attempts += attempts
        self.take(judged(self.held, each, UNEXPECTED, now=self.now))

    @rule(which=st.integers(0, 7))
    def is_allowed(self, which: int) -> None:
        """A rule was found for it."""
        self.take(judged(self.held, self.contacts[which], now=self.now))

    @rule(minutes=st.integers(1, 90))
    def waits(self, minutes: int) -> None:
        """Nothing happens."""
        self.now += minutes * 60 * 1_000_000_000
        self.take(self.held.quiet(self.now))

    @invariant()
    def balances(self) -> None:
        """Open incidents are those that were told of, bounded, and hold just what their contacts have given them."""
        assert {each.uid for each in self.held._open.values()} == set(self.held._by_uid) == self.open
        assert len(self.held) <= 8
        for key in ("one", "two"):
            assert sum(each.key[0] == key for each in self.held._open.values()) == self.held._by_device.get(key, 0) <= 4
        for incident in self.held._open.values():
            mine = [each for each in self.contacts if each.incident == incident.uid]
            assert incident.contacts == len(mine)
            assert len(mine) >= 1
        assert len({each.uid for each in self.told}) == len(self.told)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_incidents_of_devices_that_nobody_named_make_room_first() -> None:
    """However long the named one's was quiet; what has nothing new opens none again."""
    kept, ours, made_up = book(max_open=2), camera("ours"), [camera(f"made up {number}") for number in range(3)]
    ours.named = True
    for each in made_up:
        each.named = False
    judged(kept, contact(device=ours), UNEXPECTED)
    first = contact(device=made_up[0])
    for given in (first, contact(device=made_up[1]), contact(device=made_up[2])):
        judged(kept, given, UNEXPECTED)
    assert {key for key, _ in kept._open} == {"ours", "made up 2"}
    assert kept.evicted == 2
    assert kept.count(first)
    first.attempts += 1
    assert not kept.count(first)


@pytest.mark.parametrize(
    ("addresses", "seen_with", "configured", "shown"),
    [
        (["192.168.0.20", "10.10.10.37"], "10.10.10.37", False, "10.10.10.37"),
        (["192.168.0.20", "10.10.10.37"], None, False, "10.10.10.37"),
        (["10.10.10.37", "192.168.0.20"], "10.10.10.37", False, "10.10.10.37"),
        (["fe80::b", "10.10.10.37", "2001:db8::5"], None, False, "10.10.10.37"),
        (["fe80::b", "2001:db8::4", "2001:db8::5", "169.254.1.2"], None, False, "2001:db8::5"),
        (["fe80::b"], None, False, "fe80::b"),
        (["10.10.10.37"], "10.10.10.99", False, "10.10.10.37"),
        (["10.20.0.11", "10.20.0.12", "10.20.0.13"], None, True, "10.20.0.11"),
        (["10.20.0.11", "10.20.0.12"], "10.20.0.12", True, "10.20.0.12"),
        ([], None, True, None),
    ],
)
def test_a_device_is_shown_with_the_address_that_it_uses(
    addresses: list[str], seen_with: str | None, configured: bool, shown: str | None
) -> None:
    """Neither an earlier one nor a link-local one, where it has another; the same in messages, states and evidence."""
    device = Device("d", "d", T, DeviceClass.CAMERA, addresses=[pack(each) for each in addresses])
    device.configured = configured
    device.v4_address = pack(seen_with) if seen_with is not None else None
    only_asked = Contact(device, None, verdict(), T, T, b"x", names=["a.example"])
    assert view(device).ip == state(device).ip == shown
    assert evidence_of_contact(only_asked).device_ip == (shown or "")
