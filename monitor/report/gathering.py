"""Gathering: a journal, read once, as the facts of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.config import networks
from monitor.continuity import PREFIX
from monitor.continuity.pages import REPLAYED, RUN, contacts_in, devices_in, pages_in, run_in
from monitor.model.address import Address, Mac, mac_text, presentable, text
from monitor.model.capabilities import Sensitivity, State
from monitor.model.contacts import UNWATCHED
from monitor.policy.maintenance import time_zone
from monitor.report.coverage import coverage_of, losses_of
from monitor.report.ends import ends_of
from monitor.report.facts import DeviceFacts, Function, Incident, Known, SiteFacts, Span
from monitor.report.owners import Owners
from monitor.report.told import Told, incident
from monitor.report.words import Clock
from monitor.store.reading import open_readonly

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor.continuity.records import ContactRecord, DeviceRecord, EngineRecord
    from monitor.enrich.catalogue import Catalogue
    from monitor.ledger.ledger import Page
    from monitor.model.capabilities import Vocabulary
    from monitor.policy.settings import SiteConfig
    from monitor.report.facts import Losses

MAX_DEVICES: Final = 1000
"""Devices of one report: as many as an inventory may have (config.MAX_DEVICES)."""
ENDLESS_NS: Final = 2**62
"""Later than any packet."""
ORDER: Final = (
    State.CONTRADICTED,
    State.HIDDEN,
    State.DORMANT,
    State.IN_USE,
    State.READY,
    State.ABSENT,
    State.UNKNOWN,
)
"""What a reader looks for first comes first."""


def gather(
    directory: Path, site: SiteConfig, catalogue: Catalogue, since_ns: int | None, until_ns: int | None, version: str
) -> SiteFacts:
    """The facts of the journal in ``directory`` between two times; None: from its beginning, until its end.

    Raises:
        StoreError: there is no journal, or it cannot be read.
        ValueError: the site's time zone is none.

    """
    clock = Clock(time_zone(site.time_zone, "site.time_zone"))
    least, most = since_ns or 0, until_ns if until_ns is not None else ENDLESS_NS
    with open_readonly(directory) as reader:  # rows first: what the messages tell beyond them is then only more
        rows, replayed = reader.states(PREFIX), reader.state(REPLAYED)
        told, sensor = Told(reader, least, most, clock), reader.sensor
        forgotten_ns = reader.forgotten_ns  # last: what is deleted meanwhile is not kept back
    devices, damaged = devices_in(rows)
    contacts, damaged_contacts = contacts_in(rows)
    pages, damaged_pages = pages_in(rows)
    damaged += damaged_contacts + damaged_pages + told.damaged
    run = run_in(rows.get(RUN)) or run_in(replayed)
    losses = losses_of(run, live=replayed is None) if run is not None else None
    watched = [each for each in devices if each.device_class not in UNWATCHED]
    watched.sort(key=lambda each: (each.name, each.key))
    shown, by_key = watched[:MAX_DEVICES], {page.device: page for page in pages}
    theirs: dict[str, list[ContactRecord]] = {each.key: [] for each in shown}
    for contact in contacts:
        if contact.device in theirs:
            theirs[contact.device].append(contact)
    owners = Owners(watched, contacts, rows)
    incidents: dict[str | None, list[Incident]] = {}
    for body in told.newest.values():
        incidents.setdefault(owners.of(body), []).append(incident(body))
    others = _ordered(incidents.get(None, []))
    disputed = frozenset(each.device for each in others if each.outward)
    span = _span(shown, run, told, least, most)
    return SiteFacts(
        sensor=sensor,
        version=version,
        home=site.home,
        known=Known(*catalogue.makers_services()),
        zone=clock.zone,
        asked=(since_ns, until_ns),
        span=span,
        losses=losses,
        one_sided=any(body.unmapped.camwarden.visibility.one_sided for body in told.newest.values()),
        devices=tuple(
            _device(
                each,
                by_key.get(each.key),
                theirs[each.key],
                incidents.get(each.key, []),
                catalogue.vocabulary,
                site,
                (least, most),
                losses,
                damaged,
                disputed,
            )
            for each in shown
        ),
        others=others,
        days=tuple((day, outcome, count) for (day, outcome), count in sorted(told.days.items())),
        damaged=damaged,
        unlisted=len(watched) - len(shown),
        forgotten_ns=forgotten_ns,
    )


def _span(devices: Iterable[DeviceRecord], run: EngineRecord | None, told: Told, least: int, most: int) -> Span | None:
    """What the journal knows of the time that was asked for."""
    firsts = [each.first_ns for each in devices] + [told.first_ns or 0, run.first_ns if run is not None else 0]
    lasts = [max(each.last_ns, each.seen[2]) for each in devices]
    lasts += [told.last_ns, max(run.now_ns, run.last_packet_ns) if run is not None else 0]
    begin_ns = max(least, min((each for each in firsts if each), default=ENDLESS_NS))
    end_ns = min(most, max(lasts))
    return Span(begin_ns, end_ns) if begin_ns <= end_ns else None


def _device(
    device: DeviceRecord,
    page: Page | None,
    contacts: list[ContactRecord],
    incidents: list[Incident],
    vocabulary: Vocabulary,
    site: SiteConfig,
    asked: tuple[int, int],
    losses: Losses | None,
    damaged: int,
    disputed: frozenset[str],
) -> DeviceFacts:
    span = Span(*asked)
    current = page.firmware.current if page is not None else None
    return DeviceFacts(
        name=device.name,
        device_class=device.device_class,
        made_by=" ".join(filter(None, (device.vendor_name, device.model))),
        mac=mac_text(Mac(device.mac)) if device.mac is not None else None,
        addresses=tuple(text(each) for each in presentable([*map(Address, device.addresses)])),
        recognised_by=device.recognised_by,
        firmware=current.text if current is not None else device.firmware,
        first_ns=device.first_ns,
        last_ns=max(device.last_ns, device.seen[2]),
        coverage=coverage_of(device, *asked, losses, damaged, disputed),
        ends=ends_of(contacts, span, site.home, networks(site.core_networks, "site.core_networks")),
        functions=_functions(page, vocabulary),
        versions=tuple(page.firmware.history) if page is not None else (),
        updates=tuple(each for each in page.updates if span.meets(each.started_ns, each.last_ns)) if page else (),
        incidents=_ordered(incidents),
    )


def _functions(page: Page | None, vocabulary: Vocabulary) -> tuple[Function, ...]:
    functions = []
    for key, row in page.rows.items() if page is not None else ():
        known = vocabulary.capability(key)
        columns = (("supported", row.supported), ("enabled", row.enabled), ("exercised", row.exercised))
        functions.append(
            Function(
                key,
                known.name if known is not None else key,
                known.sensitivity if known is not None else Sensitivity.ORDINARY,
                row.state(),
                tuple((column, claim) for column, claim in columns if claim is not None),
            )
        )
    return tuple(sorted(functions, key=lambda each: (ORDER.index(each.state), -each.sensitivity, each.key)))


def _ordered(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Open ones first, then the gravest, then the newest."""
    return tuple(sorted(incidents, key=lambda each: (not each.open, -each.severity, -each.last_ns, each.uid)))
