"""Flow: what Python keeps of one flow of the table, while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.facts import Where

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac
    from monitor.model.contacts import Contact, Device


@dataclass(slots=True, eq=False)
class Flow:
    """One bidirectional flow, seen from the side that began it. Owned by the engine."""

    slot: int
    initiator: Address
    responder: Address
    initiator_port: int
    responder_port: int
    proto: int
    vlan: tuple[int, ...]
    initiator_mac: Mac | None
    responder_mac: Mac | None
    start_ns: int
    device: Device | None = None
    """The local end, if there is one on the site and one off it."""
    outward: bool = True
    """The local end began it."""
    early: bool = False
    """It was there when the capture began, as far as anybody can tell."""
    contact: Contact | None = None
    counted_out: int = 0
    """Frame bytes from the device that its contact already has."""
    counted_in: int = 0
    counted_attempts: int = 0

    @property
    def remote(self) -> Address:
        """The end that is not the device."""
        return self.responder if self.outward else self.initiator

    @property
    def remote_port(self) -> int:
        return self.responder_port if self.outward else self.initiator_port

    @property
    def device_port(self) -> int:
        return self.initiator_port if self.outward else self.responder_port

    def where(self, ts_ns: int, direction: int) -> Where:
        """Where a packet of this flow was seen; direction 0 is from the initiator."""
        if direction == 0:
            return Where(
                ts_ns, self.initiator, self.responder, self.initiator_port, self.responder_port,
                self.proto, self.vlan, self.initiator_mac, self.responder_mac,
            )  # fmt: skip
        return Where(
            ts_ns, self.responder, self.initiator, self.responder_port, self.initiator_port,
            self.proto, self.vlan, self.responder_mac, self.initiator_mac,
        )  # fmt: skip
