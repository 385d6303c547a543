"""Allow rules: what can be written, and what each covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.address import pack
from monitor.model.contacts import Contact, Device, Trait
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from monitor.policy.rules import RuleError, parse


def contact(
    remote: str | None = "192.0.2.7",
    *names: str,
    services: tuple[tuple[int, int], ...] = ((6, 443),),
    source: str = "sni",
    ech: bool = False,
) -> Contact:
    verdict = Verdict(
        "x", "as:64500", OperatorKind.NETWORK, "GB", 64500, None, None, "GB", None, Confidence.HIGH, "because"
    )
    made = Contact(Device("cam", "cam", 1), pack(remote) if remote else None, verdict, 1, 1, b"", names=list(names))
    made.services, made.name_source = list(services), source if names else None
    if ech:
        made.traits.add(Trait.ECH)
    return made


@pytest.mark.parametrize(
    ("rule", "given", "allowed"),
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
        ("a.example.org", contact("192.0.2.7", "a.example.org", ech=True), False),
        ("a.example.org", contact("192.0.2.7", "a.example.org", ech=True, source="dns"), True),
        ("a.example.org tcp/443", contact(None, "a.example.org", services=()), True),
        ("* tcp/443", contact(services=()), False),
        ("* tcp/443", contact(services=((6, 443), (17, 443))), False),
        ("dns", contact(services=((6, 53), (17, 53))), True),
        ("ntp", contact(services=((6, 123),)), False),
        ("192.0.2.7 ntp", contact(services=((17, 123),)), True),
    ],
)
def test_what_a_rule_covers(rule: str, given: Contact, allowed: bool) -> None:
    """The target, and every service of the contact."""
    assert parse(rule).allows(given) is allowed


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


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    """Nothing else is raised, and what is a rule can be asked."""
    try:
        rule = parse(text)
    except RuleError:
        return
    assert rule.allows(contact()) in (True, False)
    assert rule.text == text
