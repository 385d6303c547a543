"""The policy: which rule decides, and what is foreign."""

from __future__ import annotations

import pytest

from monitor.model.address import pack
from monitor.model.contacts import Contact, Device, DeviceClass
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from monitor.policy.policy import Policy
from monitor.policy.settings import GroupConfig, MatchConfig, SiteConfig


def contact(
    location: str | None = "IE", law: str | None = "CN", *, group: str | None = "cameras", port: int = 443
) -> Contact:
    verdict = Verdict("x", "as:1", OperatorKind.NETWORK, location, 1, None, None, law, None, Confidence.HIGH, "because")
    made = Contact(Device("cam", "cam", 1, DeviceClass.CAMERA, group=group), pack("192.0.2.7"), verdict, 1, 1, b"")
    made.services = ((6, port),)
    return made


@pytest.mark.parametrize(
    ("home", "location", "law", "foreign"),
    [
        (("GB",), "GB", "GB", False),
        (("gb",), "GB", "GB", False),
        (("GB",), "IE", "GB", True),
        (("GB",), "GB", "CN", True),
        (("GB", "IE"), "IE", "GB", False),
        (("GB",), None, "GB", False),
        (("GB",), None, None, False),
        ((), "CN", "CN", False),
    ],
)
def test_what_is_foreign(home: tuple[str, ...], location: str | None, law: str | None, foreign: bool) -> None:
    """Place or law outside the home countries; what is unknown is not guessed; without a home nothing is."""
    judgement = Policy(SiteConfig(home=home), [GroupConfig("cameras")]).judge(contact(location, law))
    assert judgement.foreign is foreign
    assert judgement.home_known is bool(home)


def test_the_first_rule_that_covers_decides() -> None:
    """The site's services first, then the group's rules in order; its words say which."""
    site = SiteConfig(time_servers=("192.0.2.0/24",), resolvers=("198.51.100.1",))
    policy = Policy(site, [GroupConfig("cameras", allow=("* tcp/80", "192.0.2.7", "*"))])
    assert policy.judge(contact()).rule == "group cameras: allow 192.0.2.7"
    ntp = contact()
    ntp.services = ((17, 123),)
    assert policy.judge(ntp).rule == "site.time_servers 192.0.2.0/24"
    assert policy.judge(contact(group=None)).allowed is False


@pytest.mark.parametrize(
    ("group", "core", "words"),
    [
        (GroupConfig("cameras"), False, "group cameras: nothing outside the site is allowed (home GB, IE)"),
        (
            GroupConfig("cameras", allow=("* tcp/80",)),
            False,
            "group cameras: none of 1 allow rules covers it (home GB, IE)",
        ),
        (GroupConfig("cameras", isolated=True), False, "group cameras: isolated, nothing outside the site is allowed"),
        (GroupConfig("cameras", isolated=True), True, "group cameras: core networks are off limits"),
        (GroupConfig("others"), False, "no group: nothing outside the site is allowed (home GB, IE)"),
    ],
)
def test_a_refusal_says_why(group: GroupConfig, core: bool, words: str) -> None:
    """For people, with the group and the home."""
    judgement = Policy(SiteConfig(home=("IE", "GB")), [group], lambda _: core).judge(contact())
    assert (judgement.allowed, judgement.rule, judgement.core) == (False, words, core)


def test_an_isolated_group_may_have_exceptions() -> None:
    """Allow rules come before isolation."""
    policy = Policy(SiteConfig(), [GroupConfig("cameras", allow=("192.0.2.7 tcp/443",), isolated=True)])
    assert policy.judge(contact()).allowed
    assert policy.judge(contact(port=80)).isolated


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        (MatchConfig(), True),
        (MatchConfig(vendor="HIKVISION"), True),
        (MatchConfig(vendor="Hangzhou Hikvision"), True),
        (MatchConfig(vendor="axis"), False),
        (MatchConfig(model="ds-2cd*"), True),
        (MatchConfig(model="ds-3*"), False),
        (MatchConfig(network="10.0.0.0/8"), True),
        (MatchConfig(network="2001:db8::/32"), True),
        (MatchConfig(network="10.1.0.0/16"), False),
        (MatchConfig(mac="44:19:B6"), True),
        (MatchConfig(vendor="hikvision", mac="00:11:22"), False),
    ],
)
def test_all_keys_of_a_match_must_hold(match: MatchConfig, hit: bool) -> None:
    """Vendor by key or name, model by pattern, any address of the device, and the beginning of its MAC."""
    device = Device("cam", "cam", 1, vendor="hikvision", vendor_name="Hangzhou Hikvision", model="DS-2CD2143G2")
    device.mac = bytes.fromhex("4419b600000b")  # type: ignore[assignment]
    device.addresses = [pack("10.20.0.11"), pack("2001:db8::b")]
    policy = Policy(SiteConfig(), [GroupConfig("g", match=match)])
    assert policy.group_of(device) == ("g" if hit else None)


def test_a_device_that_names_its_group_is_in_no_other() -> None:
    """What matches does not matter then."""
    device = Device("cam", "cam", 1, group="mine")
    assert Policy(SiteConfig(), [GroupConfig("g", match=MatchConfig())]).group_of(device) == "mine"


@pytest.mark.parametrize(
    ("site", "groups", "where"),
    [
        (SiteConfig(resolvers=("not a name",)), [], "site.resolvers"),
        (SiteConfig(time_servers=("192.0.2.7/8",)), [], "site.time_servers"),
        (SiteConfig(), [GroupConfig("g", allow=("a b c",))], "group g: allow"),
        (SiteConfig(), [GroupConfig("g", match=MatchConfig(network="10.0.0.1/8"))], "group g: match.network"),
    ],
)
def test_what_cannot_be_read_says_where(site: SiteConfig, groups: list[GroupConfig], where: str) -> None:
    """The key stands in the message."""
    with pytest.raises(ValueError, match=where):
        Policy(site, groups)
