"""Durable: files and names that are on the medium when a call returns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
