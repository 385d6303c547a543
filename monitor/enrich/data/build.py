"""Text ranges -> the embedded databases, byte for byte the same from the same input.

    npm pack @ip-location-db/asn && tar xzf ip-location-db-asn-*.tgz
    python -m monitor.enrich.data.build --asn package --out monitor/enrich/data

Countries come from Debian's tor-geoipdb (IPFire), networks from the npm package. Adjacent ranges that say the same
are joined first. The databases' build epoch is the date of their input, so their age is the age of the facts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import heapq
import ipaddress
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import zstandard
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet  # type: ignore[import-untyped,unused-ignore]

from monitor.enrich.catalogue.countries import country

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Range = tuple[int, int, "Value"]
"""First and last address as integers, IPv4 as ::a.b.c.d, and what holds between them."""
Value = str | tuple[int, str]
"""A country, or the number and holder of an autonomous system."""

LEVEL: Final = 19
"""zstd's highest level that needs no extra memory to unpack."""
_V4: Final = 1 << 32
_GENERATED: Final = re.compile(r"^# Generated: (.+ GMT)$", re.MULTILINE)


class InputError(ValueError):
    """An input file is not what it is taken for."""


@dataclass(frozen=True, slots=True)
class Database:
    """What goes into one file."""

    name: str
    description: str
    epoch: int
    """Date of the input, seconds since 1970 UTC."""
    ranges: list[Range]


def countries(tor: Path) -> Database:
    """From ``geoip`` and ``geoip6`` of tor-geoipdb: lines of first,last,country."""
    ranges: list[Range] = []
    stamps: list[datetime] = []
    for name, size in (("geoip", 4), ("geoip6", 16)):
        text = (tor / name).read_text(encoding="ascii")
        stamp = _GENERATED.search(text)
        if stamp is None:
            msg = f"{tor / name}: no line '# Generated: ...'"
            raise InputError(msg)
        stamps.append(datetime.strptime(stamp[1], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC))
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            first, last, code = line.split(",")
            if found := country(code):
                number = int if size == 4 else _v6
                ranges.append((number(first), number(last), found))
    return Database(
        "country",
        "Country of an address. IPFire location database, https://location.ipfire.org, CC BY-SA 4.0, converted",
        int(min(stamps).timestamp()),
        joined(ranges),
    )


def networks(asn: Path) -> Database:
    """From ``asn-ipv4-num.csv`` and ``asn-ipv6-num.csv``: first,last,AS number,holder."""
    version = json.loads((asn / "package.json").read_text(encoding="utf-8"))["version"]
    match = re.fullmatch(r"\d+\.\d+\.(\d{10})", version)
    if match is None:
        msg = f"{asn / 'package.json'}: version {version!r} has no date and hour"
        raise InputError(msg)
    ranges: list[Range] = []
    for name in ("asn-ipv4-num.csv", "asn-ipv6-num.csv"):
        with (asn / name).open(encoding="utf-8", newline="") as file:
            ranges += (
                (int(first), int(last), (int(number), " ".join(holder.split())))
                for first, last, number, holder in csv.reader(file)
            )
    return Database(
        "asn",
        "Network of an address. RouteViews, NRO and DB-IP (https://db-ip.com) by @ip-location-db/asn, "
        "CC BY 4.0, converted",
        int(datetime.strptime(match[1], "%Y%m%d%H").replace(tzinfo=UTC).timestamp()),
        joined(ranges),
    )


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Sorted, touching ranges of one value made one. Of two that overlap the one that starts later holds."""
    pending = sorted(ranges, key=lambda row: row[:2])
    heapq.heapify(pending)
    result: list[Range] = []
    while pending:
        first, last, value = heapq.heappop(pending)
        if result and first <= result[-1][1]:
            outer_first, outer_last, outer = result.pop()
            sys.stderr.write(f"overlap at {ipaddress.ip_address(first)}: {outer} and {value}; {value} holds\n")
            if outer_first < first:
                result.append((outer_first, first - 1, outer))
            if last < outer_last:
                heapq.heappush(pending, (last + 1, outer_last, outer))
        if result and result[-1][1] + 1 == first != _V4 and result[-1][2] == value:
            result[-1] = (result[-1][0], last, value)
        else:
            result.append((first, last, value))
    return result


def prefixes(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The fewest (address, prefix length of 128) that cover a range."""
    while first <= last:
        bits = (first & -first).bit_length() - 1 if first else 128
        bits = min(bits, (last - first + 1).bit_length() - 1)
        yield first, 128 - bits
        first += 1 << bits


class _Writer(MMDBWriter):
    """mmdb_writer stamps the hour of the build; this stamps the date of the data."""

    def __init__(self, database: Database) -> None:
        super().__init__(
            ip_version=6,
            database_type=f"camwarden-{database.name}",
            languages=["en"],
            description={"en": database.description},
            int_type="u32",
        )
        self._epoch = database.epoch

    def _build_meta(self) -> dict[str, Any]:
        return super()._build_meta() | {"build_epoch": self._epoch}


def written(database: Database) -> bytes:
    """The mmdb file, in the field names of GeoIP2."""
    writer = _Writer(database)
    by_value: dict[Value, list[IPNetwork]] = {}
    for first, last, value in database.ranges:
        by_value.setdefault(value, []).extend(IPNetwork(prefix, version=6) for prefix in prefixes(first, last))
    for value, found in sorted(by_value.items(), key=str):
        writer.insert_network(IPSet(found), _record(value))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "database.mmdb"
        writer.to_db_file(str(path))
        return path.read_bytes()


def _record(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"country": {"iso_code": value}}
    number, holder = value
    record: dict[str, Any] = {"autonomous_system_number": number}
    return record | {"autonomous_system_organization": holder} if holder else record


def _entry(database: Database, mmdb: bytes) -> str:
    """The database's table in the manifest."""
    return (
        f"[{database.name}]\n"
        f"bytes = {len(mmdb)}\n"
        f'sha256 = "{hashlib.sha256(mmdb).hexdigest()}"\n'
        f"date = {datetime.fromtimestamp(database.epoch, UTC):%Y-%m-%dT%H:%M:%SZ}\n"
        f"ranges = {len(database.ranges)}\n"
    )


def _v6(text: str) -> int:
    return int(ipaddress.IPv6Address(text))


def main(arguments: list[str] | None = None) -> int:
    """Build both databases and the manifest. 0, or 2 with one line about the input that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m monitor.enrich.data.build", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--tor", type=Path, default=Path("/usr/share/tor"), metavar="DIR", help="geoip and geoip6")
    parser.add_argument("--asn", type=Path, required=True, metavar="DIR", help="the unpacked @ip-location-db/asn")
    options = parser.parse_args(arguments)
    manifest = ["# Written by build.py: what the packed files unpack to.\n"]
    try:
        for database in (countries(options.tor), networks(options.asn)):
            mmdb = written(database)
            packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(mmdb)
            (options.out / f"{database.name}.mmdb.zst").write_bytes(packed)
            manifest.append(_entry(database, mmdb))
            sys.stderr.write(f"{database.name}: {len(mmdb)} bytes, packed {len(packed)}\n")
        (options.out / "manifest.toml").write_text("\n".join(manifest), encoding="utf-8")
    except (InputError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
