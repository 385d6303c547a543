"""Records: devices, contacts, flows, lookups, names and incidents as bytes.

Each is MessagePack, for addresses and ids are bytes and JSON would need an encoding of its own for them; as arrays,
since there are tens of thousands of rows of one shape. The first element is the version; a CRC-32 (IEEE 802.3)
before it all tells a damaged row from one that another version wrote.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Hashable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from monitor.ledger.ledger import Page
from monitor.model.contacts import DeviceClass, Outcome, Trait
from monitor.model.incidents import DeviceView, Evidence, Kind, Notice, Severity, Totals
from monitor.model.verdicts import Verdict

CHECK: Final = 4
"""Bytes of the CRC-32."""

T = TypeVar("T", bound="Record")


Said = tuple[int, int, tuple[str, ...], tuple[str, ...], str, int, int, int]
"""Incident.state() when it was last told."""


class Damaged(Exception):  # noqa: N818  it says what the row is
    """The bytes are not those that were written."""


class Foreign(Exception):  # noqa: N818  likewise
    """The bytes are whole, and no record of this version."""


class Record(Struct, frozen=True, array_like=True, gc=False):
    """Base of all that is kept: no record is part of a cycle.

    A field may be added at the end, with a default; anything else is a new ``tag``.
    """


class DeviceRecord(Record, frozen=True, gc=False, tag=1):
    """A device without what the configuration says of it."""

    key: str
    name: str
    first_ns: int
    last_ns: int
    v4_seen_ns: int
    device_class: DeviceClass
    recognised_by: str | None
    mac: bytes | None
    addresses: tuple[bytes, ...]
    vendor: str | None
    vendor_name: str | None
    vendor_by: str | None
    model: str | None
    firmware: str | None
    ranks: tuple[int, int, int]
    """Of the name, the model and the firmware."""
    hides_names: bool
    booted_ns: int | None
    seen: tuple[int, int, int]
    """Seconds in which it was seen, and in both directions; and the tick that ended the last of them."""
    v4_address: bytes | None
    said: tuple[tuple[str, str, str], ...]
    """What it last said of itself: protocol, what about, value."""
    dropped: int | None = None
    """Contacts of it that were forgotten for want of room; None: nobody counted."""


class FlowRecord(Record, frozen=True, gc=False, tag=1):
    """A flow that lives, of one contact."""

    initiator: bytes
    responder: bytes
    initiator_port: int
    responder_port: int
    proto: int
    vlan: tuple[int, ...]
    initiator_mac: bytes | None
    responder_mac: bytes | None
    start_ns: int
    outward: bool
    early: bool
    heard: bool
    opened: int
    accepted: int
    counted: tuple[int, int, int]
    """Bytes out, bytes in and attempts that the contact has of it."""
    which: int
    columns: tuple[int, ...]
    """As FlowTable.record gives them."""


class ContactRecord(Record, frozen=True, gc=False, tag=1):
    """A contact with its flows."""

    device: str
    place: bytes | None
    """Its place but for the device; None: its only name."""
    remote: bytes | None
    verdict: Verdict
    first_ns: int
    last_ns: int
    used_ns: int
    first_id: bytes
    outcome: Outcome
    refused_by: str | None
    counts: tuple[int, int, int, int]
    """Attempts, bytes out, bytes in, and how often it was asked for."""
    told: tuple[int, int, int, int] | None
    """Of these, what incidents have had; None: no incident has had this contact."""
    kept: tuple[int, int, int, int]
    incident: str | None
    judged: bool
    """It has not changed since it was judged."""
    outbound: bool
    invited: bool
    names: tuple[str, ...]
    told_names: tuple[str, ...]
    name_source: str | None
    services: tuple[tuple[int, int], ...]
    source: bytes | None
    last_source_port: int
    p2p: str | None
    encrypted_dns: str | None
    traits: frozenset[Trait]
    flows: tuple[FlowRecord, ...]
    came: tuple[int, int] | None = None
    said_names: tuple[str, ...] = ()


class LookupRecord(Record, frozen=True, gc=False, tag=1):
    """A name that was asked for and waits to see what follows."""

    device: str
    name: str
    asked_ns: int
    last_ns: int
    first_id: bytes
    times: int
    rcode: str | None
    addresses: tuple[bytes, ...]


class NamesRecord(Record, frozen=True, gc=False, tag=1):
    """Names that DNS told a device for an address."""

    device: str
    address: bytes
    names: tuple[tuple[str, int], ...]
    """Each with when it expires, the oldest first."""


class IncidentRecord(Record, frozen=True, gc=False, tag=1):
    """An open incident."""

    uid: str
    key: tuple[str, str]
    kind: Kind
    device_name: str
    verdict: Verdict
    severity: Severity
    rule: str
    first_ns: int
    last_ns: int
    outcome: Outcome
    refused_by: str | None
    base: Totals | None
    properties: tuple[str, ...]
    counts: tuple[int, int, int, int, int]
    """Attempts, bytes out, bytes in, contacts, and how often its names were asked for."""
    ends: int
    countries: tuple[str, ...]
    evidences: tuple[Evidence, ...]
    best: tuple[str, bytes | None, str] | None
    """Place of its best contact: device, place, and the name where there is no place."""
    best_gone: ContactRecord | None
    """That contact itself, where it is known no more."""
    number: int
    said: Said | None
    said_counts: tuple[int, ...]


class AlarmRecord(Record, frozen=True, gc=False, tag=1):
    """An open alarm."""

    uid: str
    device: DeviceView
    notice: Notice
    first_ns: int
    last_ns: int
    base: Totals | None
    times: int
    number: int
    held: bool
    """Its detector keeps it open."""


class PageRecord(Record, frozen=True, gc=False, tag=1):
    """A device's page of the ledger."""

    page: Page


class SiteRecord(Record, frozen=True, gc=False, tag=1):
    """What was learnt of the site."""

    prefixes: tuple[str, ...]
    own: tuple[tuple[bytes, bytes], ...]
    called: tuple[bytes, ...]
    routers: tuple[bytes, ...]
    carried: tuple[tuple[bytes, bytes], ...]


class EngineRecord(Record, frozen=True, gc=False, tag=1):
    """Where the engine was, and what it had counted."""

    now_ns: int
    first_ns: int
    last_packet_ns: int
    scanner: tuple[int, ...]
    """As Scanner.counters gives them."""
    counts: dict[str, int]
    """Fields of hearing.Counts."""
    malformed: dict[str, int]
    rooms: dict[str, int]
    """What each room turned away."""
    sight: tuple[int, int, int, int]
    """Packets that came, packets lost, nanoseconds of gaps, steps of the clock."""
    whole_since_ns: int = 0
    ledger_since_ns: int = -1
    """Since when nothing of the ledger was lost; -1: it was written by a version that kept none."""


class MetricsRecord(Record, frozen=True, gc=False, tag=1):
    """Counters of the metrics that nothing else remembers."""

    lasting: tuple[tuple[str, tuple[str, ...], int], ...]
    """As Metrics.lasting gives them."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_RECORDS: Final[tuple[type[Record], ...]] = (
    DeviceRecord,
    ContactRecord,
    LookupRecord,
    NamesRecord,
    IncidentRecord,
    AlarmRecord,
    PageRecord,
    SiteRecord,
    EngineRecord,
    MetricsRecord,
)
_DECODERS: Final[dict[type[Record], Any]] = {kind: msgspec.msgpack.Decoder(kind) for kind in _RECORDS}


PREFIX: Final = "engine/"
"""Of every row's name."""


def name_of(kind: str, key: Hashable) -> str:
    """The name of a row: short and of one length, since there are many, whatever the key has in it."""
    return f"{PREFIX}{kind}/{hashlib.blake2b(repr(key).encode(), digest_size=12).hexdigest()}"


def encode(record: Record) -> bytes:
    """The record as it is kept."""
    body = _ENCODER.encode(record)
    return zlib.crc32(body).to_bytes(CHECK, "big") + body


def decode(kind: type[T], row: bytes) -> T:
    """The record that was kept.

    Raises:
        Damaged: the bytes are not those that were written.
        Foreign: they are, by a version that kept something else.

    """
    body = row[CHECK:]
    if zlib.crc32(body).to_bytes(CHECK, "big") != row[:CHECK]:
        raise Damaged
    try:
        record: T = _DECODERS[kind].decode(body)
    except msgspec.DecodeError as error:
        raise Foreign from error
    return record
