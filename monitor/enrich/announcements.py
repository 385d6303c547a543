"""Announcements: what a device says of itself, what that is worth, and whether it said otherwise before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.contacts import DeviceClass
from monitor.model.identity import IdentityKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.enrich.catalogue import Catalogue
    from monitor.enrich.catalogue.rows import Vendor
    from monitor.model.contacts import Device
    from monitor.model.facts import DeviceAnnounced

Said = tuple[IdentityKind, str, str]
"""What is different, what was said before, and what is said now."""

_NAME_RANKS: Final = {"dhcp": 4, "dhcpv6": 4, "mdns": 3, "wsdiscovery": 1, "ssdp": 0}
"""What a name is worth: whoever runs the site chooses host names, while scopes of ONVIF have their factory's."""
_DISCOVERY_RANK: Final = 2
"""What a name is worth that a vendor's own discovery tells."""
_MANY_VOICES: Final = frozenset({"ssdp", "upnp", "mdns"})
"""Several services of one host speak these, each of its own model."""
_ONVIF_CLASSES: Final = {
    "NetworkVideoStorage": DeviceClass.RECORDER,
    "NetworkVideoRecorder": DeviceClass.RECORDER,
    "NetworkVideoDisplay": DeviceClass.VIEWER,
    "NetworkVideoTransmitter": DeviceClass.CAMERA,
}
"""Types of devices (ONVIF Core Specification 2.x, 7.3.2.1; "Recorder" is said in place of "Storage").

A recorder passes on the streams of its cameras as a transmitter does, so that comes last.
"""


class Announcements:
    """Reads them. What is remembered of a device stands in its record."""

    def __init__(self, catalogue: Catalogue, names: frozenset[str]) -> None:
        """``names``: those of the inventory, which nobody else gets."""
        self._catalogue = catalogue
        self.names = names
        """As given; another inventory has others."""

    def describe(self, device: Device, fact: DeviceAnnounced, *, own: bool) -> list[Said]:
        """Take name, model and firmware from it; what is said otherwise than before.

        The newest word of the best witness stays: of model and firmware, that is a protocol of the maker's own. What
        the device did not send itself (``own``) fills gaps only.
        """
        rank = _NAME_RANKS.get(fact.protocol, _DISCOVERY_RANK)
        maker = self._catalogue.vendor_of_announcement(fact.protocol) is not None
        best = 2 if maker else min(rank, 1)
        if fact.model and (device.model is None or (own and best >= device.model_rank)):
            device.model, device.model_rank = fact.model, best
        if fact.firmware and (device.firmware is None or (own and best >= device.firmware_rank)):
            device.firmware, device.firmware_rank = fact.firmware, best
        said = list(self._said(device, fact)) if own else []
        fresh = fact.name and not device.configured and rank >= device.name_rank and fact.name not in self.names
        if fresh and fact.name and (own or device.name == device.key):
            if device.name_rank == rank == _NAME_RANKS["dhcp"] and device.name not in (fact.name, device.key):
                said.append((IdentityKind.NAME_CHANGED, device.name, fact.name))
            device.name, device.name_rank = fact.name, rank
        return said

    def classes(self, fact: DeviceAnnounced) -> list[tuple[str, DeviceClass]]:
        """What it says to be by its ONVIF types, best first."""
        if fact.protocol != "wsdiscovery":
            return []
        return [(each, known) for each, known in _ONVIF_CLASSES.items() if each in fact.services]

    def vendor(self, device: Device, fact: DeviceAnnounced) -> Vendor | None:
        """Whose device says this."""
        maker = self._catalogue.vendor_of_announcement(fact.protocol)
        vendor = self.brand(device, maker, fact.vendor) if maker is not None else None
        if vendor is None and (fact.vendor_class or fact.name):
            vendor = self._catalogue.vendor_of_dhcp(fact.vendor_class, fact.name)
        for service in fact.services:
            vendor = vendor or self._catalogue.vendor_of_service(service)
        return vendor

    def brand(self, device: Device, maker: Vendor, said: str | None) -> Vendor:
        """Who sells it: whom it ``said``, else whose MAC it has if they sell the maker's devices, else the maker."""
        named = self._catalogue.vendor_named(said) if said else None
        if named is not None and named.key != maker.key:
            return named
        if device.vendor is not None and self._catalogue.sells(device.vendor, maker):
            return self._catalogue.vendor(device.vendor) or maker
        return maker

    def _said(self, device: Device, fact: DeviceAnnounced) -> Iterator[Said]:
        """Compare with what it said by the same protocol; another protocol may spell the same thing otherwise."""
        if fact.protocol in _MANY_VOICES:
            return
        classes = self.classes(fact)
        for kind, value in (
            (IdentityKind.MODEL_CHANGED, fact.model),
            (IdentityKind.SERIAL_CHANGED, fact.serial),
            (IdentityKind.VENDOR_CHANGED, fact.vendor),
            (IdentityKind.CLASS_CHANGED, classes[0][1].value if classes else None),
        ):
            if not value:
                continue
            before = next((each for each in device.said if each[:2] == (fact.protocol, kind)), None)
            if before is not None and before[2] == value:
                continue
            device.said = (*(each for each in device.said if each is not before), (fact.protocol, kind, value))
            if before is not None:
                yield kind, before[2], value
