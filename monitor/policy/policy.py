"""Policy: allow-first, per group of devices. Given a contact it says which rule decides, and why."""

from __future__ import annotations

import ipaddress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.model.address import mac_text, unpack
from monitor.model.contacts import MAX_SERVICES, Judgement
from monitor.policy.maintenance import Maintenance
from monitor.policy.rules import Rule, RuleError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.model.address import Address, IPNetwork
    from monitor.model.contacts import Contact, Device
    from monitor.policy.settings import GroupConfig, MatchConfig, SiteConfig


class Allow(Struct, frozen=True):
    """A rule and where it stands, in words for people."""

    rule: Rule
    where: str


class Group(Struct, frozen=True):
    name: str
    match: MatchConfig | None
    network: IPNetwork | None
    allow: tuple[Allow, ...]
    isolated: bool


class Policy:
    """Judges contacts. Holds no state but its rules, and what it says where none of them helps."""

    def __init__(
        self,
        site: SiteConfig,
        groups: Sequence[GroupConfig],
        is_core: Callable[[Address], bool] = lambda _: False,
    ) -> None:
        """RuleError or ValueError, with the key in the message, if a rule or network cannot be read."""
        self._home = frozenset(country.upper() for country in site.home)
        self._is_core = is_core
        self._services = tuple(
            Allow(_rule(f"site.{key}", f"{entry} {service}"), f"site.{key} {entry}")
            for key, service, entries in (
                ("resolvers", "dns", site.resolvers),
                ("time_servers", "ntp", site.time_servers),
            )
            for entry in entries
        )
        self._groups = {group.name: _group(group) for group in groups}
        self._matching = tuple([group for group in self._groups.values() if group.match])
        self._maintenance = Maintenance(site, groups)
        self._ages = {group.name: group.firmware_max_age_days for group in groups}
        self._refusals: dict[tuple[str | None, bool, bool, bool], Judgement] = {}
        """By group and what else a refusal says: at most eight of each group, and of none."""

    def group_of(self, device: Device) -> str | None:
        """The group the device names, else the first that matches it."""
        if device.group is not None:
            return device.group
        for group in self._matching:
            if _matches(group, device):
                return group.name
        return None

    def in_window(self, device: Device, at_ns: int) -> bool | None:
        """Whether the moment is in a maintenance window of the device's group; None if that has none."""
        return self._maintenance.inside(self.group_of(device), at_ns)

    def max_age_days(self, device: Device) -> int | None:
        """How old the firmware of devices of its group may be; None: as old as it likes."""
        return self._ages.get(self.group_of(device) or "")

    def judge(self, contact: Contact) -> Judgement:
        """Whether the contact is allowed, by which rule, and how the place and the operator relate to home."""
        group = self._groups.get(self.group_of(contact.device) or "")
        core = contact.remote is not None and self._is_core(contact.remote)

        isolated = group is not None and group.isolated
        foreign = self._foreign(contact)
        at_home = bool(self._home) and not foreign and contact.verdict.location in self._home
        # An isolated group has no business with the site's outside helpers either.
        rules = (() if isolated else self._services) + (group.allow if group is not None else ())
        deciding = self._deciding(contact, rules)
        key = (group.name if group is not None else None, core, foreign, at_home)
        if not deciding and key in self._refusals:
            return self._refusals[key]
        judgement = Judgement(
            allowed=bool(deciding),
            rule="; ".join(deciding) if deciding else self._refusal(group, core),
            foreign=foreign,
            isolated=isolated,
            at_home=at_home,
            home_known=bool(self._home),
            core=core,
        )
        if not deciding:
            self._refusals[key] = judgement
        return judgement

    def _deciding(self, contact: Contact, rules: tuple[Allow, ...]) -> list[str]:
        """The rules that allow the contact: under each of its names, each of its services by one. Empty if not."""
        if not rules:
            return []
        names: list[str] | list[None] = contact.names_in_question() or [None]
        services = contact.services if contact.remote is not None else ()
        by: list[str | None] = []
        for name in names:
            covering = [each for each in rules if each.rule.covers(contact, name)]
            if contact.remote is not None and not 0 < len(services) < MAX_SERVICES:
                # Which services there were is not known, so a rule that names one does not help.
                covering = [each for each in covering if not each.rule.ports]
            if not services or len(services) >= MAX_SERVICES:
                by.append(covering[0].where if covering else None)
            else:
                by += [_serving(covering, proto, port) for proto, port in services]
        decided = [where for where in by if where is not None]
        return list(dict.fromkeys(decided)) if len(decided) == len(by) else []

    def _foreign(self, contact: Contact) -> bool:
        if not self._home:
            return False
        verdict = contact.verdict
        return (verdict.location is not None and verdict.location not in self._home) or (
            verdict.jurisdiction is not None and verdict.jurisdiction not in self._home
        )

    def _refusal(self, group: Group | None, core: bool) -> str:  # noqa: FBT001  a compiled method takes no keywords
        who = f"group {group.name}" if group else "no group"
        if core:
            return f"{who}: core networks are off limits"
        if group is not None and group.isolated:
            return f"{who}: isolated, nothing outside the site is allowed"
        home = f" (home {', '.join(sorted(self._home))})" if self._home else ""
        if group is not None and group.allow:
            return f"{who}: none of {len(group.allow)} allow rules covers it{home}"
        return f"{who}: nothing outside the site is allowed{home}"


def _serving(covering: Sequence[Allow], proto: int, port: int) -> str | None:
    """The first of these rules that allows the service."""
    for each in covering:
        if each.rule.serves(proto, port):
            return each.where
    return None


def _rule(where: str, text: str) -> Rule:
    try:
        return parse(text)
    except RuleError as wrong:
        msg = f"{where}: {wrong}"
        raise RuleError(msg) from None


def _group(config: GroupConfig) -> Group:
    network: IPNetwork | None = None
    if config.match is not None and config.match.network is not None:
        try:
            network = ipaddress.ip_network(config.match.network)
        except ValueError as wrong:
            msg = f"group {config.name}: match.network: {wrong}"
            raise RuleError(msg) from None
    allow = tuple(
        Allow(_rule(f"group {config.name}: allow", text), f"group {config.name}: allow {text}") for text in config.allow
    )
    return Group(config.name, config.match, network, allow, config.isolated)


def _matches(group: Group, device: Device) -> bool:
    match = group.match
    assert match is not None  # noqa: S101  asked for by the caller
    if match.vendor is not None:
        vendors = ((device.vendor or "").lower(), (device.vendor_name or "").lower())
        if match.vendor.lower() not in vendors:
            return False
    if match.model is not None and not fnmatchcase((device.model or "").lower(), match.model.lower()):
        return False
    if match.mac is not None and (device.mac is None or not mac_text(device.mac).startswith(match.mac.lower())):
        return False
    return group.network is None or any(unpack(each) in group.network for each in device.addresses)
