"""Inspection: facts, contacts and answers of devices become pages of the ledger, and notices where a detector says so.

Strategy: every fact is about its sender or its receiver, found by address. What a device did or said goes into its
page; a column that turns is a gain if an update is behind it, and otherwise a dormant function or a contradiction, or
nothing but a line in the ledger. Notices of hosts that nobody watches wait a while: they may turn out to be cameras.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import cython
from msgspec import Struct, structs

from monitor.detectors import capability_gained, contradiction, dormant_function, firmware_check
from monitor.detectors.contradiction import is_old, stands
from monitor.enrich.site import Reach
from monitor.inspection import deeds
from monitor.inspection.deeds import deed_of, track_capability
from monitor.inspection.news import news
from monitor.inspection.searches import ARP, MAX_SEARCHING, Searches
from monitor.inspection.signs import host_of
from monitor.inspection.telling import MAX_WAITING, Telling
from monitor.inspection.updates import Updates
from monitor.inspection.volumes import LEAST, MAX_WINDOWS, MIB, WINDOW_NS
from monitor.inspection.weaknesses import MAX_ATTACKED, Weaknesses
from monitor.ledger.ledger import MAX_PAGES, Ledger
from monitor.model.address import text
from monitor.model.capabilities import Aspect, Declaration, Grade, State
from monitor.model.contacts import Outcome, Trait, with_one
from monitor.model.evidence import end_of, evidence_in, evidence_of
from monitor.model.facts import (
    AnalyticsEvent,
    CapabilityStated,
    DeviceAnnounced,
    ExploitAttempt,
    FileRequest,
    FirmwareCall,
    FirmwareCheck,
    FirmwareTransfer,
    MediaStream,
    PortMapping,
    RtspRequest,
    SdpTrack,
    ServiceBanner,
    TlsCertificate,
    TlsClientHello,
)
from monitor.model.limits import Limit, Room
from monitor.model.verdicts import CLOUDS, OperatorKind

if not cython.compiled:
    from monitor.inspection.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.devices import Devices
    from monitor.enrich.site import Site
    from monitor.ledger.ledger import Difference, Page
    from monitor.model.address import Address
    from monitor.model.contacts import Contact, Device
    from monitor.model.facts import Fact
    from monitor.model.flows import Flow
    from monitor.model.incidents import Notice
    from monitor.policy.policy import Policy

INSPECTED: Final = frozenset(
    {
        AnalyticsEvent,
        CapabilityStated,
        ExploitAttempt,
        FileRequest,
        FirmwareCall,
        FirmwareCheck,
        FirmwareTransfer,
        MediaStream,
        PortMapping,
        RtspRequest,
        SdpTrack,
        ServiceBanner,
        TlsCertificate,
        TlsClientHello,
    }
)
"""Facts that say something of what a device is and does, beside whom it calls."""
MAX_DESCRIBED: Final = 1024
"""RTSP connections of which it is remembered what they asked a description of."""
HTTP_PORT: Final = 80
"""Where polls ask too, unless configured otherwise."""
SECOND_NS: Final = 1_000_000_000
ATTEMPTED: Final = Outcome.ATTEMPTED
P2P_CLOUD: Final = OperatorKind.P2P_CLOUD
"""Members looked up once: each look-up of one costs as much as a call."""
BEFORE_NS: Final = 60 * SECOND_NS
"""Who was watched for less before an update may have done before what it does now. The message says how long it was."""


class _Described(Struct, frozen=True):
    """What a connection asked a description of."""

    uri: str
    as_sender: bool = False
    """The description says of its video that it is sent only: it is written as the device sees it."""


_NOT_ASKED: Final = _Described("a session")


class Inspection:
    """One engine's ledger, and what is to be told of it. No clock: time comes with each call."""

    def __init__(
        self,
        devices: Devices,
        site: Site,
        catalogue: Catalogue,
        policy: Policy,
        max_pages: int = MAX_PAGES,
    ) -> None:
        """``policy`` knows maintenance windows and how old a firmware may be; it may be exchanged.

        ``max_pages``: as many as there may be devices, or hosts that nobody watches take those of others.
        """
        self.ledger = Ledger(max_pages)
        self._devices = devices
        self._site = site
        self._vocabulary = catalogue.vocabulary
        self._weaknesses = Weaknesses(catalogue)
        self._volumes = Volumes(catalogue)
        self._searches = Searches()
        self._telling = Telling()
        self._updates = Updates(self.ledger, devices, catalogue.vocabulary, policy, self._telling)
        self._described: OrderedDict[tuple[Address, int, Address, int], _Described] = OrderedDict()
        self._undescribed = 0
        """Connections of which it was forgotten what they asked a description of."""

    @property
    def told(self) -> list[tuple[Device, Notice]]:
        """What is to be told, in the order in which it was noticed, until it is taken; always the same list."""
        return self._telling.told

    @property
    def due(self) -> dict[str, None]:
        """Devices whose firmware is to be looked at again; always the same dictionary."""
        return self._updates.due

    @property
    def heeds_until_ns(self) -> int:
        """Until when it matters where devices go: some have just been updated or attacked."""
        return max(self._updates.heeds_until_ns, self._weaknesses.heeds_until_ns)

    @property
    def policy(self) -> Policy:
        """What is allowed at present."""
        return self._updates.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._updates.policy = policy

    def limits(self) -> Iterator[Limit]:
        """The room for pages and what waits."""
        telling, weaknesses, volumes, searches = self._telling, self._weaknesses, self._volumes, self._searches
        yield from self.ledger.limits()
        yield from self._updates.limits()
        yield Limit(Room.NOTICES, MAX_WAITING, telling.waiting, telling.crowded_out)
        yield Limit(Room.ATTACKED, MAX_ATTACKED, len(weaknesses), weaknesses.forgotten)
        yield Limit(Room.VOLUMES, MAX_WINDOWS, len(volumes), volumes.forgotten)
        yield Limit(Room.SEARCHES, MAX_SEARCHING, len(searches), searches.forgotten)
        yield Limit(Room.DESCRIPTIONS, MAX_DESCRIBED, len(self._described), self._undescribed)

    def take(self) -> list[tuple[Device, Notice]]:
        """Take what is to be told."""
        return self._telling.take()

    def resume(self, page: Page) -> bool:
        """Go on with a page of an earlier run. False: there is no room for it."""
        if not self.ledger.resume(page):
            return False
        self._updates.resume(page)
        return True

    def recognised(self, device: Device) -> None:
        """The device is watched from now on: what waited for that is told."""
        self.due[device.key] = None
        self._telling.recognised(device)

    def forget(self, device: Device) -> None:
        """The device is known no more."""
        self.ledger.forget(device.key)
        self._telling.forget(device)

    def fact(self, flow: Flow, direction: int, fact: Fact, ts_ns: int) -> None:
        """A parser reported this; direction 0 is from the side that began the flow."""
        if type(fact) is TlsClientHello:
            self._updates.greets(flow, fact, ts_ns)
            return
        ends = (flow.initiator, flow.responder) if direction == 0 else (flow.responder, flow.initiator)
        sender, receiver = self._device(ends[0]), self._device(ends[1])
        if isinstance(fact, RtspRequest):
            if fact.method == "DESCRIBE":
                self._describe(flow, fact.uri)
        elif isinstance(fact, FirmwareTransfer | FirmwareCall):
            self._updates.passed(flow, fact, sender, receiver, ts_ns)
        elif isinstance(fact, FirmwareCheck):
            self._checked(flow, fact)
        elif isinstance(fact, ExploitAttempt):
            if receiver is not None:
                on_site = self._site.reach(ends[0]) is not Reach.REMOTE
                by = sender.name if sender is not None and sender.configured else text(ends[0])
                shown = evidence_of(flow, ends[1])
                self._telling.tell(
                    receiver, self._weaknesses.attacked(receiver, fact, by, shown, ts_ns, on_site=on_site)
                )
        elif sender is not None and isinstance(fact, TlsCertificate):
            self._updates.shows(sender, f"certificate on tcp/{flow.responder_port}", fact.sha256, ts_ns)
        elif sender is not None and isinstance(fact, SdpTrack):
            self._track(sender, flow, fact, ts_ns)
        elif sender is not None and isinstance(fact, CapabilityStated):
            self.stated(sender, fact, ts_ns, flow)
        else:
            if isinstance(fact, ServiceBanner) and sender is not None and fact.text:
                self._updates.shows(sender, f"{fact.protocol} {fact.role}", fact.text, ts_ns)
            deed = deed_of(fact, sender, receiver, self._vocabulary)
            doer = (sender if deed.by_sender else receiver) if deed is not None else None
            if deed is not None and doer is not None:
                self.done(doer, deed.capability, deed.source, ts_ns, flow)

    def announced(self, device: Device, fact: DeviceAnnounced, ts_ns: int, port: int = 0) -> None:
        """A device said who it is; ``port`` of the server, where that was said in a connection."""
        if fact.firmware:
            self._updates.version(device, fact.firmware, Grade.CERTAIN, f"{fact.protocol}{_behind(port)}", ts_ns)
        page = self.ledger.known(device.key)
        if page is None:
            return
        if fact.boot_time and page.remember("boot", fact.protocol, fact.boot_time) not in (None, fact.boot_time):
            self._updates.restarted(device, page, f"{fact.protocol} says that it booted at {fact.boot_time}", ts_ns)
        for what, shown in (("options", fact.fingerprint), ("class", fact.vendor_class)):
            if shown:
                self._updates.shows(device, f"{fact.protocol} {what}", shown, ts_ns)

    def stated(self, device: Device, fact: CapabilityStated, ts_ns: int, flow: Flow | None = None) -> None:
        """A device answered a question about itself, to us or, overheard, to somebody else in this flow."""
        page, overheard = self.ledger.page(device.key), flow is not None
        question = f"{fact.api} {fact.question}"
        place = f"{question}{_behind(flow.responder_port)}" if flow is not None else question
        before = (page.overheard if overheard else page.answers).get(place, {})
        difference = self.ledger.answered(page, place, fact.statements, overheard=overheard)
        # A newer catalogue reads more in an old answer: what that held already is not news.
        known = self._vocabulary.declared(fact.api, fact.question, before.items()) if before else []
        mentioned = {(each.capability, each.aspect) for each in known}
        for declaration in self._vocabulary.declared(fact.api, fact.question, fact.statements):
            source = f"{place}: {declaration.identifier}"
            new = not difference.first and (declaration.capability, declaration.aspect) not in mentioned
            self._declare(device, page, declaration, source, ts_ns, flow, asked_before=new, question=place)
        if not difference.first:
            self._unknown(device, page, question, difference, ts_ns, flow)

    def unsupported(self, device: Device, question: str) -> None:
        """A device said that it does not know a question of ours: what it answers to it later is new."""
        self.ledger.unsupported(self.ledger.page(device.key), question)

    def done(
        self, device: Device, capability: str, source: str, ts_ns: int, seen_in: Flow | Contact | None = None
    ) -> None:
        """A device was seen to do this."""
        if self._is_settled(device, capability, ts_ns):
            return
        page = self.ledger.page(device.key)
        row, update = page.rows.get(capability), page.watched_update(ts_ns)
        since_ns = update.started_ns if update is not None else 0
        told_ns = row.exercised.last_ns if row is not None and row.exercised and stands(row, since_ns) else None
        change = self.ledger.exercise(page, capability, source, ts_ns)
        row = page.rows.get(capability)
        if row is None or (change is None and row.state() is not State.CONTRADICTED):
            return
        known = self._vocabulary.capability(capability)
        evidence = evidence_in(device, seen_in)
        if row.state() is State.CONTRADICTED and (told_ns is None or not is_old(row, told_ns, ts_ns)):
            self._telling.tell(
                device, contradiction.detect(device, row, known, capability, evidence, since_ns=since_ns)
            )
        if change is None:
            return
        if update is not None:
            if change.before is None and update.watched_ns >= BEFORE_NS:
                words = f"{known.deed if known else capability} ({source})"
                self._updates.gain(device, update, capability, words, seen_in)
        elif row.state() is not State.CONTRADICTED:
            woken = dormant_function.detect(
                device,
                change,
                known,
                refused=0 < row.refused_ns < ts_ns,
                unasked=capability in deeds.UNASKED,
                since_ns=self.ledger.since_ns,
                evidence=evidence,
            )
            self._telling.tell(device, woken)

    def _is_settled(self, device: Device, capability: str, ts_ns: int) -> bool:
        """Whether it makes no difference that the device was seen to do this once more."""
        page = self.ledger.known(device.key)
        row = page.rows.get(capability) if page is not None else None
        return row is not None and ts_ns < row.settled_ns

    def served(self, flow: Flow, ts_ns: int, *, answered: bool) -> None:
        """A device accepted, or refused, a connection to a port that is a function by itself."""
        device, capability = self._device(flow.responder), deeds.PORTS.get(flow.responder_port)
        if device is None or capability is None:
            return
        if answered:
            self.done(device, capability, f"tcp/{flow.responder_port} answers", ts_ns, flow)
            return
        page = self.ledger.page(device.key)
        row = page.row(capability)
        if row is not None:
            page.changed |= not row.refused_ns
            row.refused_ns = ts_ns

    def failed(self, flow: Flow, device: Device, ts_ns: int) -> None:
        """A TCP connection that the device asked for was refused or not answered."""
        if self._site.reach(flow.responder) is Reach.LOCAL:
            self._searched(
                device, self._searches.failed(device, flow.responder, flow.responder_port, ts_ns), ts_ns, flow
            )

    def sought(self, seeker: Address, target: Address, ts_ns: int) -> None:
        """``seeker`` asks by ARP who has ``target``."""
        device = self._device(seeker)
        if device is not None and device.watched and self._devices.known(target) is None:
            self._searched(device, self._searches.failed(device, target, ARP, ts_ns), ts_ns)

    def _searched(self, device: Device, words: str | None, ts_ns: int, flow: Flow | None = None) -> None:
        if words is not None:
            self.done(device, deeds.SEARCH, words, ts_ns, flow)

    def went(self, contact: Contact, ts_ns: int) -> None:
        """A device goes to a camera cloud, or goes on going there."""
        if not contact.outbound or contact.outcome < ATTEMPTED:
            return
        verdict = contact.verdict
        if contact.p2p is not None or verdict.kind is P2P_CLOUD:
            capability = deeds.P2P
        elif verdict.kind in CLOUDS:
            volume = self._volumes.came(contact, ts_ns)
            if volume is not None:
                self._updates.came(contact.device, volume, ts_ns)
            capability = deeds.VENDOR_CLOUD
        else:
            return
        if self._is_settled(contact.device, capability, ts_ns):  # most often, and then nobody needs the words
            return
        where = text(contact.remote) if contact.remote is not None else verdict.operator
        source = f"goes to {contact.names[0] if contact.names else where} ({verdict.operator})"
        self.done(contact.device, capability, source, ts_ns, contact)

    def exported(self, contact: Contact, service: tuple[int, int], ts_ns: int) -> None:
        """A device reached a service by which it hands something out."""
        if contact.outbound and contact.outcome >= Outcome.ANSWERED:
            to = contact.names[0] if contact.names else contact.verdict.operator
            self.done(contact.device, deeds.EXPORTS[service], f"tcp/{service[1]} of {to}", ts_ns, contact)

    def pushed(self, flow: Flow, octets: int, ts_ns: int) -> None:
        """A connection to a maker's own port of a device is over, in which so much was sent to it."""
        lasted_ns = max(ts_ns - flow.start_ns, WINDOW_NS)
        device = self._device(flow.responder) if octets * WINDOW_NS >= LEAST * lasted_ns else None
        if device is not None:
            words = f"{octets // MIB} MiB from {text(flow.initiator)} on tcp/{flow.responder_port}"
            self._updates.came(device, words, ts_ns, evidence_of(flow, flow.responder))

    def new_destination(self, contact: Contact, others: Iterator[Contact], ts_ns: int) -> None:
        """A device goes where no rule allows it; ``others`` are all its contacts."""
        self._telling.tell(contact.device, self._weaknesses.called(contact, ts_ns))
        page = self.ledger.known(contact.device.key)
        update = page.watched_update(ts_ns) if page is not None else None
        if update is None or contact.first_ns < update.started_ns or update.watched_ns < BEFORE_NS:
            return
        key = contact.verdict.operator_key
        if any(each.verdict.operator_key == key and each.first_ns < update.started_ns for each in others):
            return
        contact.traits = with_one(contact.traits, Trait.AFTER_UPDATE)
        verdict = contact.verdict
        where = contact.names[0] if contact.names else verdict.operator
        law = f", under the law of {verdict.jurisdiction}" if verdict.jurisdiction else ""
        words = f"goes to {where} ({verdict.operator}{law})"
        self._updates.gain(contact.device, update, f"destination {key}", words, contact)

    def standing(self, device: Device, now_ns: int) -> list[Notice]:
        """What is wrong with the firmware that the device runs, for as long as it does."""
        page = self.ledger.known(device.key)
        return self._weaknesses.standing(device, page, now_ns, self.policy.max_age_days(device))

    def updated_before(self, device: Device, ts_ns: int) -> bool:
        """Whether the device's firmware was being changed within a day before this time."""
        page = self.ledger.known(device.key)
        return page is not None and page.watched_update(ts_ns) is not None

    def clock(self, device: Device, remote: Address, ticks: int, ts_ns: int) -> None:
        """What the clock in a TCP segment of the device to ``remote`` stands at, 32 bits."""
        self._updates.clock(device, remote, ticks, ts_ns)

    def tick(self, now_ns: int) -> None:
        """A second is over: devices whose update is under way may have restarted."""
        self.ledger.kept(now_ns)
        self._updates.tick(now_ns)

    def _declare(
        self,
        device: Device,
        page: Page,
        declaration: Declaration,
        source: str,
        ts_ns: int,
        flow: Flow | None,
        *,
        asked_before: bool,
        question: str | None = None,
    ) -> None:
        change = self.ledger.declare(page, declaration, source, ts_ns, asked_before=asked_before, question=question)
        if change is None:
            return
        update = page.watched_update(ts_ns)
        known = self._vocabulary.capability(change.capability)
        switch = change.before is None and change.state_before in (
            State.UNKNOWN,
            State.ABSENT,
        )  # it is there now, and off
        if not change.after and not (update is not None and switch and change.column == Aspect.ENABLED):
            return
        if update is not None:
            words = f"{known.deed if known else change.capability} ({source})"
            self._updates.gain(device, update, change.capability, words, flow)
            return
        evidence = evidence_in(device, flow)
        if change.column == Aspect.SUPPORTED:
            self._telling.tell(device, capability_gained.unexplained(device, change, self._vocabulary, evidence))
        else:
            self._telling.tell(device, dormant_function.detect(device, change, known, refused=False, evidence=evidence))

    def _unknown(
        self, device: Device, page: Page, question: str, difference: Difference, ts_ns: int, flow: Flow | None
    ) -> None:
        """What is new, or on, in an answer and the vocabulary does not know: after an update it is told too.

        Another text in the place of one, such as the version itself, is no function.
        """
        update = page.watched_update(ts_ns)
        if update is None:
            return
        for what, words in news(question, difference, self._vocabulary, {*update.gained}):
            self._updates.gain(device, update, what, words, flow)

    def _track(self, device: Device, flow: Flow, fact: SdpTrack, ts_ns: int) -> None:
        """A description offers a track; one that the same URI's description did not have before is new."""
        described = self._described.get(_connection(flow), _NOT_ASKED)
        if fact.media == "video" and fact.direction == "sendonly" and described is not _NOT_ASKED:
            described = self._described[_connection(flow)] = structs.replace(described, as_sender=True)
        capability = track_capability(fact, as_sender=described.as_sender)
        if capability is None or (capability == deeds.AUDIO_IN and deeds.relays(device)):
            return
        page, uri = self.ledger.page(device.key), described.uri
        first = page.remember("described", uri, page.marks.get("described", {}).get(uri, str(ts_ns)))
        known_before = first is not None and int(first) < ts_ns - SECOND_NS
        offered = page.remember("track", f"{capability} {uri}", "offered") is not None
        source = f"SDP of {uri}: {fact.media}{' ' + fact.codec if fact.codec else ''}"
        supported, enabled = (Declaration(capability, aspect, value=True, identifier=fact.media) for aspect in Aspect)
        new = known_before and not offered
        self.ledger.declare(page, supported, source, ts_ns, asked_before=new)  # that it is on says so too
        self._declare(device, page, enabled, source, ts_ns, flow, asked_before=new)

    def _checked(self, flow: Flow, fact: FirmwareCheck) -> None:
        """A device asks a server for something newer, or is told by its owner to ask."""
        device = flow.device
        if flow.contact is None and fact.via not in ("http", "tftp"):  # an interface of the device that is told to ask
            device = self._device(flow.responder)
        if device is None:
            return
        end = end_of(flow, device)
        host = host_of(fact.uri) or text(flow.responder if end == flow.initiator else flow.initiator)
        self._telling.tell(device, firmware_check.detect(device, fact, host, evidence_of(flow, end)))

    def _describe(self, flow: Flow, uri: str) -> None:
        self._described[_connection(flow)] = _Described(uri.partition("?")[0])
        if len(self._described) > MAX_DESCRIBED:
            self._described.popitem(last=False)
            self._undescribed += 1

    def _device(self, address: Address) -> Device | None:
        """The local host of this address, if it is known."""
        return self._devices.known(address) if self._site.reach(address) is Reach.LOCAL else None


def _behind(port: int) -> str:
    """Recorders and routers show each device behind them at a port of its own."""
    return f" on port {port}" if port not in (0, HTTP_PORT) else ""


def _connection(flow: Flow) -> tuple[Address, int, Address, int]:
    return (flow.initiator, flow.initiator_port, flow.responder, flow.responder_port)
