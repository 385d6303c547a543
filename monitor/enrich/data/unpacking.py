"""The packed databases -> files that can be mapped."""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

import zstandard

NAMES: Final = ("country", "asn")
"""The embedded databases."""


def default_cache() -> Path | None:
    """$CAMWARDEN_CACHE, else camwarden below $XDG_CACHE_HOME, else below ~/.cache (XDG Base Directory 0.8).

    None for a process without a home.
    """
    if chosen := os.environ.get("CAMWARDEN_CACHE"):
        return Path(chosen)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():
        return xdg / "camwarden"
    try:
        return Path.home() / ".cache" / "camwarden"
    except RuntimeError:
        return None


def unpacked(name: str, cache: Path) -> Path:
    """The database's file below ``cache``, written first if it is absent or not whole. OSError if that cannot be.

    The file's name carries the hash of its content, so versions live side by side; it appears by renaming, so
    two processes at once do no harm.
    """
    folder = files("monitor.enrich.data")
    expected = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))[name]
    path = cache / f"{name}-{expected['sha256'][:16]}.mmdb"
    if _digest(path, expected["bytes"]) == expected["sha256"]:
        return path
    content = zstandard.ZstdDecompressor().decompress((folder / f"{name}.mmdb.zst").read_bytes())
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, spelled = tempfile.mkstemp(prefix=f".{name}-", dir=cache)
    temporary = Path(spelled)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return path


def _digest(path: Path, size: int) -> str | None:
    """SHA-256 of a regular file of this size, else None."""
    try:
        if not path.is_file() or path.stat().st_size != size:
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
