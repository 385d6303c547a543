"""Firewall: what the policy allows, and what an incident reached, as a ruleset for nftables.

nftables knows addresses, protocols and ports. A rule about a name, a network's holder, a country or a law cannot be
told to it: such a rule stands there as a comment, and a group that has one is counted where it would be dropped, unless
it is said to be strict.
"""

from __future__ import annotations

import ipaddress
from itertools import groupby
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.config import networks
from monitor.model.address import within
from monitor.model.incidents import SHORT_ID, Kind
from monitor.model.printable import printable
from monitor.policy.rules import TCP, Rule, parse
from monitor.sinks.told import read
from monitor.store.reading import open_readonly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.model.address import IPNetwork
    from monitor.policy.settings import GroupConfig
    from monitor.sinks.told import Told

TABLE: Final = "camwarden"
PRIVATE: Final = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
"""Networks of every site: RFC 1918, RFC 3927, RFC 4193, RFC 4291."""
FAMILIES: Final = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
MESSAGES: Final = 10_000
"""Most messages of one incident that are read."""
COME: Final = frozenset({Kind.EXPLOIT_ATTEMPT, Kind.FIRMWARE_UPDATE})
"""Kinds whose other end came to the device, or gave it something that it took."""
ASKED: Final = frozenset({Kind.CAPABILITY_GAINED, Kind.CONTRADICTION, Kind.DORMANT_FUNCTION})
"""Kinds about what a device says or does: who is on the site and heard it, such as the recorder, did nothing."""


class Ruleset(Struct, frozen=True):
    """A whole file, and what it could not say."""

    text: str
    unsaid: tuple[str, ...]


def allowing(config: Config, *, strict: bool) -> Ruleset:
    """What each group of devices may reach, from its allow rules and the site's. ValueError if nobody is in a group."""
    local = _local(config)
    core = networks(config.site.core_networks, "site.core_networks")
    sets, jumps, chains, unsaid = [], [], [], []
    for number, group in enumerate(config.group):
        sources, missing = _sources(config, group)
        rules, untold = _rules(config, group)
        untold = missing + untold
        unsaid += [f"group {group.name}: {line}" for line in untold]
        if not sources:
            continue
        chain = f"group{number}"
        comment = f"# group {printable(group.name)}"
        for version in sorted({each.version for each in sources}):
            family, kind = FAMILIES[version]
            elements = [each for each in sources if each.version == version]
            sets.append(f"\t{comment}\n{_set(f'{chain}_v{version}', kind, elements)}")
            jumps.append(f"\t\t{family} saddr @{chain}_v{version} jump {chain}\n")
        verdict = "drop" if strict or not untold else "continue"
        body = [f"\t\t# not here: {printable(line)}\n" for line in untold]
        body += [_line(each, (), "drop") for each in core]
        body += [_line(each, (), "accept") for each in local]
        body += [line for rule in rules for line in _accepting(rule)]
        chains.append(f"\t{comment}\n\tchain {chain} {{\n{''.join(body)}\t\tcounter {verdict}\n\t}}\n")
    if not sets:
        raise ValueError("no group has a device with an address: there is nothing to allow")
    forward = "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n"
    forward += "\t\tct state established,related accept\n" + "".join(jumps) + "\t}\n"
    return Ruleset(_head(TABLE) + "".join((*sets, *chains, forward)) + "}\n", tuple(unsaid))


def blocking(state: Path, incident: str, config: Config) -> Ruleset:
    """The addresses outside that an incident is about, blocked both ways. StoreError or ValueError if there are none.

    One of the site's own is blocked for the incident's device only, as others may need it: towards it where the device
    began, both ways where it came to the device, and not at all where it merely asked.
    """
    with open_readonly(state) as reader:
        uid = reader.incident_named(incident)
        told = [read(each.body) for each in reader.of_incident(uid)[:MESSAGES]]
    if not told:
        msg = f"{uid}: its messages were deleted"
        raise ValueError(msg)
    last = told[-1]
    ends = _ends(told)
    if not ends:
        msg = f"incident {uid}: it reached no address"
        raise ValueError(msg)
    local = _local(config)
    asked = {pair for pair in ends if last.kind in ASKED and _is_in(pair[1], local)}
    blocked = {pair: name for pair, name in ends.items() if pair not in asked}
    askers = ", ".join(sorted({str(remote.network_address) for _, remote in asked}))
    if not blocked:
        whose = f"{last.kind} is the device's own doing"
        msg = f"incident {uid}: no block: {askers} is on the site and merely asked; {whose}"
        raise ValueError(msg)
    comments = [f"# incident {uid}: {printable(last.message)}\n"]
    comments += [
        f"# {remote.network_address}: {printable(name) or 'no name seen'}\n" for (_, remote), name in blocked.items()
    ]
    if asked:
        comments.append(f"# not blocked, as it is on the site and merely asked: {askers}\n")
    sets, rules = _dropping(blocked, local, both=last.kind in COME)
    if not rules:
        msg = f"incident {uid}: no address of its device is known"
        raise ValueError(msg)
    chain = "\tchain forward {\n\t\ttype filter hook forward priority filter - 1; policy accept;\n"
    head = _head(f"{TABLE}_block_{uid[:SHORT_ID]}")
    return Ruleset("".join((*comments, head, *sets, chain, *rules)) + "\t}\n}\n", ())


def _ends(told: Iterable[Told]) -> dict[tuple[IPNetwork | None, IPNetwork], str]:
    """By the device's own address and the other end's: the other's name."""
    ends: dict[tuple[IPNetwork | None, IPNetwork], str] = {}
    for message in told:
        for evidence in message.evidences:
            if evidence.dst_endpoint.ip is not None:
                own = evidence.src_endpoint.ip or message.device.ip
                pair = (ipaddress.ip_network(own) if own else None, ipaddress.ip_network(evidence.dst_endpoint.ip))
                ends[pair] = evidence.dst_endpoint.hostname or ends.get(pair, "")
    return ends


def _dropping(
    ends: Collection[tuple[IPNetwork | None, IPNetwork]], local: Sequence[IPNetwork], *, both: bool
) -> tuple[list[str], list[str]]:
    """Sets of other ends outside, and rules. ``both``: what one on the site sends to the device is dropped too."""
    sets, rules = [], []
    inside = sorted((pair for pair in ends if _is_in(pair[1], local)), key=str)
    outside = [remote for _, remote in ends if not _is_in(remote, local)]
    for version, (family, kind) in FAMILIES.items():
        elements = [each for each in outside if each.version == version]
        if elements:
            sets.append(_set(f"blocked_v{version}", kind, elements))
            rules += [f"\t\t{family} {way} @blocked_v{version} counter drop\n" for way in ("daddr", "saddr")]
    for device, remote in inside:
        if device is not None and device.version == remote.version:
            rules += [_between(device, remote), *([_between(remote, device)] if both else [])]
    return sets, rules


def _sources(config: Config, group: GroupConfig) -> tuple[list[IPNetwork], list[str]]:
    """Whom a group's chain is for, and who of it cannot be told by address."""
    found: list[IPNetwork] = []
    missing = []
    for device in config.device:
        if device.group != group.name:
            continue
        addresses = (device.ip,) if isinstance(device.ip, str) else device.ip
        found += [ipaddress.ip_network(each) for each in addresses]
        if not addresses:
            missing.append(f"device {device.name} has no ip in the configuration")
    if group.match is not None:
        if group.match.network is not None and not (group.match.vendor or group.match.model or group.match.mac):
            found.append(ipaddress.ip_network(group.match.network))
        else:
            missing.append("devices that match by vendor, model or MAC have no address here")
    return found, missing


def _rules(config: Config, group: GroupConfig) -> tuple[list[Rule], list[str]]:
    """The rules that nftables can be told, and the others."""
    site = config.site
    outside = [f"{each} dns" for each in site.resolvers] + [f"{each} ntp" for each in site.time_servers]
    rules = [parse(text) for text in (*group.allow, *(() if group.isolated else outside))]
    told = [each for each in rules if not (each.name or each.asn or each.country or each.seat or each.law)]
    return told, [f"allow {each.text}: nftables knows addresses only" for each in rules if each not in told]


def _accepting(rule: Rule) -> Iterator[str]:
    if not rule.ports:
        yield _line(rule.network, (), "accept")
    for proto, ports in groupby(sorted(rule.ports), key=lambda each: each[0]):
        yield _line(rule.network, [each[1:] for each in ports], "accept", "tcp" if proto == TCP else "udp")


def _line(network: IPNetwork | None, ports: Sequence[tuple[int, int]], verdict: str, proto: str = "") -> str:
    where = f"{FAMILIES[network.version][0]} daddr {network} " if network is not None else ""
    spelled = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ports)
    service = f"{proto} dport {{ {spelled} }} " if ports else ""
    return f"\t\t{where}{service}counter {verdict}\n"


def _set(name: str, kind: str, elements: Iterable[IPNetwork]) -> str:
    listed = ", ".join(sorted({str(each) for each in elements}))
    return (
        f"\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\tauto-merge\n\t\telements = {{ {listed} }}\n\t}}\n"
    )


def _head(table: str) -> str:
    """Up to the table's first line: a table of this name that is loaded is replaced."""
    return (
        "# Written by camwarden firewall. Check with: nft -c -f FILE; load with: nft -f FILE; "
        f"take back with: nft delete table inet {table}\n"
        f"table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n"
    )


def _between(sender: IPNetwork, receiver: IPNetwork) -> str:
    family = FAMILIES[sender.version][0]
    ends = f"{family} saddr {sender.network_address} {family} daddr {receiver.network_address}"
    return f"\t\t{ends} counter drop\n"


def _local(config: Config) -> list[IPNetwork]:
    """The site's networks: every site's, and those that the configuration names."""
    named = networks(config.site.networks, "site.networks")
    return [*PRIVATE, *named, *networks(config.site.camera_networks, "site.camera_networks")]


def _is_in(network: IPNetwork, local: Iterable[IPNetwork]) -> bool:
    return any(within(network, each) for each in local)
