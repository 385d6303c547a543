"""Volumes: a device gets more than it ever does but for an update, from a host or on a port that updates come by.

What is inside is not seen, so this is a hint, and with a restart behind it probable (vendors.md 3.3).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from monitor.enrich.catalogue.rows import Purpose

if TYPE_CHECKING:
    from monitor.enrich.catalogue import Catalogue
    from monitor.model.contacts import Contact

LEAST: Final = 8 * 1024 * 1024
"""Octets that a camera is not sent in a window but for an update: talk in G.711 (64 kbit/s) has 4.8 MB in that time."""
WINDOW_NS: Final = 600 * 1_000_000_000
MAX_WINDOWS: Final = 1024
"""Pairs of device and host that are measured at a time; the one begun longest ago makes room."""
SDK_PORTS: Final = frozenset({8000, 9000, 34567, 35000, 37777})
"""TCP ports of makers' own control protocols, by which their tools push firmware (vendors.md 1.2, 2.3, 2.5, 2.6)."""
MIB: Final = 1024 * 1024


class Volumes:
    """Measures what devices get from hosts that are for updates."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._windows: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        """By device and host: when the window began, and the octets that had come before."""
        self.forgotten = 0
        """Windows that made room."""

    def __len__(self) -> int:
        return len(self._windows)

    def came(self, contact: Contact, ts_ns: int) -> str | None:
        """More came from an update host than questions are answered with: what to say of it, once a window."""
        name = contact.names[0] if contact.names else None
        if name is None or contact.bytes_in < LEAST:
            return None
        owner = self._catalogue.operator_of_name(name)
        if owner is None or owner.purpose is not Purpose.UPDATE:
            return None
        key = (contact.device.key, name)
        began_ns, before = self._windows.get(key, (0, 0))
        if ts_ns - began_ns > WINDOW_NS:
            fresh = ts_ns - contact.first_ns <= WINDOW_NS
            began_ns, before = ts_ns, 0 if fresh else contact.bytes_in
            self._windows[key] = (began_ns, before)
            self._windows.move_to_end(key)
            if len(self._windows) > MAX_WINDOWS:
                self._windows.popitem(last=False)
                self.forgotten += 1
        if contact.bytes_in - before < LEAST:
            return None
        self._windows[key] = (began_ns, contact.bytes_in)
        return f"{(contact.bytes_in - before) // MIB} MiB and more from {name}, a host for updates"
