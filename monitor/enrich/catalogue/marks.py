"""Which vendor made a device, by the marks it shows: MAC prefix, banner, DHCP, DNS-SD, and protocols of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.enrich.catalogue.reading import CatalogueError
from monitor.enrich.catalogue.rows import Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.model.address import Mac

_PREFIX: Final = re.compile(r"(?:[0-9a-f]{2}:){2}[0-9a-f]{2}(?::[0-9a-f]/28|:[0-9a-f]{2}:[0-9a-f]/36)?", re.IGNORECASE)
_LENGTHS: Final = (36, 28, 24)
"""Bits of the registry's MA-S, MA-M and MA-L blocks (IEEE Registration Authority), longest first."""
_NOT_REGISTERED: Final = 0b11
"""Group and locally administered bits of the first octet (IEEE 802-2014, 8.4)."""
ANSWERS: Final = "answers"
"""The role of who announces itself."""


class _Block(Struct, frozen=True):
    vendor: Vendor
    camera: bool


class Marks:
    """Indexes over what devices of each vendor show."""

    def __init__(self, vendors: Iterable[Vendor], files: Mapping[str, str]) -> None:
        """CatalogueError if two vendors claim one prefix and the later says not why. ``files``: row -> file."""
        self._files = files
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._servers: list[tuple[str, Vendor]] = []
        self._realms: list[tuple[str, Vendor]] = []
        self._certificates: list[tuple[str, Vendor]] = []
        self._vendor_classes: list[tuple[str, Vendor]] = []
        self._hostnames: list[tuple[str, Vendor]] = []
        self._services: dict[str, Vendor] = {}
        self._speakers: dict[tuple[str, str], Vendor] = {}
        self._names: dict[str, Vendor] = {}
        for vendor in vendors:
            self._add(vendor)
        for beginnings in (self._servers, self._realms, self._certificates, self._vendor_classes, self._hostnames):
            beginnings.sort(key=lambda entry: (-len(entry[0]), entry[0]))

    def _add(self, vendor: Vendor) -> None:
        for row in vendor.oui:
            camera = vendor.oui_is_camera if row.camera is None else row.camera
            for text in row.prefixes if row.verified else ():
                block = prefix(text)
                claimed = self._blocks.get(block)
                if claimed is not None and claimed.vendor is not vendor and row.shares is None:
                    where = f"{self._files[f'vendor:{vendor.key}']}: vendor {vendor.key!r}"
                    msg = f"{where}: {text} belongs to {claimed.vendor.key!r} as well; say why in 'shares'"
                    raise CatalogueError(msg)
                self._blocks[block] = _Block(vendor, camera)
        for banner in vendor.banner:
            if banner.verified:
                self._servers += ((text.lower(), vendor) for text in banner.servers)
                self._realms += ((text.lower(), vendor) for text in banner.realms)
                self._certificates += ((text.lower(), vendor) for text in banner.certificates)
                self._speak(vendor, "server", banner.serves)
                self._speak(vendor, "client", banner.calls)
        for said in vendor.announcement:
            if said.verified:
                self._vendor_classes += ((text.lower(), vendor) for text in said.vendor_classes)
                self._hostnames += ((text.lower(), vendor) for text in said.hostnames)
                self._services |= {text.lower(): vendor for text in said.services}
                self._speak(vendor, ANSWERS, said.protocols)
        for name in (vendor.key, vendor.name, vendor.legal_name or vendor.name, *vendor.brands):
            self._names.setdefault(name.casefold(), vendor)

    def _speak(self, vendor: Vendor, role: str, protocols: Iterable[str]) -> None:
        for protocol in protocols:
            other = self._speakers.setdefault((protocol, role), vendor)
            if other is not vendor:
                where = f"{self._files[f'vendor:{vendor.key}']}: vendor {vendor.key!r}"
                msg = f"{where}: protocol {protocol!r} is {other.key!r}'s already, and a mark is one vendor's"
                raise CatalogueError(msg)

    def of_mac(self, mac: Mac) -> tuple[Vendor, bool] | None:
        """The vendor of the longest registered prefix, and whether that prefix alone means a camera."""
        if mac[0] & _NOT_REGISTERED:
            return None
        value = int.from_bytes(mac)
        for bits in _LENGTHS:
            if block := self._blocks.get((bits, value >> 48 - bits)):
                return block.vendor, block.camera
        return None

    def of_banner(self, server: str | None, realm: str | None, certificate_subject: str | None) -> Vendor | None:
        """By certificate, else Server header, else realm."""
        if certificate_subject:
            subject = certificate_subject.lower()
            for part, vendor in self._certificates:
                if part in subject:
                    return vendor
        return _beginning(self._servers, server) or _beginning(self._realms, realm)

    def of_dhcp(self, vendor_class: str | None, hostname: str | None) -> Vendor | None:
        """By option 60, else option 12."""
        return _beginning(self._vendor_classes, vendor_class) or _beginning(self._hostnames, hostname)

    def of_service(self, service_type: str) -> Vendor | None:
        """By DNS-SD service type, with or without ".local"."""
        return self._services.get(service_type.rstrip(".").lower().removesuffix(".local"))

    def of_speaker(self, protocol: str, role: str) -> Vendor | None:
        """By a protocol of its own and the sender's role in it: "server", "client", or ANSWERS for discovery."""
        return self._speakers.get((protocol, role))

    def named(self, text: str) -> Vendor | None:
        """By its key, a name or a brand of it, as a whole."""
        return self._names.get(text.strip().casefold())


def prefix(text: str) -> tuple[int, int]:
    """Bits and value of "44:19:b6", "50:fa:cb:9/28" or "70:b3:d5:12:3/36". CatalogueError if it is none of these."""
    if _PREFIX.fullmatch(text) is None:
        msg = f"{text!r} is no MAC prefix: write 44:19:b6, 50:fa:cb:9/28 or 70:b3:d5:12:3/36"
        raise CatalogueError(msg)
    digits = text.partition("/")[0].replace(":", "")
    return len(digits) * 4, int(digits, 16)


def _beginning(entries: list[tuple[str, Vendor]], text: str | None) -> Vendor | None:
    """The vendor of the longest entry that ``text`` begins with; ``entries`` stand longest first."""
    if not text:
        return None
    lowered = text.lower()
    return next((vendor for entry, vendor in entries if lowered.startswith(entry)), None)
