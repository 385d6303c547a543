"""Attribution: whose doing a packet is. Flows and facts in, contacts out.

Strategy: a flow that crosses the site's edge belongs to its local end, whoever began it. The contact takes the
name the device was told for the address, later the one it used itself. Everything a contact may be judged by
is set here; what changed is in ``touched`` until the engine has judged it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, cast, get_args

import cython

from monitor.contacts.contacts import MAX_NAMES
from monitor.contacts.lookups import WAIT_NS
from monitor.enrich.holders import ADDRESSED, FORWARDED
from monitor.enrich.site import Reach
from monitor.model.address import is_address, is_v4, pack, text, unpack
from monitor.model.contacts import DeviceClass, Outcome, Trait, with_one
from monitor.model.facts import (
    DeviceAnnounced,
    DnsAnswer,
    DnsQuery,
    HttpRequest,
    HttpResponse,
    P2pContact,
    PrefixAnnounced,
    ProxyRequest,
    QuicClientHello,
    RtspResponse,
    SdpTrack,
    ServiceBanner,
    StunMessage,
    TlsCertificate,
    TlsClientHello,
)
from monitor.model.limits import Limit, Room
from monitor.model.verdicts import CLOUDS

if not cython.compiled:
    from monitor.contacts.contacts import Contacts, climb, name_it, use_service
    from monitor.contacts.lookups import Lookup, Lookups, is_public_name
    from monitor.enrich.site import Site
    from monitor.model.contacts import Contact, Device
    from monitor.wire.link import octets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.devices import Devices
    from monitor.enrich.names import Names
    from monitor.enrich.operators import Operators
    from monitor.model.address import Address, Mac
    from monitor.model.facts import ClientHello, Fact, Where
    from monitor.model.flows import Flow
    from monitor.model.verdicts import Verdict

LOCAL: Final = Reach.LOCAL
REMOTE: Final = Reach.REMOTE
CORE: Final = Reach.CORE
GROUP: Final = Reach.GROUP
ATTEMPTED: Final = Outcome.ATTEMPTED
ANSWERED: Final = Outcome.ANSWERED
TRANSFERRED: Final = Outcome.TRANSFERRED
"""Members looked up once: each look-up of one costs as much as a call."""
WATCHED_FOR_NS: Final = 24 * 3600 * 1_000_000_000
"""After so long without loss a name that was never heard was never asked for (architecture, call-home)."""
SECOND_NS: Final = 1_000_000_000
INITIAL_HOP_LIMITS: Final = frozenset({64, 128, 255})
"""What hosts send with (RFC 1700 and common practice): a packet that still has it was not forwarded,
and one that has one less was, once: by whoever's MAC it comes with."""
ICMPS: Final = frozenset({1, 58})
ECHO_REPLIES: Final = frozenset({0, 129})
"""Counterparts of echo requests, which stand in the place of the remote port (RFC 792, RFC 4443)."""
TALKS: Final = 4
"""Datagrams of a device that are a conversation: a probe gets one answer, seldom repeated more than twice."""
MAX_MAPPED: Final = 4_096
"""Devices and what a STUN server called their own address: a few for each of as many cameras as a site has."""
TCP: Final = 6
UDP: Final = 17
"""IP protocol numbers (IANA)."""


Reached = Counter[tuple[str | None, str | None, str | None, Outcome]]
"""Attempts of watched devices by inventory name, country, jurisdiction and the outcome they reached."""
Banner = HttpResponse | TlsCertificate | RtspResponse | SdpTrack | ServiceBanner
"""What says who made the device that sent it."""
_BANNERS: Final = frozenset(get_args(Banner))
Moved = Counter[tuple[str | None, str | None, bool]]
"""Frame bytes of watched devices by inventory name, jurisdiction and whether they went out."""


class Attribution:
    """Keeps contacts true while packets pass. No clock: time comes with each call."""

    def __init__(
        self,
        site: Site,
        devices: Devices,
        names: Names,
        catalogue: Catalogue,
        operators: Operators,
        contacts: Contacts,
        lookups: Lookups,
        quiet_ns: int,
    ) -> None:
        """``quiet_ns``: a contact silent for so long begins afresh, as its incident does."""
        self._quiet_ns = quiet_ns
        self.site = site
        self.devices = devices
        self.names = names
        self.contacts = contacts
        self.lookups = lookups
        self._catalogue = catalogue
        self._operators = operators
        self._touched: dict[Contact, None] = {}
        self._counted: dict[Contact, None] = {}
        self._mapped: dict[tuple[str, Address], int] = {}
        """When a device was last told that this is its address as seen from outside, the oldest first."""
        self._unmapped = 0
        self.tallied = False
        """Whether somebody takes the two counts below, as metrics do; a replay has none."""
        self.reached: Reached = Counter()
        self.moved: Moved = Counter()
        self.whole_since_ns = 0
        """Since when nothing was missed, as far as anybody knows: a name asked for before may not have been heard."""
        self.when_forgotten: Callable[[Device], None] | None = None
        """Told of each device that is known no more."""
        devices.when_evicted = self._left

    def limits(self) -> Iterator[Limit]:
        """The room that all that is known of the site and its devices has.

        ``touched`` and ``counted`` need none of their own. What changed is judged after each packet, so that it is no
        more than the contacts that there are and the look-ups that are concluded at once. A contact whose counts alone
        changed was known when they were last taken, or belongs to a flow of the table: each new one takes them.
        """
        for room in (self.site, self.devices, self.names, self.contacts, self.lookups, self._operators):
            yield from room.limits()
        yield Limit(Room.MAPPED_ADDRESSES, MAX_MAPPED, len(self._mapped), self._unmapped)

    def has_news(self) -> bool:
        """Whether a contact changed, or a device was recognised, since these were last taken."""
        return bool(self._touched) or self.devices.has_news()

    def touched(self) -> list[Contact]:
        """Take the contacts that changed since the last call, in the order of change."""
        taken = list(self._touched)
        self._touched.clear()
        return taken

    def counted(self) -> list[Contact]:
        """Take the contacts of which no more than the counts changed since the last call."""
        taken = list(self._counted)
        self._counted.clear()
        return taken

    def take_counts(self) -> tuple[Reached, Moved]:
        """Take attempts by the outcome reached, and frame bytes by direction, since the last call.

        There are none unless ``tallied``.
        """
        taken = self.reached, self.moved
        self.reached, self.moved = Counter(), Counter()
        return taken

    def touch(self, contact: Contact) -> None:
        """Have the contact judged again."""
        self._touched[contact] = None

    def leaves(self, source: Address, destination: Address) -> bool:
        """Whether a packet between these goes from the site to outside."""
        return self.site.reach(source) is LOCAL and self.site.reach(destination) in (REMOTE, CORE)

    def begin(self, flow: Flow, ttl: int, sent: bool) -> None:  # noqa: FBT001  a compiled method takes no keywords
        """A flow begins: find its device and, if it crosses the site's edge, its contact.

        ``sent``: its first packet is the initiator's, so that the initiator's MAC is whose it was sent from.
        """
        self.site.heard(flow.initiator, flow.initiator_mac)
        if flow.initiator_mac != flow.responder_mac:
            self.site.sent_on(flow.responder, flow.initiator_mac)
        here, there = self.site.reach(flow.initiator), self.site.reach(flow.responder)
        elsewhere = here is REMOTE and there is not LOCAL
        if elsewhere and self._is_on_link(flow, ttl) and self.site.learn_address(flow.initiator, flow.initiator_mac):
            here = LOCAL
        if here is REMOTE:
            self.devices.carries_others(flow.initiator_mac, flow.initiator)
        if there is REMOTE:
            self.devices.carries_others(flow.responder_mac, flow.responder)
        if here is LOCAL:
            witness = ADDRESSED if not sent else FORWARDED if ttl + 1 in INITIAL_HOP_LIMITS else None
            flow.device = self.devices.of(flow.initiator, flow.initiator_mac, flow.start_ns, witness)
            crosses = there in (REMOTE, CORE)
            if not crosses:
                flow.peer = self.devices.known(flow.responder)
                if not sent:
                    self.answers(flow, flow.responder_mac, flow.start_ns)
        elif there is LOCAL and here in (REMOTE, CORE):
            flow.outward = False
            # Only what a host sends says which MAC is its own: a packet from outside may be addressed to anybody's.
            flow.device = self.devices.of(flow.responder, None, flow.start_ns)
            crosses = True
        else:
            return
        if crosses:
            told = self.names.of(flow.device.key, flow.remote, flow.start_ns)
            self._attach(flow, told, "dns", flow.start_ns)

    def awaits(self, flow: Flow) -> bool:
        """Whether the other end is local, unknown, and one that the user named: it is known once it sends."""
        return (
            flow.device is not None
            and flow.peer is None
            and flow.contact is None
            and self.site.reach(flow.responder) is LOCAL
            and self.devices.expects(flow.responder, flow.responder_mac)
        )

    def answers(self, flow: Flow, mac: Mac | None, ts_ns: int) -> None:
        """The responder of a local flow sent a packet, with this MAC. What is merely sent to makes no device."""
        if self.awaits(flow):
            flow.peer = self.devices.of(flow.responder, mac, ts_ns)

    def count(self, flow: Flow, attempts: int, sent: int, received: int, ts_ns: int) -> None:
        """Bring the contact up to the flow's totals: attempts of the device, frame bytes from and to it."""
        contact = flow.contact
        if contact is None:
            return
        if flow.outward and attempts > flow.counted_attempts and not (contact.invited and flow.proto == UDP):
            new = attempts - flow.counted_attempts
            contact.attempts += new
            if not contact.outbound:
                contact.outbound = True
                self._use(contact, ts_ns)
            flow.counted_attempts = attempts
            self._reach(contact, ATTEMPTED, new)
        if sent > flow.counted_out:
            if self.tallied:
                self.moved[_label(contact), contact.verdict.jurisdiction, True] += sent - flow.counted_out
            contact.bytes_out += sent - flow.counted_out
            flow.counted_out = sent
        if received > flow.counted_in:
            if self.tallied:
                self.moved[_label(contact), contact.verdict.jurisdiction, False] += received - flow.counted_in
            contact.bytes_in += received - flow.counted_in
            flow.counted_in = received
        self.contacts.use(contact, ts_ns)
        if contact.device.watched:
            self._counted[contact] = None

    def talks(self, flow: Flow, datagrams: int, outcome: Outcome, ts_ns: int) -> None:
        """A UDP flow whose first datagram seen came from outside; the device has sent so many, and so far it got.

        A few only answer a probe. If it keeps talking, it was reached, or the flow is older than the capture.
        """
        if datagrams < TALKS:
            return
        if flow.early:
            self._under_way(flow, outcome)
        else:
            self.came(flow, ts_ns)

    def _under_way(self, flow: Flow, outcome: Outcome) -> None:
        """The device takes part in a UDP flow that is older than the capture.

        From outside a datagram finds a host behind address translation only where that host has opened the way
        (RFC 4787, REQ-8).
        """
        contact = flow.contact
        if contact is None or contact.outbound or contact.invited:
            return
        if contact.source is not None and unpack(contact.source).is_private:
            contact.outbound = True
            flow.reached = max(flow.reached, int(outcome))
            climb(contact, outcome)
            self._use(contact, contact.last_ns)

    def outcome(self, flow: Flow, outcome: Outcome, ts_ns: int, refused_by: Address | None = None) -> None:
        """The flow got this far. ``refused_by``: who said no, if it was not the other end."""
        contact = flow.contact
        if contact is None:
            return
        flow.reached = max(flow.reached, int(outcome))
        invited = contact.invited and flow.proto == UDP  # media that the other end asked for over TCP
        if flow.outward:
            if not invited:
                self._reach(contact, outcome, 1)
            if outcome >= ANSWERED and not invited:
                contact.outbound = True  # begun before we looked, but begun by the device
        elif flow.proto == TCP and outcome >= TRANSFERRED:
            contact.invited = True
        by = "peer" if refused_by is None or refused_by == contact.remote else text(refused_by)
        if (flow.outward and not invited) or contact.p2p is not None:
            climb(contact, outcome, by)
        self._use(contact, ts_ns)

    def came(self, flow: Flow, ts_ns: int) -> None:
        """A flow that the remote end began, as was seen; the device, which began none there, answered with payload."""
        contact = flow.contact
        if contact is None or flow.outward or contact.outbound or contact.came is not None:
            return
        contact.came, contact.last_source_port = (flow.proto, flow.remote_port), flow.device_port
        climb(contact, TRANSFERRED)
        self._use(contact, ts_ns)

    def fact(self, flow: Flow, direction: int, fact: Fact, ts_ns: int, cut: bool) -> None:  # noqa: FBT001  a compiled method takes no keywords
        """A parser reported this; direction 0 is from the side that began the flow. ``cut``: not all was captured."""
        # Types are compared as they are: asking whether it is an instance calls the metaclass of all facts each time.
        sender: Address = flow.initiator if direction == 0 else flow.responder
        sender_mac: Mac | None = flow.initiator_mac if direction == 0 else flow.responder_mac
        from_device = flow.device is not None and (direction == 0) == flow.outward
        if type(fact) is DnsQuery:
            if from_device and flow.device is not None:
                self._asked(flow, flow.device, fact, ts_ns, _first_id(flow, sender))
        elif type(fact) is DnsAnswer:
            if flow.device is not None and not from_device:
                self._told(flow.device, fact, ts_ns, cut)
        elif type(fact) is TlsClientHello or type(fact) is QuicClientHello:
            if from_device:
                self._hello(flow, fact, ts_ns)
        elif type(fact) is HttpRequest:
            if from_device and fact.host and not is_address(fact.host):
                self._requested(flow, fact, fact.host, ts_ns, _first_id(flow, sender))
        elif type(fact) is ProxyRequest:
            if from_device:
                self._proxied(flow, fact.host, ts_ns, _first_id(flow, sender))
        elif type(fact) is StunMessage:
            if fact.mapped is not None and fact.message_class == "success" and flow.device is not None:
                self._seen_as(flow, flow.device, fact.mapped, from_device, ts_ns)
        elif type(fact) is P2pContact:
            self._p2p(flow, fact, sender, sender_mac, ts_ns)
        elif type(fact) in _BANNERS:
            self._banner(cast("Banner", fact), sender, sender_mac, ts_ns)

    def announced(
        self, fact: DeviceAnnounced | PrefixAnnounced, source: Address | None, mac: Mac | None, ts_ns: int
    ) -> Device | None:
        """A host, or a router, said something about itself or its link; the device that it is about."""
        if isinstance(fact, PrefixAnnounced):
            sender = self.devices.with_mac(mac) if mac is not None else None
            if sender is None or not sender.watched:  # a camera does not say what our network is
                self.site.learn_prefix(fact.prefix)
            return None
        about = pack(fact.address) if fact.address is not None else source
        if about is not None and self.site.reach(about) is REMOTE:
            return None
        if about is not None and self.site.reach(about) is GROUP:
            source = None
        return self.devices.learn(fact, source, mac, ts_ns)

    def device_of(self, where: Where) -> Device | None:
        """The local device that a fact without a flow is about."""
        for address in (where.src, where.dst):
            device = self.devices.known(address)
            if device is not None:
                return device
        return self.devices.with_mac(where.src_mac) if where.src_mac is not None else None

    def conclude(self, lookups: Iterable[Lookup]) -> None:
        """Names whose time is over: those that nothing followed become contacts that were only asked for."""
        for lookup in lookups:
            if self._followed(lookup):
                continue
            contact = self.contacts.find(lookup.device, lookup.name)
            if contact is None:
                outside = [each for each in lookup.addresses if self.site.reach(each) is REMOTE]
                address = outside[0] if outside else None
                verdict = self._operators.resolve(address, (lookup.name,), None, name_is_proof=True, contacted=False)
                if self._stays_here(lookup) and verdict.kind not in CLOUDS:
                    continue
                contact = self.contacts.begin(
                    lookup.device, None, lookup.name, verdict, lookup.asked_ns, lookup.first_id
                )
                contact.name_source = "dns"
            contact.asked += lookup.times
            self._use(contact, lookup.last_ns)

    def _stays_here(self, lookup: Lookup) -> bool:
        """The name is one of the site's own: all its addresses are here."""
        here = (LOCAL, CORE)
        return bool(lookup.addresses) and all(self.site.reach(address) in here for address in lookup.addresses)

    def _followed(self, lookup: Lookup) -> bool:
        for address in lookup.addresses:
            contact = self.contacts.find(lookup.device, address)
            if contact is not None and contact.last_ns + SECOND_NS >= lookup.asked_ns:
                return True
        return False

    def _use(self, contact: Contact, ts_ns: int) -> None:
        self.contacts.use(contact, ts_ns)
        if contact.device.watched:
            self._touched[contact] = None

    def _attach(self, flow: Flow, names: list[str], source: str, ts_ns: int) -> None:
        """Give the flow the contact that these names belong to, and the contact the names."""
        assert flow.device is not None  # noqa: S101  only flows of a device are attached
        remote, present = flow.remote, flow.contact
        self.site.called(remote)
        contact = present or self.contacts.find(flow.device, remote)
        news = contact is None
        if contact is not None and ts_ns - contact.last_ns >= self._quiet_ns:
            contact.outcome, contact.refused_by = ATTEMPTED, None  # what was before is another incident
            contact.invited, contact.came, contact.said_names = False, None, ()
        if contact is None:
            contact = self._begin(flow, names, source, ts_ns, False)  # noqa: FBT003
        elif names and (names[0] not in contact.names or source != "dns"):
            known = [*names, *contact.names] if source == "dns" else names[:1]
            verdict = self._verdict(remote, known, contact.p2p, contact.told_names)
            same = verdict.operator_key == contact.verdict.operator_key
            if same or not contact.names or (present is not None and _only_of(flow, present)):
                if name_it(contact, names[0], source):
                    contact.verdict = verdict
                    news = True
            else:
                news = True
                contact = self.contacts.find(flow.device, remote, verdict.operator_key)
                if contact is None:
                    contact = self._begin(flow, names, source, ts_ns, True)  # noqa: FBT003
                elif name_it(contact, names[0], source):
                    contact.verdict = verdict
        if contact is not present:
            self._move(flow, contact)
        if source == "dns":
            self._tell(contact, names)
        asks = flow.proto not in ICMPS or flow.remote_port in ECHO_REPLIES
        if flow.outward and asks and use_service(contact, flow.proto, flow.remote_port):
            news = True
        if news and contact.encrypted_dns is None and flow.outward:
            name = contact.names[0] if contact.names else None
            contact.encrypted_dns = self._catalogue.encrypted_dns_of(
                name, remote, port=flow.remote_port, proto=flow.proto
            )
            flow.device.hides_names |= contact.encrypted_dns is not None
        self._use(contact, ts_ns)

    def _tell(self, contact: Contact, names: list[str]) -> None:
        """DNS told the device these names for the contact's address."""
        for name in names[:MAX_NAMES]:
            if name not in contact.told_names and len(contact.told_names) < MAX_NAMES:
                contact.told_names += (name,)

    def _requested(self, flow: Flow, fact: HttpRequest, host: str, ts_ns: int, first_id: bytes) -> None:
        """The device asked a web server for this host, or a proxy of the site to fetch from it (RFC 9112, 3.2)."""
        proxied = fact.method == "CONNECT" or fact.uri.lower().startswith(("http://", "https://"))
        if flow.contact is not None:
            self._attach(flow, [host], "host", ts_ns)
        elif proxied:
            self._proxied(flow, host, ts_ns, first_id)

    def _proxied(self, flow: Flow, host: str, ts_ns: int, first_id: bytes) -> None:
        """The device asked a proxy of the site for this host: it is the proxy that goes there."""
        if flow.contact is None and flow.device is not None and is_public_name(host):
            self._look_up(flow.device, host, ts_ns, first_id)

    def _begin(self, flow: Flow, names: list[str], source: str, ts_ns: int, further: bool) -> Contact:  # noqa: FBT001  as above
        assert flow.device is not None  # noqa: S101  only flows of a device are attached
        device, remote = flow.device, flow.remote
        verdict = self._verdict(remote, names, None, ())
        first_id = remote + _ports(flow.remote_port, flow.device_port)
        contact = self.contacts.begin(device, remote, None, verdict, ts_ns, first_id, further=further)
        contact.source = flow.initiator if flow.outward else flow.responder
        contact.last_source_port = flow.device_port
        if names:
            name_it(contact, names[0], source)
        if self._is_mapped(device, remote, ts_ns):
            contact.traits = with_one(contact.traits, Trait.MAPPED_ADDRESS)
        elif not names and self._would_have_heard(device, ts_ns):
            contact.traits = with_one(contact.traits, Trait.LITERAL_ADDRESS)
        return contact

    def _verdict(self, remote: Address, names: Sequence[str], p2p: str | None, told: tuple[str, ...]) -> Verdict:
        """Who that is. A name that the device says is proof only where DNS has told it too."""
        proof = bool(names) and names[0] in told
        return self._operators.resolve(remote, tuple(names), p2p, name_is_proof=proof)

    def _reach(self, contact: Contact, outcome: Outcome, attempts: int) -> None:
        if not self.tallied or not contact.device.watched:
            return
        verdict = contact.verdict
        self.reached[_label(contact), verdict.location, verdict.jurisdiction, outcome] += attempts

    def _move(self, flow: Flow, contact: Contact) -> None:
        """What this flow brought its contact belongs to another one."""
        old = flow.contact
        flow.join(contact)
        if old is None:
            return
        old.attempts -= flow.counted_attempts
        old.bytes_out -= flow.counted_out
        old.bytes_in -= flow.counted_in
        contact.attempts += flow.counted_attempts
        contact.bytes_out += flow.counted_out
        contact.bytes_in += flow.counted_in
        contact.outbound = contact.outbound or old.outbound
        if flow.outward or contact.outbound:  # not what other flows reached under the name that the old one has
            climb(contact, min(old.outcome, Outcome(flow.reached)), old.refused_by)
        self._use(old, old.last_ns)

    def _would_have_heard(self, device: Device, ts_ns: int) -> bool:
        if device.hides_names:
            return False
        if device.booted_ns is not None and self.whole_since_ns <= device.booted_ns <= ts_ns:
            return True
        return ts_ns - max(device.first_ns, self.whole_since_ns) >= WATCHED_FOR_NS and not self.names.evicted

    def _left(self, device: Device) -> None:
        """The device was forgotten. If nobody watches it, flows that wait for an answer need not remember it either."""
        for contact in self.contacts.forget_all(device):
            while not device.watched and contact.newest_flow is not None:
                flow: Flow = contact.newest_flow
                flow.leave()
                flow.device = None
        if self.when_forgotten is not None:
            self.when_forgotten(device)

    def _asked(self, flow: Flow, device: Device, fact: DnsQuery, ts_ns: int, first_id: bytes) -> None:
        if flow.contact is not None:
            flow.contact.traits = with_one(flow.contact.traits, Trait.OWN_RESOLVER)
            self._use(flow.contact, ts_ns)
        if is_public_name(fact.name) and self.site.reach(flow.responder) is not GROUP:
            self._look_up(device, fact.name, ts_ns, first_id)

    def _look_up(self, device: Device, name: str, ts_ns: int, first_id: bytes) -> None:
        crowded_out = self.lookups.asked(device, name, ts_ns, first_id)
        if crowded_out is not None:
            self.conclude([crowded_out])

    def _told(self, device: Device, fact: DnsAnswer, ts_ns: int, cut: bool) -> None:  # noqa: FBT001  as above
        if cut:  # addresses may be missing, so nobody can say that nothing followed
            for name in (fact.name, *fact.cname):
                self.lookups.forget(device, name)
        addresses = [pack(address) for address in fact.addresses]
        until_ns = ts_ns + fact.ttl * SECOND_NS
        for address in addresses:
            self.names.learn(device.key, fact.name, address, until_ns)
        self.lookups.answered(device, fact.name, fact.rcode, addresses, fact.cname, max(until_ns, ts_ns + WAIT_NS))

    def _hello(self, flow: Flow, fact: ClientHello, ts_ns: int) -> None:
        if flow.contact is None:
            return
        if fact.ech:
            flow.contact.traits = with_one(flow.contact.traits, Trait.ECH)
        if fact.sni:
            self._attach(flow, [fact.sni], "sni", ts_ns)
            if fact.ech:
                flow.contact.traits = with_one(flow.contact.traits, Trait.ECH)
        self._use(flow.contact, ts_ns)

    def _seen_as(self, flow: Flow, device: Device, mapped: str, from_device: bool, ts_ns: int) -> None:  # noqa: FBT001  as above
        """A server that the device asked says which address it was seen with (RFC 8489, 2), "address port"."""
        address = pack(mapped.partition(" ")[0])
        if from_device or not flow.outward or address == flow.remote or self.site.reach(address) is not REMOTE:
            return
        self._mapped.pop((device.key, address), None)
        self._mapped[device.key, address] = ts_ns
        if len(self._mapped) > MAX_MAPPED:
            del self._mapped[next(iter(self._mapped))]
            self._unmapped += 1
        contact = self.contacts.find(device, address)
        if contact is not None:
            contact.traits = with_one(contact.traits, Trait.MAPPED_ADDRESS)
            self._use(contact, contact.last_ns)

    def _is_mapped(self, device: Device, remote: Address, ts_ns: int) -> bool:
        """Whether it was told so since a contact that was silent as long would begin afresh."""
        told_ns = self._mapped.get((device.key, remote))
        return told_ns is not None and ts_ns - told_ns < self._quiet_ns

    def _p2p(self, flow: Flow, fact: P2pContact, sender: Address, mac: Mac | None, ts_ns: int) -> None:
        if fact.role == "device" and self.site.reach(sender) is LOCAL:
            device = self.devices.of(sender, mac, ts_ns)
            row = self._catalogue.p2p(fact.network)
            self.devices.recognise(device, DeviceClass.CAMERA, f"speaks {row.name if row else fact.network}")
        contact = flow.contact
        if contact is None or contact.p2p is not None:
            return
        contact.p2p = fact.network
        contact.outbound = True
        contact.verdict = self._verdict(flow.remote, contact.names, contact.p2p, contact.told_names)
        self._use(contact, ts_ns)

    def _banner(self, fact: Banner, sender: Address, mac: Mac | None, ts_ns: int) -> None:
        if self.site.reach(sender) is not LOCAL or (mac is not None and self.devices.routes(mac)):
            return  # behind a router's address may be anybody's server
        if isinstance(fact, ServiceBanner):
            self.devices.greeted(fact, sender, mac, ts_ns)
        vendor = None
        if isinstance(fact, HttpResponse | RtspResponse):
            vendor = self._catalogue.vendor_of_banner(server=fact.server, realm=fact.realm)
        elif isinstance(fact, TlsCertificate):
            vendor = self._catalogue.vendor_of_banner(certificate_subject=fact.subject)
        else:
            for mark in _marks(fact):
                vendor = vendor or self._catalogue.vendor_of_banner(server=mark)
        if vendor is not None:
            device = self.devices.of(sender, mac, ts_ns)
            self.devices.speaks(device, vendor, f"banner of {vendor.name}")

    def _is_on_link(self, flow: Flow, ttl: int) -> bool:
        """A global IPv6 source that a known host's MAC sent and nobody forwarded."""
        return (
            not is_v4(flow.initiator)
            and ttl in INITIAL_HOP_LIMITS
            and flow.initiator_mac is not None
            and self.devices.is_host(flow.initiator_mac)
        )


def _marks(fact: SdpTrack | ServiceBanner) -> list[str]:
    """What the sender of this says of itself. A client may say what it looks for."""
    if isinstance(fact, SdpTrack):
        return [mark for mark in (fact.session, fact.tool, *fact.marks) if mark]
    return [fact.text] if fact.text and fact.role != "client" else []


def _first_id(flow: Flow, sender: Address) -> bytes:
    """What tells the evidence of a look-up from others: who asked, and the flow's ports."""
    return sender + _ports(flow.initiator_port, flow.responder_port)


def _ports(first: int, second: int) -> bytes:
    return octets(0, first << 16 | second, 4)


def _label(contact: Contact) -> str | None:
    """The device's name if it is in the inventory: a set that no packet can enlarge."""
    return contact.device.name if contact.device.configured else None


def _only_of(flow: Flow, contact: Contact) -> bool:
    """Whether the contact has nothing but what this flow brought."""
    brought = (flow.counted_attempts, flow.counted_out, flow.counted_in)
    return brought == (contact.attempts, contact.bytes_out, contact.bytes_in)
