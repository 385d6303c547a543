"""What is in a bundle: a tar archive that begins with a manifest of names, sizes and hashes.

Strategy: a bundle is read into memory once, its signature is checked over those bytes, and only then is anything in it
looked at; what is written to disk is what was checked. Names are of a closed form: nothing leaves its folder.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from monitor.bundle.signing import BundleError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
NAME: Final = re.compile(r"(?:[a-z0-9][a-z0-9_-]{0,63}\.mmdb|catalogue/[a-z0-9][a-z0-9_-]{0,63}\.toml)")
"""A database, or a file of the catalogue."""
MAX_BYTES: Final = 512 * 1024 * 1024
"""A bundle is held in memory; the embedded databases have 26 MB, those that are sold some 150 MB each."""
MAX_FILES: Final = 64


class File(Struct, frozen=True, forbid_unknown_fields=True):
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The first member."""

    format: int
    made: int
    """When it was packed, seconds since 1970 UTC: a later bundle replaces an earlier one."""
    files: dict[str, File]


class Bundle(Struct, frozen=True):
    """One that was read."""

    manifest: Manifest
    contents: dict[str, bytes]


def gathered(databases: Sequence[Path], catalogue: Path | None) -> dict[str, bytes]:
    """Files by their names in a bundle. BundleError names the one that cannot be in it."""
    found: dict[str, Path] = {}
    for path in [*databases, *(sorted(catalogue.glob("*.toml")) if catalogue is not None else ())]:
        name = f"catalogue/{path.name}" if catalogue is not None and path.parent == catalogue else path.name
        if not NAME.fullmatch(name):
            msg = f"{path}: a name has small letters, digits, _ and -, and ends in .mmdb or .toml"
            raise BundleError(msg)
        if name in found:
            msg = f"{path}: {found[name]} has that name too"
            raise BundleError(msg)
        found[name] = path
    if not found:
        raise BundleError("nothing to pack: --database FILE, --catalogue DIR, or both")
    try:
        return {name: path.read_bytes() for name, path in found.items()}
    except OSError as error:
        msg = f"{error.filename}: {error.strerror or error}"
        raise BundleError(msg) from error


def packed(contents: Mapping[str, bytes], made: int) -> bytes:
    """The bundle; the same bytes for the same files and time."""
    files = {name: File(len(body), hashlib.sha256(body).hexdigest()) for name, body in sorted(contents.items())}
    manifest = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, made, files)), indent=1)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in ((MANIFEST, manifest), *sorted(contents.items())):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(body), made, 0o644
            archive.addfile(member, io.BytesIO(body))
    return stream.getvalue()


def unpacked(content: bytes) -> Bundle:
    """What is in a bundle whose signature was checked. RefusedError if that is not what its manifest says."""
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if not member.isreg() or (member.name != MANIFEST and not NAME.fullmatch(member.name)):
                    msg = f"no bundle: {member.name!r} has no place in one"
                    raise RefusedError(msg)
                if member.name in members or len(members) > MAX_FILES:
                    msg = f"no bundle: {member.name!r} is one file too many"
                    raise RefusedError(msg)
                file = archive.extractfile(member)
                members[member.name] = file.read() if file is not None else b""
        manifest = msgspec.json.decode(members.pop(MANIFEST, b""), type=Manifest)
    except (tarfile.TarError, msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"no bundle: {str(error).partition(chr(10))[0]}"
        raise RefusedError(msg) from error
    if manifest.format != FORMAT:
        msg = f"a bundle of format {manifest.format}: a newer camwarden is needed"
        raise RefusedError(msg)
    if manifest.files != {name: File(len(body), hashlib.sha256(body).hexdigest()) for name, body in members.items()}:
        raise RefusedError("no bundle: its files are not those of its manifest")
    return Bundle(manifest, members)


def read(path: Path, limit: int = MAX_BYTES) -> bytes:
    """A file of at most ``limit`` bytes. BundleError if it cannot be read or is longer."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise BundleError(msg) from error
    if len(content) > limit:
        msg = f"{path}: more than {limit} bytes"
        raise BundleError(msg)
    return content
