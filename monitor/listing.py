"""Listing: what a journal knows of devices, their functions and incidents, as tables or as JSON lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from monitor.continuity.pages import devices_in, pages_in
from monitor.detectors.firmware_update import GRADES, versions
from monitor.model.address import Address, Mac, mac_text, presentable, text
from monitor.model.capabilities import Sensitivity, State
from monitor.model.contacts import UNWATCHED
from monitor.model.incidents import SHORT_ID, Severity
from monitor.sinks.terminal import STYLES, WIDE
from monitor.store.reading import open_readonly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from monitor.continuity.records import DeviceRecord
    from monitor.ledger.ledger import Page
    from monitor.ledger.rows import Row
    from monitor.ledger.updates import Update
    from monitor.model.capabilities import Claim, Vocabulary

INCIDENTS: Final = 1000
"""Incidents that are listed: those with the newest news."""
COLOURS: Final = {
    State.CONTRADICTED: "bold white on red",
    State.HIDDEN: "bold red",
    State.DORMANT: "yellow",
    State.READY: "cyan",
    State.IN_USE: "green",
    State.ABSENT: "dim",
    State.UNKNOWN: "dim",
}
ORDER: Final = tuple(COLOURS)
"""What a reader looks for first comes first."""
_STATUS: Final = {1: "new", 2: "in progress", 4: "over"}


class Listing:
    """One journal, read once."""

    def __init__(self, directory: Path, vocabulary: Vocabulary) -> None:
        """StoreError, one line, if there is no journal or it cannot be read."""
        self._vocabulary = vocabulary
        with open_readonly(directory) as reader:
            rows = reader.states("engine/")
            self._incidents = [each.body for each in reader.newest_per_incident(INCIDENTS)]
        devices, lost = devices_in(rows)
        pages, lost_pages = pages_in(rows)
        self.damaged = lost + lost_pages
        """Rows that cannot be read."""
        self._devices = sorted(devices, key=lambda each: each.name)
        self._pages = {page.device: page for page in pages}

    def devices(self, out: TextIO, *, lines: bool) -> None:
        """Every watched device: what it is, what it runs, how its functions stand."""
        shown = [each for each in self._devices if each.device_class not in UNWATCHED]
        if lines:
            for device in shown:
                _line(out, self._device(device))
            return
        table = _table(
            f"{len(shown)} devices", "Device", "Class", "Made by", "Addresses", "Firmware", "Seen", "Functions"
        )
        for device in shown:
            page = self._pages.get(device.key)
            states = page.states() if page is not None else {}
            counted = [f"{states[state]} {state.replace('_', ' ')}" for state in ORDER if states.get(state)]
            table.add_row(
                escape(device.name),
                str(device.device_class),
                escape(" ".join(filter(None, (device.vendor_name, device.model)))),
                "\n".join([text(each) for each in presentable([*map(Address, device.addresses)])[:4]]),
                escape(_firmware(page) or device.firmware or ""),
                _when(max(device.last_ns, device.seen[2])),
                ", ".join(counted),
            )
        _print(out, table)

    def ledger(self, out: TextIO, *, lines: bool) -> None:
        """Every function of every device, in three columns, with who says so and since when."""
        for device in self._devices:
            page = self._pages.get(device.key)
            if page is None or device.device_class in UNWATCHED:
                continue
            if lines:
                for line in self._functions(device, page):
                    _line(out, line)
                continue
            runs = _firmware(page)
            title = f"{device.name}" + (f", firmware {runs}" if runs else "")
            table = _table(escape(title), "Function", "State", "Supported", "Enabled", "Exercised")
            for key, row in sorted(page.rows.items(), key=lambda item: (ORDER.index(item[1].state()), item[0])):
                state = row.state()
                table.add_row(
                    self._function(key),
                    Text(state.replace("_", " "), COLOURS[state]),
                    _claim(row.supported),
                    _claim(row.enabled),
                    _claim(row.exercised, "not seen"),
                )
            _print(out, table if page.rows else escape(title))
            for update in page.updates:
                _print(out, _update(update))

    def incidents(self, out: TextIO, *, lines: bool) -> None:
        """The last word of each incident, the newest first."""
        if lines:
            out.writelines(body.decode() + "\n" for body in self._incidents)
            return
        if Console(file=out).width < WIDE:
            _print(out, self._narrow_incidents())
            return
        table = _table(
            f"{len(self._incidents)} incidents",
            "Incident",
            "Last seen",
            "Severity",
            "Device",
            "What",
            "Status",
            "Message",
            "Evidence",
        )
        table.columns[0].no_wrap = True  # it is to be copied
        for body in self._incidents:
            told = msgspec.json.decode(body)
            severity = Severity(told["severity_id"])
            table.add_row(
                told["finding_info"]["uid"][:SHORT_ID],
                _when(told["finding_info"]["last_seen_time"] * 1_000_000),
                Text(severity.label, STYLES[severity]),
                escape(told["device"].get("name", "")),
                "\n".join(told["finding_info"]["types"]),
                _STATUS.get(told["status_id"], ""),
                escape(told["message"]),
                _kept(told["unmapped"]["camwarden"].get("evidence", {})),
            )
        _print(out, table)

    def _narrow_incidents(self) -> Table:
        """The same where columns would break words."""
        table = Table(
            title=f"{len(self._incidents)} incidents", title_justify="left", header_style="bold", show_lines=True
        )
        table.add_column("Incident", no_wrap=True)
        table.add_column("What happened", overflow="fold")
        for body in self._incidents:
            told = msgspec.json.decode(body)
            info, severity = told["finding_info"], Severity(told["severity_id"])
            head = Text(info["uid"][:SHORT_ID], "bold")
            head.append(f"\n{_when(info['last_seen_time'] * 1_000_000)}\n", "not bold")
            head.append(severity.label, STYLES[severity])
            head.append(f"\n{_STATUS.get(told['status_id'], '')}", "default not bold")
            what = Text(told["device"].get("name", ""), "bold")
            lines = (
                ", ".join(info["types"]),
                told["message"],
                _kept(told["unmapped"]["camwarden"].get("evidence", {})),
            )
            what.append("".join(f"\n{line}" for line in lines if line), "not bold")
            table.add_row(head, what)
        return table

    def _function(self, key: str) -> Text:
        known = self._vocabulary.capability(key)
        text_ = Text(key, "bold" if known is not None and known.sensitivity is Sensitivity.SENSITIVE else "")
        if known is not None:
            text_.append(f"\n{known.name}", "dim")
        return text_

    def _functions(self, device: DeviceRecord, page: Page) -> Iterator[dict[str, Any]]:
        for key, row in sorted(page.rows.items()):
            known = self._vocabulary.capability(key)
            yield {
                "device": device.name,
                "capability": key,
                "name": known.name if known is not None else None,
                "sensitivity": known.sensitivity.name.lower() if known is not None else None,
                "state": str(row.state()),
                **_claims(row),
            }

    def _device(self, device: DeviceRecord) -> dict[str, Any]:
        page = self._pages.get(device.key)
        return {
            "device": device.name,
            "key": device.key,
            "class": str(device.device_class),
            "vendor": device.vendor_name,
            "model": device.model,
            "mac": mac_text(Mac(device.mac)) if device.mac is not None else None,
            "addresses": [text(each) for each in presentable([*map(Address, device.addresses)])],
            "recognised_by": device.recognised_by,
            "first_ns": device.first_ns,
            "last_ns": max(device.last_ns, device.seen[2]),
            "seen_s": device.seen[0],
            "firmware": (_firmware(page) if page is not None else None) or device.firmware,
            "firmware_history": [msgspec.to_builtins(each) for each in page.firmware.history]
            if page is not None
            else [],
            "updates": [msgspec.to_builtins(each) for each in page.updates] if page is not None else [],
            "states": {str(state): count for state, count in page.states().items()} if page is not None else {},
        }


def _kept(evidence: dict[str, Any]) -> str:
    """What was in the evidence folder when the message was written; it may have made room since."""
    packets = f"{evidence['packets']} packets" if "packets" in evidence else ""
    return "\n".join(filter(None, (packets, "image" if "image" in evidence else "")))


def _claims(row: Row) -> dict[str, Any]:
    return {
        column: msgspec.to_builtins(claim) if claim is not None else None
        for column, claim in (("supported", row.supported), ("enabled", row.enabled), ("exercised", row.exercised))
    }


def _claim(claim: Claim | None, absent: str = "unknown") -> str:
    if claim is None:
        return absent
    firmware = f", on {claim.firmware}" if claim.firmware else ""
    return escape(f"{'yes' if claim.value else 'no'}, since {_when(claim.first_ns)}{firmware}\n{claim.source}")


def _update(update: Update) -> str:
    """An update in a few lines."""
    head = f"update of {_when(update.started_ns)} ({GRADES[update.grade]}){versions(update)}"
    signs = [f"  seen {sign}: {words}" for sign, words in update.signs.items()]
    gains = [f"  gained: {words}" for words in update.gained.values()] or ["  gained: nothing that is known"]
    return escape("\n".join((head, *signs, *gains)))


def _firmware(page: Page | None) -> str | None:
    current = page.firmware.current if page is not None else None
    return current.text if current is not None else None


def _when(time_ns: int) -> str:
    """A time as people write it, UTC; nothing for never."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S") if time_ns else ""


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _print(out: TextIO, shown: Table | str) -> None:
    Console(file=out, highlight=False).print(shown)


def _line(out: TextIO, thing: dict[str, Any]) -> None:
    out.write(msgspec.json.encode(thing).decode() + "\n")
