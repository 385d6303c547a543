"""Which addresses are ours, which are elsewhere, and which are nobody's."""

from __future__ import annotations

import ipaddress

import pytest

from monitor.enrich.site import MAX_LEARNT, MAX_REMEMBERED, Reach, Site
from monitor.model.address import Mac, pack

LOCAL, REMOTE, CORE, GROUP = Reach.LOCAL, Reach.REMOTE, Reach.CORE, Reach.GROUP


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("10.0.0.1", LOCAL), ("10.255.255.255", LOCAL), ("11.0.0.0", REMOTE), ("9.255.255.255", REMOTE), ("172.15.255.255", REMOTE),
        ("172.16.0.1", LOCAL), ("172.31.255.255", LOCAL), ("172.32.0.0", REMOTE), ("192.168.0.1", LOCAL), ("192.169.0.1", REMOTE),
        ("169.254.1.1", LOCAL), ("192.0.0.64", LOCAL), ("192.0.0.65", REMOTE), ("192.0.0.128", LOCAL), ("8.8.8.8", REMOTE),
        ("100.64.0.1", REMOTE), ("0.0.0.0", GROUP), ("0.1.2.3", GROUP), ("127.0.0.1", GROUP), ("224.0.0.251", GROUP),
        ("239.255.255.250", GROUP), ("240.0.0.1", GROUP), ("255.255.255.255", GROUP), ("::", GROUP), ("::1", GROUP), ("::2", REMOTE),
        ("ff02::1", GROUP), ("fe80::1", LOCAL), ("febf::1", LOCAL), ("fec0::1", REMOTE), ("fc00::1", LOCAL), ("fdff::1", LOCAL),
        ("fe00::1", REMOTE), ("2001:db8::1", REMOTE), ("2a00:1450::1", REMOTE),
    ],
)  # fmt: skip
def test_what_the_standards_say(address: str, reach: Reach) -> None:
    """Private and link-local is here, groups and loopback are nobody, the rest is elsewhere; asked twice, the same."""
    site = Site()
    assert site.reach(pack(address)) is reach
    assert site.reach(pack(address)) is reach


def test_networks_of_the_configuration_are_ours() -> None:
    """Public ones too; a core network is ours and off limits, also within one of ours."""
    nets = [ipaddress.ip_network(net) for net in ("198.51.100.0/24", "2001:db8::/32")]
    site = Site(nets, [ipaddress.ip_network("198.51.100.128/25"), ipaddress.ip_network("10.9.0.0/16")])
    assert [site.reach(pack(each)) for each in ("198.51.100.1", "198.51.100.200", "10.9.1.1", "10.8.1.1", "2001:db8::1", "2001:db9::1")] == [
        LOCAL, CORE, CORE, LOCAL, LOCAL, REMOTE,
    ]  # fmt: skip


def test_a_prefix_that_a_router_announces_is_ours() -> None:
    """From then on, also for addresses that were asked about before; a link has 64 bits (RFC 4291, 2.5.4), others lie."""
    site = Site()
    ip = pack("2001:db8:20::5")
    assert site.reach(ip) is REMOTE
    for prefix in ("::/0", "2000::/3", "2001::/31", "2001:db8::/32", "2001:db8:20::/96", "8.0.0.0/8"):
        site.learn_prefix(prefix)
        assert site.reach(ip) is REMOTE
    site.learn_prefix("2001:db8:20::/64")
    assert site.reach(ip) is LOCAL
    assert site.reach(pack("2001:db8:21::5")) is REMOTE


def test_what_is_learnt_is_bounded() -> None:
    """The rest is counted."""
    site = Site()
    for number in range(MAX_LEARNT + 5):
        site.learn_prefix(f"2001:db8:{number:x}::/64")
        site.learn_prefix(f"2001:db8:{number:x}::/64")
    assert site.forgotten == 10
    assert site.reach(pack(f"2001:db8:{MAX_LEARNT - 1:x}::1")) is LOCAL
    assert site.reach(pack(f"2001:db8:{MAX_LEARNT:x}::1")) is REMOTE


CAMERA, OTHER = Mac(b"\x44\x19\xb6\x20\x00\x0b"), Mac(b"\x02\x00\x00\x00\x00\x01")


def test_a_neighbours_own_address_is_ours() -> None:
    """Over IPv6 only, and by a MAC: nobody answers for an IPv4 address elsewhere."""
    site = Site()
    learnt = [site.learn_address(pack(each), CAMERA) for each in ("2001:db8::7", "8.8.8.8")]
    assert learnt == [True, False]
    assert not site.learn_address(pack("2001:db8::8"), None)
    assert [site.reach(pack(each)) for each in ("2001:db8::7", "2001:db8::8", "8.8.8.8")] == [LOCAL, REMOTE, REMOTE]


def test_nobody_hides_whom_it_calls_by_claiming_to_be_it() -> None:
    """What was called before stays elsewhere; what another MAC sends from was claimed falsely."""
    site = Site()
    site.called(pack("2a00:1450::1"))
    assert not site.learn_address(pack("2a00:1450::1"), CAMERA)
    assert site.learn_address(pack("2a00:1450::2"), CAMERA)
    site.heard(pack("2a00:1450::2"), CAMERA)
    site.heard(pack("2a00:1450::2"), None)
    assert site.reach(pack("2a00:1450::2")) is LOCAL
    site.heard(pack("2a00:1450::2"), OTHER)
    assert site.reach(pack("2a00:1450::2")) is REMOTE
    assert not site.learn_address(pack("2a00:1450::2"), CAMERA)


def test_the_memory_of_answers_changes_none() -> None:
    """It is bounded and thrown away when full."""
    site = Site()
    site.learn_address(pack("2001:db8::7"), CAMERA)
    for number in range(70_000):
        site.reach(pack(ipaddress.IPv4Address(0x08000000 + number)))
    assert len(site._known) <= MAX_REMEMBERED
    assert site.reach(pack("2001:db8::7")) is LOCAL
    assert site.reach(pack("8.0.0.1")) is REMOTE
