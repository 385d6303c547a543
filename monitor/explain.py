"""Explain: which rule decides about a device and a destination, before anything happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.app import build_engine, knowledge
from monitor.config import ConfigError, load
from monitor.model.address import is_address, pack, text
from monitor.model.contacts import Contact, Device, DeviceClass

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model.verdicts import Verdict


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
    """Whether the destination (a name, an address, or "name@address") is allowed, and a few lines that say why."""
    name, at, spelled = destination.rpartition("@")
    if not at:
        name, spelled = (destination, "") if not is_address(destination) else ("", destination)
    address = pack(spelled) if spelled else None
    with knowledge(settings) as known:
        engine = build_engine(settings, known)
        who = next((each for each in engine.attribution.devices if device in _spellings(each)), None)
        if who is None:
            who = Device(device, f"{device} (not in the inventory)", 0, DeviceClass.CAMERA)
        verdict = known.operators.resolve(address, (name,) if name else (), None, name_is_proof=bool(name))
        contact = Contact(who, address, verdict, 0, 0, b"", outbound=True, names=[name] if name else [])
        contact.name_source = "dns" if name else None
        judgement = engine.policy.judge(contact)
    answer = "allowed" if judgement.allowed else "not allowed"
    lines = [f"{who.name} -> {destination}: {answer}", f"  rule: {judgement.rule}", *_about(verdict)]
    if judgement.foreign:
        lines.append("  foreign: yes")
    return judgement.allowed, "\n".join(lines)


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
