"""Incidents for people at a terminal, those that have no other end among them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from monitor.sinks.terminal import Terminal, about, how_far, whom
from tests.engine.test_scenarios import replayed

if TYPE_CHECKING:
    from monitor.app import Knowledge


def shown(known: Knowledge, name: str, width: int = 160) -> str:
    """What is written of a scenario."""
    written = io.StringIO()
    terminal = Terminal(Console(file=written, width=width))
    terminal.tell(replayed(known, name).told)
    terminal.close(calm=True)
    return written.getvalue()


def test_an_incident_without_another_end_has_no_empty_words(known: Knowledge) -> None:
    """No operator, no outcome; what it is about stands in their place."""
    last = {each.kind: each for each in replayed(known, "push_update").told}
    update, gained, cloud = last["firmware_update"], last["capability_gained"], last["vendor_cloud"]
    assert (whom(update), how_far(update)) == ("", "")
    assert about(update) == ("= V5.7.3 build 220315 -> V5.7.15 build 230313",)
    assert about(gained)[1:] == ("= cloud.vendor", "= face.recognise")
    assert about(cloud) == ()
    assert how_far(cloud) == "transferred"


def test_nothing_was_found() -> None:
    """Which is only said of what was read."""
    said = []
    for calm, whole in ((True, True), (True, False), (False, False)):
        written = io.StringIO()
        Terminal(Console(file=written, width=100)).close(calm=calm, whole=whole)
        said.append(written.getvalue().partition(":")[0])
    assert said == ["no incident", "no incident in what could be read", ""]


def test_a_line_as_more_is_known(known: Knowledge) -> None:
    """Opened as a probable update, a line more when the device says its new version; none for each sign."""
    lines = [line for line in shown(known, "push_update").splitlines() if "firmware_update    " in line]
    assert [line.split()[1] for line in lines if "Firmware of" in line] == ["opened", "more"]


def test_the_table_names_functions_and_versions(known: Knowledge) -> None:
    """In the column of what it is; attempts are not counted where nothing was attempted."""
    text = shown(known, "push_update")
    assert "= face.recognise" in text
    assert "= V5.7.3 build 220315" in text.replace("\n", "")
    assert "= shell.telnet" in shown(known, "telnet_opened")


def test_a_narrow_table_breaks_no_word(known: Knowledge) -> None:
    """It says the same as the wide one, in fewer columns."""
    table = shown(known, "push_update", 80).partition("incidents")[2]
    words = {word for line in table.splitlines() for word in line.replace("│", " ").replace(",", " ").split()}
    assert {"vendor_cloud", "capability_gained", "transferred", "medium", "face.recognise"} <= words
    assert max(len(line) for line in table.splitlines()) <= 80
