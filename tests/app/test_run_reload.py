"""Another configuration while the daemon runs: taken over when it is right, refused when it is wrong."""

from __future__ import annotations

from typing import Any

from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import DELL, attempt, configured, named

GROUPS = [{"name": "cameras"}, {"name": "cells", "isolated": True}]


def taken_over(daemon: Daemon, tables: str, **facts: Any) -> None:
    """Put another configuration in place and ask for it."""
    before = len(daemon.says("configuration taken over"))
    daemon.reload(tables)
    wait_until(lambda: len(daemon.says("configuration taken over")) > before, "the new configuration")
    assert facts.items() <= daemon.says("configuration taken over")[-1].items()


def test_a_wrong_configuration_is_refused(site: Site) -> None:
    """The old one stays and says why, by SIGHUP and by a change of the file, until a right one comes.

    Of that, what needs a restart is named, and the rest is taken over.
    """
    daemon = Daemon(site, configured(2))
    right = daemon.path.read_text()
    daemon.write(right.replace('home = ["GB"]', 'homes = ["GB"]'))
    wait_until(lambda: daemon.says("configuration refused, the old one stays"), "the file's change, without a signal")
    said = daemon.health()["configuration"]
    assert said.startswith("refused: ")
    assert "site.homes: unknown key (did you mean home?)" in said
    assert daemon.health()["code"] == 200
    assert daemon.metric("config_last_reload_successful") == 0

    for wrong, why in (
        ("[sensor\n", "not TOML"),
        (right.replace("10.20.1.1", "10.20.1.256"), "device cam-0"),
        (right.replace('group = "cameras"', 'group = "camera"'), "did you mean cameras?"),
        (right + '[[group]]\nname = "more"\nmatch = { vendor = "hikvison" }\n', "hikvison"),
    ):
        daemon.write(wrong)
        daemon.reload()
        wait_until(lambda why=why: why in daemon.health()["configuration"], why)
    daemon.path.unlink()
    wait_until(lambda: "No such file" in daemon.health()["configuration"], "the file's absence")
    site.send(attempt(0))
    wait_until(lambda: site.about("cam-0"), "an attempt, judged as before")

    daemon.write(right)
    wait_until(lambda: daemon.health()["configuration"] == "taken over", "the right one")
    assert daemon.metric("config_last_reload_successful") == 1
    limits, canary = {"flows": 4096, "silent_minutes": 5.0}, {"address": "192.0.2.9"}
    taken_over(daemon, configured(3, limits=limits, canary=canary), needs_restart=["canary", "limits.flows"])
    assert daemon.health()["configuration"] == "taken over; needs a restart: canary, limits.flows"
    site.send(attempt(2))
    wait_until(lambda: site.about("cam-2"), "an attempt of the new device")
    taken_over(daemon, configured(2), needs_restart=[])
    assert daemon.health()["configuration"] == "taken over"
    daemon.stop()


def test_another_policy(site: Site) -> None:
    """What is allowed now ends, what is forbidden now begins, and devices come, go and move, with no packet for it."""
    daemon = Daemon(site, configured(2, group=GROUPS))
    site.send(attempt(0), attempt(1, "119.45.114.60"), attempt(5, maker=DELL))
    wait_until(lambda: site.about("cam-0") and site.about("cam-1"), "two incidents")

    allowing = [{"name": "cameras", "allow": ["115.231.97.0/24"]}, GROUPS[1]]
    taken_over(daemon, configured(2, group=allowing))
    wait_until(lambda: site.about("cam-0")[-1]["activity_id"] == 3, "the end of what is allowed now")
    assert site.about("cam-0")[-1]["status_id"] == 4
    assert len(site.about("cam-1")) == 1

    taken_over(daemon, configured(2, group=GROUPS))
    wait_until(lambda: len(site.about("cam-0")) == 3, "what is forbidden again")
    assert site.about("cam-0")[-1]["activity_id"] == 1

    cells = [named(0), {**named(1), "group": "cells"}]
    taken_over(daemon, configured(0, group=GROUPS, device=cells))
    wait_until(lambda: site.about("cam-1")[-1]["severity_id"] == 5, "the other group")
    assert "isolation_broken" in site.about("cam-1")[-1]["finding_info"]["types"]

    taken_over(daemon, configured(0, group=GROUPS, device=[*cells, named(5)]))
    wait_until(lambda: site.about("cam-5"), "what a device did before it was added")

    taken_over(daemon, configured(0, group=GROUPS, device=cells[:1]))
    site.send(attempt(5, "47.97.12.60", maker=DELL), attempt(0, "47.97.12.61"))
    wait_until(lambda: len(site.about("cam-0")) == 4, "the device that is left")
    daemon.stop()
    assert len(site.about("cam-5")) == 1
