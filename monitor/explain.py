"""Explain: which rule decides about a device and a destination, before anything happens."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from monitor.app import build_engine, knowledge
from monitor.config import ConfigError, load
from monitor.enrich.site import Reach
from monitor.model.address import is_address, mac_from_text, pack, text
from monitor.model.contacts import MAX_SERVICES, Contact, Device, DeviceClass
from monitor.policy.rules import is_name, services

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model.address import Address
    from monitor.model.verdicts import Verdict
    from monitor.policy.policy import Policy

Services = tuple[tuple[int, int], ...]
"""(IP protocol, port)."""
_NOWHERE: Final = pack("::")
"""The unspecified address (RFC 4291, 2.5.2): nobody's."""


def validate(path: Path) -> Config:
    """Load a configuration and build everything that it describes. ConfigError in one line if that fails."""
    settings = load(path)
    try:
        with knowledge(settings) as known:
            build_engine(settings, known)
    except ValueError as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from None
    return settings


def explain(settings: Config, device: str, destination: str) -> tuple[bool, str]:
    """Whether the destination is allowed, and a few lines that say why.

    It is a name, an address or "name@address", and a service behind it if that is asked for: "example.org tcp/443".
    ValueError, in one line, for what is none of these, and for a device that there is not.
    """
    name, address, asked = _destination(destination)
    with knowledge(settings) as known:
        engine = build_engine(settings, known)
        who = next((each for each in engine.attribution.devices if device in _spellings(each)), None)
        if who is None:
            who = _stranger(settings, device)
        verdict = known.operators.resolve(address, (name,) if name else (), None, name_is_proof=bool(name))
        # Where the address of a name is not known, it is one that no rule about addresses is for.
        there = _NOWHERE if address is None else address
        contact = Contact(who, there, verdict, 0, 0, b"", outbound=True, names=[name] if name else [])
        contact.name_source = "dns" if name else None
        contact.services = asked
        judgement = engine.policy.judge(contact)
        only: dict[str, str] = {}
        if not judgement.allowed and not asked:
            only = _services_allowed(settings, engine.policy, contact)
        local = engine.attribution.site.reach(there) is Reach.LOCAL
    answer = "allowed" if judgement.allowed else "not allowed"
    rule = judgement.rule
    if only:
        answer = f"allowed for {' and '.join(only)}, and for nothing else"
        rule = "; ".join(dict.fromkeys(only.values()))
    lines = [f"{who.name} -> {destination}: {answer}", f"  rule: {rule}", *_about(verdict)]
    if judgement.foreign:
        lines.append("  foreign: yes")
    if local:
        lines.append("  it is on the site: only what leaves it, or goes to its core networks, is reported")
    return judgement.allowed or bool(only), "\n".join(lines)


def _destination(spelt: str) -> tuple[str, Address | None, Services]:
    """Name, address and services of what is asked about. ValueError if it cannot be read."""
    target, _, service = spelt.strip().partition(" ")
    name, at, spelled = target.rpartition("@")
    if not at:
        name, spelled = ("", target) if is_address(target) else (target, "")
    if (spelled and not is_address(spelled)) or (not spelled and not is_name(name)) or (name and not is_name(name)):
        msg = f"{target!r} is neither a name nor an address"
        raise ValueError(msg)
    ports = services(service.strip()) if service else ()
    if service and not ports:
        msg = f"{service.strip()!r} in {spelt!r} is no service (ntp, dns, tcp/443, udp/8000-8010)"
        raise ValueError(msg)
    asked = tuple((proto, port) for proto, low, high in ports for port in range(low, high + 1))
    if len(asked) >= MAX_SERVICES:
        msg = f"{service.strip()!r}: ask about fewer than {MAX_SERVICES} ports at once"
        raise ValueError(msg)
    return name.lower().rstrip("."), pack(spelled) if spelled else None, asked


def _stranger(settings: Config, device: str) -> Device:
    """A camera that is not in the inventory, by its address or MAC. ValueError if it is neither."""
    called = f"{device} (not in the inventory)"
    if is_address(device):
        return Device(device, called, 0, DeviceClass.CAMERA, addresses=[pack(device)])
    try:
        return Device(device, called, 0, DeviceClass.CAMERA, mac=mac_from_text(device))
    except ValueError:
        near = difflib.get_close_matches(device, [each.name for each in settings.device], 1, 0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        msg = f"device {device!r} is not in the inventory{hint}"
        raise ValueError(msg) from None


def _services_allowed(settings: Config, policy: Policy, contact: Contact) -> dict[str, str]:
    """Each service that a rule names and for which the contact is allowed, and the rule."""
    words = ["dns"] if settings.site.resolvers else []
    words += ["ntp"] if settings.site.time_servers else []
    words += [text.split()[-1].lower() for group in settings.group for text in group.allow]
    allowed = {}
    for word in dict.fromkeys(words):
        contact.services = tuple((proto, port) for proto, *ends in services(word) for port in dict.fromkeys(ends))
        judgement = policy.judge(contact)
        if contact.services and judgement.allowed:
            allowed[word] = judgement.rule
    return allowed


def show_address(settings: Config, address: str) -> str:
    """What is known of an address. ValueError if it is none."""
    with knowledge(settings) as known:
        verdict = known.operators.resolve(pack(address), (), None, name_is_proof=False)
    return "\n".join([address, *_about(verdict)])


def _about(verdict: Verdict) -> list[str]:
    network = f"AS{verdict.network} {verdict.organisation or ''}".strip() if verdict.network else "unknown"
    seat = f", seat in {verdict.organisation_country}" if verdict.organisation_country else ""
    return [
        f"  address in {verdict.location or 'unknown'}; network {network}{seat}",
        f"  operator {verdict.operator} ({verdict.kind}), under the law of {verdict.jurisdiction or 'unknown'}",
        f"  confidence {verdict.confidence}: {verdict.why}",
    ]


def _spellings(device: Device) -> set[str]:
    return {device.key, device.name, *(text(address) for address in device.addresses)}
