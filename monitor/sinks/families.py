"""The metrics by name: what dashboards and rules are written against."""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

PREFIX: Final = "camwarden_"


class Type(Enum):
    """Prometheus metric types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Family(Struct, frozen=True, eq=False):
    """One metric."""

    name: str
    """Without ``camwarden_`` and without ``_total``."""
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    """After ``sensor``, which every metric has."""


COUNTER: Final = Type.COUNTER
GAUGE: Final = Type.GAUGE

BUILD: Final = Family("build_info", GAUGE, "Which camwarden this is.", ("version",))
DEVICE: Final = Family(
    "device_info", GAUGE, "What a device is, to join with.", ("device", "group", "class", "vendor", "model")
)
PACKETS: Final = Family("packets", COUNTER, "Packets seen.", ("interface",))
BYTES: Final = Family("bytes", COUNTER, "Frame bytes seen, by their length on the wire.", ("interface",))
KERNEL_DROPS: Final = Family(
    "kernel_drops", COUNTER, "Packets that the kernel dropped before they were read.", ("interface",)
)
DUPLICATES: Final = Family(
    "duplicates", COUNTER, "Copies of packets that the mirror made, not counted twice.", ("interface",)
)
MALFORMED: Final = Family(
    "malformed", COUNTER, "Packets and messages that are not what their layer allows.", ("layer",)
)
FLOWS: Final = Family("flows", GAUGE, "Flows in the table.", ("state",))
EVICTIONS: Final = Family("flow_evictions", COUNTER, "Flows that left the full table before they ended.")
PASSED_OVER: Final = Family(
    "passed_over",
    COUNTER,
    "Packets that began flows of hosts that nobody watches, while more came than could be looked at.",
)
TCP_FOLLOWED: Final = Family("tcp_followed_bytes", COUNTER, "Octets of TCP that passed and whose going on was watched.")
TCP_MISSED: Final = Family(
    "tcp_missed_bytes",
    COUNTER,
    "Octets of TCP that were acknowledged and never passed here: lost on their way to the sensor, or by it.",
)
ATTEMPTS: Final = Family(
    "remote_attempts",
    COUNTER,
    "Attempts to reach a remote end. An attempt counts once at each outcome that it reaches: one that was answered "
    "counts as attempted and as answered.",
    ("device", "country", "jurisdiction", "outcome"),
)
REMOTE_BYTES: Final = Family(
    "remote_bytes", COUNTER, "Frame bytes exchanged with remote ends.", ("device", "jurisdiction", "direction")
)
INCIDENTS: Final = Family(
    "incidents",
    COUNTER,
    "Incidents opened, by the severity that they opened with; camwarden_incidents_open has the present one.",
    ("kind", "severity"),
)
OPEN: Final = Family("incidents_open", GAUGE, "Incidents that have not ended.", ("kind", "severity"))
FIRMWARE: Final = Family(
    "firmware_info", GAUGE, "Firmware version that a device last announced.", ("device", "version")
)
FIRMWARE_AGE: Final = Family(
    "firmware_age_seconds", GAUGE, "Time since a device was first seen with its present firmware.", ("device",)
)
CAPABILITIES: Final = Family(
    "capabilities", GAUGE, "Functions of a device, by the state that the ledger has them in.", ("device", "state")
)
SEEN: Final = Family(
    "device_seen_timestamp_seconds", GAUGE, "When a device last sent a packet, Unix time.", ("device",)
)
SEEN_SECONDS: Final = Family(
    "device_seen_seconds_total",
    COUNTER,
    "Seconds in which packets from or to a device were seen: of any direction, and of both.",
    ("device", "directions"),
)
DEPTH: Final = Family("outbox_depth", GAUGE, "Messages that a sink has yet to deliver.", ("sink",))
PARKED: Final = Family("outbox_parked", GAUGE, "Messages put aside since the other end keeps refusing them.", ("sink",))
OLDEST: Final = Family(
    "outbox_oldest_seconds", GAUGE, "Age of the oldest message that a sink has yet to deliver.", ("sink",)
)
FORGOTTEN: Final = Family("journal_forgotten", COUNTER, "Messages that were deleted from the journal for their age.")
JOURNAL_FULL: Final = Family(
    "journal_full", GAUGE, "Whether the journal's disk is full: it writes from its reserve, or waits for room."
)
CONFIGURATION: Final = Family(
    "config_last_reload_successful", GAUGE, "Whether the configuration's file was taken over when it was last read."
)
UP: Final = Family("sink_up", GAUGE, "Whether a sink is connected.", ("sink",))
GEO_AGE: Final = Family("geo_database_age_seconds", GAUGE, "Age of an address database.", ("database",))
LIMIT_CAPACITY: Final = Family("limit_capacity", GAUGE, "How much room a bounded table has.", ("limit",))
LIMIT_SIZE: Final = Family("limit_size", GAUGE, "How much of that room is taken.", ("limit",))
LIMIT_TURNED_AWAY: Final = Family(
    "limit_turned_away", COUNTER, "What a full table did not take in, or gave up before its time.", ("limit",)
)
LAG: Final = Family("capture_lag_seconds", GAUGE, "How far packet processing is behind the capture.")

FAMILIES: Final = (
    BUILD,
    DEVICE,
    PACKETS,
    BYTES,
    KERNEL_DROPS,
    DUPLICATES,
    MALFORMED,
    FLOWS,
    EVICTIONS,
    PASSED_OVER,
    TCP_FOLLOWED,
    TCP_MISSED,
    ATTEMPTS,
    REMOTE_BYTES,
    INCIDENTS,
    OPEN,
    FIRMWARE,
    FIRMWARE_AGE,
    CAPABILITIES,
    SEEN,
    SEEN_SECONDS,
    DEPTH,
    PARKED,
    OLDEST,
    FORGOTTEN,
    JOURNAL_FULL,
    CONFIGURATION,
    UP,
    GEO_AGE,
    LIMIT_CAPACITY,
    LIMIT_SIZE,
    LIMIT_TURNED_AWAY,
    LAG,
)
