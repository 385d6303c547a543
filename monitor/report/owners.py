"""Owners: whose an incident is, for a message names its device as it was called then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from monitor.continuity.records import AlarmRecord, Damaged, Foreign, IncidentRecord, decode
from monitor.model.address import Mac, mac_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from monitor.continuity.records import ContactRecord, DeviceRecord
    from monitor.report.told import Body

INCIDENTS: Final = "engine/incident/"
ALARMS: Final = "engine/alarm/"

K = TypeVar("K", bound="Hashable")


class Owners:
    """Whose incidents are, by what the records say, else by the only device with that MAC, else with that name."""

    def __init__(
        self, devices: Iterable[DeviceRecord], contacts: Iterable[ContactRecord], rows: Mapping[str, bytes]
    ) -> None:
        self._by_incident = {each.incident: each.device for each in contacts if each.incident is not None}
        for name, row in rows.items():
            try:
                if name.startswith(INCIDENTS):
                    kept = decode(IncidentRecord, row)
                    self._by_incident[kept.uid] = kept.key[0]
                elif name.startswith(ALARMS):
                    alarm = decode(AlarmRecord, row)
                    self._by_incident[alarm.uid] = alarm.device.key
            except (Damaged, Foreign):
                continue  # its message says what is needed
        self._keys: set[str] = set()
        macs, names = [], []
        for device in devices:
            self._keys.add(device.key)
            names.append((device.name, device.key))
            if device.mac is not None:
                macs.append((mac_text(Mac(device.mac)), device.key))
        self._by_mac, self._by_name = _single(macs), _single(names)

    def of(self, body: Body) -> str | None:
        """Key of the device whose incident this message tells of; None: nobody's who is known."""
        key = self._by_incident.get(body.finding_info.uid)
        if key in self._keys:
            return key
        return self._by_mac.get(body.device.mac or "") or self._by_name.get(body.device.name)


def _single(pairs: Iterable[tuple[K, str]]) -> dict[K, str]:
    """Those that stand for one device only."""
    found: dict[K, str] = {}
    doubtful = set()
    for name, key in pairs:
        if found.setdefault(name, key) != key:
            doubtful.add(name)
    return {name: key for name, key in found.items() if name not in doubtful}
