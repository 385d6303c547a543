"""An incident message read back: what a sink that speaks another format takes from it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct, field


class Product(Struct, frozen=True):
    version: str


class Metadata(Struct, frozen=True):
    uid: str
    sequence: int
    product: Product
    labels: tuple[str, ...] = ()


class FindingInfo(Struct, frozen=True):
    uid: str
    title: str
    types: tuple[str, ...]


class System(Struct, frozen=True):
    version: str | None = None


class ToldDevice(Struct, frozen=True):
    name: str = ""
    ip: str | None = None
    mac: str | None = None
    vendor_name: str | None = None
    model: str | None = None
    os: System = field(default_factory=System)


class Location(Struct, frozen=True):
    country: str | None = None


class Endpoint(Struct, frozen=True):
    ip: str | None = None
    hostname: str | None = None
    port: int | None = None
    location: Location = field(default_factory=Location)


class Connection(Struct, frozen=True):
    protocol_name: str | None = None


class ToldEvidence(Struct, frozen=True):
    src_endpoint: Endpoint = field(default_factory=Endpoint)
    dst_endpoint: Endpoint = field(default_factory=Endpoint)
    connection_info: Connection = field(default_factory=Connection)


class ToldVerdict(Struct, frozen=True):
    operator: str | None = None
    jurisdiction: str | None = None


class Camwarden(Struct, frozen=True):
    sensor: str
    epoch: int
    rule: str = ""
    group: str | None = None
    outcome: str | None = None
    bytes_out: int = 0
    bytes_in: int = 0
    verdict: ToldVerdict = field(default_factory=ToldVerdict)


class Unmapped(Struct, frozen=True):
    camwarden: Camwarden


class Told(Struct, frozen=True):
    """The part of an OCSF Detection Finding (monitor.incidents.ocsf) that other formats have a place for."""

    activity_id: int
    severity_id: int
    status_id: int
    time: int
    """Milliseconds since 1970, as are the next two."""
    start_time: int
    end_time: int
    message: str
    metadata: Metadata
    finding_info: FindingInfo
    device: ToldDevice
    unmapped: Unmapped
    count: int | None = None
    evidences: tuple[ToldEvidence, ...] = ()

    @property
    def kind(self) -> str:
        return self.finding_info.types[0]


_DECODER: Final = msgspec.json.Decoder(Told)


def read(body: bytes) -> Told:
    """The message in ``body``. msgspec.DecodeError if it is none of ours."""
    return _DECODER.decode(body)
