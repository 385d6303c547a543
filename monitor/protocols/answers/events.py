"""Streams of events: what a device says that it has seen or heard, by topic.

Strategy: the stream is searched, not framed: what brings an event is a leaf or line of its own in each of them, so a
gap costs what fell into it and no more. Each topic makes one fact a stream; what an event holds besides stays unread.

* ISAPI, ``Event/notification/alertStream``: multipart of XML ``EventNotificationAlert`` with ``eventType`` and
  ``eventState``, or of JSON with the same names (pyHik, hikvision_next).
* Dahua, ``eventManager.cgi?action=attach``: multipart of ``Code=VideoMotion;action=Start;index=0`` (rroller/dahua).
* ONVIF: ``wsnt:Topic`` of PullMessages answers, Notify messages and of ``tt:MetadataStream`` over RTP
  (ONVIF Core Specification, 9; Analytics Service Specification, 5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import AnalyticsEvent, Fact, Want
from monitor.protocols.device_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HELD: Final = 8_192
"""Octets that are held: an alert has some 1,000 before its state, a Topic element some 200."""
MAX_TOPICS: Final = 64
"""Of one stream: a device knows some 30."""
MAX_TOPIC: Final = 128
"""Characters; the longest of ONVIF's has 60."""
MAX_BYTES: Final = 16 * 1024 * 1024
"""Octets of one stream that are searched: pictures ride along in ISAPI's."""

_MARKS: Final = {"isapi": (b"eventType",), "dahua": (b"Code=",), "onvif": (b"Topic", b"onvif.org/ver10/topics")}
"""Without one of these there is nothing to find."""
_OVERLAP: Final = 128
"""Octets that are held where there is none: a mark may be cut, and what stands before it belongs to it."""
_QUIET: Final = frozenset({"inactive"})
"""eventState of an event that is over, or that (videoloss) is sent as a sign of life."""
_ALERT: Final = re.compile(
    rb"<(?:\w{1,16}:)?eventType>([^<>]{1,160}+)</(?:\w{1,16}:)?eventType>"
    rb"(?:(?!eventType>).){0,2048}?<(?:\w{1,16}:)?eventState>\s{0,16}(\w{1,32})\s{0,16}<",
    re.DOTALL,
)
_ALERT_JSON: Final = re.compile(
    rb"\"eventType\"\s{0,8}:\s{0,8}\"([^\"\\]{1,128})\"(?:(?!\"eventType\").){0,2048}?\"eventState\"\s{0,8}:\s{0,8}\"(\w{1,32})\"",
    re.DOTALL,
)
_CODE: Final = re.compile(
    rb"(?:(?<![\w.])Code=(?P<code>\w{1,128});action=|EventBaseInfo\.Code=(?P<base>\w{1,128})\s{1,4}"
    rb"[\w.\[\]]{1,64}\.Action=)(?P<action>\w{1,32})[;\r\n]"
)
"""Of eventManager.cgi, and of snapManager.cgi, which sends pictures with them."""
_DAHUA_ACTIONS: Final = frozenset({"Start", "Pulse"})
_TOPIC: Final = re.compile(rb"<(?:[\w.-]{1,32}:)?Topic(?=[\s>])[^<>]{0,1024}+>([^<>]{1,384}+)</")
_BOUND: Final = re.compile(rb"xmlns:([\w.-]{1,32})=[\"']http://www\.onvif\.org/ver10/topics[\"']")
_PREFIX: Final = re.compile(r"([A-Za-z_][\w.-]*):(?=[A-Za-z_])")


class EventStream:
    """One stream of events of one interface: isapi, dahua or onvif."""

    def __init__(self, api: str, most: int = MAX_BYTES) -> None:
        """``most``: octets that are searched."""
        self.want = Want.MORE
        self.dropped = 0
        """Topics past MAX_TOPICS."""
        self._api = api
        self._most = most
        self._held = b""
        self._read = 0
        self._told: set[str] = set()
        self._prefix = "tns1"
        """What this device binds to ONVIF's namespace of topics."""

    def feed(self, data: bytes) -> list[Fact]:
        """The topics that these octets are the first to name. Behind a gap, call ``gap`` first."""
        if self.want is Want.STOP or not data:
            return []
        self._read += len(data)
        facts: list[Fact] = []
        for start in range(0, len(data), MAX_HELD):
            self._held += data[start : start + MAX_HELD]
            if not any(mark in self._held for mark in _MARKS.get(self._api, ())):
                self._held = self._held[-_OVERLAP:]
                continue
            read = 0
            for topic, end in self._found():
                read = end
                if topic is not None:
                    facts += self._tell(topic)
            self._held = self._held[max(read, len(self._held) - MAX_HELD) :]
        if self._read > self._most or self.dropped:
            self.want = Want.STOP
        return facts

    def gap(self) -> None:
        """Octets are missing: what is held does not go on."""
        self._held = b""

    def _found(self) -> Iterator[tuple[str | None, int]]:
        """Topics in what is held, None for what is no event, each with the place behind it."""
        if self._api == "isapi":
            yield from self._alerts()
        elif self._api == "dahua":
            for found in _CODE.finditer(self._held):
                happens = found["action"].decode("latin-1") in _DAHUA_ACTIONS
                yield ((found["code"] or found["base"]).decode("latin-1") if happens else None), found.end()
        elif self._api == "onvif":
            for bound in _BOUND.finditer(self._held):
                self._prefix = bound[1].decode()
            for found in _TOPIC.finditer(self._held):
                yield self._written(found[1]), found.end()

    def _alerts(self) -> Iterator[tuple[str | None, int]]:
        for pattern in (_ALERT, _ALERT_JSON):
            end = 0
            for found in pattern.finditer(self._held):
                end = found.end()
                quiet = found[2].decode().lower() in _QUIET
                yield (None if quiet else found[1].decode("utf-8", "replace")), end
            if end:
                return

    def _written(self, topic: bytes) -> str:
        """The topic with the prefix that ONVIF's documents write."""
        return _PREFIX.sub(
            lambda found: "tns1:" if found[1] == self._prefix else found[0], topic.decode("utf-8", "replace")
        )

    def _tell(self, topic: str) -> list[Fact]:
        text = (plain(topic) or "")[:MAX_TOPIC]
        if not text or text in self._told:
            return []
        if len(self._told) >= MAX_TOPICS:
            self.dropped += 1
            return []
        self._told.add(text)
        return [AnalyticsEvent(self._api, text)]
