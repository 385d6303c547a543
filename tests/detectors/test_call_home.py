"""Call-home detectors: what each finds, which takes precedence, and how grave it is."""

from __future__ import annotations

import pytest

from monitor.detectors.call_home import DETECTORS, detect
from monitor.model.address import pack
from monitor.model.contacts import Contact, Device, Judgement, Outcome, Trait
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

ANSWERED, ATTEMPTED = Outcome.ANSWERED, Outcome.ATTEMPTED


def contact(
    kind: OperatorKind = OperatorKind.NETWORK,
    outcome: Outcome = ATTEMPTED,
    confidence: Confidence = Confidence.HIGH,
    *,
    remote: str | None = "192.0.2.7",
    outbound: bool = True,
    p2p: str | None = None,
    encrypted_dns: str | None = None,
    ech: bool = False,
) -> Contact:
    verdict = Verdict("x", "x", kind, "CN", 1, None, None, "CN", None, confidence, "because")
    made = Contact(
        Device("cam", "cam", 1), pack(remote) if remote else None, verdict, 1, 1, b"", outcome, outbound=outbound
    )
    made.p2p, made.encrypted_dns = p2p, encrypted_dns
    if ech:
        made.traits = frozenset({Trait.ECH})
    return made


def judged(
    *,
    allowed: bool = False,
    foreign: bool = True,
    isolated: bool = False,
    home: bool = True,
    core: bool = False,
    at_home: bool | None = None,
) -> Judgement:
    at_home = home and not foreign if at_home is None else at_home
    return Judgement(allowed, "rule", foreign, isolated, at_home=at_home, home_known=home, core=core)


@pytest.mark.parametrize(
    ("given", "judgement", "kinds"),
    [
        (contact(), judged(), [Kind.UNEXPECTED_CONTACT]),
        (contact(OperatorKind.VENDOR_CLOUD), judged(), [Kind.VENDOR_CLOUD, Kind.UNEXPECTED_CONTACT]),
        (contact(OperatorKind.P2P_CLOUD), judged(), [Kind.P2P_CLOUD, Kind.UNEXPECTED_CONTACT]),
        (
            contact(OperatorKind.VENDOR_CLOUD, p2p="dahua"),
            judged(),
            [Kind.P2P_CLOUD, Kind.VENDOR_CLOUD, Kind.UNEXPECTED_CONTACT],
        ),
        (contact(encrypted_dns="dot"), judged(), [Kind.ENCRYPTED_DNS, Kind.UNEXPECTED_CONTACT]),
        (contact(ech=True), judged(), [Kind.ENCRYPTED_DNS, Kind.UNEXPECTED_CONTACT]),
        (contact(), judged(isolated=True), [Kind.ISOLATION_BROKEN, Kind.UNEXPECTED_CONTACT]),
        (contact(), judged(core=True), [Kind.CORE_CONTACT, Kind.UNEXPECTED_CONTACT]),
        (contact(), judged(core=True, isolated=True), [Kind.CORE_CONTACT, Kind.UNEXPECTED_CONTACT]),
        (contact(remote=None), judged(), [Kind.NAME_LOOKUP]),
        (contact(OperatorKind.VENDOR_CLOUD, remote=None), judged(isolated=True), [Kind.NAME_LOOKUP]),
        (contact(OperatorKind.VENDOR_CLOUD), judged(allowed=True), []),
        (contact(outbound=False), judged(), []),
    ],
)
def test_what_is_found(given: Contact, judgement: Judgement, kinds: list[Kind]) -> None:
    """All that is wrong, the kind that takes precedence first; nothing where the policy allows or others began."""
    assert [found.kind for found in detect(given, judgement)] == kinds


def test_precedence_is_that_of_the_kinds() -> None:
    """One detector for each call-home kind, in the order of Kind."""
    kinds = list(Kind)[: len(DETECTORS)]
    given = contact(OperatorKind.VENDOR_CLOUD, p2p="x", encrypted_dns="doh")
    found = [each.kind for each in detect(given, judged(isolated=True))]
    assert found == sorted(found, key=kinds.index)


@pytest.mark.parametrize(
    ("outcome", "foreign", "home", "severity"),
    [
        (ATTEMPTED, True, True, Severity.MEDIUM),
        (Outcome.REFUSED, True, True, Severity.MEDIUM),
        (ANSWERED, True, True, Severity.HIGH),
        (Outcome.TRANSFERRED, True, True, Severity.HIGH),
        (Outcome.TRANSFERRED, False, True, Severity.LOW),
        (Outcome.TRANSFERRED, None, True, Severity.HIGH),
        (ATTEMPTED, None, True, Severity.MEDIUM),
        (ATTEMPTED, False, False, Severity.LOW),
        (ANSWERED, False, False, Severity.MEDIUM),
    ],
)
def test_severity_of_an_unexpected_contact(
    outcome: Outcome, foreign: bool | None, home: bool, severity: Severity
) -> None:
    """By where it went and how far it got (message contract); a place that nobody knows is not at home."""
    judgement = judged(foreign=bool(foreign), home=home, at_home=None if foreign is not None else False)
    (found,) = detect(contact(outcome=outcome), judgement)
    assert found.severity is severity


def test_low_confidence_is_one_step_less_grave() -> None:
    """Where it matters who or where it is; that a network is off limits is certain whoever is there."""
    unsure = Confidence.LOW
    assert detect(contact(confidence=unsure), judged())[0].severity is Severity.LOW
    assert detect(contact(OperatorKind.VENDOR_CLOUD, confidence=unsure), judged())[0].severity is Severity.MEDIUM
    assert detect(contact(remote=None, confidence=unsure), judged())[0].severity is Severity.INFORMATIONAL
    assert detect(contact(confidence=unsure), judged(core=True))[0].severity is Severity.CRITICAL
    assert detect(contact(confidence=unsure), judged(isolated=True))[0].severity is Severity.CRITICAL
