"""Pools: files of one kind in the evidence folder, within a bound; the oldest make room for new ones."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

BLOCK: Final = 4096
"""Bytes that the smallest file takes on common file systems (ext4, xfs)."""
MAX_FILES: Final = 65_536
"""Files of a pool, some 200 bytes of memory each, whatever their size."""


class Pool:
    """Index of the files; a file is on disk before it is in here. One thread at a time."""

    def __init__(self, folder: Path, capacity: int) -> None:
        """``capacity`` in bytes of disk."""
        self._folder = folder
        self.capacity = capacity
        self._files: OrderedDict[str, int] = OrderedDict()
        self.used = 0
        self.held = 0
        """Bytes of files that are not complete yet."""
        self.removed = 0
        """Files that made room."""

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __len__(self) -> int:
        return len(self._files)

    def add(self, name: str, size: int) -> None:
        """A file is there, the newest of all."""
        self.forget(name)
        self._files[name] = on_disk(size)
        self.used += on_disk(size)

    def forget(self, name: str) -> None:
        """A file is no longer of this pool. Unknown names are nothing."""
        self.used -= self._files.pop(name, 0)

    def make_room(self, size: int) -> bool:
        """Remove the oldest files until so many more bytes fit; whether they do. OSError if a file cannot go."""
        wanted = on_disk(size)
        while self.used + self.held + wanted > self.capacity or len(self._files) >= MAX_FILES:
            if not self._files:
                return False
            self.remove(next(iter(self._files)))
            self.removed += 1
        return True

    def remove(self, name: str) -> None:
        """Delete a file. OSError if it cannot be deleted; that it is gone already is none."""
        (self._folder / name).unlink(missing_ok=True)
        self.forget(name)


def on_disk(size: int) -> int:
    """Bytes that a file of this size takes."""
    return max(1, -(-size // BLOCK)) * BLOCK


def write_file(folder: Path, name: str, data: bytes) -> None:
    """A file of this name with these bytes, whole or not at all, readable by its owner alone.

    It is on the medium when this returns. OSError if it cannot be written; nothing is left of it then.
    """
    part = folder / f".{name}.part"
    part.unlink(missing_ok=True)
    descriptor = create(part)
    try:
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(folder / name)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(folder)


def create(path: Path) -> int:
    """A descriptor of a new file, readable by its owner alone. OSError if there is one already."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it: a full disk takes a part first, and then says so."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync_folder(folder: Path) -> None:
    """Names in it are on the medium when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
