"""A bundle into a directory: ``current`` in it is always whole, and is either the old one or the new one.

Strategy: a new folder is written, synced and tried out by those who will read it; then one rename of a symbolic link
makes it current (rename(2) is atomic). The one before stays beside it, for a way back by hand.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from monitor.bundle.packing import MANIFEST, Manifest, gathered, packed, read, unpacked
from monitor.bundle.signing import SIGNATURE_BYTES, BundleError, RefusedError, sign, verify
from monitor.durable import sync_folder
from monitor.enrich.catalogue import Catalogue, CatalogueError
from monitor.enrich.geo import GeoError, try_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.bundle.packing import Bundle

CURRENT: Final = "current"
UNFINISHED: Final = ".new-"


def pack(out: Path, key: Path, databases: Sequence[Path], catalogue: Path | None, made: int) -> list[str]:
    """Write a bundle and ``<out>.sig``; names of what is in it. BundleError if it would not install."""
    contents = gathered(databases, catalogue)
    content = packed(contents, made)
    signature = sign(content, key)
    with tempfile.TemporaryDirectory() as directory:
        _fill(Path(directory), unpacked(content))
        _try_out(Path(directory))
    try:
        out.write_bytes(content)
        out.with_name(out.name + ".sig").write_bytes(signature)
    except OSError as error:
        msg = f"{out}: {error.strerror or error}"
        raise BundleError(msg) from error
    return sorted(contents)


def install(path: Path, keys: Sequence[Path], into: Path, *, older: bool = False) -> Manifest:
    """Make the bundle current in ``into``; what is in it.

    RefusedError if nobody who is trusted signed it, or if what is there was packed later and ``older`` is not wanted;
    BundleError if it cannot be used. Either way what was current still is.
    """
    content = read(path)
    verify(content, read(path.with_name(path.name + ".sig"), SIGNATURE_BYTES), keys)
    bundle = unpacked(content)
    try:
        into.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _alone(into):
            present = installed(into)
            if present is not None and present.made > bundle.manifest.made and not older:
                msg = f"{path}: of {day(bundle.manifest.made)}, older than what is there, of {day(present.made)}"
                raise RefusedError(msg)
            _put(into, bundle)
    except OSError as error:
        msg = f"{into}: {error.strerror or error}"
        raise BundleError(msg) from error
    return bundle.manifest


def installed(into: Path) -> Manifest | None:
    """What is current; None: nothing is. BundleError if it cannot be read."""
    path = into / CURRENT / MANIFEST
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(read(path, 1 << 20), type=Manifest)
    except msgspec.DecodeError as error:
        msg = f"{path}: {error}"
        raise BundleError(msg) from error


def day(made: int) -> str:
    """When a bundle was packed, for people."""
    return f"{datetime.fromtimestamp(made, UTC):%Y-%m-%d %H:%M}Z"


def _put(into: Path, bundle: Bundle) -> None:
    for left in into.glob(f"{UNFINISHED}*"):  # of one that was killed
        if left.is_symlink():
            left.unlink()
        else:
            shutil.rmtree(left)
    new = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=into))
    try:
        _fill(new, bundle)
        _try_out(new)
        new.chmod(0o755)
        target = into / new.name.replace(UNFINISHED, f"{bundle.manifest.made}-")
        new.rename(target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    before = (into / CURRENT).resolve().name if (into / CURRENT).is_symlink() else None
    link = into / f"{UNFINISHED}link"
    link.symlink_to(target.name)
    link.replace(into / CURRENT)
    sync_folder(into)
    for other in into.iterdir():
        if other.is_dir() and not other.is_symlink() and other.name not in (target.name, before):
            shutil.rmtree(other)


def _fill(folder: Path, bundle: Bundle) -> None:
    """Write what was checked, to the disk and not only to its cache."""
    (folder / "catalogue").mkdir(mode=0o755)
    manifest = msgspec.json.encode(bundle.manifest)
    for name, body in {**bundle.contents, MANIFEST: manifest}.items():
        with (folder / name).open("xb") as file:
            file.write(body)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    sync_folder(folder / "catalogue")
    sync_folder(folder)


def _try_out(folder: Path) -> None:
    """Have those who will read it read it. BundleError in a line if they cannot."""
    try:
        for path in sorted(folder.glob("*.mmdb")):
            try_out(path)
        Catalogue.load(folder / "catalogue")
    except (GeoError, CatalogueError) as error:
        raise BundleError(str(error).replace(f"{folder}/", "")) from error


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """Hold the directory against another installation at the same time."""
    with (into / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"{into}: another installation is under way"
            raise BundleError(msg) from None
        yield
