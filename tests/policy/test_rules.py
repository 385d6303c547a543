"""Allow rules: what can be written, and what each covers."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from monitor.model.address import pack
from monitor.model.contacts import MAX_SERVICES, Contact, Device, Trait
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from monitor.policy.policy import Policy
from monitor.policy.rules import RuleError, parse
from monitor.policy.settings import GroupConfig, SiteConfig


def contact(
    remote: str | None = "192.0.2.7",
    *names: str,
    services: tuple[tuple[int, int], ...] = ((6, 443),),
    source: str = "sni",
    told: tuple[str, ...] = (),
    traits: tuple[Trait, ...] = (),
    kind: OperatorKind = OperatorKind.NETWORK,
) -> Contact:
    """Of AS64500 in Britain, whose holder has its seat in the US and whose operator answers to the law of CN."""
    verdict = Verdict("x", "as:64500", kind, "GB", 64500, None, "US", "CN", None, Confidence.HIGH, "because")
    made = Contact(Device("cam", "cam", 1), pack(remote) if remote else None, verdict, 1, 1, b"", names=list(names))
    made.services, made.name_source = tuple(services), source if names else None
    made.told_names, made.traits = tuple(told), frozenset(traits)
    return made


def allowed(given: Contact, *rules: str) -> bool:
    """Whether a group with these rules may have the contact."""
    given.device.group = "g"
    return Policy(SiteConfig(), [GroupConfig("g", allow=rules)]).judge(given).allowed


@pytest.mark.parametrize(
    ("rule", "given", "may"),
    [
        ("*", contact(), True),
        ("* tcp/443", contact(), True),
        ("* tcp/80", contact(), False),
        ("tcp/443", contact(), True),
        ("TCP/443", contact(), True),
        ("tcp/440-450", contact(), True),
        ("udp/443", contact(), False),
        ("192.0.2.0/24", contact(), True),
        ("192.0.2.7", contact(), True),
        ("192.0.2.8", contact(), False),
        ("::/0", contact(), False),
        ("2001:db8::/32", contact("2001:db8::1"), True),
        ("0.0.0.0/0", contact("2001:db8::1"), False),
        ("192.0.2.0/24", contact(None, "a.example.org"), False),
        ("AS64500", contact(), True),
        ("as64500 tcp/443", contact(), True),
        ("AS64501", contact(), False),
        ("country:GB", contact(), True),
        ("country:IE", contact(), False),
        ("*.example.org", contact("192.0.2.7", "a.example.org"), True),
        ("*.example.org.", contact("192.0.2.7", "a.b.example.org"), True),
        ("*.example.org", contact("192.0.2.7", "example.org"), False),
        ("*.example.org", contact("192.0.2.7", "evilexample.org"), False),
        ("*.example.org", contact("192.0.2.7", "a.example.org.evil.net"), False),
        ("*.example.org", contact(), False),
        ("a.example.org", contact("192.0.2.7", "b.example.org", "a.example.org"), False),
        ("country:GB", contact(kind=OperatorKind.VENDOR_CLOUD), False),
        ("seat:us", contact(), True),
        ("seat:GB", contact(), False),
        ("law:CN tcp/443", contact(), True),
        ("law:GB", contact(), False),
        ("a.example.org tcp/443", contact(None, "a.example.org", services=()), True),
        ("* tcp/443", contact(services=()), False),
        ("* tcp/443", contact(services=((6, 443), (17, 443))), False),
        ("dns", contact(services=((6, 53), (17, 53))), True),
        ("ntp", contact(services=((6, 123),)), False),
        ("192.0.2.7 ntp", contact(services=((17, 123),)), True),
    ],
)
def test_what_a_rule_covers(rule: str, given: Contact, may: bool) -> None:
    """The target, and every service of the contact."""
    assert allowed(given, rule) is may


def test_each_service_may_have_a_rule_of_its_own() -> None:
    """All must be covered, not all by one."""
    given = contact(services=((6, 443), (17, 123)))
    assert allowed(given, "192.0.2.7 tcp/443", "* ntp")
    assert not allowed(given, "192.0.2.7 tcp/443", "* dns")


def test_services_beyond_the_bound_are_no_services_that_a_rule_can_name() -> None:
    """What was not kept may have been anything."""
    services = tuple((6, 8000 + number) for number in range(MAX_SERVICES))
    assert allowed(contact(services=services[:-1]), "* tcp/8000-9000")
    assert not allowed(contact(services=services), "* tcp/8000-9000")
    assert allowed(contact(services=services), "192.0.2.7")


@pytest.mark.parametrize(
    ("given", "may"),
    [
        (contact("192.0.2.7", "good.example.org", told=("good.example.org",)), True),
        (contact("192.0.2.7", "good.example.org", told=("bad.example.net", "good.example.org")), True),
        (contact("192.0.2.7", "good.example.org", told=("bad.example.net",)), False),
        (contact("192.0.2.7", "bad.example.net", told=("good.example.org",)), False),
        (contact("192.0.2.7", "good.example.org", traits=(Trait.LITERAL_ADDRESS,)), False),
        (contact("192.0.2.7", "good.example.org", traits=(Trait.ECH,)), False),
        (contact("192.0.2.7", "good.example.org", "bad.example.net", source="dns"), False),
        (contact("192.0.2.7", "good.example.org", source="dns", traits=(Trait.ECH,)), True),
    ],
)
def test_a_name_that_a_device_says_does_not_acquit_it_alone(given: Contact, may: bool) -> None:
    """It can say any name to any address: where DNS told another, or would have been heard, that counts."""
    assert allowed(given, "good.example.org") is may


@pytest.mark.parametrize(
    "text",
    ["", "   ", "a b c", "a.example.org http", "192.0.2.7/8", "192.0.2.0/33", "2001:db8::1/32", "1.2.3", "tcp/70000", "tcp/90-80", "tcp/-1 x",
     "* tcp", "country:GBR x/1", "exa mple.org tcp/1", "a/b", "a..b", "ü.example.org", "tcp/0x50 y"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    """RuleError, in one line that shows the part."""
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@examples(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    """Nothing else is raised, and what is a rule can be asked."""
    try:
        rule = parse(text)
    except RuleError:
        return
    assert rule.covers(contact(), "a.example.org") in (True, False)
    assert rule.serves(6, 443) in (True, False)
    assert rule.text == text
