"""The scenarios by name, and their descriptions: what the sensor is told, what it must find and what it must not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent

NAMES: Final = (
    "airport_storm",
    "audio_woken",
    "duplicate_mirror",
    "hardcoded_p2p",
    "ipv6_abroad",
    "irish_vendor_cloud",
    "ledger_states",
    "names_only",
    "p2p_says_off",
    "phone_on_vlan",
    "push_update",
    "quic_abroad",
    "quiet_site",
    "telnet_opened",
    "viewer_abroad",
)
"""Each is ``<name>.py``, ``<name>.toml`` and ``<name>.pcap`` in FOLDER."""

ANY_DEVICE: Final = "*"


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One incident that must be found."""

    device: str
    """Inventory name."""
    kind: str
    operator: str | None = None
    """Part of the operator's name or key, in any case; none where the incident has no other end."""
    outcome: str | None = None
    """Likewise."""
    attempts: int = 0
    """Exact."""
    properties: tuple[str, ...] = ()
    """At least these."""
    refused_by: str | None = None
    remotes: tuple[str, ...] = ()
    """All remote addresses of the incident."""
    names: tuple[str, ...] = ()
    """All names that were looked up or said in a handshake."""
    location: str | None = None
    """Country of the addresses, where they are in one."""
    jurisdiction: str | None = None
    """Country whose law the operator answers to."""
    firmware_before: str | None = None
    firmware_after: str | None = None
    capabilities: tuple[str, ...] = ()
    """All functions that it is about."""
    says: tuple[str, ...] = ()
    """Pieces of its message."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the ledger as it must be in the end."""

    device: str
    """Inventory name."""
    capability: str
    state: str


class Never(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What no incident may be; a field that is not given matches all."""

    device: str | None = None
    """Inventory name or MAC; ANY_DEVICE for all."""
    kind: str | None = None
    operator: str | None = None
    property: str | None = None


class Scenario(msgspec.Struct, frozen=True):
    """One description."""

    name: str
    story: str
    expect: tuple[Expect, ...]
    never: tuple[Never, ...]
    rows: tuple[Entry, ...]
    configuration: Mapping[str, Any]
    """The remaining tables, as a configuration file has them."""

    @property
    def capture(self) -> Path:
        """Where the committed capture is."""
        return FOLDER / f"{self.name}.pcap"


def load(name: str) -> Scenario:
    """Read one description. KeyError if there is no such scenario; msgspec.ValidationError on a bad row."""
    if name not in NAMES:
        raise KeyError(name)
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Scenario(
        name,
        msgspec.convert(tables.pop("story"), str),
        msgspec.convert(tables.pop("expect", []), tuple[Expect, ...]),
        msgspec.convert(tables.pop("never", []), tuple[Never, ...]),
        msgspec.convert(tables.pop("row", []), tuple[Entry, ...]),
        tables,
    )
