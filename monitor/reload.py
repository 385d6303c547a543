"""Reload: what of another configuration a running engine can take over, and what needs a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from monitor.app import MINUTE_NS, build_policy, check_vendors, site_networks
from monitor.config import inventory, polled

if TYPE_CHECKING:
    from monitor.app import Knowledge
    from monitor.config import Config
    from monitor.engine import Engine

TAKEN_OVER: Final = frozenset({"site", "group", "device"})
"""Tables that a running engine takes over."""


def restart_needed(old: Config, new: Config) -> list[str]:
    """Names of what differs and is fixed while the daemon runs: tables, or keys of a table."""
    differing = []
    for table in old.__struct_fields__:
        if table in TAKEN_OVER or getattr(old, table) == getattr(new, table):
            continue
        before, after = getattr(old, table), getattr(new, table)
        if not isinstance(before, msgspec.Struct) or not isinstance(after, msgspec.Struct):  # none, or a list
            differing.append(table)
            continue
        keys = [key for key in before.__struct_fields__ if getattr(before, key) != getattr(after, key)]
        differing += [f"{table}.{key}" for key in keys if (table, key) != ("limits", "silent_minutes")]
    if polled(old) != polled(new):  # whom to ask, and how, is taken up at the start
        differing.append("device.poll")
    return differing


def prepare(old: Config, new: Config, known: Knowledge) -> Config:
    """The configuration that a running engine will have: the new one, but for what needs a restart.

    ValueError names the key that cannot be used; nothing has been changed then.
    """
    limits = msgspec.structs.replace(old.limits, silent_minutes=new.limits.silent_minutes)
    taken = msgspec.structs.replace(old, site=new.site, group=new.group, device=new.device, limits=limits)
    check_vendors(taken, known.catalogue)
    return taken


def apply(engine: Engine, config: Config) -> None:
    """Have the engine go on with what ``prepare`` gave. Nothing in it can fail: it was checked before."""
    attribution = engine.attribution
    attribution.site.reconfigure(*site_networks(config))
    attribution.devices.reconfigure(inventory(config))
    engine.silent_ns = int(config.limits.silent_minutes * MINUTE_NS)
    engine.reconsider(build_policy(config, attribution.site))
