"""The shipped flow in the real Node-RED, word for word, fed by the real daemon over the real broker."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.app.living import ROOT, Daemon, Site, answers, wait_until
from tests.app.planted import ENOUGH_FOR_NEWS, attempt, configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLOW = ROOT / "deploy/node-red/flow.json"
ABROAD = "115.231.97.60"


def test_a_grave_incident_is_told_in_one_line_once(site: Site, installed: Callable[[str], Path]) -> None:
    """New and critical: one line. Its updates, and a new one of medium severity: none."""
    program = installed("node-red/node_modules/.bin/node-red")
    home = site.directory / "node-red"
    home.mkdir()
    shutil.copy(FLOW, home / "flow.json")
    heard = site.directory / "notified"
    site.start("mosquitto_sub", "-h", "127.0.0.1", "-q", "1", "-t", "camwarden/notify", output=heard)
    red = site.start(str(program), "--userDir", str(home), "--port", "1880", str(home / "flow.json"))
    with site.space.inside():
        wait_until(lambda: answers(1880), "Node-RED", 60)
    wait_until(lambda: "Connected to broker" in red.log.read_text(), "its connection", 30)

    groups = [{"name": "cells", "isolated": True}, {"name": "cameras"}]
    text = configured(2, group=groups).replace('group = "cameras"', 'group = "cells"', 1)
    daemon = Daemon(site, text)
    site.send(attempt(1, ABROAD))
    wait_until(lambda: site.about("cam-1"), "one of medium severity")
    site.send(attempt(0, ABROAD))
    wait_until(lambda: site.about("cam-0"), "one that is critical")
    site.send(*(attempt(0, ABROAD) for _ in range(ENOUGH_FOR_NEWS)))
    wait_until(lambda: len(site.about("cam-0")) > 1, "an update")
    wait_until(lambda: heard.exists() and heard.read_text().count("\n") >= 1, "the line", 20)
    told = site.about("cam-0")[0]
    assert (site.about("cam-1")[0]["severity_id"], told["severity_id"]) == (3, 5)
    line = f"[critical] here: {told['finding_info']['types'][0]}: {told['message']}"
    assert heard.read_text() == line + "\n"
    daemon.stop()
    assert "rror" not in red.log.read_text()
