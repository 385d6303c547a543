"""Incidents for people at a terminal: a line as each opens, a table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from monitor.model.incidents import Activity, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from monitor.model.incidents import Transition

STYLES: Final = {
    Severity.INFORMATIONAL: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "bold red",
    Severity.CRITICAL: "bold white on red",
}
MAX_REMEMBERED: Final = 16384
"""Incidents kept for the table; as many as can be open at a time."""


class Terminal:
    """Prints what opens and what ends; keeps the last word of each incident for the table."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.last: dict[str, Transition] = {}

    def tell(self, transitions: Iterable[Transition]) -> None:
        """Take transitions in order."""
        for transition in transitions:
            if transition.incident in self.last or len(self.last) < MAX_REMEMBERED:
                self.last[transition.incident] = transition
            if transition.activity is Activity.NEW:
                self._line(transition, "opened")
            elif transition.activity is Activity.END:
                self._line(transition, "merged" if transition.merged_into else "ended")

    def table(self) -> Table:
        """What was found: an incident a row, the gravest first."""
        table = Table(title=f"{len(self.last)} incidents", title_justify="left", header_style="bold")
        for heading in ("Severity", "Device", "Kind", "Whose", "Where / whose / law", "How far", "Attempts", "Out", "In"):
            right = heading in ("Attempts", "Out", "In")
            table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=right)
        for transition in sorted(self.last.values(), key=lambda each: (-each.severity, each.device.name, each.first_ns)):
            style = STYLES[transition.severity]
            table.add_row(
                Text(transition.severity.label, style),
                escape(transition.device.name),
                "\n".join((transition.kind, *(f"+ {each}" for each in transition.properties))),
                escape(transition.verdict.operator),
                where(transition),
                how_far(transition),
                f"{transition.attempts:,}",
                volume(transition.bytes_out),
                volume(transition.bytes_in),
            )
        return table

    def _line(self, transition: Transition, what: str) -> None:
        line = Text()
        line.append(f"{transition.severity.label:<13}", STYLES[transition.severity])
        line.append(f"{what:<7}", "dim")
        line.append(f"{transition.kind:<19}", "bold")
        line.append(transition.message)
        self._console.print(line, soft_wrap=True)


def where(transition: Transition) -> str:
    """Country of the address, of the network's holder and of the law: "IE / US / CN"."""
    verdict = transition.verdict
    return " / ".join(each or "?" for each in (verdict.location, verdict.organisation_country, verdict.jurisdiction))


def how_far(transition: Transition) -> str:
    """The outcome, and who refused."""
    if transition.refused_by is None or transition.refused_by == "peer":
        return transition.outcome.label
    return f"refused by {transition.refused_by}"


def volume(octets: int) -> str:
    """"0", "950 B", "12.3 kB", "4.5 MB": decimal prefixes (IEC 80000-13)."""
    amount = float(octets)
    if amount < 1000:  # noqa: PLR2004  the prefix k
        return f"{octets} B" if octets else "0"
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:  # noqa: PLR2004  the next prefix
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
