"""Told: the journal's messages, read once from the oldest on, down to what the report needs of each incident."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field

from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, Severity
from monitor.report.facts import Incident, Missed, Span

if TYPE_CHECKING:
    from monitor.report.words import Clock
    from monitor.store.reading import Reader

BATCH: Final = 1000
"""Messages that are in memory at a time, some 2 KiB each."""
MS_NS: Final = 1_000_000


class _Device(Struct):
    name: str = ""
    mac: str | None = None
    ip: str | None = None


class _Info(Struct):
    uid: str
    title: str
    types: list[str]
    first_seen_time: int
    last_seen_time: int


class _Verdict(Struct):
    operator: str | None = None


class _Own(Struct):
    attempts: int = 0
    outcome: str | None = None
    verdict: _Verdict | None = None
    visibility: Missed = field(default_factory=Missed)
    merged_into: str | None = None


class _Unmapped(Struct):
    camwarden: _Own


class Body(Struct):
    """Of a message (monitor.incidents.ocsf), what is needed here."""

    activity_id: int
    severity_id: int
    time: int
    message: str
    device: _Device
    finding_info: _Info
    unmapped: _Unmapped


_DECODER: Final = msgspec.json.Decoder(Body)
_OUTCOMES: Final = {outcome.label: outcome for outcome in Outcome}


class Told:
    """What was told up to the end of a time."""

    def __init__(self, reader: Reader, since_ns: int, until_ns: int, clock: Clock) -> None:
        """``until_ns`` inclusive. StoreError if the journal cannot be read."""
        self.newest: dict[str, Body] = {}
        """By incident, its newest message of all that were told by then; only of those that reach into the time."""
        self.days: Counter[tuple[int, Outcome]] = Counter()
        self.first_ns: int | None = None
        """When the first message of all was told of."""
        self.last_ns = 0
        self.damaged = 0
        self._span = Span(since_ns, until_ns)
        self._clock = clock
        self._counted: Counter[str] = Counter()
        """Attempts by incident, as told so far."""
        seq = 1
        while messages := reader.since(seq, BATCH):
            for message in messages:
                try:
                    self._take(_DECODER.decode(message.body))
                except msgspec.DecodeError:
                    self.damaged += 1
            seq = messages[-1].seq + 1

    def _take(self, body: Body) -> None:
        time_ns, info, own = body.time * MS_NS, body.finding_info, body.unmapped.camwarden
        if time_ns > self._span.end_ns:
            return
        self.first_ns = min(info.first_seen_time * MS_NS, self.first_ns if self.first_ns is not None else time_ns)
        self.last_ns = max(self.last_ns, time_ns)
        new = own.attempts - self._counted[info.uid]
        if new > 0:
            self._counted[info.uid] = own.attempts
            if time_ns >= self._span.begin_ns:
                self.days[self._clock.day(time_ns), _OUTCOMES.get(own.outcome or "", Outcome.ATTEMPTED)] += new
        if own.merged_into is not None:  # the other takes over what this one has told of
            self._counted[own.merged_into] += self._counted[info.uid]
        if self._span.meets(info.first_seen_time * MS_NS, info.last_seen_time * MS_NS):
            self.newest[info.uid] = body


def incident(body: Body) -> Incident:
    """The incident of which this is the newest message."""
    info, own = body.finding_info, body.unmapped.camwarden
    return Incident(
        uid=info.uid,
        device=body.device.name,
        kind=info.types[0] if info.types else "",
        title=info.title,
        severity=Severity(body.severity_id),
        message=body.message,
        first_ns=info.first_seen_time * MS_NS,
        last_ns=info.last_seen_time * MS_NS,
        open=body.activity_id != Activity.END,
        outward=own.verdict is not None,
        operator=own.verdict.operator if own.verdict is not None else None,
        attempts=own.attempts,
        missed=own.visibility,
    )
