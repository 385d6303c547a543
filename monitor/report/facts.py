"""Facts: what the report says, before anything is put into words.

Strategy: a figure that the journal holds for a whole life only is cut down to what must hold for the part of it that
was asked for: seen seconds are at least, gaps at most. What cannot be bounded so is not known.
"""

from __future__ import annotations

from datetime import tzinfo
from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.model.capabilities import Sensitivity, State
from monitor.model.contacts import DeviceClass, Outcome
from monitor.model.incidents import Severity
from monitor.model.verdicts import OperatorKind

if TYPE_CHECKING:
    from monitor.ledger.firmware import Version
    from monitor.ledger.updates import Update
    from monitor.model.capabilities import Claim


class Certainty(IntEnum):
    """How much it means that something was not seen."""

    UNKNOWN = 0
    """Nothing."""
    WEAK = 1
    """Little: the device was seen too rarely, or too much was lost."""
    GOOD = 2


class Span(Struct, frozen=True):
    """From when until when."""

    begin_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        return max(0, self.end_ns - self.begin_ns)

    def meets(self, first_ns: int, last_ns: int) -> bool:
        """Whether any of that was in this time."""
        return first_ns <= self.end_ns and last_ns >= self.begin_ns


class Losses(Struct, frozen=True):
    """What the sensor could not see in all its time."""

    live: bool
    """It had an account of what came in; False: it read files, and what those lack nobody knows."""
    arrived: int
    lost: int
    gaps_ns: int
    duplicates: int
    flow_evictions: int
    passed_over: int
    clock_steps: int
    contacts_forgotten: int
    devices_forgotten: int
    devices_unwatched: int
    """Times that a host like a camera was left out for want of room."""
    followed: int = 0
    missed: int = 0
    """Octets of TCP that passed here, and that were acknowledged by their receivers and did not."""

    @property
    def ppm(self) -> int:
        """Of a million packets that came, how many were lost, rounded up."""
        return -(-self.lost * 1_000_000 // self.arrived) if self.arrived else 0

    @property
    def tcp_ppm(self) -> int:
        """Of a million octets of TCP, how many never passed here, rounded up."""
        return -(-self.missed * 1_000_000 // (self.followed + self.missed)) if self.missed else 0


class Coverage(Struct, frozen=True):
    """How well one device was watched in the time that the report speaks of."""

    span: Span | None
    """From when it was first seen until it was last seen, as far as that was asked for; None: it was not."""
    listened_ns: int | None
    """Of it, the least in which the sensor was listening; None: nobody knows."""
    seen_s: int
    """Of it, the least number of seconds in which the device was seen, and in both directions."""
    both_s: int
    loss_ppm: int | None
    """Of a million packets, how many were lost in all the sensor's time; None: nobody knows."""
    certainty: Certainty
    reasons: tuple[str, ...]
    """Why it is no better, each half a sentence."""


class End(Struct, frozen=True):
    """An operator in a country whom a device had to do with."""

    operator: str
    kind: OperatorKind
    country: str | None
    network: int | None
    organisation: str | None
    jurisdiction: str | None
    outbound: bool
    """The device began it."""
    invited: bool
    """The other end began it."""
    outcome: Outcome
    refused_by: str | None
    attempts: int
    asked: int
    bytes_out: int
    bytes_in: int
    addresses: tuple[str, ...]
    names: tuple[str, ...]
    services: tuple[tuple[int, int], ...]
    encrypted_dns: bool
    core: bool
    """It is on the site, in a network that is off limits."""
    foreign: bool | None
    """None: nobody knows where it is, or there is no home country."""
    told: bool
    """An incident speaks of it; False: the policy allows it."""
    whole: bool
    """All of it was in the time that the report speaks of; False: the figures may be of more."""
    first_ns: int
    last_ns: int


class Function(Struct, frozen=True):
    """One function of one device."""

    key: str
    name: str
    sensitivity: Sensitivity
    state: State
    claims: tuple[tuple[str, Claim], ...]
    """Column and what it says."""


class Missed(Struct, frozen=True):
    """What an incident's newest message says that was not seen while it was open."""

    loss_ppm: int = 0
    gaps_s: int = 0
    one_sided: bool = False
    evictions: int = 0
    tcp_loss_ppm: int = 0
    """Of a million octets that TCP carried, how many never passed the sensor."""


class Incident(Struct, frozen=True):
    """An incident as its newest message tells it."""

    uid: str
    device: str
    """Name, as the message has it."""
    kind: str
    title: str
    severity: Severity
    message: str
    first_ns: int
    last_ns: int
    open: bool
    outward: bool
    """It is about another end."""
    operator: str | None
    attempts: int
    missed: Missed


class DeviceFacts(Struct, frozen=True):
    """All that the report says of one device."""

    name: str
    device_class: DeviceClass
    made_by: str
    mac: str | None
    addresses: tuple[str, ...]
    recognised_by: str | None
    firmware: str | None
    first_ns: int
    last_ns: int
    coverage: Coverage
    ends: tuple[End, ...]
    """Those it tried first, with the most attempts first."""
    functions: tuple[Function, ...]
    """What a reader looks for first comes first."""
    versions: tuple[Version, ...]
    updates: tuple[Update, ...]
    incidents: tuple[Incident, ...]


class Known(Struct, frozen=True):
    """What makers' own services were looked for by."""

    names: int
    """Names and addresses of theirs."""
    makers: int


class SiteFacts(Struct, frozen=True):
    """All that the report says."""

    sensor: str
    version: str
    home: tuple[str, ...]
    known: Known
    zone: tzinfo
    asked: tuple[int | None, int | None]
    """From when until when the report was asked for; None: from the beginning, until the end."""
    span: Span | None
    """What of it the journal knows of; None: nothing."""
    losses: Losses | None
    """None: the journal does not say."""
    one_sided: bool
    """A message of this time says that the mirror showed one direction only."""
    devices: tuple[DeviceFacts, ...]
    others: tuple[Incident, ...]
    """Incidents of the sensor itself, and of devices that are known no more."""
    days: tuple[tuple[int, Outcome, int], ...]
    """Day (as date.toordinal counts), outcome, attempts against the policy that were told on it."""
    damaged: int
    """Rows of the journal that cannot be read."""
    unlisted: int
    """Devices beyond what one report has room for."""
    forgotten_ns: int | None = None
    """When the newest message was told that was deleted for its age; None: none was."""
