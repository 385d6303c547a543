"""Names: which names each device was told for an address, and until when."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.marks import Marks

MAX_ENTRIES: Final = 32_768
"""(device, address) pairs in all, some 0.6 KiB each; as many as contacts, which they name."""
MAX_NAMES: Final = 8
"""Names of one address for one device."""


class Names:
    """Bounded memory of DNS answers, per device. The longest unused goes first."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._told: OrderedDict[tuple[str, Address], dict[str, int]] = OrderedDict()
        self._max = max_entries
        self.evicted = 0
        """Pairs forgotten for want of room."""
        self.marks: Marks[tuple[str, Address]] | None = None
        """Set by whoever saves names; the keys are (device key, address)."""

    def __len__(self) -> int:
        return len(self._told)

    def limits(self) -> list[Limit]:
        """The room for what devices were told."""
        return [Limit(Room.NAMES, self._max, len(self._told), self.evicted)]

    def learn(self, device: str, name: str, address: Address, expires_ns: int) -> None:
        """The device with this key was told that ``name`` is at ``address``."""
        key = (device, address)
        names = self._told.get(key)
        if names is None:
            names = self._told[key] = {}
        else:
            self._told.move_to_end(key)
            names.pop(name, None)
        names[name] = expires_ns
        if self.marks is not None:
            self.marks.changed[key] = None
        if len(names) > MAX_NAMES:
            del names[next(iter(names))]
        if len(self._told) > self._max:
            gone, _ = self._told.popitem(last=False)
            self.evicted += 1
            if self.marks is not None:
                self.marks.left(gone)

    def keys(self) -> list[tuple[str, Address]]:
        """All (device key, address) of which names are known, the longest unused first."""
        return list(self._told)

    def at(self, key: tuple[str, Address]) -> list[tuple[str, int]]:
        """Names of an address for a device, each with when it expires, the oldest first."""
        return list(self._told.get(key, {}).items())

    def of(self, device: str, address: Address, now_ns: int) -> list[str]:
        """Names the device was told for this address: those still valid first, then the newest first."""
        key = (device, address)
        names = self._told.get(key)
        if not names:
            return []
        self._told.move_to_end(key)
        if len(names) == 1:
            return list(names)
        newest_first = list(reversed(names.items()))
        return [name for name, expires in newest_first if expires >= now_ns] + [
            name for name, expires in newest_first if expires < now_ns
        ]
