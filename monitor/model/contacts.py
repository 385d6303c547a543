"""Devices, contacts and the outcome of trying."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac
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
    """Payload went both ways."""

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
UNWATCHED: Final = frozenset({DeviceClass.OTHER, DeviceClass.UNKNOWN})


@dataclass(slots=True, eq=False)
class Device:
    """One local host. Owned by enrich.devices; others read it."""

    key: str
    """Inventory name, else MAC, else address; the first key stays."""
    name: str
    """What people are told: inventory name, else announced name, else the key."""
    first_ns: int
    device_class: DeviceClass = DeviceClass.UNKNOWN
    configured: bool = False
    """In the inventory, so that its name may be a metric label."""
    group: str | None = None
    label: str | None = None
    """The vendor on the sticker, as configured."""
    mac: Mac | None = None
    addresses: list[Address] = field(default_factory=list)
    """Newest last, at most limits.addresses_per_device."""
    vendor: str | None = None
    """Catalogue key of the maker, by protocol if it said so, else by OUI."""
    vendor_name: str | None = None
    vendor_by: str | None = None
    """"protocol", "oui", "dhcp" ...: what the vendor was read from."""
    model: str | None = None
    firmware: str | None = None
    recognised_by: str | None = None
    """What made it a watched device, for people."""
    hides_names: bool = False
    """It spoke encrypted DNS, so a name not heard may have been asked for all the same."""
    booted_ns: int | None = None
    """A boot was seen on the wire (DHCP discover, address probe)."""
    last_ns: int = 0

    @property
    def watched(self) -> bool:
        return self.device_class not in UNWATCHED


class Trait(StrEnum):
    """What is notable about a contact beyond its operator. Members are incident properties too."""

    FOREIGN = "foreign"
    LITERAL_ADDRESS = "literal_address"
    OWN_RESOLVER = "own_resolver"
    ECH = "ech"


@dataclass(slots=True, eq=False)
class Contact:
    """One device and one remote end. Owned by contacts; detectors and policy read it.

    A contact that was only asked for has ``remote`` None and exactly one name.
    """

    device: Device
    remote: Address | None
    verdict: Verdict
    first_ns: int
    last_ns: int
    first_id: bytes
    """What the first evidence was: packet time and packet key, for deterministic incident ids."""
    outcome: Outcome = Outcome.ATTEMPTED
    refused_by: str | None = None
    """Address that refused; "peer" if it was the remote end itself."""
    attempts: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    outbound: bool = False
    """The device began it, or speaks a camera cloud's protocol on it."""
    names: list[str] = field(default_factory=list)
    """Best first: SNI or Host, then looked-up names."""
    told_names: list[str] = field(default_factory=list)
    """What DNS told the device is at this address: a name that it says itself is believed if it is among them."""
    name_source: str | None = None
    """"sni", "host", "dns" or None where no name is known."""
    services: list[tuple[int, int]] = field(default_factory=list)
    """(IP protocol, remote port), in order of appearance, bounded."""
    source: Address | None = None
    """The device's own address in it, as first seen."""
    last_source_port: int = 0
    p2p: str | None = None
    """Catalogue key of the P2P network that was spoken."""
    encrypted_dns: str | None = None
    """"doh", "dot" or "doq"."""
    traits: set[Trait] = field(default_factory=set)
    invited: bool = False
    """The remote end opened a TCP connection to the device, which answered: a viewer. Datagrams follow from it."""
    place: bytes | str = b""
    """What it is found by beside its device; fixed when it begins. Owned by contacts."""
    asked: int = 0
    """How often the name was looked up, where nothing was sent."""
    judged: tuple[object, ...] | None = None
    """``state()`` when it was last judged."""
    incident: str | None = None
    """Id of the incident that takes this contact's counts; owned by incidents, like what follows."""
    told: bool = False
    """An incident has had this contact."""
    told_attempts: int = 0
    told_out: int = 0
    told_in: int = 0
    told_asked: int = 0
    kept: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Of these, in the same order, what incidents that are over have kept."""

    def names_in_question(self) -> list[str]:
        """Names that must all be allowed. One that the device says and DNS has told stands for itself.

        A device can say any name to any address, so a name that it says alone does not acquit where DNS told
        another, or where its look-ups would have been heard.
        """
        if self.name_source in ("sni", "host") and self.names:
            if self.names[0] in self.told_names:
                return self.names[:1]
            if not self.told_names and (Trait.LITERAL_ADDRESS in self.traits or Trait.ECH in self.traits):
                return []
        return list(dict.fromkeys([*self.names, *self.told_names]))

    def state(self) -> tuple[object, ...]:
        """Everything a judgement can depend on. While it is equal only counts have changed."""
        return (
            self.verdict,
            self.outcome,
            self.refused_by,
            self.outbound,
            tuple(self.names),
            tuple(self.told_names),
            self.name_source,
            len(self.services),
            self.p2p,
            self.encrypted_dns,
            tuple(sorted(self.traits - {Trait.FOREIGN})),
            self.device.group,
            self.device.vendor,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
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
