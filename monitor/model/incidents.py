"""Findings, incidents and their transitions."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.exhibits import FirmwareImage, Packet
from monitor.model.verdicts import Confidence

if TYPE_CHECKING:
    from monitor.model.contacts import Outcome
    from monitor.model.verdicts import Verdict


SHORT_ID: Final = 8
"""Hex digits of an incident's id that people are shown: 32 of its 128 bits."""


class Kind(StrEnum):
    """Kinds of incident. The first ones are in the order in which call-home kinds take precedence."""

    ISOLATION_BROKEN = "isolation_broken"
    CORE_CONTACT = "core_contact"
    P2P_CLOUD = "p2p_cloud"
    VENDOR_CLOUD = "vendor_cloud"
    ENCRYPTED_DNS = "encrypted_dns"
    UNEXPECTED_CONTACT = "unexpected_contact"
    INBOUND_VIEWER = "inbound_viewer"
    NAME_LOOKUP = "name_lookup"
    # Of a device or of the sensor itself, not of one remote end.
    FIRMWARE_UPDATE = "firmware_update"
    FIRMWARE_CHECK = "firmware_check"
    STALE_FIRMWARE = "stale_firmware"
    KNOWN_VULNERABLE = "known_vulnerable"
    EXPLOIT_ATTEMPT = "exploit_attempt"
    CAPABILITY_GAINED = "capability_gained"
    DORMANT_FUNCTION = "dormant_function"
    CONTRADICTION = "contradiction"
    DEVICE_SILENT = "device_silent"
    DEVICE_CHANGED = "device_changed"
    SENSOR_BLIND = "sensor_blind"
    TEST = "test"
    """Of nothing that was seen: somebody tries the ways out."""


class Severity(IntEnum):
    """OCSF severity_id."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        return self.name.lower()


class Finding(Struct, frozen=True):
    """What a detector says of a contact, and how grave it is."""

    kind: Kind
    severity: Severity


class FirmwareChange(Struct, frozen=True):
    """What a device ran before and runs now; None where nothing has said so."""

    before: str | None
    after: str | None


class Notice(Struct, frozen=True):
    """What a detector says of a device, or of the sensor, apart from any contact."""

    kind: Kind
    severity: Severity
    about: str
    """What tells it from another notice of this kind and subject: a cause, an interface."""
    message: str
    """A sentence for people."""
    rule: str
    """The measure that decided, in words for people."""
    confidence: Confidence = Confidence.HIGH
    properties: tuple[str, ...] = ()
    evidences: tuple[Evidence, ...] = ()
    firmware: FirmwareChange | None = None
    capabilities: tuple[str, ...] = ()
    """Keys of the functions it is about, the most sensitive first."""
    news: tuple[str, ...] = ()
    """What else is news when it differs, such as the signs that have come together so far."""
    image: FirmwareImage | None = None
    """A firmware that passed complete."""


class Activity(IntEnum):
    """OCSF activity_id of a Detection Finding."""

    NEW = 1
    UPDATE = 2
    END = 3


class Evidence(Struct, frozen=True, cache_hash=True):
    """One remote end of an incident."""

    device_ip: str
    device_port: int
    remote_ip: str | None
    remote_name: str | None
    remote_port: int
    proto: int
    country: str | None
    network: int | None
    organisation: str | None
    community_id: str | None
    inbound: bool = False
    """The remote end began it."""


class Visibility(Struct, frozen=True):
    """What the sensor could not see while the incident was open."""

    loss_ppm: int = 0
    """Of a million packets that came to the sensor, how many found no room."""
    gaps_s: int = 0
    """Seconds in which nothing could be seen, rounded up."""
    one_sided: bool = False
    """The mirror shows one direction only."""
    evictions: int = 0
    """Flows that made room for others."""
    duplicates: int = 0
    """Packets that the mirror showed twice."""
    clock_steps: int = 0
    """Times that the packets' clock was set."""
    passed_over: int = 0
    """Packets that began flows of hosts that nobody watches, while more came than could be looked at."""
    tcp_loss_ppm: int = 0
    """Of a million octets of TCP whose receiver was seen, how many it acknowledged that never passed here.

    They were lost on their way to the sensor, as where a switch mirrors more than the port can carry, or by the sensor.
    """


class Totals(Struct, frozen=True):
    """What the sensor saw and missed up to a moment; the difference of two is a Visibility."""

    arrived: int = 0
    """Packets that came to the sensor, lost ones included."""
    lost: int = 0
    gaps_ns: int = 0
    one_sided: bool = False
    evictions: int = 0
    duplicates: int = 0
    clock_steps: int = 0
    passed_over: int = 0
    followed: int = 0
    missed: int = 0
    """Octets of TCP that passed here, and that were acknowledged and did not."""

    def since(self, base: Totals) -> Visibility:
        """What was missed from ``base`` until now; one-sided is what the mirror is now."""
        arrived, lost = self.arrived - base.arrived, self.lost - base.lost
        missed = self.missed - base.missed
        sent = self.followed - base.followed + missed
        return Visibility(
            loss_ppm=lost * 1_000_000 // arrived if arrived > 0 else 0,
            gaps_s=-(-(self.gaps_ns - base.gaps_ns) // 1_000_000_000),
            one_sided=self.one_sided,
            evictions=self.evictions - base.evictions,
            duplicates=self.duplicates - base.duplicates,
            clock_steps=self.clock_steps - base.clock_steps,
            passed_over=self.passed_over - base.passed_over,
            tcp_loss_ppm=missed * 1_000_000 // sent if missed > 0 else 0,
        )


class DeviceView(Struct, frozen=True):
    """A device as a message shows it."""

    key: str
    name: str
    label: str
    """Metric label: the inventory name or "other"."""
    device_class: str
    ip: str | None
    mac: str | None
    vendor: str | None
    sticker: str | None
    model: str | None
    firmware: str | None
    group: str | None


class DeviceState(DeviceView, frozen=True, kw_only=True):
    """A device as subscribers are shown it now and then."""

    first_ns: int
    """When it was first seen; 0: never."""
    last_ns: int
    seen_s: int
    """Seconds in which packets from or to it were seen."""
    both_s: int
    """Of these, seconds in which both directions were seen."""
    incidents_open: int = 0
    """Incidents of it that have not ended."""


class Transition(Struct, frozen=True, kw_only=True):
    """One step in an incident's life, whole: what a message is made of."""

    uid: str
    """Of this transition: 32 hex digits, deterministic."""
    incident: str
    """Of the incident: 32 hex digits, deterministic."""
    number: int
    """1 at opening."""
    activity: Activity
    time_ns: int
    kind: Kind
    properties: tuple[str, ...]
    severity: Severity
    message: str
    rule: str
    device: DeviceView
    """Whose doing it is; the sensor itself, where it is about the sensor."""
    confidence: Confidence
    verdict: Verdict | None = None
    """Who the other end is; None where it is about no other end, and so no outcome either."""
    outcome: Outcome | None = None
    refused_by: str | None = None
    attempts: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    foreign: bool = False
    first_ns: int
    last_ns: int
    evidences: tuple[Evidence, ...] = ()
    visibility: Visibility
    merged_into: str | None = None
    firmware: FirmwareChange | None = None
    capabilities: tuple[str, ...] = ()
    packets: tuple[Packet, ...] = ()
    """What led to it, as far as it is kept: in the message are only the name and hash of the file."""
    image: FirmwareImage | None = None
