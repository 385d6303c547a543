"""Life: what a simulated camera is, can do, has switched on and lies about, and what happens to it.

The servers of this folder only put a life into their maker's words; a test changes the life while they run.
Everything that looks like chance is drawn from the seed, the question and how often it was asked, so that it does
not depend on the order in which questions of different kinds arrive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ORDINARY: Final = frozenset({"person.detect", "zone.watch", "audio.input", "upnp.portmap"})
"""What most cameras of these makers can do when they leave the box. Keys are those of the vocabulary."""


class Firmware(NamedTuple):
    """A version as its maker counts; every API has its own way of writing the two."""

    version: str
    build: str
    """Six digits, yymmdd: Hikvision's way; the others are derived from it."""

    @property
    def built(self) -> datetime:
        return datetime.strptime(self.build, "%y%m%d").replace(tzinfo=UTC)


FIRST: Final = Firmware("1.0.0", "200605")


class Update(NamedTuple):
    """What an image brings."""

    to: Firmware
    gains: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()


class Image(NamedTuple):
    """A file that came in."""

    sha256: str
    size: int
    head: bytes
    """Its first bytes, at most 16."""


class Mishap(StrEnum):
    """What sometimes comes instead of an answer, and means nothing."""

    REFUSED = "400"
    BROKEN = "500"
    BUSY = "503"
    SILENT = "silent"
    """The question is read, and nothing comes for `patience_s`; then the connection ends."""
    CUT = "cut"
    """Half of the body comes, then the connection ends."""
    LOST = "lost"
    """The connection ends without a word."""


@dataclass(slots=True, kw_only=True)
class Life:
    """One camera's state. Functions are keys of the vocabulary, such as "face.recognise"."""

    model: str = "CAM-1"
    serial: str = "SIM0001"
    mac: str = "02:00:5e:00:53:01"
    """Locally administered: no maker's."""
    firmware: Firmware = FIRST
    user: str = "admin"
    password: str = "correct horse 1"
    seed: int = 0

    supported: set[str] = field(default_factory=lambda: set(ORDINARY))
    enabled: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    """Not supported, and said so: an explicit "false", where others are just absent."""
    lies: set[str] = field(default_factory=set)
    """Reported off, and done all the same."""
    hidden: set[str] = field(default_factory=set)
    """Done, and never mentioned."""

    varies: bool = True
    """The same answer is put in other words each time: order, prefixes, white space."""
    mishaps: dict[Mishap, float] = field(default_factory=dict)
    """Share of the questions that each happens to."""
    patience_s: float = 60.0
    """How long a silent camera keeps a connection."""
    skew_s: float = 0.0
    """How far its clock is ahead."""
    lock_after: int = 7
    """Wrong passwords in a row after which nobody is let in."""
    reboot_s: float = 0.0
    """How long nothing listens after a reboot that came over the network."""

    boots: int = 1
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    images: list[Image] = field(default_factory=list)
    """All that came in, known or not."""
    updates: dict[str, Update] = field(default_factory=dict)
    """By the SHA-256 of the image that brings them: any other image is refused."""
    pending: Update | None = None
    diary: list[str] = field(default_factory=list)
    """What happened, in order, in words."""
    _asked: Counter[str] = field(default_factory=Counter)
    _planned: dict[str, list[Mishap]] = field(default_factory=dict)

    # What it says and does.

    def says_supported(self, function: str) -> bool | None:
        """Yes, no, or not a word."""
        if function in self.hidden:
            return None
        if function in self.supported:
            return True
        return False if function in self.named else None

    def says_enabled(self, function: str) -> bool:
        return function in self.enabled and function not in self.lies | self.hidden

    def does(self, function: str) -> bool:
        return function in self.enabled | self.lies | self.hidden

    # What happens.

    def update(self, to: Firmware, *, gains: Iterable[str] = (), loses: Iterable[str] = ()) -> None:
        """New firmware, and the reboot that comes with it."""
        self.pending = Update(to, frozenset(gains), frozenset(loses))
        self.reboot()

    def switch_on(self, function: str) -> None:
        self._switchable(function)
        self.enabled.add(function)
        self.diary.append(f"{function} on")

    def switch_off(self, function: str) -> None:
        self._switchable(function)
        self.enabled.discard(function)
        self.diary.append(f"{function} off")

    def lie(self, function: str) -> None:
        """From now on it is reported off, and done."""
        self._switchable(function)
        self.lies.add(function)
        self.diary.append(f"{function} lied about")

    def hide(self, function: str) -> None:
        """From now on it is done, and not mentioned at all."""
        self.hidden.add(function)
        self.diary.append(f"{function} hidden")

    def reboot(self) -> None:
        """Sessions and nonces are forgotten; an image that came in is now the firmware."""
        if self.pending is not None:
            before, self.firmware = self.firmware, self.pending.to
            self.supported = (self.supported | self.pending.gains) - self.pending.loses
            self.named -= self.pending.gains
            self.enabled &= self.supported
            self.lies &= self.supported
            self.diary.append(f"{before.version} became {self.firmware.version}")
            self.pending = None
        self.boots += 1
        self.started = self.now()
        self.diary.append("reboot")

    def brings(self, image: bytes, update: Update) -> None:
        """This image is one that the camera accepts."""
        self.updates[sha256(image).hexdigest()] = update

    def receive(self, image: Image) -> bool:
        """Whether the image is one for this camera; it becomes the firmware at the next reboot."""
        self.images.append(image)
        self.pending = self.updates.get(image.sha256)
        self.diary.append(f"image of {image.size} bytes {'taken' if self.pending else 'refused'}")
        return self.pending is not None

    def _switchable(self, function: str) -> None:
        if function not in self.supported:
            message = f"{function}: this camera cannot do that (it can: {', '.join(sorted(self.supported))})"
            raise ValueError(message)

    # Time and chance.

    def now(self) -> datetime:
        """By its own clock, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.skew_s)

    def uptime_s(self) -> int:
        return int((self.now() - self.started).total_seconds())

    def plan(self, question: str, *mishaps: Mishap) -> None:
        """The next times this is asked, these happen, whatever the shares say."""
        self._planned.setdefault(question, []).extend(mishaps)

    def asked(self, question: str) -> tuple[Mishap | None, Random | None]:
        """Counts the question: what happens to it, and the chance that words the answer (None: always the same)."""
        self._asked[question] += 1
        turn = f"{self.seed}/{question}/{self._asked[question]}"
        return self._mishap(question, turn), Random(f"words/{turn}") if self.varies else None

    def _mishap(self, question: str, turn: str) -> Mishap | None:
        if planned := self._planned.get(question):
            return planned.pop(0)
        drawn = Random(f"mishap/{turn}").random()
        for mishap, share in self.mishaps.items():
            if drawn < share:
                return mishap
            drawn -= share
        return None
