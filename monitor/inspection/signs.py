"""Signs of updates: which facts speak for one, and to which update each belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.detectors.device_silent import PRESENCE
from monitor.inspection.clocks import Clocks
from monitor.ledger.firmware import version_in
from monitor.ledger.updates import OPENING, REFUSED_NS, Sign
from monitor.model.address import text
from monitor.model.capabilities import Grade
from monitor.model.facts import FirmwareCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.ledger.firmware import Turn
    from monitor.ledger.ledger import Ledger, Page
    from monitor.ledger.updates import Update
    from monitor.model.address import Address
    from monitor.model.contacts import Device
    from monitor.model.facts import FirmwareTransfer

SECOND_NS: Final = 1_000_000_000
RESTART_NS: Final = 3600 * SECOND_NS
"""A device restarts within an hour of getting its firmware, if that is why: the makers' own tools wait some minutes."""
SILENT_NS: Final = 15 * SECOND_NS
"""A device that sends all the time is silent for so long only when it restarts: they take half a minute and more."""
IMAGE_NAME: Final = "image"
"""The source of a version that was read off the name of an image."""
STARTING: Final = frozenset({"upload", "fetch", "install"})
"""Calls that mean that a firmware is to be written."""


class SignsOfUpdates:
    """Opens updates and joins signs to them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.clocks = Clocks()
        self._under_way: dict[str, tuple[Update, int]] = {}
        """By device, its last update, and when it was last seen: until it has restarted or the time is over."""

    def resume(self, page: Page) -> None:
        """Go on looking whether the device restarts."""
        self._under_way[page.device] = (page.updates[-1], 0)

    def seen(self, device: Device, fact: FirmwareTransfer | FirmwareCall, by: str, ts_ns: int) -> Update | None:
        """A firmware passes to the device, or it is asked to take one; the update, if that is news of one."""
        page = self._ledger.page(device.key)
        if isinstance(fact, FirmwareCall):
            return self._called(device, page, fact, by, ts_ns)
        return self._passed(device, page, fact, by, ts_ns) if fact.bytes else None

    def _called(self, device: Device, page: Page, fact: FirmwareCall, by: str, ts_ns: int) -> Update | None:
        known = page.update_at(ts_ns)
        if known is not None and fact.operation in STARTING:
            known.refused_ns = ts_ns if fact.accepted is False else 0
        if fact.accepted is False:
            return None
        if fact.operation == "reboot":
            return self.joined(page, f"over {fact.via} by {by}", ts_ns, Sign.REBOOT)
        if fact.operation not in STARTING:
            return None
        words = f"{fact.operation} over {fact.via} by {by}" + (f" ({fact.uri})" if fact.uri else "")
        news = self._sign(device, page, Sign.CALL, words, ts_ns)
        if known is not None and known.refused:
            known.refused = False
            return known
        return news

    def _passed(self, device: Device, page: Page, fact: FirmwareTransfer, by: str, ts_ns: int) -> Update | None:
        sign = Sign.IMAGE if fact.complete else Sign.PART
        update = self._sign(device, page, sign, _image(fact, by, device), ts_ns)
        if update is None:
            return None
        if fact.sha256 is not None:
            update.image_sha256, update.image_bytes = fact.sha256, fact.bytes
        named = version_in(fact.name or _last_part(fact.uri))
        if named is not None and fact.complete:
            turn = page.firmware.learn(named, Grade.PROBABLE, IMAGE_NAME, ts_ns)
            page.changed = True
            if turn is not None and not update.certain:
                update.before = turn.before if turn.before is not None else update.before
            if not update.certain:
                update.after = named
        return update

    def turned(self, device: Device, page: Page, turn: Turn) -> Update | None:
        """A source says another version; the update, if that is one and not the first that is heard of a version."""
        if turn.before is None:
            return None
        words = f"{turn.source} said {turn.before}, and says {turn.after}"
        update = self._sign(device, page, Sign.VERSION, words, turn.ts_ns)
        if update is not None and (not update.certain or update.source == turn.source):
            update.before = update.before if update.certain else turn.before
            update.after, update.source = turn.after, turn.source
            update.certain = update.certain or turn.grade is Grade.CERTAIN
        return update

    def came(self, device: Device, page: Page, words: str, ts_ns: int) -> Update | None:
        """The device got more than it ever does but for an update."""
        return self._sign(device, page, Sign.VOLUME, words, ts_ns)

    def joined(self, page: Page, words: str, ts_ns: int, sign: Sign = Sign.RESTART) -> Update | None:
        """The device restarted, or was asked to; the update that this belongs to, if it is news of one."""
        update = page.update_at(ts_ns)
        if update is None or ts_ns - update.last_ns > RESTART_NS:
            return None
        return update if update.add(sign, words, ts_ns) else None

    def clock(self, device: Device, remote: Address, ticks: int, ts_ns: int) -> Update | None:
        """What a TCP segment's clock says; the update that the device restarted for, if that is news of one."""
        last_ns = self.clocks.read(device.key, remote, ticks, ts_ns)
        page = self._ledger.known(device.key) if last_ns is not None else None
        update = page.update_at(ts_ns) if page is not None else None
        if last_ns is None or page is None or update is None or Sign.RESTART in update.signs:
            return None
        if last_ns < update.started_ns - RESTART_NS:  # it may have restarted long before
            return None
        return self.joined(page, "the clock of its TCP segments began anew", ts_ns)

    def banner(self, page: Page, words: str, ts_ns: int) -> Update | None:
        """The device shows itself otherwise than before; the update that this belongs to, if it is news of one."""
        update = page.update_at(ts_ns)
        return update if update is not None and update.add(Sign.BANNER, words, ts_ns) else None

    def restarts(self, named: Callable[[str], Device | None], now_ns: int) -> list[tuple[Device, Update]]:
        """Devices that are seen to have restarted since they got a firmware."""
        found = []
        for key, (update, seen_ns) in list(self._under_way.items()):
            device = named(key)
            if device is None or now_ns - update.last_ns > RESTART_NS or Sign.RESTART in update.signs:
                del self._under_way[key]
                continue
            if update.refused_ns and not update.refused and now_ns - update.refused_ns >= REFUSED_NS:
                update.refused = True
                if update.is_refusal:
                    found.append((device, update))
            words = _restarted(device, update, seen_ns)
            if words is not None and update.add(Sign.RESTART, words, max(seen_ns, device.seen_ns)):
                found.append((device, update))
            self._under_way[key] = (update, max(seen_ns, device.seen_ns))
        return found

    def _sign(self, device: Device, page: Page, sign: Sign, words: str, ts_ns: int) -> Update | None:
        update = page.update_at(ts_ns)
        if update is None or (sign is Sign.CALL and update.certain):
            if sign not in OPENING:
                return None
            known_ns = max(device.first_ns, self._ledger.since_ns)
            update = page.begin_update(ts_ns, max(0, ts_ns - known_ns) if device.first_ns else 0)
            current = page.firmware.current
            update.before = current.text if current is not None else device.firmware
        page.changed = True
        news = update.add(sign, words, ts_ns)
        self._under_way[device.key] = (update, device.seen_ns)
        return update if news else None


def _restarted(device: Device, update: Update, seen_ns: int) -> str | None:
    if device.booted_ns is not None and device.booted_ns > update.started_ns:
        return "it asked for an address as after a start"
    known_ns = seen_ns - device.first_ns
    habit = known_ns > 0 and device.seen_s * PRESENCE * SECOND_NS >= known_ns
    if habit and seen_ns >= update.started_ns and device.seen_ns - seen_ns >= SILENT_NS:
        return f"it was silent for {(device.seen_ns - seen_ns) // SECOND_NS} s"
    return None


def _image(fact: FirmwareTransfer, by: str, device: Device) -> str:
    """An image in words. One that was pushed went to a URI of the device's own, which names no file."""
    host = host_of(fact.uri)
    pushed = host is not None and host in [text(each) for each in device.addresses]
    name = fact.name or (_last_part(fact.uri) if not pushed else "")
    digest = f", SHA-256 {fact.sha256}" if fact.sha256 else ""
    kind = f", {fact.magic}" if fact.magic else ""
    whole = "" if fact.complete else ", not all of it was seen"
    where = f" from {host}" if host is not None and not pushed else f" from {by}"
    return f"{name}{', ' if name else ''}{fact.bytes:,} bytes{kind}{digest}{whole}, over {fact.via}{where}"


def _last_part(uri: str | None) -> str:
    """The last segment of a URI's path; empty where there is no path, whose host may look like a version."""
    path = (uri or "").partition("://")[2].partition("?")[0].partition("#")[0]
    return path.rpartition("/")[2] if "/" in path else ""


def host_of(uri: str | None) -> str | None:
    """The host of an absolute URI."""
    if uri is None or "://" not in uri:
        return None
    return uri.partition("://")[2].partition("/")[0] or None
