"""Names: which names each device was told for an address, and until when."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.model.address import Address

MAX_ENTRIES: Final = 65536
"""(device, address) pairs in all."""
MAX_NAMES: Final = 8
"""Names of one address for one device."""


class Names:
    """Bounded memory of DNS answers, per device. The longest unused goes first."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._told: OrderedDict[tuple[str, Address], dict[str, int]] = OrderedDict()
        self._max = max_entries
        self.evicted = 0
        """Pairs forgotten for want of room."""

    def __len__(self) -> int:
        return len(self._told)

    def learn(self, device: str, name: str, address: Address, expires_ns: int) -> None:
        """The device with this key was told that ``name`` is at ``address``."""
        key = (device, address)
        names = self._told.setdefault(key, {})
        self._told.move_to_end(key)
        names.pop(name, None)
        names[name] = expires_ns
        if len(names) > MAX_NAMES:
            del names[next(iter(names))]
        if len(self._told) > self._max:
            self._told.popitem(last=False)
            self.evicted += 1

    def of(self, device: str, address: Address, now_ns: int) -> list[str]:
        """Names the device was told for this address: those still valid first, then the newest first."""
        names = self._told.get((device, address))
        if not names:
            return []
        self._told.move_to_end((device, address))
        newest_first = list(reversed(names.items()))
        return [name for name, expires in newest_first if expires >= now_ns] + [
            name for name, expires in newest_first if expires < now_ns
        ]
