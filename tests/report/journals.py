"""Journals made by hand, and from the scenarios, for reports."""

from __future__ import annotations

import contextlib
import html
import io
import re
from typing import TYPE_CHECKING, Any, Final

from collectors.captures import Captures
from monitor.app import renderer
from monitor.config import Config, convert
from monitor.continuity.pages import RUN
from monitor.continuity.records import ContactRecord, DeviceRecord, EngineRecord, PageRecord, encode, name_of
from monitor.ledger.ledger import Page
from monitor.model.address import pack
from monitor.model.contacts import DeviceClass, Outcome
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from monitor.replay import Replay
from monitor.sinks.jsonl import JsonLines
from monitor.store.journal import Store
from pcaps import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
BEGIN: Final = 1_761_955_200 * SECOND
"""2025-11-01 00:00 UTC."""
MADE: Final = BEGIN + 400 * DAY
SENSOR: Final = "town-hall"
ROOMS: Final = ("contacts", "crowded", "lookups", "names", "devices", "unwatched", "folded", "incidents", "hurried")

CLOUD: Final = Verdict(
    operator="Hik-Connect",
    operator_key="vendor:hikvision",
    kind=OperatorKind.VENDOR_CLOUD,
    location="IE",
    network=16509,
    organisation="Amazon.com",
    organisation_country="US",
    jurisdiction="CN",
    vendor="hikvision",
    confidence=Confidence.HIGH,
    why="catalogue",
)


def device(name: str = "gate-07", **changes: Any) -> DeviceRecord:
    """A camera that was seen in all but 600 of the seconds of 30 days."""
    values: dict[str, Any] = {
        "key": name,
        "name": name,
        "first_ns": BEGIN,
        "last_ns": BEGIN + 30 * DAY,
        "v4_seen_ns": 0,
        "device_class": DeviceClass.CAMERA,
        "recognised_by": "configuration",
        "mac": None,
        "addresses": (bytes(pack("10.20.0.17")),),
        "vendor": "hikvision",
        "vendor_name": "Hikvision",
        "vendor_by": "oui",
        "model": None,
        "firmware": None,
        "ranks": (0, 0, 0),
        "hides_names": False,
        "booted_ns": None,
        "seen": (30 * 86_400 - 600, 30 * 86_400 - 700, BEGIN + 30 * DAY),
        "v4_address": None,
        "said": (),
        "dropped": 0,
    }
    return DeviceRecord(**{**values, **changes})


def contact(of: str = "gate-07", remote: str | None = "47.88.59.209", **changes: Any) -> ContactRecord:
    """Forty attempts on a maker's cloud that were not answered."""
    address = bytes(pack(remote)) if remote is not None else None
    values: dict[str, Any] = {
        "device": of,
        "place": address,
        "remote": address,
        "verdict": CLOUD,
        "first_ns": BEGIN + DAY,
        "last_ns": BEGIN + 2 * DAY,
        "used_ns": BEGIN + 2 * DAY,
        "first_id": b"id",
        "outcome": Outcome.ATTEMPTED,
        "refused_by": None,
        "counts": (40, 2400, 0, 0),
        "told": None,
        "kept": (0, 0, 0, 0),
        "incident": None,
        "judged": True,
        "outbound": True,
        "invited": False,
        "names": ("dev.hik-connect.com",),
        "told_names": (),
        "name_source": "dns",
        "services": ((6, 443),),
        "source": None,
        "last_source_port": 0,
        "p2p": None,
        "encrypted_dns": None,
        "traits": frozenset(),
        "flows": (),
    }
    return ContactRecord(**{**values, **changes})


def run(gaps_ns: int = 0, lost: int = 0, arrived: int = 1_000_000, **rooms: int) -> EngineRecord:
    """A run of 30 days on a tap."""
    return EngineRecord(
        now_ns=BEGIN + 30 * DAY,
        first_ns=BEGIN,
        last_packet_ns=BEGIN + 30 * DAY,
        scanner=(arrived, arrived * 1000, 3, 0, 0, 0, 0, 5, 7),
        counts={},
        malformed={},
        rooms={**dict.fromkeys(ROOMS, 0), **rooms},
        sight=(arrived, lost, gaps_ns, 0),
    )


def transition(number: int = 1, **changes: Any) -> Transition:
    """One step of an incident of gate-07 with that cloud."""
    values: dict[str, Any] = {
        "incident": "a" * 32,
        "number": number,
        "activity": Activity.NEW if number == 1 else Activity.UPDATE,
        "time_ns": BEGIN + DAY,
        "kind": Kind.VENDOR_CLOUD,
        "properties": (),
        "severity": Severity.HIGH,
        "message": "Camera gate-07 tried 40 times to reach dev.hik-connect.com",
        "rule": "no rule",
        "device": DeviceView("gate-07", "gate-07", "gate-07", "camera", None, None, None, None, None, None, None),
        "confidence": Confidence.HIGH,
        "verdict": CLOUD,
        "outcome": Outcome.ATTEMPTED,
        "refused_by": None,
        "attempts": 40,
        "bytes_out": 2400,
        "bytes_in": 0,
        "foreign": True,
        "first_ns": BEGIN + DAY,
        "last_ns": BEGIN + 2 * DAY,
        "evidences": (),
        "visibility": Visibility(),
    }
    values |= changes
    values.setdefault("uid", f"{values['incident'][:24]}{number:08x}")
    return Transition(**values)


def write(
    directory: Path,
    devices: Iterable[DeviceRecord] = (),
    contacts: Iterable[ContactRecord] = (),
    pages: Iterable[Page] = (),
    transitions: Iterable[Transition] = (),
    ran: EngineRecord | None = None,
) -> Path:
    """A journal with these rows and messages."""
    rows: dict[str, bytes | None] = {name_of("device", each.key): encode(each) for each in devices}
    rows |= {name_of("contact", (each.device, each.remote, each.names)): encode(each) for each in contacts}
    rows |= {name_of("page", each.device): encode(PageRecord(each)) for each in pages}
    if ran is not None:
        rows[RUN] = encode(ran)
    with contextlib.closing(Store.open(directory, sensor=SENSOR, sinks=[], reserved=0)) as store:
        store.append(list(transitions), renderer(SENSOR), rows)
    return directory


def replayed(name: str, directory: Path) -> Config:
    """A journal that a replay of this scenario leaves; its configuration."""
    scenario = scenarios.load(name)
    config = convert(dict(scenario.configuration), name)
    told = io.BytesIO()
    Replay(config, Captures([str(scenario.capture)]), state=directory, cameras=[]).run(JsonLines(told))
    return config


def rows_said(page: bytes) -> str:
    """The page's text without markup, spaces joined."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page.decode(), flags=re.DOTALL)).split())
