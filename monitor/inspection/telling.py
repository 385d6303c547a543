"""Telling: notices in the order in which they were noticed. Those of hosts that nobody watches wait a while."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from monitor.model.incidents import Kind

if TYPE_CHECKING:
    from monitor.model.contacts import Device
    from monitor.model.incidents import Notice

MAX_WAITING: Final = 1024
"""Notices of hosts that nobody watches yet; the oldest make room."""
GROWING: Final = frozenset({Kind.FIRMWARE_UPDATE, Kind.CAPABILITY_GAINED})
"""Kinds whose notices say all that is known so far."""


class Telling:
    """What is to be told of devices, until it is taken."""

    def __init__(self) -> None:
        self.told: list[tuple[Device, Notice]] = []
        """What is to be told, in the order in which it was noticed; always the same list."""
        self._waiting: OrderedDict[tuple[str, str, str], tuple[Device, Notice]] = OrderedDict()
        self.crowded_out = 0
        """Notices of unwatched hosts that were dropped for want of room."""

    @property
    def waiting(self) -> int:
        """How many notices wait for their host to be watched."""
        return len(self._waiting)

    def tell(self, device: Device, notice: Notice | None) -> None:
        """Tell this once the device is watched; None is nothing to tell."""
        if notice is None:
            return
        if device.watched:
            if notice.kind in GROWING:  # what is queued of it is part of this
                same = (device.key, notice.kind, notice.about)
                self.told[:] = [each for each in self.told if (each[0].key, each[1].kind, each[1].about) != same]
            self.told.append((device, notice))
            return
        self._waiting[device.key, str(notice.kind), notice.about] = (device, notice)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
            self.crowded_out += 1

    def take(self) -> list[tuple[Device, Notice]]:
        """Take what is to be told."""
        taken = list(self.told)
        self.told.clear()
        return taken

    def recognised(self, device: Device) -> None:
        """The device is watched from now on: what waited for that is told."""
        self.told += self._removed(device)

    def forget(self, device: Device) -> None:
        """The device is known no more."""
        self._removed(device)

    def _removed(self, device: Device) -> list[tuple[Device, Notice]]:
        return [self._waiting.pop(key) for key in [key for key in self._waiting if key[0] == device.key]]
