"""Pools: files of one kind in the evidence folder, within a bound; the oldest make room for new ones."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
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

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

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
