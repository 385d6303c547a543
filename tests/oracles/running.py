"""The product run over captures, through the Python API: what ``observe`` prints and what ``replay`` keeps."""

from __future__ import annotations

import csv
import ipaddress
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from collectors.captures import Captures
from monitor.app import build_engine
from monitor.config import CaptureConfig, Config, LimitsConfig
from monitor.model.address import text
from monitor.policy.settings import SiteConfig
from monitor.sinks.observations import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.app import Knowledge
    from monitor.engine import Engine
    from monitor.model.contacts import Contact
    from monitor.model.facts import Observation
    from monitor.model.flows import Flow
    from monitor.model.incidents import Transition

CAPTURES: Final = Path(os.environ.get("CAMWARDEN_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))
FLOWS: Final = 8192
"""Room in the flow table: more than any capture that is held against numbers has, and quickly made."""


def is_there() -> bool:
    """Whether the real captures are on this machine."""
    return (CAPTURES / "INDEX.tsv").is_file()


def every_capture() -> list[str]:
    """All captures that were collected, by their path in the folder; none if the folder is not there."""
    if not is_there():
        return []
    with (CAPTURES / "INDEX.tsv").open(newline="") as lines:
        return [row["file"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


@dataclass(slots=True)
class Run:
    """One capture, fed to the end."""

    engine: Engine
    told: list[Transition]
    damage: list[str]
    faults: list[BaseException] = field(default_factory=list)

    def watched(self) -> dict[str, str]:
        """Why each device is watched, by its address."""
        devices = self.engine.attribution.devices
        return {text(each.addresses[0]): str(each.recognised_by) for each in devices if each.watched and each.addresses}

    def contacts(self, address: str) -> list[Contact]:
        """What the device with this address has."""
        return [
            contact
            for device in self.engine.attribution.devices
            if address in map(text, device.addresses)
            for contact in self.engine.attribution.contacts.of(device)
        ]

    def last(self) -> dict[str, Transition]:
        """The last word on each incident, by what it calls the operator."""
        return {each.verdict.operator: each for each in self.told}


def replayed(
    known: Knowledge, capture: Path, *, cameras: Sequence[str] = (), home: tuple[str, ...] = (), flows: int = FLOWS
) -> Run:
    """As ``camwarden replay``, without a journal."""
    config = msgspec.structs.replace(Config(), site=SiteConfig(home=home), limits=LimitsConfig(flows=flows))
    faults: list[BaseException] = []
    networks = [ipaddress.ip_network(each) for each in cameras]
    engine = build_engine(config, known, cameras=networks, on_fault=faults.append)
    source = Captures([capture])
    told = [transition for block in source.blocks() for transition in engine.feed(block)]
    told += engine.finish()
    return Run(engine, told, [str(each) for each in source.damage], faults)


def observed(
    known: Knowledge, capture: Path, *kinds: str, flows: int = FLOWS, copies: bool = False
) -> list[dict[str, Any]]:
    """As ``camwarden observe --kind ...``: each line read back from its JSON.

    ``copies``: what a mirror would deliver twice counts twice.
    """
    lines: list[bytes] = []

    def tell(observation: Observation, flow: Flow | None) -> None:
        if not kinds or observation.fact.__struct_config__.tag in kinds:
            device = flow.device if flow is not None else engine.attribution.device_of(observation.where)
            lines.append(render(observation, device.key if device is not None else None))

    config = msgspec.structs.replace(Config(), limits=LimitsConfig(flows=flows))
    if copies:
        config = msgspec.structs.replace(config, capture=CaptureConfig(duplicate_window_ms=0))
    engine = build_engine(config, known, observer=tell)
    for block in Captures([capture]).blocks():
        engine.feed(block)
    engine.finish()
    assert engine.counts.faults == 0
    return [json.loads(line) for line in lines]


def spread(files: Iterable[str], count: int) -> list[str]:
    """``count`` of them, evenly spread."""
    listed = sorted(files)
    return listed[:: max(1, len(listed) // count)][:count]
