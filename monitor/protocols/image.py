"""A firmware image as the receiver gets it: counted, hashed, and known by its first octets.

Nothing of it is kept here but the first octets: an image of any size costs the same memory. Where images are to be
kept as evidence, all octets go on to a spool that whoever builds the engine gives.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.model.facts import FirmwareTransfer
from monitor.protocols.names import MAX_TEXT, spell
from monitor.protocols.secrets import cut

if TYPE_CHECKING:
    from hashlib import _Hash

    from monitor.model.exhibits import Keeping, Spool

HEAD: Final = 2_048
"""Octets that are kept to say what the file is; the directory of an XM archive names its description within them."""
MAX_URI: Final = 1_024


class Magic(NamedTuple):
    """What a file is that begins so."""

    name: str
    start: bytes
    vendor: str | None = None
    """Catalogue key."""
    alone: bool = True
    """No other sign is needed: the rest of the world does not send such files to and fro."""
    holds: bytes = b""
    """What must stand further on in the first octets."""


MAGICS: Final = (
    # hikpack and hiktools: "SWKH" under the XOR key of digicap.dav.
    Magic("hikvision-dav", b"\xe9\x9a\xf7\xb6", "hikvision"),
    # binwalk's dahua_zip: a ZIP whose "PK" was turned into "DH".
    Magic("dahua-zip", b"DH\x03\x04", "dahua"),
    # pakler: 0x32725913, little endian.
    Magic("reolink-pak", b"\x13\x59\x72\x32", "reolink"),
    # python-dvr and the Besder write-up: a ZIP with the member InstallDesc.
    Magic("xm-zip", b"PK\x03\x04", "xiongmai", holds=b"InstallDesc"),
    # U-Boot include/image.h, IH_MAGIC.
    Magic("uimage", b"\x27\x05\x19\x56"),
    # Linux fs/squashfs/squashfs_fs.h, in both orders of octets.
    Magic("squashfs", b"hsqs"),
    Magic("squashfs", b"sqsh"),
    # System V ABI, chapter 4: a program by itself, as D-Link's agents and what takes devices over are sent.
    Magic("elf", b"\x7fELF"),
    # Those below are ordinary files as well.
    Magic("zip", b"PK\x03\x04", alone=False),
    Magic("gzip", b"\x1f\x8b\x08", alone=False),  # RFC 1952, 2.3.1
    Magic("jffs2", b"\x85\x19", alone=False),  # Linux include/uapi/linux/jffs2.h, little endian
    Magic("openssl", b"Salted__", alone=False),  # OpenSSL enc(1); Foscam's images begin so, others too
    Magic("script", b"#!", alone=False),
)
STARTS: Final = frozenset(magic.start[:2] for magic in MAGICS)
"""What a file begins with that may have a magic."""
LONGEST: Final = max(len(magic.start) for magic in MAGICS)
"""Octets that tell a magic, but for what must stand further on."""
_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")
_PLAIN: Final = re.compile(rb"[\t\n\r\x20-\x7e]")
TEXT_HEAD: Final = 64
"""Octets in which nothing but printable ones stand for a text; ciphers and code have others among so many."""


def magic_of(head: bytes) -> Magic | None:
    """What a file with these first octets is, the surest first."""
    if head[:2] not in STARTS:
        return None
    for magic in MAGICS:
        if head.startswith(magic.start) and magic.holds in head:
            return magic
    return None


def is_text(head: bytes) -> bool:
    """Whether a file begins like something to read: a page, a certificate, a list."""
    head = head[:TEXT_HEAD]
    return _TEXT.fullmatch(head) is not None and len(_PLAIN.findall(head)) * 4 >= len(head) * 3


def is_image(head: bytes, *, named: bool, full: bool, may_be: bool = True) -> bool | None:
    """Whether a file with these first octets is one; None: not known yet, so that nothing depends on how it is cut.

    ``named``: its name or a call says so; ``may_be``: it is sent as images are; ``full``: no more first octets come.
    """
    magic = magic_of(head)
    if magic is not None and magic.alone:
        return True
    if not full:
        if len(head) < LONGEST:
            return None
        if magic is not None:
            return True if named else None  # an archive may turn out to hold a description
        if named and may_be and len(head) < TEXT_HEAD:
            return None
    if magic is not None:
        return named
    return named and may_be and not is_text(head)


class Image:
    """A file that passes. What is missing makes it incomplete for good: only then is there no hash."""

    def __init__(
        self, via: str, name: str | None, uri: str | None, signs: tuple[str, ...] = (), spool: Spool | None = None
    ) -> None:
        """``name`` and ``uri`` as on the wire; ``signs`` as of FirmwareTransfer."""
        self.spool = spool
        """Where its octets go too, as long as there is hope that all of them will pass."""
        self._kept: Keeping | None = None
        self.via = via
        self.name = name
        self.uri = uri
        self.signs = signs
        self.bytes = 0
        self.whole = True
        """Nothing was missed so far."""
        self.hashed = True
        """Its octets are those of the file."""
        self.head = b""
        self.known: Magic | None = None
        """What it is, where the first octets are coded."""
        self._hash: _Hash | None = hashlib.sha256(usedforsecurity=False)

    def take(self, part: bytes) -> None:
        """The next octets."""
        self.bytes += len(part)
        room = HEAD - len(self.head)
        if room > 0:
            self.head += part[:room]
        if self._hash is not None:
            self._hash.update(part)
        if self.spool is not None and self.bytes > HEAD:
            self._pass_on(part if room <= 0 else part[room:])

    def gap(self) -> None:
        """Octets are missing here."""
        self.whole = False
        self._hash = None
        self._abandon()

    def coded(self) -> None:
        """What passes is not the file's own octets, but a coding of them."""
        self.hashed = False
        self._hash = None
        self._abandon()

    def magic(self) -> Magic | None:
        """What the first octets so far say."""
        return self.known if self.known is not None else magic_of(self.head)

    def is_one(self, *, over: bool = False) -> bool | None:
        """Whether the first octets so far say that it is an image (see ``is_image``); ``over``: no more come."""
        return is_image(self.head, named=bool(self.signs), full=over or len(self.head) >= HEAD)

    def fact(self, *, complete: bool) -> list[FirmwareTransfer]:
        """The transfer, which has ended or stopped; none of a file of which nothing came."""
        if not self.bytes:
            return []
        complete = complete and self.whole
        digest = self._hash.hexdigest() if complete and self._hash is not None else None
        self._conclude(digest)
        magic = self.magic()
        signs = (*self.signs, "magic") if magic is not None and "magic" not in self.signs else self.signs
        return [
            FirmwareTransfer(
                direction="unknown",
                via=self.via,
                name=spelled(self.name, MAX_TEXT),
                uri=spelled(self.uri, MAX_URI),
                bytes=self.bytes,
                complete=complete,
                sha256=digest,
                magic=magic.name if magic is not None else None,
                vendor=magic.vendor if magic is not None else None,
                signs=signs,
            )
        ]

    def _pass_on(self, part: bytes) -> None:
        """These octets stand behind those of ``head``: a small file, of which most are no images, costs no place."""
        if self._kept is None:
            self._kept = self.spool.begin() if self.spool is not None else None
            if self._kept is None:
                self.spool = None
                return
            self._kept.take(self.head)
        if part:
            self._kept.take(part)

    def _conclude(self, digest: str | None) -> None:
        """It has ended; without a hash there is nothing to keep."""
        if digest is not None and self.spool is not None:
            self._pass_on(b"")
            if self._kept is not None:
                self._kept.keep(digest)
                self._kept = self.spool = None
        self._abandon()

    def _abandon(self) -> None:
        """It will not be complete."""
        if self._kept is not None:
            self._kept.drop()
        self._kept = self.spool = None


def spelled(text: str | None, limit: int = MAX_URI) -> str | None:
    """A name or URI as it is reported: without secrets."""
    return None if text is None else spell(cut(text).encode("latin-1", "replace"), limit)
