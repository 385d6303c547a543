"""Folder: captures that somebody else rotates, such as ``dumpcap -b`` or ``tcpdump -C`` or ``-G``.

Strategy: one file is read at a time, as far as it is written. Once there is a later one, nothing is added to it any
more: it is read to its end, and only then does a record that is cut count as damage. Later is what was written to
later, and at equal times what is later by name; numbers in names count as numbers. So a ring of files whose names
come again is followed too.

A file is known by its name, its inode and the time it was last written to. One that was compressed after it was
read (``tcpdump -z``) is not read again.
"""

from __future__ import annotations

import os
import re
import stat
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from collectors.clock import Clock
from collectors.damage import CaptureError
from collectors.live import Ledger, LinkState
from collectors.pipe import BLOCK_PACKETS, BUFFER_BYTES, LATENESS_NS, NEVER
from collectors.reader import Reader
from collectors.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.blocks import Block
    from collectors.live import LinkEvent

GLANCE_S: Final = 0.05
"""How often a file is looked at for more; dumpcap writes several times a second."""
LIST_S: Final = 0.2
"""How often the folder is listed at most while nothing comes from the file that is read."""
LIST_SHARE: Final = 20
"""And listing takes no more than this part of the time, however many files there are."""
COMPRESSED: Final = (".gz", ".zst")


class File(NamedTuple):
    """One file of the folder; the earlier is the lesser."""

    written_ns: int
    order: tuple[tuple[int, int, str], ...]
    """Its name, with numbers as numbers."""
    name: str
    inode: int
    size: int

    @property
    def stem(self) -> str:
        """Its name before it was compressed."""
        for suffix in COMPRESSED:
            if self.name.endswith(suffix):
                return self.name.removesuffix(suffix)
        return self.name


class Folder:
    """A Source of packets: pcap and pcapng files that come into a folder one after the other."""

    def __init__(self, path: str, *, pattern: str = "*", from_start: bool = False, label: str | None = None) -> None:
        """``from_start``: read what is there already too, and not only the latest file and what comes.

        ``pattern`` is for file names, as a shell has it; ``label``: the folder's name in events and Blocks, else
        ``path``. Raises CaptureError if it is no folder that can be read.
        """
        self._path = path
        self._pattern = pattern
        self._label = path if label is None else label
        self._state = State(self._label)
        self._clock = Clock()
        self._reader: Reader | None = None
        self._file: File | None = None
        self._read: dict[str, File] = {}
        """By stem: what was read of what is there."""
        self._seen = self._told = 0
        self._list = 0.0
        try:
            present = self._files()
        except OSError as error:
            raise CaptureError(path, 0, f"not a folder of captures: {error.strerror}") from error
        if not from_start:
            self._read = {file.stem: file for file in present[:-1]}
        self._state.change(LinkState.DOWN, "no capture yet")

    @property
    def lateness_ns(self) -> int:
        """How much later a packet may be given out than one that passed at the same time, nanoseconds."""
        return LATENESS_NS

    def wait(self, timeout_s: float) -> Block | None:
        """The next packets, or None if none came within ``timeout_s``; valid until the next call."""
        deadline = time.monotonic() + timeout_s
        while True:
            reader = self._reader
            if reader is not None and reader.ready():
                self._state.change(LinkState.UP)
                block = reader.take(NEVER)
                self._seen += block.count
                return block
            if reader is not None and reader.ended:
                self._leave(reader)
            now = time.monotonic()
            if self._step(now):
                continue
            if now >= deadline:
                return None
            time.sleep(min(GLANCE_S, deadline - now))

    def events(self) -> Sequence[LinkEvent]:
        """Take what became of the folder since the last call."""
        return self._state.take()

    def ledgers(self) -> Sequence[Ledger]:
        """The packets that were found in files; what their writer lost is not known here."""
        waiting = self._reader.waiting if self._reader is not None else 0
        return [Ledger(self._label, self._seen + waiting, dropped=0, seen=self._seen, waiting=waiting)]

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _step(self, now: float) -> bool:
        """Look at the folder if it is time to; whether there is more to read."""
        if now < self._list:
            return False
        try:
            files = self._files()
        except OSError as error:
            self._list = now + LIST_S
            self._state.change(LinkState.GONE, error.strerror or str(error))
            return False
        self._list = now + max(LIST_S, LIST_SHARE * (time.monotonic() - now))
        present = {file.stem for file in files}
        self._read = {stem: file for stem, file in self._read.items() if stem in present}
        unread = [file for file in files if self._is_new(file)]
        return self._finish(files, unread) if self._reader is not None else self._begin(unread)

    def _is_new(self, file: File) -> bool:
        """Whether a file is neither read nor being read."""
        if self._file is not None and file.stem == self._file.stem:
            return False
        known = self._read.get(file.stem)
        if known is None:
            return True
        return known.name == file.name and (known.inode, known.written_ns) != (file.inode, file.written_ns)

    def _begin(self, unread: list[File]) -> bool:
        """Go on to the earliest file that was not read; whether there is one."""
        if not unread:
            if self._state.now is LinkState.GONE:
                self._state.change(LinkState.DOWN, "no capture yet")
            return False
        self._file, self._told = unread[0], 0
        self._reader = Reader(
            str(Path(self._path, self._file.name)),
            block_packets=BLOCK_PACKETS,
            buffer_bytes=BUFFER_BYTES,
            label=self._label,
            live=True,
            clock=self._clock,
        )
        if len(unread) > 1:
            self._reader.finish()
        return True

    def _finish(self, files: list[File], unread: list[File]) -> bool:
        """Take the file that is read for whole if another follows, or if it is not there any more; whether it is."""
        reader, file = self._reader, self._file
        if reader is None or file is None or not reader.stream.live:
            return False
        here = next((each for each in files if each.name == file.name and each.inode == file.inode), None)
        if here is not None and here.size >= reader.stream.consumed and not unread:
            return False
        reader.finish()
        return True

    def _leave(self, reader: Reader) -> None:
        """Be done with a file."""
        for damage in reader.damage:
            self._state.tell(LinkState.BLOCKED, str(damage))
        reader.close()
        if self._file is not None:
            now = next((file for file in self._files_or_none() if file.name == self._file.name), self._file)
            if now.size >= reader.stream.consumed or now is self._file:  # else it is being written anew
                self._read[now.stem] = now
        self._reader = self._file = None
        self._list = 0.0

    def _files_or_none(self) -> list[File]:
        """The files, or none if the folder is gone, which is told when it is looked at next."""
        try:
            return self._files()
        except OSError:
            return []

    def _files(self) -> list[File]:
        """Every regular file that matches, the earliest first. Raises OSError."""
        found = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not fnmatch(entry.name, self._pattern):
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:  # it went while the folder was listed
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.append(
                        File(status.st_mtime_ns, by_number(entry.name), entry.name, status.st_ino, status.st_size)
                    )
        return sorted(found)


def by_number(name: str) -> tuple[tuple[int, int, str], ...]:
    """A name as what it is ordered by: text as text, digits as a number, and digits first."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)
