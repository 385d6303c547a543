"""Address -> country, network and the network's holder. The one door to maxminddb.

Strategy: the embedded databases are unpacked once into a cache and mapped; the user's databases stand in front of
them, the first given first. Country and network are answered separately, each by the first database that knows;
number and holder of a network always come from the same one.

The C reader (5 us a look-up) is for the embedded files only, whose hash is checked at each start: with flipped bytes
maxminddb 3.2.0's crashes the process, where the Python reader (35 us, and each address is asked once) raises.
Replace a database file by ``os.replace`` and open a new Geo: a mapped file that shrinks kills the process (SIGBUS).
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import maxminddb

from monitor.enrich.catalogue.countries import country
from monitor.enrich.data.unpacking import NAMES, default_cache, unpacked
from monitor.model.address import MAPPED, Address, is_v4, pack
from monitor.model.verdicts import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEMBERED: Final = 4096
"""Places kept in memory, some 340 bytes each, as many as verdicts; beyond that the one unused for longest goes."""

_6TO4: Final = b"\x20\x02"
"""2002::/16, the IPv4 address follows (RFC 3056, 2)."""
_TEREDO: Final = b"\x20\x01\x00\x00"
"""2001::/32, the client's IPv4 address ends it, each bit inverted (RFC 4380, 4)."""
_NAT64: Final = b"\x00\x64\xff\x9b" + bytes(8)
"""64:ff9b::/96, the IPv4 address ends it (RFC 6052, 2.1)."""
GLOBAL_UNICAST: Final = 0b001
"""The first three bits of every IPv6 address that is handed out (RFC 4291, 2.4)."""


def _span(network: str) -> tuple[int, int]:
    parsed = ipaddress.ip_network(network)
    return int.from_bytes(pack(parsed[0])), int.from_bytes(pack(parsed[-1]))


_NOT_GLOBAL: Final = tuple(
    _span(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""IANA's special-purpose registries (RFC 6890, RFC 9637) and multicast, as address numbers. A table of our own, since
Python's ``is_global`` changes between versions and a replay must not."""
_NOWHERE: Final = Place()
_DAMAGE: Final = (maxminddb.InvalidDatabaseError, ValueError, TypeError)
"""What the Python reader raises for damaged data: its own error, text that is no UTF-8, a map's key that is a map."""
_PROBES: Final = ("8.8.8.8", "2001:4860:4860::8888")
"""Looked up when a database is opened: whatever they give, a sound database gives it without an error."""


class GeoError(ValueError):
    """A database cannot be used; one line says which and why."""


class Geo:
    """Answers of all databases in order. ``place`` never raises for what a database holds."""

    def __init__(self, databases: Sequence[tuple[str, maxminddb.Reader]], notices: tuple[str, ...] = ()) -> None:
        """``databases`` with the name that metrics give them, the preferred first."""
        self._databases = [(name, reader, reader.metadata()) for name, reader in databases]
        self._remembered = lru_cache(REMEMBERED)(self._look_up)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.notices = notices
        """What the user should be told once, a line each."""
        self.damaged = 0
        """Records that a database could not give: the answer was then as if it had none."""

    @classmethod
    def open(cls, user_paths: Sequence[Path] = (), cache: Path | None = None) -> Self:
        """The embedded databases, unpacked below ``cache`` if need be, with the user's in front.

        ``cache`` defaults to $CAMWARDEN_CACHE, else camwarden in the user's cache directory; where it cannot be
        written, a private temporary directory serves until close(). GeoError if a user's database cannot be used.
        """
        notices: list[str] = []
        mode = maxminddb.MODE_MMAP_EXT
        if not _compiled():
            mode = maxminddb.MODE_MMAP
            notices.append("maxminddb has no C reader here: first look-ups of an address take eight times as long")
        temporary = None
        directory = cache or default_cache()
        try:
            if directory is None:
                raise FileNotFoundError(errno.ENOENT, "no home directory")
            embedded = [unpacked(name, directory) for name in NAMES]
        except OSError as error:
            temporary = tempfile.TemporaryDirectory(prefix="camwarden-")
            notices.append(f"cache {directory}: {error.strerror}; databases are in {temporary.name} until the end")
            embedded = [unpacked(name, Path(temporary.name)) for name in NAMES]
        databases = [(path.name, _opened(path, maxminddb.MODE_MMAP)) for path in user_paths]
        databases += [(name, _opened(path, mode)) for name, path in zip(NAMES, embedded, strict=True)]
        geo = cls(databases, tuple(notices))
        geo._temporary = temporary
        return geo

    def place(self, address: Address) -> Place:
        """What is known of the address, in a tunnel of the IPv4 address within; nothing if that is not global."""
        return self._remembered(address)

    def ages(self) -> tuple[tuple[str, int], ...]:
        """Name and build time, seconds since 1970 UTC, of each database.

        An embedded one is left out where the user's of the same name, as ``country.mmdb``, stands before it.
        """
        theirs = {name.removesuffix(".mmdb") for name, _, _ in self._databases if name not in NAMES}
        return tuple((name, metadata.build_epoch) for name, _, metadata in self._databases if name not in theirs)

    @property
    def evictions(self) -> int:
        """Places that left the memory to make room."""
        info = self._remembered.cache_info()
        return info.misses - info.currsize

    def close(self) -> None:
        """Unmap the databases. No look-up may follow."""
        self._remembered.cache_clear()
        for _, reader, _ in self._databases:
            reader.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _look_up(self, address: Address) -> Place:
        end = innermost(address)
        if not is_global(end):
            return _NOWHERE
        text = socket.inet_ntop(socket.AF_INET, end[12:]) if is_v4(end) else socket.inet_ntop(socket.AF_INET6, end)
        where: str | None = None
        network: tuple[int, str | None] | None = None
        for _, reader, metadata in self._databases:
            if metadata.ip_version == 4 and not is_v4(end):
                continue
            try:
                record = reader.get(text)
            except _DAMAGE:
                self.damaged += 1
                continue
            if not isinstance(record, dict):
                continue
            where = where or _country(record)
            network = network or _network(record)
            if where and network:
                break
        number, holder = network or (None, None)
        return Place(country=where, network=number, organisation=holder)


def innermost(address: Address) -> Address:
    """The IPv4 address that a 6to4, Teredo or NAT64 address carries, else the address itself."""
    if address.startswith(_6TO4):
        return Address(MAPPED + address[2:6])
    if address.startswith(_TEREDO):
        return Address(MAPPED + bytes(byte ^ 0xFF for byte in address[12:]))
    if address.startswith(_NAT64):
        return Address(MAPPED + address[12:])
    return address


def is_global(address: Address) -> bool:
    """Whether it is a unicast address that may stand in the Internet."""
    number = int.from_bytes(address)
    if address[0] >> 5 != GLOBAL_UNICAST and not is_v4(address):
        return False
    return not any(first <= number <= last for first, last in _NOT_GLOBAL)


def _compiled() -> bool:
    return getattr(maxminddb, "_extension", None) is not None


def try_out(path: Path) -> None:
    """GeoError in a line if this user's database could not be used."""
    _opened(path, maxminddb.MODE_MMAP).close()


def _opened(path: Path, mode: int) -> maxminddb.Reader:
    """GeoError if the file is absent, is no mmdb, or breaks at the first look-up."""
    if not path.is_file():
        msg = f"{path}: no such file"
        raise GeoError(msg)
    try:
        reader = maxminddb.open_database(path, mode)
        metadata = reader.metadata()
        for probe in _PROBES:
            if metadata.ip_version == 6 or ":" not in probe:
                reader.get(probe)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise GeoError(msg) from error
    except _DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"{path}: no usable mmdb database ({reason})"
        raise GeoError(msg) from error
    return reader


def _country(record: dict[str, Any]) -> str | None:
    """GeoLite2, GeoIP2, DB-IP: country.iso_code; IPinfo, IP2Location: country_code, or country where it is a code."""
    inner = record.get("country")
    if isinstance(inner, dict):
        return country(inner.get("iso_code"))
    return country(record.get("country_code")) or country(inner)


def _network(record: dict[str, Any]) -> tuple[int, str | None] | None:
    """GeoLite2, DB-IP: autonomous_system_number (_organization); IPinfo: asn "AS15169", as_name."""
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdigit() else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 32:
        return None
    holder = record.get("autonomous_system_organization", record.get("as_name"))
    return number, holder if isinstance(holder, str) and holder else None
