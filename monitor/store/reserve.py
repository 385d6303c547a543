"""Reserve: a file that holds room for the journal, given up when the disk is full and made again when it is not.

On a file system that copies on write (btrfs, ZFS) an allocated block is no promise, and so the reserve is none.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "reserve"
SIZE: Final = 64 * 1024 * 1024
"""Bytes (threat model, O1): some 15,000 transitions with bodies of 2.5 KB, measured on a full tmpfs."""
SHARE: Final = 4
"""It takes one in so many of the bytes that are free, at most: a small disk is not filled by its own reserve."""


LEAST: Final = 64 * 1024
"""Bytes below which it is not worth having: a transaction of one transition takes some five pages of 4 KiB."""
AGAIN: Final = 2
"""It is made again when so many times its size is free, so that it does not come and go with each write."""


class Reserve:
    """The reserve of one directory."""

    def __init__(self, directory: Path, size: int) -> None:
        """``size`` in bytes, 0 for none. It is made by ``regain``."""
        self._directory = directory
        self._path = directory / FILE
        self._size = size
        self._needed = 0

    def release(self) -> bool:
        """Give the room to whoever writes next; whether there was any. OSError if it cannot be given."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def regain(self) -> bool:
        """Have the reserve, if there is room for it; whether it is there, or none is wanted."""
        if not self._size or self._holds(self._size):
            return True
        free = _free(self._directory)
        size = min(self._size, free // SHARE)
        if size < LEAST or free < self._needed:
            return False
        self._needed = size * AGAIN
        return self._make(size)

    def _holds(self, size: int) -> bool:
        try:
            return self._path.stat().st_size == size
        except FileNotFoundError:
            return False

    def _make(self, size: int) -> bool:
        self.release()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            self._path.unlink()
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise
        finally:
            os.close(descriptor)
        return True


def _free(directory: Path) -> int:
    state = os.statvfs(directory)
    return state.f_bavail * state.f_frsize
