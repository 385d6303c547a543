"""Incidents for people at a terminal: a line as each opens, a table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from monitor.model.incidents import Activity, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.incidents import Transition

STYLES: Final = {
    Severity.INFORMATIONAL: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "bold red",
    Severity.CRITICAL: "bold white on red",
}
NAMES_SHOWN: Final = 3
WIDE: Final = 110
"""Columns of a terminal in which a table of seven columns breaks no word of ours."""
MAX_REMEMBERED: Final = 16384
"""Incidents kept for the table; as many as can be open at a time."""


class _Screen(Console):
    """Leaves a closed pipe to whoever prints."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Terminal:
    """Prints what opens and what ends; keeps the last word of each incident for the table."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Screen()
        self.last: dict[str, Transition] = {}

    def tell(self, transitions: Iterable[Transition]) -> None:
        """Take transitions in order."""
        for transition in transitions:
            before = self.last.get(transition.incident)
            if before is not None or len(self.last) < MAX_REMEMBERED:
                self.last[transition.incident] = transition
            if transition.activity is Activity.NEW:
                self._line(transition, "opened")
            elif transition.activity is Activity.END:
                self._line(transition, "merged" if transition.merged_into else "ended")
            elif before is not None and before.outcome is not transition.outcome:
                self._line(transition, "climbed")
            elif before is not None and transition.outcome is None and _known(before) != _known(transition):
                self._line(transition, "more")

    def close(self, *, calm: bool, whole: bool = True, known: int = 0) -> None:
        """Print the table, or that there was nothing.

        ``calm``: devices were watched, so nothing means something; ``whole``: every capture was read to its end;
        ``known``: incidents that an earlier run has told.
        """
        if self.last:
            self._console.print(self.table())
        if known:
            self._console.print(f"told before, and in the journal: incidents {known:,} (camwarden incidents)")
        elif calm and not self.last:
            found = "no incident" if whole else "no incident in what could be read"
            self._console.print(f"{found}: the watched devices attempted nothing outside the policy")

    def table(self) -> Table:
        """What was found: an incident a row, the gravest first."""
        count = f"{len(self.last)} incident" + ("" if len(self.last) == 1 else "s")
        if self._console.width < WIDE:
            return self._narrow(count)
        table = Table(title=count, title_justify="left", header_style="bold")
        for heading in ("Severity", "Device", "What", "To whom", "How far"):
            table.add_column(heading, overflow="fold")
        table.add_column("Attempts", justify="right", no_wrap=True)
        table.add_column("Out / in", justify="right", no_wrap=True)
        for transition in sorted(self.last.values(), key=rank):
            table.add_row(
                Text(transition.severity.label, STYLES[transition.severity]),
                escape(transition.device.name),
                escape(
                    "\n".join((transition.kind, *(f"+ {each}" for each in transition.properties), *about(transition)))
                ),
                escape("\n".join(each for each in (whom(transition), *_named(transition)) if each)),
                how_far(transition),
                f"{transition.attempts:,}" if transition.outcome is not None else "",
                f"{volume(transition.bytes_out)}\n{volume(transition.bytes_in)}"
                if transition.outcome is not None
                else "",
            )
        return table

    def _narrow(self, title: str) -> Table:
        """The same where columns would break words."""
        table = Table(title=title, title_justify="left", header_style="bold", show_lines=True)
        table.add_column("How far", no_wrap=True)
        table.add_column("What", overflow="fold")
        for transition in sorted(self.last.values(), key=rank):
            far = Text(transition.severity.label, STYLES[transition.severity])
            if transition.outcome is not None:
                tried = f"{transition.attempts:,} attempt" + ("" if transition.attempts == 1 else "s")
                moved = f"{volume(transition.bytes_out)} / {volume(transition.bytes_in)}"
                far.append("\n".join(("", how_far(transition), tried, moved)), "default not bold")
            what = Text(transition.device.name, "bold")
            lines = (
                ", ".join((transition.kind, *transition.properties, *about(transition))),
                whom(transition),
                ", ".join(_named(transition)),
            )
            what.append("".join(f"\n{line}" for line in lines if line), "not bold")
            table.add_row(far, what)
        return table

    def _line(self, transition: Transition, what: str) -> None:
        line = Text()
        line.append(f"{transition.severity.label:<14}", STYLES[transition.severity])
        line.append(f"{what:<9}", "dim")
        line.append(f"{transition.kind:<19}", "bold")
        line.append(transition.message)
        self._console.print(line, soft_wrap=True)


def rank(transition: Transition) -> tuple[int, str, int]:
    """The gravest first, then by device and time."""
    return -transition.severity, transition.device.name, transition.first_ns


def whom(transition: Transition) -> str:
    """The operator, and country of the address, of the network's holder and of the law: "Hikvision (IE / US / CN)"."""
    verdict = transition.verdict
    if verdict is None:
        return ""
    places = (verdict.location, verdict.organisation_country, verdict.jurisdiction)
    return f"{verdict.operator} ({' / '.join(each or '?' for each in places)})"


def about(transition: Transition) -> tuple[str, ...]:
    """The functions and the firmware that it is about: "= face.recognise", "= 1.0 -> 1.1"."""
    firmware = transition.firmware
    versions = () if firmware is None else (f"= {firmware.before or '?'} -> {firmware.after or '?'}",)
    return (*versions, *(f"= {each}" for each in transition.capabilities))


def _named(transition: Transition) -> list[str]:
    """The first few of the other ends, by name where there is one."""
    return sorted({each.remote_name or each.remote_ip or "" for each in transition.evidences})[:NAMES_SHOWN]


def how_far(transition: Transition) -> str:
    """The outcome, and who refused; nothing where there is no other end."""
    if transition.outcome is None:
        return ""
    if transition.refused_by is None or transition.refused_by == "peer":
        return transition.outcome.label
    return f"refused by {transition.refused_by}"


def _known(transition: Transition) -> tuple[object, ...]:
    """What is worth a line when it differs, of an incident that has no outcome."""
    return transition.severity, transition.properties, transition.firmware, transition.capabilities


def volume(octets: int) -> str:
    """An amount of bytes: "0", "950 B", "12.3 kB", "4.5 MB": decimal prefixes (IEC 80000-13)."""
    amount = float(octets)
    if amount < 1000:
        return f"{octets} B" if octets else "0"
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
