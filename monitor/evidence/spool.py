"""Spool: firmware images that pass, on their way to the evidence folder.

Strategy: octets are gathered in pieces and given to a thread that writes them, so that whoever watches never waits for
the disk; where that is too slow for what passes, the image is dropped and counted. A file is written under another
name, and gets that of its hash when it is complete and what was written has that hash. Without a thread, as in a
replay, everything is done at once and nothing depends on how fast the disk is.
"""

from __future__ import annotations

import hashlib
import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from monitor.durable import create, sync_folder, write_all
from monitor.evidence.folder import UNCLAIMED
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.evidence.folder import Folder

PIECE: Final = 65_536
"""Octets that are written at a time."""
BACKLOG: Final = 32 * 1024 * 1024
"""Octets that may wait for the disk: a second of a quarter of a gigabit link."""
MOST_OPEN: Final = 16
"""Images that are written at a time; a site updates its cameras a few at a time."""
PATIENCE_S: Final = 2.0
"""How long a message waits for its image to be on disk."""


class Place:
    """A place for one image (see model.exhibits.Keeping). Used by the thread that watches."""

    def __init__(self, spool: ImageSpool, number: int) -> None:
        self._spool = spool
        self._file = File(spool.folder, number)
        self._gathered = bytearray()
        self._over = False

    def take(self, part: bytes) -> None:
        """The next octets."""
        if self._over:
            return
        self._gathered += part
        if len(self._gathered) >= PIECE:
            self._hand_on()

    def drop(self) -> None:
        """It is not complete, or no image."""
        if not self._over:
            self._over = True
            self._gathered.clear()
            self._spool.do(self._file.drop, 0)
            self._spool.open -= 1

    def keep(self, sha256: str) -> None:
        """It is complete, and this is its hash."""
        self._hand_on()
        if not self._over:
            self._over = True
            self._spool.do(lambda: self._file.keep(sha256), 0)
            self._spool.open -= 1

    def _hand_on(self) -> None:
        piece = bytes(self._gathered)
        self._gathered.clear()
        if not self._spool.do(lambda: self._file.write(piece), len(piece)):
            self._spool.dropped += 1
            self.drop()

    def __del__(self) -> None:
        """Whoever followed the image has let go of it: its flow is over, or something failed."""
        self.drop()


class ImageSpool:
    """Writes images into a folder."""

    def __init__(self, folder: Folder, *, threaded: bool, backlog: int = BACKLOG) -> None:
        """``threaded``: a thread of its own writes; ``close`` ends it."""
        self.folder = folder
        self.open = 0
        """Images that pass at present."""
        self.dropped = 0
        """Images for which there was no place, or no time."""
        self._number = 0
        self._backlog = backlog
        self._waits = 0
        self._lock = threading.Lock()
        self._work: SimpleQueue[tuple[Callable[[], None], int] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
            self._thread.start()
            folder.settle = self._settle

    def begin(self) -> Place | None:
        """A place for one more image."""
        if self.open >= MOST_OPEN:
            self.dropped += 1
            return None
        self.open += 1
        self._number += 1
        return Place(self, self._number)

    def limits(self) -> list[Limit]:
        """The room for images that pass."""
        return [Limit(Room.SPOOL, MOST_OPEN, self.open, self.dropped)]

    def do(self, work: Callable[[], None], size: int) -> bool:
        """Have ``work`` done, which holds ``size`` octets, behind what was asked for before. False: too much waits."""
        if self._thread is None:
            work()
            return True
        with self._lock:
            if size and self._waits + size > self._backlog:
                return False
            self._waits += size
        self._work.put((work, size))
        return True

    def close(self) -> None:
        """Write what waits, and end the thread."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()
            self._thread = None

    def _settle(self) -> None:
        """Wait, not for long, until what was handed over so far is on disk."""
        done = threading.Event()
        self.do(done.set, 0)
        done.wait(PATIENCE_S)

    def _run(self) -> None:
        while (each := self._work.get()) is not None:
            work, size = each
            work()
            with self._lock:
                self._waits -= size


class File:
    """One image on disk. Used by the thread that writes."""

    def __init__(self, folder: Folder, number: int) -> None:
        self._folder = folder
        self._part = folder.path / f".image-{number}.part"
        self._hash = hashlib.sha256(usedforsecurity=False)
        self._descriptor = -1
        self._bytes = 0
        self._over = False

    def write(self, piece: bytes) -> None:
        """The next octets."""
        if self._over:
            return
        folder = self._folder
        try:
            with folder.lock:
                if not folder.waiting.make_room(len(piece)):
                    self._over = True
                    folder.waiting.removed += 1  # larger than there is room for
                else:
                    folder.waiting.held += len(piece)
                    self._bytes += len(piece)
            if self._over:
                self._leave()
                return
            if self._descriptor < 0:
                self._descriptor = create(self._part)
            write_all(self._descriptor, piece)
            self._hash.update(piece)
        except OSError as error:
            folder.fail(error)
            self._leave()

    def drop(self) -> None:
        """Nothing is kept of it."""
        if not self._over:
            self._leave()

    def keep(self, sha256: str) -> None:
        """It is whole: from here on it has a name."""
        if self._over:
            return
        folder, name = self._folder, sha256 + UNCLAIMED
        if self._hash.hexdigest() != sha256 or self._descriptor < 0:
            folder.failed += 1  # not what was handed over: nothing may have this name
            self._leave()
            return
        try:
            os.fsync(self._descriptor)
            with folder.lock:
                if sha256 not in folder.images:
                    self._part.replace(folder.path / name)
                    folder.waiting.add(name, self._bytes)
            sync_folder(folder.path)
            folder.well()
        except OSError as error:
            folder.fail(error)
        self._leave()

    def _leave(self) -> None:
        """Close the file, and remove it where it has no name yet."""
        folder, self._over = self._folder, True
        with folder.lock:
            folder.waiting.held -= self._bytes
            self._bytes = 0
        try:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._part.unlink(missing_ok=True)
        except OSError as error:
            folder.fail(error)
        self._descriptor = -1
