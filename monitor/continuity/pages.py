"""Pages: devices and their ledger as a replay leaves them, and as the tables for people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from monitor.continuity import taking
from monitor.continuity.records import (
    ContactRecord,
    Damaged,
    DeviceRecord,
    EngineRecord,
    Foreign,
    PageRecord,
    decode,
    encode,
    name_of,
)
from monitor.continuity.resuming import BY_CONFIGURATION, describe
from monitor.model.address import Mac
from monitor.model.contacts import Device

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.continuity.keeper import Rows
    from monitor.engine import Engine
    from monitor.ledger.ledger import Page
    from monitor.store.journal import Store

Record = TypeVar("Record", PageRecord, DeviceRecord, ContactRecord)

PAGES = "engine/page/"
DEVICES = "engine/device/"
CONTACTS = "engine/contact/"
"""What the names of their rows begin with."""
RUN = "engine/engine/"
REPLAYED = "replay/engine"
"""Names of the rows that say what a run saw and missed: the daemon's, and a replay's, which no daemon goes on from."""


def page_rows(engine: Engine, device: str) -> Rows:
    """The row of one device's page."""
    page = engine.inspection.ledger.known(device)
    return {name_of("page", device): encode(PageRecord(page))} if page is not None else {}


def kept_of(engine: Engine) -> Rows:
    """What is worth keeping of a replay beside its incidents.

    All watched devices with their pages and contacts, and what the replay saw and missed.
    """
    rows: Rows = {}
    for device in engine.attribution.devices:
        if device.watched:
            rows[name_of("device", device.key)] = encode(taking.device_record(engine, device))
            rows |= page_rows(engine, device.key)
            for contact in engine.attribution.contacts.of(device):
                rows[name_of("contact", contact.place)] = encode(taking.contact_record(engine, contact))
    rows[REPLAYED] = encode(taking.engine_record(engine))
    return rows


def resume_cameras(store: Store, engine: Engine) -> None:
    """Take up what earlier runs recognised: a camera that shows itself in one capture is one in the next, too."""
    for kept in devices_in(store.states(DEVICES))[0]:
        if kept.mac is None or kept.recognised_by is None or kept.recognised_by in BY_CONFIGURATION:
            continue
        device = Device(kept.key, kept.name, kept.first_ns, kept.device_class)
        device.recognised_by = kept.recognised_by
        describe(device, kept)
        engine.attribution.devices.remember(Mac(kept.mac), device)


def resume_pages(store: Store, engine: Engine) -> None:
    """Take up the ledger of earlier runs: what a device could do then is what it can do more than now."""
    for page in pages_in(store.states(PAGES))[0]:
        engine.inspection.resume(page)


def pages_in(rows: Mapping[str, bytes]) -> tuple[list[Page], int]:
    """The pages among these rows, and how many of them cannot be read."""
    read, lost = _read(rows, PAGES, PageRecord)
    return [each.page for each in read], lost


def devices_in(rows: Mapping[str, bytes]) -> tuple[list[DeviceRecord], int]:
    """The devices among these rows, and how many of them cannot be read."""
    return _read(rows, DEVICES, DeviceRecord)


def contacts_in(rows: Mapping[str, bytes]) -> tuple[list[ContactRecord], int]:
    """The contacts among these rows, and how many of them cannot be read."""
    return _read(rows, CONTACTS, ContactRecord)


def _read(rows: Mapping[str, bytes], prefix: str, kind: type[Record]) -> tuple[list[Record], int]:
    """The rows whose name begins so, and how many of them cannot be read."""
    read, lost = [], 0
    for name, row in rows.items():
        if name.startswith(prefix):
            try:
                read.append(decode(kind, row))
            except (Damaged, Foreign):
                lost += 1
    return read, lost


def run_in(row: bytes | None) -> EngineRecord | None:
    """What a run saw and missed; None if its row is not there or cannot be read."""
    try:
        return decode(EngineRecord, row) if row is not None else None
    except (Damaged, Foreign):
        return None
