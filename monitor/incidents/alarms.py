"""Alarms: incidents of a device, or of the sensor itself, that are about no remote end.

Strategy: one alarm is open for each (subject, kind, cause). A state, such as silence, is kept open for as long as
its detector says so; an event, such as a changed identity, until nothing like it was seen for the quiet time.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final

from msgspec import structs

from monitor.incidents.digest import digest
from monitor.incidents.incident import decade
from monitor.model.exhibits import no_packets
from monitor.model.incidents import Activity, Totals, Transition
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, KeysView

    from monitor.model.exhibits import Packets
    from monitor.model.incidents import DeviceView, Kind, Notice

MAX_OPEN: Final = 8192
"""Two for each device that can be known (enrich.devices): the one open for longest without news makes room."""
FLOOR: Final = 10
"""Repetitions are told at each decade from here, like attempts (incidents.incident)."""

Key = tuple[str, str, str]
"""Subject, kind, cause."""


class Alarm:
    """One that is open. ``said`` is what the last message told."""

    def __init__(self, uid: str, device: DeviceView, notice: Notice, now_ns: int, base: Totals) -> None:
        self.uid = uid
        self.device = device
        self.notice = notice
        self.first_ns = now_ns
        self.last_ns = now_ns
        self.base = base
        self.times = 1
        """How often it was noticed."""
        self.number = 0
        """Transitions told."""
        self.said: tuple[object, ...] = ()

    def state(self) -> tuple[object, ...]:
        """What is news when it differs: not the numbers in a sentence that grow every second.

        Another connection between the same ends is none, nor is another end once it was noticed FLOOR times.
        """
        notice = self.notice
        ends = [(each.remote_ip, each.remote_name, each.remote_port, each.proto) for each in notice.evidences]
        return (
            notice.severity,
            notice.properties,
            tuple(ends) if self.times < FLOOR else (),
            notice.firmware,
            notice.capabilities,
            notice.news,
            decade(self.times, FLOOR),
        )


class Alarms:
    """Open alarms by subject, kind and cause."""

    def __init__(
        self,
        sensor: str,
        totals: Callable[[], Totals],
        *,
        quiet_ns: int,
        max_open: int = MAX_OPEN,
        packets: Packets = no_packets,
    ) -> None:
        """``totals`` says what the sensor has seen and missed so far; ``quiet_ns`` ends an event's alarm.

        ``packets`` are asked for at each message.
        """
        self._packets = packets
        self._sensor = sensor
        self._totals = totals
        self._quiet_ns = quiet_ns
        self._max_open = max_open
        self._open: OrderedDict[Key, Alarm] = OrderedDict()
        self._by_uid: dict[str, Key] = {}
        self._held: dict[str, set[Key]] = {}
        """By subject, those that are kept open by their detector and end when it says so."""
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._open)

    def limits(self) -> list[Limit]:
        """The room for alarms."""
        return [Limit(Room.ALARMS, self._max_open, len(self._open), self.evicted)]

    def uids(self) -> KeysView[str]:
        """Ids of the open alarms."""
        return self._by_uid.keys()

    def by_subject(self) -> Counter[str]:
        """How many alarms are open of each subject, by its key."""
        return Counter(subject for subject, _, _ in self._open)

    def open(self, uid: str) -> Alarm:
        """The open alarm of this id. KeyError if there is none."""
        return self._open[self._by_uid[uid]]

    def is_held(self, uid: str) -> bool:
        """Whether its detector keeps it open."""
        return self._is_held(self._by_uid[uid])

    def resume(self, alarm: Alarm, *, held: bool) -> bool:
        """Go on with an alarm of an earlier run, noticed later than those before it. False: there is no room."""
        key = (alarm.device.key, str(alarm.notice.kind), alarm.notice.about)
        if len(self._open) >= self._max_open or key in self._open:
            return False
        alarm.said = alarm.state()
        self._open[key] = alarm
        self._by_uid[alarm.uid] = key
        if held:
            self._held.setdefault(key[0], set()).add(key)
        return True

    def hold(
        self, device: DeviceView, kinds: Collection[Kind], notices: Iterable[Notice], now_ns: int
    ) -> list[Transition]:
        """These notices of ``kinds`` are all that hold of this device now: others that were open are over."""
        told: list[Transition] = []
        found: set[Key] = set()
        for notice in notices:
            key = (device.key, str(notice.kind), notice.about)
            found.add(key)
            told += self._notice(key, device, notice, now_ns)
            self._held.setdefault(device.key, set()).add(key)
        return told + self.let_go(device.key, kinds, now_ns, but=found)

    def let_go(self, subject: str, kinds: Collection[Kind], now_ns: int, but: Collection[Key] = ()) -> list[Transition]:
        """States of these kinds hold no more, or nobody asks for them any more."""
        over = [key for key in self._held.get(subject, ()) if key[1] in kinds and key not in but]
        return [self._end(key, now_ns) for key in sorted(over)]

    def subjects(self) -> list[str]:
        """Of whom a state is told as open."""
        return list(self._held)

    def holds(self, subject: str) -> bool:
        """Whether a state of this subject is told as open."""
        return subject in self._held

    def note(self, device: DeviceView, notice: Notice, now_ns: int) -> list[Transition]:
        """Something happened to this device."""
        key = (device.key, str(notice.kind), notice.about)
        if key in self._open:
            self._open[key].times += 1
        return self._notice(key, device, notice, now_ns)

    def quiet(self, now_ns: int) -> list[Transition]:
        """End the events that nothing like was seen of for the quiet time."""
        over = []
        for key, alarm in self._open.items():
            if now_ns - alarm.last_ns < self._quiet_ns:
                break
            if not self._is_held(key):
                over.append(key)
        return [self._end(key, now_ns) for key in over]

    def next_ns(self) -> int | None:
        """When ``quiet`` may next have something."""
        ends = (alarm.last_ns + self._quiet_ns for key, alarm in self._open.items() if not self._is_held(key))
        return next(ends, None)

    def _notice(self, key: Key, device: DeviceView, notice: Notice, now_ns: int) -> list[Transition]:
        told: list[Transition] = []
        alarm = self._open.get(key)
        if alarm is None:
            if len(self._open) >= self._max_open:
                self.evicted += 1
                told.append(self._end(next(iter(self._open)), now_ns))
            uid = digest(self._sensor, *key, now_ns)
            alarm = self._open[key] = Alarm(uid, device, notice, now_ns, self._totals())
            self._by_uid[uid] = key
        alarm.device, alarm.notice, alarm.last_ns = device, notice, now_ns
        self._open.move_to_end(key)
        if alarm.number == 0:
            told.append(self._tell(alarm, Activity.NEW, now_ns))
        elif alarm.state() != alarm.said:
            told.append(self._tell(alarm, Activity.UPDATE, now_ns))
        return told

    def _is_held(self, key: Key) -> bool:
        return key in self._held.get(key[0], ())

    def _end(self, key: Key, now_ns: int) -> Transition:
        held, is_state = self._held.get(key[0]), self._is_held(key)
        if held is not None:
            held.discard(key)
            if not held:
                del self._held[key[0]]
        alarm = self._open.pop(key)
        if is_state:  # what it says is so no more
            alarm.notice = structs.replace(alarm.notice, message=f"Over: {alarm.notice.message}")
        told = self._tell(alarm, Activity.END, now_ns)
        del self._by_uid[alarm.uid]
        return told

    def _tell(self, alarm: Alarm, activity: Activity, now_ns: int) -> Transition:
        alarm.number += 1
        alarm.said = alarm.state()
        notice = alarm.notice
        return Transition(
            uid=digest(alarm.uid, alarm.number),
            incident=alarm.uid,
            number=alarm.number,
            activity=activity,
            time_ns=now_ns,
            kind=notice.kind,
            properties=notice.properties,
            severity=notice.severity,
            message=notice.message,
            rule=notice.rule,
            device=alarm.device,
            confidence=notice.confidence,
            first_ns=alarm.first_ns,
            last_ns=alarm.last_ns,
            evidences=notice.evidences,
            visibility=self._totals().since(alarm.base),
            firmware=notice.firmware,
            capabilities=notice.capabilities,
            packets=self._packets(notice.evidences, alarm.first_ns, alone=True),
            image=notice.image,
        )
