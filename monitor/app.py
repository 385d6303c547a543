"""The composition root: builds the engine and everything in it from a configuration."""

from __future__ import annotations

import difflib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.attribution import Attribution
from monitor.config import inventory, networks
from monitor.contacts.contacts import Contacts
from monitor.contacts.lookups import Lookups
from monitor.engine import Engine
from monitor.enrich.catalogue import Catalogue, CatalogueError
from monitor.enrich.devices import Devices
from monitor.enrich.geo import Geo, GeoError
from monitor.enrich.names import Names
from monitor.enrich.operators import Operators
from monitor.enrich.site import Site
from monitor.incidents import ocsf
from monitor.incidents.alarms import Alarms
from monitor.incidents.book import Book, view
from monitor.inspection import Inspection
from monitor.ledger.ledger import MAX_PAGES
from monitor.model.exhibits import no_packets
from monitor.model.incidents import DeviceView
from monitor.policy.policy import Policy
from monitor.traces import Traces
from monitor.wire.flows import FlowTable
from monitor.wire.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.config import Config
    from monitor.evidence.folder import Folder
    from monitor.model.address import IPNetwork
    from monitor.model.exhibits import Spool
    from monitor.model.facts import Observation
    from monitor.model.flows import Flow
    from monitor.model.identity import IdentityChange
    from monitor.model.incidents import Transition

MILLISECOND_NS = 1_000_000
HOUR_NS = 3600 * 1_000_000_000
MINUTE_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known before any packet comes: loaded once, shared by engines."""

    catalogue: Catalogue
    geo: Geo
    operators: Operators


@contextmanager
def knowledge(config: Config) -> Iterator[Knowledge]:
    """Load catalogue and address databases. CatalogueError or GeoError, with the key in it, if one cannot be used."""
    try:
        catalogue = Catalogue.load(*(Path(each) for each in config.sensor.catalogue))
    except CatalogueError as wrong:
        msg = f"sensor.catalogue: {wrong}"
        raise CatalogueError(msg) from None
    cache = Path(config.geo.cache) if config.geo.cache is not None else None
    try:
        geo = Geo.open([Path(each) for each in config.geo.databases], cache)
    except GeoError as wrong:
        theirs = any(str(wrong).startswith(f"{Path(each)}: ") for each in config.geo.databases)
        msg = f"geo.{'databases' if theirs else 'cache'}: {wrong}"
        raise GeoError(msg) from None
    try:
        yield Knowledge(catalogue, geo, Operators(catalogue, geo))
    finally:
        geo.close()


def build_engine(
    config: Config,
    known: Knowledge,
    *,
    cameras: Sequence[IPNetwork] = (),
    observer: Callable[[Observation, Flow | None], None] | None = None,
    on_fault: Callable[[BaseException], None] | None = None,
    on_change: Callable[[IdentityChange], None] | None = None,
    seed: bytes | None = None,
    keeps: bool = False,
    spool: Spool | None = None,
) -> Engine:
    """An engine for this configuration. ValueError names the key that cannot be used.

    ``keeps``: there is somewhere to keep the packets that lead to incidents; ``spool`` takes images.
    """
    check_vendors(config, known.catalogue)
    local, core = site_networks(config)
    site = Site([*local, *cameras], core)
    limits = config.limits
    quiet_ns = int(limits.quiet_hours * HOUR_NS)
    table = FlowTable(limits.flows, seed or os.urandom(16), source_cap=limits.flows // 4)
    scanner = Scanner(
        table,
        duplicate_window_ns=int(config.capture.duplicate_window_ms * MILLISECOND_NS),
        overlapping=config.capture.overlapping_vlans,
    )
    devices = Devices(known.catalogue, inventory(config), cameras, limits.devices)
    attribution = Attribution(
        site,
        devices,
        Names(),
        known.catalogue,
        known.operators,
        Contacts(limits.contacts),
        Lookups(),
        quiet_ns,
    )
    policy = build_policy(config, site)
    inspection = Inspection(devices, site, known.catalogue, policy, max(MAX_PAGES, limits.devices))
    traces = Traces(scanner) if keeps and config.evidence.packets else None
    packets = traces.of if traces is not None else no_packets
    return Engine(
        scanner,
        attribution,
        policy,
        lambda totals: Book(config.sensor.name, totals, quiet_ns=quiet_ns, packets=packets),
        lambda totals: Alarms(config.sensor.name, totals, quiet_ns=quiet_ns, packets=packets),
        inspection=inspection,
        sensor=sensor_view(config.sensor.name),
        view=view,
        silent_ns=int(limits.silent_minutes * MINUTE_NS),
        observer=observer,
        on_fault=on_fault,
        on_change=on_change,
        traces=traces,
        spool=spool,
    )


def site_networks(config: Config) -> tuple[list[IPNetwork], list[IPNetwork]]:
    """Networks that are ours beside the private ones, and those among ours that are off limits."""
    ours = config.site
    local = networks(ours.networks, "site.networks") + networks(ours.camera_networks, "site.camera_networks")
    return local, networks(ours.core_networks, "site.core_networks")


def build_policy(config: Config, site: Site) -> Policy:
    """The policy of this configuration on this site."""
    return Policy(config.site, config.group, site.is_core)


def sensor_view(name: str) -> DeviceView:
    """The sensor, where a message is about itself. No device has an empty key."""
    return DeviceView(
        key="",
        name=name,
        label="other",
        device_class=ocsf.SENSOR,
        ip=None,
        mac=None,
        vendor=None,
        sticker=None,
        model=None,
        firmware=None,
        group=None,
    )


def renderer(sensor: str, folder: Folder | None = None) -> Callable[[Transition, int, int], bytes]:
    """What turns this sensor's (transition, epoch, sequence number) into a message.

    What there is of it in the evidence ``folder`` is on disk before the message that names it is made.
    """

    def render(transition: Transition, epoch: int, seq: int) -> bytes:
        exhibit = folder.exhibit(transition) if folder is not None else None
        return ocsf.render(transition, sensor=sensor, epoch=epoch, seq=seq, version=__version__, exhibit=exhibit)

    return render


def check_vendors(config: Config, catalogue: Catalogue) -> None:
    """ValueError for a group that matches a vendor of whom the catalogue knows nothing."""
    known = {name.lower() for vendor in catalogue.vendors.values() for name in (vendor.key, vendor.name)}
    for group in config.group:
        wanted = group.match.vendor if group.match is not None else None
        if wanted is not None and wanted.lower() not in known:
            near = difflib.get_close_matches(wanted.lower(), known, 1, 0.5)
            hint = f" (did you mean {near[0]}?)" if near else ""
            msg = f"group {group.name}: match.vendor: {wanted!r} is not in the catalogue{hint}"
            raise ValueError(msg)
