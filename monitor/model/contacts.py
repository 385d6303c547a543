"""Devices, contacts and the outcome of trying."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.address import presentable

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac
    from monitor.model.flows import Flow
    from monitor.model.incidents import Evidence
    from monitor.model.verdicts import Verdict


class Outcome(IntEnum):
    """How far an attempt got. It only climbs."""

    ASKED = 0
    """The name was looked up, nothing was sent."""
    ATTEMPTED = 1
    """Sent, no answer."""
    REFUSED = 2
    """RST or ICMP error."""
    ANSWERED = 3
    """The other end answered (or acknowledged, on a one-sided mirror)."""
    TRANSFERRED = 4
    """Payload went both ways, or (TCP) the other side acknowledged some that went one way."""

    @property
    def label(self) -> str:
        return self.name.lower()


class DeviceClass(StrEnum):
    """What a device is for. Everything but UNKNOWN and OTHER is watched."""

    CAMERA = "camera"
    RECORDER = "recorder"
    VIEWER = "viewer"
    ANPR = "anpr"
    BODY_WORN = "body_worn"
    DRONE = "drone"
    ENCODER = "encoder"
    OTHER = "other"
    """Configured as none of ours."""
    UNKNOWN = "unknown"


MAX_SERVICES: Final = 64
"""Services kept of one remote end; where there are more, no rule that names a service allows it."""
MAX_SAID: Final = 8
"""Names kept that a device said itself to one remote end."""
OTHERS: Final = "*"
"""Stands for those beyond: only a rule for any name allows it."""
UNWATCHED: Final = frozenset({DeviceClass.OTHER, DeviceClass.UNKNOWN})


class Device:
    """One local host. Owned by enrich.devices; others read it."""

    def __init__(
        self,
        key: str,
        name: str,
        first_ns: int,
        device_class: DeviceClass = DeviceClass.UNKNOWN,
        *,
        configured: bool = False,
        group: str | None = None,
        mac: Mac | None = None,
        addresses: list[Address] | None = None,
        vendor: str | None = None,
        vendor_name: str | None = None,
        model: str | None = None,
        last_ns: int = 0,
    ) -> None:
        self.key = key
        """Inventory name, else MAC, else address; the first key stays."""
        self.name = name
        """What people are told: inventory name, else announced name, else the key."""
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.heard_ns = 0
        """When it was last put at the end of the order of silence; owned by enrich.devices, like what follows."""
        self.seen_s = 0
        """Seconds in which packets from or to it were seen; owned by the engine, like what follows."""
        self.both_s = 0
        """Of these, seconds in which both directions were seen."""
        self.seen_ns = 0
        """The tick that ended the last such second."""
        self.ways = 0
        """Directions seen in that second: 1 from it, 2 to it."""
        self.v4_seen_ns = 0
        """When it last used an IPv4 address."""
        self.v4_address: Address | None = None
        """The IPv4 address that its MAC was last seen with."""
        self.said: tuple[tuple[str, str, str], ...] = ()
        """What it last said of itself: protocol, what about, value; one for each pair of the first two."""
        self.device_class = device_class
        self.watched = device_class not in UNWATCHED
        self.configured = configured
        """In the inventory, so that its name may be a metric label."""
        self.named = configured
        """The user said what it is, in the inventory or by its network: what belongs to it makes room last."""
        self.group = group
        self.label: str | None = None
        """The vendor on the sticker, as configured."""
        self.mac = mac
        self.addresses: list[Address] = addresses or []
        """Newest last, at most limits.addresses_per_device."""
        self.vendor = vendor
        """Catalogue key of the maker, by protocol if it said so, else by OUI."""
        self.vendor_name = vendor_name
        self.vendor_by: str | None = None
        """"protocol", "oui", "dhcp" ...: what the vendor was read from."""
        self.model = model
        self.firmware: str | None = None
        self.name_rank = 0
        """How good the witness of the name is, and of the model and the firmware below; owned by enrich.devices."""
        self.model_rank = 0
        self.firmware_rank = 0
        self.recognised_by: str | None = None
        """What made it a watched device, for people."""
        self.hides_names = False
        """It spoke encrypted DNS, so a name not heard may have been asked for all the same."""
        self.booted_ns: int | None = None
        """A boot was seen on the wire (DHCP discover, address probe)."""
        self.held = 0
        """Contacts that are kept of it; owned by contacts, like what follows."""
        self.dropped = 0
        """Contacts of it that were forgotten for want of room."""
        self.oldest: Contact | None = None
        self.newest: Contact | None = None

    def present(self, tick_ns: int, ways: int) -> None:
        """Packets went these ways (1: from it, 2: to it) in the second before this tick."""
        if self.seen_ns != tick_ns:
            self.seen_ns = tick_ns
            self.seen_s += 1
            self.ways = 0
        if self.ways not in (ways, 3):
            self.ways |= ways
            self.both_s += self.ways == 3

    def classify(self, device_class: DeviceClass) -> None:
        """It is one of these, and so watched or not."""
        self.device_class = device_class
        self.watched = device_class not in UNWATCHED


def address_of(device: Device) -> Address | None:
    """The address that a device is shown with: the one it uses now, as far as anybody saw; None where it has none.

    Which that is its MAC tells for IPv4. Without one a configured device has the first that its user gave.
    """
    if device.v4_address is not None and device.v4_address in device.addresses:
        return device.v4_address
    order = device.addresses[::-1] if device.configured else device.addresses
    return next(iter(presentable(order)), None)


class Trait(StrEnum):
    """What is notable about a contact beyond its operator. Members are incident properties too."""

    FOREIGN = "foreign"
    LITERAL_ADDRESS = "literal_address"
    OWN_RESOLVER = "own_resolver"
    ECH = "ech"
    AFTER_UPDATE = "after_update"
    """It began soon after the device's firmware was changed, and is new to the device."""
    MAPPED_ADDRESS = "mapped_address"
    """A STUN server told the device that this is its own address as seen from outside (RFC 8489, 2).

    So a device finds its own router when it tries the ports beside its own (RFC 5128, 3.3). But whoever answers a
    STUN request can name any address. It is therefore no acquittal: the contact is judged by the policy as any
    other and stays with its counts, it says this beside them, and it weighs less only as long as nothing answers.
    """


FOREIGN: Final = Trait.FOREIGN
UNBELIEVED: Final = frozenset({Trait.LITERAL_ADDRESS, Trait.ECH, Trait.MAPPED_ADDRESS})
"""With one of these a name that only the device says proves nothing."""
NO_TRAITS: Final[frozenset[Trait]] = frozenset()


@cache
def with_one(traits: frozenset[Trait], more: Trait) -> frozenset[Trait]:
    """These and one more. There are 64 sets of traits, and each is kept once for all contacts."""
    return traits | {more}


@cache
def without(traits: frozenset[Trait], less: Trait) -> frozenset[Trait]:
    """These but one."""
    return traits - {less}


class Contact:
    """One device and one remote end. Owned by contacts; detectors and policy read it.

    A contact that was only asked for has ``remote`` None and exactly one name.
    """

    def __init__(
        self,
        device: Device,
        remote: Address | None,
        verdict: Verdict,
        first_ns: int,
        last_ns: int,
        first_id: bytes,
        outcome: Outcome = Outcome.ATTEMPTED,
        *,
        outbound: bool = False,
        names: list[str] | None = None,
    ) -> None:
        self.device = device
        self.remote = remote
        self.verdict = verdict
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.first_id = first_id
        """What the first evidence was: packet time and packet key, for deterministic incident ids."""
        self.outcome = outcome
        self.refused_by: str | None = None
        """Address that refused; "peer" if it was the remote end itself."""
        self.attempts = 0
        self.bytes_out = 0
        self.bytes_in = 0
        self.outbound = outbound
        """The device began it, or speaks a camera cloud's protocol on it."""
        self.names: tuple[str, ...] = tuple(names or ())
        """Best first: SNI or Host, then looked-up names."""
        self.told_names: tuple[str, ...] = ()
        """What DNS told the device is at this address: a name that it says itself is believed if it is among them."""
        self.said_names: tuple[str, ...] = ()
        """What the device said itself, in SNI or Host, since the contact was last quiet; past MAX_SAID, ``OTHERS``."""
        self.name_source: str | None = None
        """"sni", "host", "dns" or None where no name is known."""
        self.services: tuple[tuple[int, int], ...] = ()
        """(IP protocol, remote port), in order of appearance, bounded."""
        self.source: Address | None = None
        """The device's own address in it, as first seen."""
        self.last_source_port = 0
        self.p2p: str | None = None
        """Catalogue key of the P2P network that was spoken."""
        self.encrypted_dns: str | None = None
        """"doh", "dot" or "doq"."""
        self.traits: frozenset[Trait] = NO_TRAITS
        self.invited = False
        """The remote end opened a TCP connection to the device, which answered: a viewer. Datagrams follow from it."""
        self.came: tuple[int, int] | None = None
        """(IP protocol, remote port) of the flow by which the remote end came in, and was answered with payload; None:
        it did not, or nobody saw who began."""
        self.place: tuple[str, bytes | str] = (device.key, b"")
        """What it is found by; fixed when it begins. Owned by contacts."""
        self.used_ns = first_ns
        """When it was last put at the end of the order of use."""
        self.order = -1
        """Which order of use it is in; -1: none, it was forgotten."""
        self.newest_flow: Flow | None = None
        """The last that joined of its flows that live; owned by them."""
        self.older: Contact | None = None
        """Its neighbours in that order, and among its device's own."""
        self.newer: Contact | None = None
        self.older_own: Contact | None = None
        self.newer_own: Contact | None = None
        self.asked = 0
        """How often the name was looked up, where nothing was sent."""
        self.judged: tuple[object, ...] | None = None
        """``state()`` when it was last judged."""
        self.incident: str | None = None
        """Id of the incident that takes this contact's counts; owned by incidents, like what follows."""
        self.shown: tuple[Evidence, tuple[int, int], str | None, Verdict] | None = None
        """Its evidence, and of what it was made."""
        self.told = False
        """An incident has had this contact."""
        self.told_attempts = 0
        self.told_out = 0
        self.told_in = 0
        self.told_asked = 0
        self.kept: tuple[int, int, int, int] = (0, 0, 0, 0)
        """Of these, in the same order, what incidents that are over have kept."""

    def names_in_question(self) -> list[str]:
        """Names that must all be allowed. One that the device says and DNS has told stands for itself.

        A device can say any name to any address, so a name that it says alone does not acquit where DNS told
        another, or where its look-ups would have been heard. Nor does one acquit another that it says to the same end.
        """
        if self.name_source in ("sni", "host") and self.names:
            said = self.said_names or self.names[:1]
            if set(said).issubset(self.told_names):
                return list(said)
            if not self.told_names and self.traits & UNBELIEVED:
                return []
        return list(dict.fromkeys([*self.names, *self.told_names, *self.said_names]))

    def says(self, name: str) -> None:
        """The device said this name itself."""
        if name not in self.said_names and len(self.said_names) <= MAX_SAID:
            self.said_names += (name if len(self.said_names) < MAX_SAID else OTHERS,)

    def state(self) -> tuple[object, ...]:
        """Everything a judgement can depend on. While it is equal only counts have changed."""
        return (
            self.verdict,
            self.outcome,
            self.refused_by,
            self.outbound,
            self.came is not None,
            self.names,
            self.told_names,
            self.said_names,
            self.name_source,
            len(self.services),
            self.p2p,
            self.encrypted_dns,
            without(self.traits, FOREIGN) if self.traits else self.traits,
            self.device.group,
            self.device.vendor,
        )


class Judgement(Struct, frozen=True):
    """What the policy says of one contact."""

    allowed: bool
    rule: str
    """The rule that decided, in words for people."""
    foreign: bool
    """Location or jurisdiction is outside the home countries; False while no home is configured."""
    isolated: bool = False
    """The device belongs to a group that must not leave the site."""
    at_home: bool = False
    """The address is known to be in a home country, and nothing about it is foreign."""
    home_known: bool = False
    """Home countries are configured."""
    core: bool = False
    """The remote end is in a network of the site that is off limits."""
