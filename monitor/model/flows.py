"""Flow: what Python keeps of one flow of the table, while it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.facts import Where

if TYPE_CHECKING:
    from monitor.model.address import Address, Mac
    from monitor.model.contacts import Contact, Device


class Flow:
    """One bidirectional flow, seen from the side that began it. Owned by the engine."""

    def __init__(
        self,
        slot: int,
        initiator: Address,
        responder: Address,
        initiator_port: int,
        responder_port: int,
        proto: int,
        vlan: tuple[int, ...],
        initiator_mac: Mac | None,
        responder_mac: Mac | None,
        start_ns: int,
    ) -> None:
        self.slot = slot
        self.initiator = initiator
        self.responder = responder
        self.initiator_port = initiator_port
        self.responder_port = responder_port
        self.proto = proto
        self.vlan = vlan
        self.initiator_mac = initiator_mac
        self.responder_mac = responder_mac
        self.start_ns = start_ns
        self.device: Device | None = None
        """The local end, if there is one on the site and one off it."""
        self.peer: Device | None = None
        """The other end, if both are on the site and this one is known."""
        self.outward = True
        """The local end began it."""
        self.early = False
        """It was there when the capture began, as far as anybody can tell."""
        self.serves = False
        """It goes to a port of a device that is a function by itself."""
        self.heard = False
        """Its payload may still say something."""
        self.kept = 0
        """Packets of it that were kept as evidence."""
        self.opened = -1
        """Sequence number of the initiator's SYN; -1: none was seen."""
        self.accepted = -1
        """That of the responder's."""
        self.contact: Contact | None = None
        """What it counts for; ``join`` sets it."""
        self.earlier: Flow | None = None
        """Its neighbours among the flows of its contact."""
        self.later: Flow | None = None
        self.counted_out = 0
        """Frame bytes from the device that its contact already has."""
        self.counted_in = 0
        self.counted_attempts = 0
        self.reached = 1
        """How far it got itself, as a number of Outcome."""

    def join(self, contact: Contact) -> None:
        """It counts for this contact from now on."""
        self.leave()
        self.contact = contact
        newest: Flow | None = contact.newest_flow
        self.earlier = newest
        if newest is not None:
            newest.later = self
        contact.newest_flow = self

    def leave(self) -> None:
        """It counts for no contact any more."""
        contact = self.contact
        if contact is None:
            return
        if self.later is not None:
            self.later.earlier = self.earlier
        else:
            contact.newest_flow = self.earlier
        if self.earlier is not None:
            self.earlier.later = self.later
        self.contact = self.earlier = self.later = None

    def turn(self) -> None:
        """The other end is the one that began it."""
        self.initiator, self.responder = self.responder, self.initiator
        self.initiator_port, self.responder_port = self.responder_port, self.initiator_port
        self.initiator_mac, self.responder_mac = self.responder_mac, self.initiator_mac

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
