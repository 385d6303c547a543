"""Ledger: a page for each device: its rows, its firmware, its answers and its updates.

Strategy: nothing is judged here. A declaration or a sight goes into its row and comes back as a Change if it turned a
column; whether that is an alarm, and which one, the detectors say. What an answer holds that the vocabulary does not
know is kept and compared all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from sys import intern
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from monitor.ledger.firmware import Firmware
from monitor.ledger.rows import Row
from monitor.ledger.updates import JOIN_NS, WATCH_NS, Update
from monitor.model.capabilities import Change, State
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.model.capabilities import Declaration

MAX_PAGES: Final = 4096
"""One for each device that can be known (enrich.devices)."""
MAX_ROWS: Final = 256
"""Rows of one device: more than the vocabulary has functions."""
MAX_ANSWERS: Final = 64
"""Questions of one device whose answers are kept: the interfaces have some twenty each."""
MAX_STATEMENTS: Final = 4096
"""Statements kept of all answers of one device: a Hikvision's capabilities are some 600."""
MAX_OVERHEARD: Final = 524_288
"""Statements kept of answers to others, of all devices together, some 100 MiB: a thousand cameras at 500 each. Who can
forge answers of many devices fills this, and no more."""
MAX_UPDATES: Final = 16
"""Updates kept of one device: four years at one a quarter."""
MAX_MARKS: Final = 64
"""Banners, fingerprints, streams and destinations that are remembered of one device, of each kind."""


class Page(Struct):
    """What the ledger holds of one device."""

    device: str
    """Its key."""
    rows: dict[str, Row] = {}
    firmware: Firmware = field(default_factory=Firmware)
    answers: dict[str, dict[str, str]] = {}
    """By "api question", what was last stated to us: path and value."""
    overheard: dict[str, dict[str, str]] = {}
    """The same of answers to others, who may ask with another account: they are compared apart, and have half the room.
    """
    updates: list[Update] = []
    """Newest last."""
    marks: dict[str, dict[str, str]] = {}
    """By kind ("banner", "ja4", "stream", "boot", "unsupported" and the like), what was seen and what that was."""
    changed: bool = False
    """Since it was last written down."""

    def row(self, capability: str) -> Row | None:
        """The row of this function, made if there is room."""
        row = self.rows.get(capability)
        if row is None and len(self.rows) < MAX_ROWS:
            row = self.rows[capability] = Row()
        return row

    def update_at(self, ts_ns: int) -> Update | None:
        """The update to which a sign at this time belongs."""
        last = self.updates[-1] if self.updates else None
        return last if last is not None and ts_ns - last.last_ns < JOIN_NS else None

    def watched_update(self, ts_ns: int) -> Update | None:
        """The update as whose consequence something at this time is to be told."""
        last = self.updates[-1] if self.updates else None
        if last is None or last.is_refusal:
            return None
        return last if last.started_ns <= ts_ns < last.last_ns + WATCH_NS else None

    def begin_update(self, ts_ns: int, watched_ns: int) -> Update:
        """A new update."""
        update = Update(ts_ns, ts_ns, watched_ns)
        self.updates.append(update)
        if len(self.updates) > MAX_UPDATES:
            del self.updates[0]
        return update

    def remember(self, kind: str, what: str, shown: str) -> str | None:
        """Note a mark; what it was before, None if it is new. Beyond the bound nothing is noted, and nothing new."""
        known = self.marks.setdefault(kind, {})
        before = known.get(what)
        if before is None and len(known) >= MAX_MARKS:
            return shown
        if before != shown:
            self.changed = True
            known[what] = shown
        return before

    def states(self) -> Mapping[State, int]:
        """How many functions are in each state."""
        counts = dict.fromkeys(State, 0)
        for row in self.rows.values():
            counts[row.state()] += 1
        return counts


class Difference(Struct, frozen=True):
    """What an answer says that it did not say before, and the reverse."""

    first: bool
    """There was no answer to this question before."""
    added: tuple[tuple[str, str], ...] = ()
    turned: tuple[tuple[str, str, str], ...] = ()
    """Path, value before, value now."""
    gone: tuple[str, ...] = ()
    """Paths that are not mentioned any more, which says nothing of what they were about."""
    before: dict[str, str] = {}
    """All that the last answer said."""

    def __bool__(self) -> bool:
        """Whether there is another answer to compare with, and it says something else."""
        return not self.first and bool(self.added or self.turned)


class Ledger:
    """All pages, the one that changed longest ago first."""

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        self._max_pages = max_pages
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self.since_ns = 0
        """Since when nothing that stood here was lost; 0: nothing ever was."""
        self._lost = 0
        self.evicted = 0
        self.crowded = 0
        """Statements for which a page had no room."""
        self._most = 0
        """The most that one page has had of statements to us, or to others."""
        self._overheard = 0
        """What all pages have of statements to others."""
        self.missed = 0
        """Statements to others for which there was no room on all pages together."""

    def kept(self, now_ns: int) -> None:
        """Time is ``now_ns``: what a page that is lost would have said of earlier, nobody knows from here on."""
        if self._lost != self.evicted:
            self.since_ns, self._lost = now_ns, self.evicted

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages.values())

    def limits(self) -> list[Limit]:
        """The room for pages, and for what stands on each."""
        return [
            Limit(Room.PAGES, self._max_pages, len(self._pages), self.evicted),
            Limit(Room.STATEMENTS, MAX_STATEMENTS, self._most, self.crowded),
            Limit(Room.OVERHEARD, MAX_OVERHEARD, self._overheard, self.missed),
        ]

    def page(self, device: str) -> Page:
        """The device's page, made if it has none; the one unchanged for longest makes room."""
        page = self._pages.get(device)
        if page is None:
            if len(self._pages) >= self._max_pages:
                self._overheard -= _size(self._pages.popitem(last=False)[1].overheard)
                self.evicted += 1
            page = self._pages[device] = Page(device)
        else:
            self._pages.move_to_end(device)
        return page

    def known(self, device: str) -> Page | None:
        """The device's page, if it has one."""
        return self._pages.get(device)

    def resume(self, page: Page) -> bool:
        """Take a page of an earlier run. False: there is no room for it."""
        if len(self._pages) >= self._max_pages:
            return False
        self._pages[page.device] = page
        self._overheard += _size(page.overheard)
        self._most = max(self._most, _size(page.answers), _size(page.overheard))
        return True

    def forget(self, device: str) -> None:
        """The device is known no more."""
        page = self._pages.pop(device, None)
        if page is not None:
            self._overheard -= _size(page.overheard)

    def answered(
        self, page: Page, question: str, statements: tuple[tuple[str, str], ...], *, overheard: bool = False
    ) -> Difference:
        """The device answered a question with this; what is different from its last answer to it.

        ``overheard``: somebody else asked, or seems to: whatever passes, there is room for what we ask.
        """
        answers, share = (page.overheard, 2) if overheard else (page.answers, 1)
        before = answers.get(question)
        others = _size(answers) - len(before or ())
        now = self._fitting(statements, MAX_STATEMENTS // share - others, len(before or ()), overheard=overheard)
        if before is None and len(answers) >= MAX_ANSWERS // share:
            self.crowded += len(now)
            return Difference(first=True)
        if before == now:
            return Difference(first=False)
        answers[question] = now
        page.changed = True
        self._most = max(self._most, others + len(now))
        if overheard:
            self._overheard += len(now) - len(before or ())
        if before is None:
            return Difference(first=True)
        return Difference(
            first=False,
            added=tuple((path, value) for path, value in now.items() if path not in before),
            turned=tuple(
                (path, before[path], value) for path, value in now.items() if before.get(path, value) != value
            ),
            gone=tuple(path for path in before if path not in now),
            before=before,
        )

    def _fitting(
        self, statements: tuple[tuple[str, str], ...], room: int, had: int, *, overheard: bool
    ) -> dict[str, str]:
        """As many of these as there is room for. Paths are the same of many devices, and kept once."""
        now = {intern(path): value for path, value in statements}
        if len(now) > room:
            self.crowded += len(now) - room
            now = dict(list(now.items())[: max(0, room)])
        if overheard and len(now) > MAX_OVERHEARD - self._overheard + had:
            room = max(0, MAX_OVERHEARD - self._overheard + had)
            self.missed += len(now) - room
            now = dict(list(now.items())[:room])
        return now

    def unsupported(self, page: Page, question: str) -> None:
        """The device does not know the question. Said twice, that is an empty answer: a 400 may be of the moment."""
        if question in page.answers or page.remember("unsupported", question, "asked") is None:
            return
        if len(page.answers) < MAX_ANSWERS:
            page.answers[question] = {}
            page.changed = True

    def declare(
        self,
        page: Page,
        declaration: Declaration,
        source: str,
        ts_ns: int,
        *,
        asked_before: bool,
        question: str | None = None,
    ) -> Change | None:
        """The device says this of a function; a Change if it said otherwise before.

        ``asked_before``: the same question had been answered, so that what it did not mention then is new now.
        """
        row = page.row(declaration.capability)
        if row is None:
            return None
        state, column = row.state(), row.claim(declaration.aspect)
        before = row.declared(declaration, source, ts_ns, _text(page), question=question)
        now = row.claim(declaration.aspect)
        turned = column is not None and now is not None and column.value != now.value
        page.changed |= turned or before != declaration.value
        if before is None and asked_before and column is not None:
            before = column.value
        if before == declaration.value or (before is None and not asked_before):
            return None
        return Change(declaration.capability, str(declaration.aspect), before, declaration.value, state, source, ts_ns)

    def exercise(self, page: Page, capability: str, source: str, ts_ns: int) -> Change | None:
        """The device was seen to do it; a Change if it had not been, since it last said that it does not."""
        row = page.row(capability)
        if row is None:
            return None
        state, active, never = row.state(), row.is_active(), row.exercised is None
        row.seen(source, ts_ns, _text(page))
        page.changed |= never
        if active or not row.is_active():
            return None
        page.changed = True
        return Change(
            capability,
            "exercised",
            before=None if never else False,
            after=True,
            state_before=state,
            source=source,
            ts_ns=ts_ns,
        )


def _text(page: Page) -> str | None:
    current = page.firmware.current
    return current.text if current is not None else None


def _size(answers: Mapping[str, Mapping[str, str]]) -> int:
    """Statements in these answers."""
    return sum(map(len, answers.values()))
