"""The small site that most scenarios play at: 10.20.0.0/24 with a router, a server, a recorder and cameras."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from pcaps.messages import Lease
from pcaps.packets import Host
from pcaps.wire import MINUTE, SECOND, START, Wire, time_sync

if TYPE_CHECKING:
    from collections.abc import Iterable

ROUTER_MAC: Final = "00:00:0c:07:ac:01"
"""Cisco; also what every remote end looks like on this link."""
SERVER_MAC: Final = "00:14:22:5a:10:02"
"""Dell."""
RECORDER_MAC: Final = "c0:56:e3:20:00:0a"
"""Hikvision."""

# Prefixes of makers, IEEE registry.
HIKVISION: Final = "44:19:b6"
DAHUA: Final = "3c:ef:8c"
UNIVIEW: Final = "48:ea:63"
REOLINK: Final = "ec:71:db"
AXIS: Final = "ac:cc:8e"


class Site:
    """Fresh hosts and an empty wire for one scenario."""

    def __init__(self, name: str, *, vlan: tuple[int, ...] = ()) -> None:
        self.rng = Random(name)
        self.wire = Wire(vlan=vlan)
        self.router = Host.at("10.20.0.1", ROUTER_MAC)
        self.server = Host.at("10.20.0.2", SERVER_MAC)
        """Resolver and time server."""
        self.recorder = Host.at("10.20.0.10", RECORDER_MAC)

    @staticmethod
    def camera(number: int, maker: str) -> Host:
        """Address 10.20.0.(10 + number), its MAC likewise."""
        last = 10 + number
        return Host.at(f"10.20.0.{last}", f"{maker}:20:00:{last:02x}")

    def lease(self, client: Host, hostname: str, vendor_class: str) -> Lease:
        """From the router, with the site's resolver and time server."""
        number = self.rng.getrandbits(32)
        return Lease(number, client, self.router, self.server.ip, self.server.ip, hostname, vendor_class)

    def housekeeping(self, hosts: Iterable[Host], *, minutes: int) -> None:
        """Each host asks for its router once, and for the time now and then."""
        for number, host in enumerate(hosts):
            self.wire.arp(START + (2 + number) * SECOND, host, self.router)
            for minute in range(0, minutes, 4):
                time_sync(self.wire, START + minute * MINUTE + (5 + 3 * number) * SECOND, host, self.server)
