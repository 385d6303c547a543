"""Updates: the signs of one change of firmware, joined.

Strategy: a call, an image or another version opens an update; whatever else speaks for it within a day joins it. A
restart or another banner alone opens nothing. The grade is that of vendors.md 3.3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from monitor.model.capabilities import Grade
from monitor.model.exhibits import FirmwareImage
from monitor.model.incidents import Evidence, FirmwareChange

JOIN_NS: Final = 24 * 3600 * 1_000_000_000
"""Signs so far apart belong to one update: a poll of the version may come hours behind the image."""
WATCH_NS: Final = 24 * 3600 * 1_000_000_000
"""What a device begins to do within a day of its update is told as gained by it: what runs by the clock has run."""
MAX_SIGNS: Final = 16
MAX_REPLACED: Final = 32
"""Signs that took another's place and are told: an upload in parts has some, and calls can be forged without end."""
MAX_GAINS: Final = 64
MAX_EVIDENCES: Final = 4


class Sign(StrEnum):
    """What speaks for an update. The set is closed; the values are words of messages."""

    CALL = "call"
    IMAGE = "image"
    PART = "part of an image"
    VOLUME = "download"
    VERSION = "version"
    REBOOT = "reboot call"
    RESTART = "restart"
    BANNER = "banner"


OPENING: Final = frozenset({Sign.CALL, Sign.IMAGE, Sign.PART, Sign.VOLUME, Sign.VERSION})
"""What opens an update; others only join."""


ATTEMPTS: Final = frozenset({Sign.CALL, Sign.IMAGE, Sign.PART})
"""What is seen of a firmware that the device then refuses."""
REFUSED_NS: Final = 10_000_000_000
"""A caller that has to log in does so within seconds of being told."""


class Update(Struct):
    """One change of a device's firmware, or an attempt at one."""

    started_ns: int
    last_ns: int
    watched_ns: int
    """How long the device had been watched when it began."""
    signs: dict[str, str] = {}
    """By kind of sign, in the order in which they came: what was seen, for people."""
    certain: bool = False
    """The device itself says another version."""
    before: str | None = None
    after: str | None = None
    evidences: list[Evidence] = []
    gained: dict[str, str] = {}
    """By capability, destination or statement: what is new since, for people."""
    gained_in: list[Evidence] = []
    """Where the device was first seen to do, offer or say that."""
    image_sha256: str | None = None
    image_bytes: int = 0
    source: str | None = None
    """Who said the versions: what another source counts in its own way stays beside them, among the signs."""
    refused_ns: int = 0
    """When the device last refused the call; 0: it did not, or took a later one."""
    refused: bool = False
    """It stayed so: a log-in by Digest is refused once before it is tried."""
    replaced: int = 0
    """How often a sign took the place of one of its kind."""

    @property
    def image(self) -> FirmwareImage | None:
        """The firmware, if all of it passed."""
        return FirmwareImage(self.image_sha256, self.image_bytes) if self.image_sha256 is not None else None

    @property
    def is_refusal(self) -> bool:
        """All that happened is that somebody tried, and the device did not take it."""
        return self.refused and self.signs.keys() <= ATTEMPTS

    @property
    def change(self) -> FirmwareChange:
        """The versions."""
        return FirmwareChange(self.before, self.after)

    @property
    def grade(self) -> Grade:
        """How sure it is that the firmware was changed."""
        if self.certain:
            return Grade.CERTAIN
        if self.is_refusal:
            return Grade.HINT
        if Sign.IMAGE in self.signs or Sign.CALL in self.signs or Sign.VERSION in self.signs:
            return Grade.PROBABLE
        restarted = Sign.RESTART in self.signs
        return Grade.PROBABLE if Sign.VOLUME in self.signs and restarted else Grade.HINT

    def add(self, sign: Sign, words: str, ts_ns: int) -> bool:
        """Take a sign; whether it is news. A later one of the same kind replaces its words.

        What only joins does not prolong an update: a banner that changes every day would keep it open for ever.
        """
        if sign in OPENING or not self.signs:
            self.last_ns = max(self.last_ns, ts_ns)
        if self.signs.get(sign) == words or (sign not in self.signs and len(self.signs) >= MAX_SIGNS):
            return False
        self.replaced += sign in self.signs
        self.signs[sign] = words
        return self.replaced <= MAX_REPLACED

    def gain(self, what: str, words: str, evidence: Evidence | None = None) -> bool:
        """Something is new since, and was seen here; whether it was not known yet, and there is room."""
        if what in self.gained or len(self.gained) >= MAX_GAINS:
            return False
        self.gained[what] = words
        _keep(self.gained_in, evidence)
        return True

    def show(self, evidence: Evidence | None) -> None:
        """Keep where it came from."""
        _keep(self.evidences, evidence)


def _keep(evidences: list[Evidence], evidence: Evidence | None) -> None:
    if evidence is not None and evidence not in evidences and len(evidences) < MAX_EVIDENCES:
        evidences.append(evidence)
