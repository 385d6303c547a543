"""Pages: devices and their ledger as a replay leaves them, and as the tables for people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.continuity import taking
from monitor.continuity.records import Damaged, DeviceRecord, Foreign, PageRecord, decode, encode, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.continuity.keeper import Rows
    from monitor.engine import Engine
    from monitor.ledger.ledger import Page

PAGES = "engine/page/"
DEVICES = "engine/device/"
"""What the names of their rows begin with."""


def rows_of(engine: Engine) -> Rows:
    """Rows of all watched devices and their pages: what is worth keeping of a replay beside its incidents."""
    rows: Rows = {}
    for device in engine.attribution.devices:
        if device.watched:
            rows[name_of("device", device.key)] = encode(taking.device_record(engine, device))
            page = engine.inspection.ledger.known(device.key)
            if page is not None:
                rows[name_of("page", page.device)] = encode(PageRecord(page))
    return rows


def pages_in(rows: Mapping[str, bytes]) -> tuple[list[Page], int]:
    """The pages among these rows, and how many of them cannot be read."""
    read, lost = [], 0
    for name, row in rows.items():
        if name.startswith(PAGES):
            try:
                read.append(decode(PageRecord, row).page)
            except (Damaged, Foreign):
                lost += 1
    return read, lost


def devices_in(rows: Mapping[str, bytes]) -> tuple[list[DeviceRecord], int]:
    """The devices among these rows, and how many of them cannot be read."""
    read, lost = [], 0
    for name, row in rows.items():
        if name.startswith(DEVICES):
            try:
                read.append(decode(DeviceRecord, row))
            except (Damaged, Foreign):
                lost += 1
    return read, lost
