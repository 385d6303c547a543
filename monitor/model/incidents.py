"""Findings, incidents and their transitions."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from monitor.model.contacts import Outcome
    from monitor.model.verdicts import Verdict


class Kind(StrEnum):
    """Kinds of incident. The first ones are in the order in which call-home kinds take precedence."""

    ISOLATION_BROKEN = "isolation_broken"
    CORE_CONTACT = "core_contact"
    P2P_CLOUD = "p2p_cloud"
    VENDOR_CLOUD = "vendor_cloud"
    ENCRYPTED_DNS = "encrypted_dns"
    UNEXPECTED_CONTACT = "unexpected_contact"
    NAME_LOOKUP = "name_lookup"


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


class Activity(IntEnum):
    """OCSF activity_id of a Detection Finding."""

    NEW = 1
    UPDATE = 2
    END = 3


class Evidence(Struct, frozen=True):
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


class Visibility(Struct, frozen=True):
    """What the sensor could not see while the incident was open."""

    loss_ppm: int = 0
    gaps_s: int = 0
    one_sided: bool = False
    evictions: int = 0
    duplicates: int = 0


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


class Transition(Struct, frozen=True):
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
    verdict: Verdict
    outcome: Outcome
    refused_by: str | None
    attempts: int
    bytes_out: int
    bytes_in: int
    foreign: bool
    first_ns: int
    last_ns: int
    evidences: tuple[Evidence, ...]
    visibility: Visibility
    merged_into: str | None = None
