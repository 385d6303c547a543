"""What a broker is to keep of the devices: their states and, if wished, how Home Assistant is to show them.

Strategy: the whole is made anew each time and compared with what was shown before, in an earlier run too, so that what
belongs to a device that is gone, to another name, or to a setting that was changed is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from monitor.sinks.topics import topic_level

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from monitor.model.incidents import DeviceState
    from monitor.sinks.home_assistant import HomeAssistant

OTHER: Final = "other"
"""Metric label of a device that is not in the inventory."""
MAX_TOPICS: Final = 8192
"""Topics that are remembered over a restart: twice what a broker is asked to keep (sinks.mqtt)."""
_TOPICS: Final = msgspec.json.Decoder(list[str])


class Shown:
    """Topics below ``base`` and, with ``home_assistant``, those of its discovery."""

    def __init__(self, base: str, home_assistant: HomeAssistant | None) -> None:
        self._base = base
        self._home_assistant = home_assistant
        self._topics: frozenset[str] = frozenset()
        self._row: dict[str, bytes] = {}

    def before(self, row: bytes | None) -> bool:
        """Take over what an earlier run had shown. False: it cannot be read, and nothing of it is taken back."""
        try:
            self._topics = frozenset(_TOPICS.decode(row)[:MAX_TOPICS] if row is not None else ())
        except msgspec.DecodeError:
            return False
        return True

    def show(self, devices: Sequence[DeviceState]) -> tuple[dict[str, bytes], Collection[str]]:
        """What is to be there by topic, the inventory first, and topics that must be there no more."""
        ordered = sorted(devices, key=lambda device: device.label == OTHER)
        wanted = {f"{self._base}/devices/{topic_level(each.name)}": msgspec.json.encode(each) for each in ordered}
        if self._home_assistant is not None:
            wanted |= self._home_assistant.sensor()
            for device in ordered:
                wanted |= self._home_assistant.device(device)
        topics = frozenset(wanted)
        # First the descriptions of entities, then the states that they name.
        gone = sorted(self._topics - topics, key=lambda topic: topic.startswith(f"{self._base}/"))
        if topics != self._topics:
            self._topics = topics
            self._row["topics"] = msgspec.json.encode(sorted(topics)[:MAX_TOPICS])
        return wanted, gone

    def row(self) -> bytes | None:
        """What is to be saved; None: nothing that is new. May be asked for by another thread."""
        return self._row.pop("topics", None)
