"""What an incident says to people."""

from __future__ import annotations

import pytest

from monitor.contacts.contacts import Contacts
from monitor.incidents.book import Book
from monitor.incidents.incident import Incident
from monitor.incidents.ocsf import TITLES
from monitor.incidents.words import sentence, times
from monitor.model.address import pack
from monitor.model.contacts import Contact, Device, DeviceClass, Judgement, Outcome
from monitor.model.incidents import Finding, Kind, Severity, Totals
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

HIK = Verdict(
    "Hikvision",
    "vendor:hikvision",
    OperatorKind.VENDOR_CLOUD,
    "IE",
    16509,
    "Amazon",
    "US",
    "CN",
    "hikvision",
    Confidence.HIGH,
    "a row",
)
NOBODY = Verdict(
    "192.0.2.7", "addr:192.0.2.7", OperatorKind.ADDRESS, None, None, None, None, None, None, Confidence.LOW, "nothing"
)


def incident(
    outcome: Outcome,
    verdict: Verdict = HIK,
    kind: Kind = Kind.VENDOR_CLOUD,
    *,
    names: tuple[str, ...] = ("dev.hik-connect.com",),
    remote: str | None = "52.30.100.10",
    attempts: int = 1,
    device_class: DeviceClass = DeviceClass.CAMERA,
) -> Incident:
    device = Device("cam", "lobby-02", 1, device_class)
    made = Incident("uid", ("cam", verdict.operator_key), kind, device, verdict, Severity.HIGH, "rule", 1, 1, outcome)
    made.best = Contact(device, pack(remote) if remote else None, verdict, 1, 1, b"", names=list(names))
    made.attempts, made.contacts, made.asked = attempts, 1, attempts
    made.bytes_out, made.bytes_in = 34_411, 1_024_128
    return made


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            incident(Outcome.TRANSFERRED, attempts=4),
            ("Camera lobby-02 tried 4 times to reach dev.hik-connect.com at 52.30.100.10 (Hikvision, network of Amazon, "
            "address in IE, operator under the law of CN); 34,411 bytes went out and 1,024,128 came in; "
            "a camera vendor's cloud that the policy does not allow"),
        ),
        (
            incident(Outcome.ATTEMPTED, NOBODY, Kind.UNEXPECTED_CONTACT, names=(), remote="192.0.2.7", device_class=DeviceClass.RECORDER),
            "Recorder lobby-02 tried once to reach 192.0.2.7; nothing answered; no rule allows it",
        ),
        (
            incident(Outcome.ASKED, kind=Kind.NAME_LOOKUP, remote=None, attempts=2),
            ("Camera lobby-02 looked up twice the name dev.hik-connect.com (Hikvision, network of Amazon, address in IE, "
            "operator under the law of CN); nothing was sent; no rule allows that name"),
        ),
        (
            incident(Outcome.ANSWERED, NOBODY, Kind.ISOLATION_BROKEN, names=(), remote="192.0.2.7", attempts=0, device_class=DeviceClass.OTHER),
            "Device lobby-02 has an open conversation with 192.0.2.7; it answered, 34,411 bytes went out and 1,024,128 came in; its group must not leave the site",
        ),
    ],
)  # fmt: skip
def test_sentences(given: Incident, words: str) -> None:
    """Who tried to reach what, whose that is and under whose law, how far it got, and why it is said."""
    assert sentence(given) == words


def test_who_refused_is_said() -> None:
    """The other end, or whoever it was."""
    given = incident(Outcome.REFUSED)
    given.refused_by = "peer"
    assert "refused by the other end" in sentence(given)
    given.refused_by = "10.20.0.1"
    assert "refused by 10.20.0.1" in sentence(given)


def test_more_than_one_end_and_a_protocol_are_said() -> None:
    """The one that got furthest is named, the others are counted."""
    given = incident(Outcome.ATTEMPTED)
    given.contacts = 7
    assert given.best is not None
    given.best.p2p = "pppp"
    assert "dev.hik-connect.com at 52.30.100.10 and 6 more" in sentence(given)
    assert "PPPP camera protocol" in sentence(given)


def ends(*given: tuple[str, str, str, int], kind: OperatorKind = OperatorKind.P2P_CLOUD, law_of_end: bool) -> Incident:
    """An incident of one operator whose ends have this network, country, law and so many attempts."""
    device, contacts, held = Device("cam", "lobby-02", 1, DeviceClass.CAMERA), Contacts(), Book("here", Totals)
    for number, (network, country, law, attempts) in enumerate(given):
        verdict = Verdict(
            "CS2/PPPP",
            "p2p:pppp",
            kind,
            country,
            number,
            network,
            None,
            law,
            None,
            Confidence.LOW,
            "",
            law_of_end=law_of_end,
        )
        made = contacts.begin(device, pack(f"192.0.2.{number}"), None, verdict, 1, b"id")
        made.attempts, made.bytes_out = attempts, 10_000 - attempts
        held.judge(made, Judgement(allowed=False, rule="", foreign=True), [Finding(Kind.P2P_CLOUD, Severity.HIGH)], 1)
    (uid,) = held.uids()
    found = held.open(uid)
    assert found is not None
    return found


def test_it_speaks_for_the_end_that_was_tried_most_often() -> None:
    """Of those that got as far; what went to the others is listed, and the operator's own law is one."""
    given = ends(
        ("BELNET", "BE", "CN", 3), ("Telecom", "CN", "CN", 80), ("Telecom", "CN", "CN", 4), law_of_end=False
    )  # fmt: skip
    assert given.verdict.location == "CN"
    assert sentence(given) == (
        "Camera lobby-02 tried 87 times to reach 192.0.2.1 and 2 more (CS2/PPPP, networks of Telecom (2), BELNET, "
        "addresses in CN (84 attempts), BE (3), operator under the law of CN); nothing answered; "
        "a camera P2P network that the policy does not allow"
    )


def test_laws_of_the_ends_are_listed_where_the_operator_has_none() -> None:
    """By how many ends are under each; a network that all are in is not listed."""
    given = ends(
        ("A", "US", "US", 1), ("A", "DE", "DE", 1), ("A", "DE", "DE", 1), kind=OperatorKind.SERVICE, law_of_end=True
    )  # fmt: skip
    assert "(CS2/PPPP, network of A, addresses in DE (2 attempts), US (1), networks under the law of DE (2), US)" in (
        sentence(given)
    )
    single = ends(("A", "US", "US", 1), kind=OperatorKind.SERVICE, law_of_end=True)
    assert "(CS2/PPPP, network of A, address in US, network under the law of US)" in sentence(single)


def test_what_is_listed_is_bounded() -> None:
    """The first four, those with the most attempts or else in the order of their names."""
    given = ends(*[(f"N{number}", f"{number}X", "CN", 9 - number) for number in range(9)], law_of_end=False)
    assert "networks of N0, N1, N2, N3 and 5 more," in sentence(given)
    assert "addresses in 0X (9 attempts), 1X (8), 2X (7), 3X (6) and 5 more," in sentence(given)


def test_a_country_whose_ends_are_forgotten_stays_listed() -> None:
    """How many attempts went there is known no more."""
    given = ends(("A", "US", "CN", 2), ("A", "DE", "CN", 1), law_of_end=False)
    assert given.device.newest is not None
    given.device.newest.incident = None
    assert "addresses in US (2 attempts), DE," in sentence(given)


@pytest.mark.parametrize("kind", list(TITLES)[: list(TITLES).index(Kind.FIRMWARE_UPDATE)])
def test_every_kind_has_a_sentence(kind: Kind) -> None:
    """Also while nobody is left to speak of."""
    given = incident(Outcome.ATTEMPTED, kind=kind)
    assert sentence(given)
    given.best = None
    assert "Hikvision" in sentence(given)


@pytest.mark.parametrize(
    ("count", "words"), [(1, "once"), (2, "twice"), (3, "3 times"), (4812, "4,812 times"), (0, "0 times")]
)
def test_times(count: int, words: str) -> None:
    """As people say it."""
    assert times(count) == words
