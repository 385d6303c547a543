"""Limits: how much room each long-lived table has, how much of it is taken, and what it turned away."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Room(StrEnum):
    """What is bounded. The values are metric labels, so the set is closed."""

    FLOWS = "flows"
    FRAGMENTS = "fragment_bytes"
    STREAMS = "stream_bytes"
    SETTLING = "settling_contacts"
    CONTACTS = "contacts"
    CONTACTS_OF_DEVICE = "contacts_of_device"
    LOOKUPS = "lookups"
    ANSWERS = "lookup_answers"
    NAMES = "names"
    DEVICES = "devices"
    RECOGNISED = "recognised_devices"
    ROUTERS = "routers"
    CARRIERS = "carriers"
    CLAIMS = "identity_claims"
    CHANGES = "identity_changes"
    REACHES = "reaches"
    PREFIXES = "prefixes"
    OWN_ADDRESSES = "own_addresses"
    CALLED_ADDRESSES = "called_addresses"
    MAPPED_ADDRESSES = "mapped_addresses"
    VERDICTS = "verdicts"
    INCIDENTS = "incidents"
    INCIDENTS_OF_DEVICE = "incidents_of_device"
    ALARMS = "alarms"
    HANDOVER = "journal_handover"
    HANDOVER_PACKETS = "journal_handover_packet_bytes"
    RETAINED = "mqtt_retained_topics"
    MEDIA_PORTS = "media_ports"
    ATTACKED = "attacked_devices"
    VOLUMES = "measured_downloads"
    NOTICES = "waiting_notices"
    DESCRIPTIONS = "described_sessions"
    CLOCKS = "tcp_clocks"
    GREETINGS = "tls_greetings"
    SEARCHES = "searching_devices"
    PAGES = "ledger_pages"
    STATEMENTS = "ledger_statements_of_device"
    OVERHEARD = "overheard_statements"
    ANNOUNCED_FLOWS = "announced_flows"
    TRACES = "traced_pairs"
    TRACED_NAMES = "traced_names"
    TRACED = "traced_bytes"
    SPOOL = "passing_images"
    EVIDENCE = "evidence_packet_bytes"
    EVIDENCE_IMAGES = "evidence_image_bytes"
    CALLERS = "metrics_connections"


class Limit(Struct, frozen=True):
    """One bound at one moment."""

    name: Room
    capacity: int
    """The most that there may be; bytes where the name says so."""
    size: int
    """What there is; of a bound that each device has for itself, the most that one has had."""
    turned_away: int
    """What was not taken in, or had to leave before its time, since the engine was built."""
