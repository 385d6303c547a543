"""Updates of all devices: what speaks for one is joined, and news of one is told, with what the device gained by it.

Strategy: an image, a call, another version, a large download open an update (see signs); a restart, another banner or
another TLS fingerprint only joins one. News is told as it comes, each time with all that is known so far.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from monitor.detectors import capability_gained, firmware_update
from monitor.inspection.signs import SignsOfUpdates
from monitor.ledger.updates import WATCH_NS
from monitor.model.address import text
from monitor.model.evidence import end_of, evidence_in, evidence_of
from monitor.model.facts import FirmwareCall, FirmwareTransfer
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.enrich.devices import Devices
    from monitor.inspection.telling import Telling
    from monitor.ledger.ledger import Ledger, Page
    from monitor.ledger.updates import Update
    from monitor.model.address import Address
    from monitor.model.capabilities import Grade, Vocabulary
    from monitor.model.contacts import Contact, Device
    from monitor.model.facts import TlsClientHello
    from monitor.model.flows import Flow
    from monitor.model.incidents import Evidence
    from monitor.policy.policy import Policy

MAX_GREETINGS: Final = 4_096
"""Devices of which the last TLS fingerprint is at hand, so that the same one again costs nothing."""


class Updates:
    """What is known and told of changes of firmware. No clock: time comes with each call."""

    def __init__(
        self, ledger: Ledger, devices: Devices, vocabulary: Vocabulary, policy: Policy, telling: Telling
    ) -> None:
        """``policy`` knows maintenance windows; it may be exchanged."""
        self.policy = policy
        self.due: dict[str, None] = {}
        """Devices whose firmware is to be looked at again."""
        self.heeds_until_ns = 0
        """Until when it matters where devices go: some have just been updated."""
        self._ledger = ledger
        self._devices = devices
        self._vocabulary = vocabulary
        self._telling = telling
        self._signs = SignsOfUpdates(ledger)
        self._greeted: OrderedDict[str, str] = OrderedDict()
        """By device, how it greeted last."""
        self._ungreeted = 0

    def limits(self) -> Iterator[Limit]:
        """The room for clocks and greetings."""
        clocks = self._signs.clocks
        yield Limit(Room.CLOCKS, clocks.capacity, len(clocks), clocks.forgotten)
        yield Limit(Room.GREETINGS, MAX_GREETINGS, len(self._greeted), self._ungreeted)

    def resume(self, page: Page) -> None:
        """Go on with the last update of an earlier run."""
        if page.updates:
            self._signs.resume(page)
            self.heeds_until_ns = max(self.heeds_until_ns, page.updates[-1].last_ns + WATCH_NS)

    def passed(
        self,
        flow: Flow,
        fact: FirmwareTransfer | FirmwareCall,
        sender: Device | None,
        receiver: Device | None,
        ts_ns: int,
    ) -> None:
        """A firmware passes to a device, or somebody asks a device to take one."""
        device = receiver
        if isinstance(fact, FirmwareTransfer) and fact.direction == "from_device":
            return
        if isinstance(fact, FirmwareCall) and fact.accepted is not None:
            device = sender  # it is the device that answers
        if device is None:
            return
        end = end_of(flow, device)
        other = flow.responder if end == flow.initiator else flow.initiator
        self._news(device, self._signs.seen(device, fact, text(other), ts_ns), evidence_of(flow, end))

    def came(self, device: Device, words: str, ts_ns: int, evidence: Evidence | None = None) -> None:
        """The device got more than it ever does but for an update."""
        self._news(device, self._signs.came(device, self._ledger.page(device.key), words, ts_ns), evidence)

    def version(self, device: Device, text: str, grade: Grade, source: str, ts_ns: int) -> None:
        """The device, or somebody of it, says which firmware it runs."""
        page = self._ledger.page(device.key)
        said = page.firmware.by_source.get(source)
        turn = page.firmware.learn(text, grade, source, ts_ns)
        if page.firmware.by_source.get(source) != said:
            page.changed = True
            self.due[device.key] = None
        if turn is not None:
            self._news(device, self._signs.turned(device, page, turn))

    def restarted(self, device: Device, page: Page, words: str, ts_ns: int) -> None:
        """The device started anew."""
        self._news(device, self._signs.joined(page, words, ts_ns))

    def clock(self, device: Device, remote: Address, ticks: int, ts_ns: int) -> None:
        """What the clock in a TCP segment of the device to ``remote`` stands at, 32 bits."""
        self._news(device, self._signs.clock(device, remote, ticks, ts_ns))

    def shows(self, device: Device, what: str, shown: str, ts_ns: int) -> None:
        """What a device shows of itself without saying its version; a change joins an update, and opens none."""
        page = self._ledger.page(device.key)
        before = page.remember("banner", what, shown)
        if before is not None and before != shown:
            self._news(device, self._signs.banner(page, f"{what} was {before!r} and is {shown!r}", ts_ns))

    def greets(self, flow: Flow, fact: TlsClientHello, ts_ns: int) -> None:
        """How the device greets TLS servers; a way that is new joins an update, and opens none."""
        device, ja4 = flow.device, fact.ja4
        if device is None or not device.watched or not flow.outward or self._greeted.get(device.key) == ja4:
            return
        self._greeted[device.key] = ja4
        if len(self._greeted) > MAX_GREETINGS:
            self._greeted.popitem(last=False)
            self._ungreeted += 1
        page = self._ledger.page(device.key)
        known = len(page.marks.get("ja4", ()))
        if page.remember("ja4", ja4, "seen") is None and known:
            self._news(device, self._signs.banner(page, f"a TLS fingerprint that is new: {ja4}", ts_ns))

    def gain(self, device: Device, update: Update, what: str, words: str, seen_in: Flow | Contact | None) -> None:
        """The device does, offers or says something since the update that it did not before."""
        if update.gain(what, words, evidence_in(device, seen_in)):
            self._ledger.page(device.key).changed = True
            self._telling.tell(device, capability_gained.detect(device, update, self._vocabulary))

    def tick(self, now_ns: int) -> None:
        """A second is over: devices whose update is under way may have restarted."""
        for device, update in self._signs.restarts(self._devices.named, now_ns):
            self._news(device, update)

    def _news(self, device: Device, update: Update | None, evidence: Evidence | None = None) -> None:
        """There is news of an update, unless it is None."""
        if update is None:
            return
        update.show(evidence)
        self._ledger.page(device.key).changed = True
        self.heeds_until_ns = max(self.heeds_until_ns, update.last_ns + WATCH_NS)
        in_window = self.policy.in_window(device, update.started_ns)
        self._telling.tell(device, firmware_update.detect(device, update, in_window=in_window))
        self._telling.tell(device, capability_gained.detect(device, update, self._vocabulary))
