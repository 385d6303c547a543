"""Searches: a device tries one address or port after another and gets no answer.

Strategy: who searches a network asks mostly for what is not there. Failed connections to hosts of the site are counted
as Zeek counts them; and, since a host of its own network is asked for by ARP before anything else, the addresses it
asks for from which nothing was ever heard. Recorders and viewers go through lists of cameras by trade: not they.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from monitor.model.contacts import DeviceClass

if TYPE_CHECKING:
    from monitor.model.address import Address
    from monitor.model.contacts import Device

K = TypeVar("K")
V = TypeVar("V")

WINDOW_NS: Final = 300_000_000_000
"""Five minutes, in which as many hosts or ports are a search (Zeek, policy/misc/scan: addr_scan_interval)."""
HOSTS: Final = 25
"""Hosts on one port, or asked for by ARP (Zeek: addr_scan_threshold)."""
PORTS: Final = 15
"""Ports of one host (Zeek: port_scan_threshold)."""
MAX_SEARCHING: Final = 256
"""Devices with failed attempts in the last window; the one that began first goes."""
MAX_GROUPS: Final = 8
"""Ports, and hosts, of one device that are counted at a time; the one tried longest ago goes."""
ARP: Final = 0
"""Stands for a port in the place of those whom a device asks for by ARP."""

_BY_TRADE: Final = frozenset({DeviceClass.RECORDER, DeviceClass.VIEWER})


class _Tries(Struct):
    """What one device tried in vain in one window."""

    since_ns: int
    hosts: OrderedDict[int, set[Address]]
    """By port."""
    ports: OrderedDict[Address, set[int]]
    """By host."""
    found: bool = False


class Searches:
    """What devices try in vain. Time comes in as an argument, nanoseconds."""

    def __init__(self, capacity: int = MAX_SEARCHING) -> None:
        self._capacity = capacity
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self.forgotten = 0
        """Devices that made room for others."""

    def __len__(self) -> int:
        return len(self._tries)

    def failed(self, device: Device, host: Address, port: int, ts_ns: int) -> str | None:
        """A connection was refused or not answered, or ARP asked for an unknown host (``port`` 0).

        What that shows, for people, if it makes a search; once a window.
        """
        if device.device_class in _BY_TRADE:
            return None
        tries = self._tries.get(device.key)
        if tries is None or ts_ns - tries.since_ns > WINDOW_NS:
            tries = self._tries[device.key] = _Tries(ts_ns, OrderedDict(), OrderedDict())
            self._tries.move_to_end(device.key)
            if len(self._tries) > self._capacity:
                self._tries.popitem(last=False)
                self.forgotten += 1
        if tries.found:
            return None
        hosts = _grown(tries.hosts, port, host)
        ports = _grown(tries.ports, host, port)
        tries.found = hosts >= HOSTS or ports >= PORTS
        if not tries.found:
            return None
        tries.hosts.clear()
        tries.ports.clear()
        if hosts < HOSTS:
            return f"{PORTS} ports of one host tried in vain within 5 minutes"
        how = f"tried in vain on tcp/{port}" if port else "asked for by ARP in vain"
        return f"{HOSTS} hosts {how} within 5 minutes"


def _grown(groups: OrderedDict[K, set[V]], key: K, value: V) -> int:
    """How many values this group has now."""
    group = groups.setdefault(key, set())
    group.add(value)
    groups.move_to_end(key)
    if len(groups) > MAX_GROUPS:
        groups.popitem(last=False)
    return len(group)
