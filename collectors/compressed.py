"""Streams: the bytes of a capture, decompressed, in whatever pieces they come.

Strategy: what a stream is shows in its first bytes, not in its name. Each decoder has one method,
``readinto``, which waits for at least one byte, gives what is there, and returns 0 at the end. A decoder gives
every byte before a fault and raises at the next call. Output is bounded by the room that the caller offers, or
by zstd's block of 128 KiB: a small file cannot ask for much memory.

A live stream does not wait: where there is nothing now, and may be more later, it raises Dry. A decoder has then kept
what it read, and goes on from there.

gzip: RFC 1952, several members; zstd: RFC 8878, several frames and skippable frames.
"""

from __future__ import annotations

import os
import select
import stat
import zlib
from io import FileIO
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

from collectors.ahead import Ahead
from collectors.damage import CaptureError
from collectors.limits import MAX_WINDOW
from collectors.opening import unwaiting

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK: Final = 64 * 1024
"""Compressed bytes read at a time: what a Linux pipe holds."""
GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = (0xFD2FB528).to_bytes(4, "little")
SKIPPABLE_MAGIC: Final = range(0x184D2A50, 0x184D2A60)


class Decoder(Protocol):
    """Turns a file's bytes into the capture's."""

    def readinto(self, room: memoryview) -> int:
        """Fill some of ``room``; the number of bytes, 0 at the end."""


class Dry(Exception):  # noqa: N818  likewise
    """There is nothing to read now; there may be later."""


class Corrupt(Exception):  # noqa: N818  it names the state of the bytes
    """Compressed bytes that cannot be read on."""


class Plain:
    """A file that is the capture itself."""

    def __init__(self, read: Callable[[memoryview], int], ahead: bytes) -> None:
        """``ahead``: bytes that were read to tell the format."""
        self._read = read
        self.ahead = ahead
        """What is left of them."""

    def readinto(self, room: memoryview) -> int:
        """Read straight into ``room``."""
        if self.ahead:
            taken = min(len(room), len(self.ahead))
            room[:taken] = self.ahead[:taken]
            self.ahead = self.ahead[taken:]
            return taken
        return self._read(room)


class Gzip:
    """A gzip file of any number of members, padded with zeros or not."""

    def __init__(self, read: Callable[[memoryview], int], ahead: bytes) -> None:
        """``ahead``: bytes that were read to tell the format."""
        self._read = read
        self._chunk = memoryview(bytearray(CHUNK))
        self._input = ahead
        self._member: zlib._Decompress | None = None
        self._full = False
        self._fault = ""

    def readinto(self, room: memoryview) -> int:
        """Inflate into ``room``."""
        while not self._fault:
            if not self._input and not self._full:
                self._input = bytes(self._chunk[: self._read(self._chunk)])
                if not self._input:
                    if self._member is None:
                        return 0
                    self._fault = "gzip data ends early"
                    break
            if self._member is None:
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    continue
                self._member = zlib.decompressobj(wbits=31)
            output = self._inflate(self._member, len(room))
            if output:
                room[: len(output)] = output
                return len(output)
        raise Corrupt(self._fault)

    def _inflate(self, member: zlib._Decompress, room: int) -> bytes:
        """Inflate what is there, up to ``room`` bytes."""
        before = member.copy()
        try:
            output = member.decompress(self._input, room)
        except zlib.error as error:
            return self._rescue(before, room, error)
        if member.eof:
            self._input, self._member, self._full = member.unused_data, None, False
        else:
            self._input, self._full = member.unconsumed_tail, len(output) == room
        return output

    def _rescue(self, member: zlib._Decompress, room: int, error: zlib.error) -> bytes:
        """Inflate what is before the fault: zlib gives nothing of a call that fails, so it is asked octet by octet.

        If there is no room for all of it, the fault is met again at the next call.
        """
        output, left, rest = bytearray(), b"", memoryview(self._input)
        try:
            while len(output) < room:
                more = member.decompress(left or rest[:1], 1)
                if not left and not rest and not more:
                    raise error
                if not left:
                    rest = rest[1:]
                left = member.unconsumed_tail
                output += more
        except zlib.error:
            self._fault = f"gzip data is damaged: {error}"
        else:
            self._input, self._member, self._full = left + bytes(rest), member, True
        return bytes(output)


class Zstd:
    """A zstd file of any number of frames.

    It is cut into blocks here, so that each call has a small bound and the end of a frame is known exactly:
    zstandard's own reader takes a file that ends within a frame for a whole one.
    """

    RLE: Final = 1
    MAX_BLOCK: Final = 128 * 1024
    """RFC 8878, 3.1.1.2.4."""

    def __init__(self, read: Callable[[memoryview], int], ahead: bytes) -> None:
        """``ahead``: bytes that were read to tell the format."""
        self._read = read
        self._chunk = memoryview(bytearray(CHUNK))
        self._input = bytearray(ahead)
        self._context = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._sealed: zstandard.ZstdDecompressionObj | None = None
        self._checksum = False
        self._skip = 0
        self._output = memoryview(b"")
        self._fault = ""

    def readinto(self, room: memoryview) -> int:
        """Give decoded bytes, decoding a block if there are none."""
        while not self._output:
            if self._fault:
                raise Corrupt(self._fault)
            try:
                if not self._step():
                    return 0
            except zstandard.ZstdError as error:
                self._fault = f"zstd data is damaged: {error}"
            except EOFError:
                self._fault = "zstd data ends early"
        taken = min(len(room), len(self._output))
        room[:taken] = self._output[:taken]
        self._output = self._output[taken:]
        return taken

    def _step(self) -> bool:
        """Read what comes next; False at the end."""
        if self._sealed:
            return self._verify(self._sealed)
        return self._block(self._frame) if self._frame else self._begin()

    def _fill(self, count: int) -> bool:
        """Have at least ``count`` bytes of input; False if the file ends first."""
        while len(self._input) < count:
            taken = self._read(self._chunk)
            if taken == 0:
                return False
            self._input += self._chunk[:taken]
        return True

    def _take(self, count: int) -> bytes:
        taken = self._see(count)
        del self._input[:count]
        return taken

    def _see(self, count: int) -> bytes:
        """The next ``count`` bytes of input, which stay there."""
        if not self._fill(count):
            raise EOFError
        return bytes(self._input[:count])

    def _begin(self) -> bool:
        """Step through a skippable frame, or read a frame header (RFC 8878, 3.1.1.1); False at the end."""
        if self._skip:
            self._skip -= len(self._take(min(self._skip, CHUNK)))
            return True
        if not self._fill(1):
            return False
        magic = self._see(4)
        if int.from_bytes(magic, "little") in SKIPPABLE_MAGIC:
            self._skip = int.from_bytes(self._take(8)[4:], "little")
            return True
        if magic != ZSTD_MAGIC:
            self._fault = "zstd data is followed by something else"
            return True
        descriptor = self._see(5)[4]
        size_flag, single, dictionary = descriptor >> 6, descriptor >> 5 & 1, descriptor & 3
        rest = (1 - single) + (0, 1, 2, 4)[dictionary] + (single, 2, 4, 8)[size_flag]
        header = self._take(5 + rest)
        self._checksum = bool(descriptor & 4)
        frame = self._context.decompressobj()
        self._output = memoryview(frame.decompress(header))
        self._frame = frame
        return True

    def _block(self, frame: zstandard.ZstdDecompressionObj) -> bool:
        """Decode one block (RFC 8878, 3.1.1.2)."""
        header = self._see(3)
        value = int.from_bytes(header, "little")
        last, kind, size = value & 1, value >> 1 & 3, value >> 3
        if size > self.MAX_BLOCK:
            self._fault = "zstd data is damaged: a block of more than 128 KiB"
            return True
        self._output = memoryview(frame.decompress(self._take(3 + (1 if kind == self.RLE else size))))
        if last:
            self._frame, self._sealed = None, frame if self._checksum else None
        return True

    def _verify(self, frame: zstandard.ZstdDecompressionObj) -> bool:
        """Check what was decoded against the checksum that ends a frame."""
        frame.decompress(self._take(4))
        self._sealed = None
        return True


class Stream:
    """One capture's bytes, from its start or from where it was parked."""

    def __init__(self, path: str, *, live: bool = False) -> None:
        """``path`` is a file's, or "-" for standard input; nothing is opened yet.

        ``live``: never wait, and take what a regular file has for all that it has now.
        """
        self.path = path
        self.live = live
        self.offset = 0
        """Bytes given so far."""
        self.consumed = 0
        """Bytes of the file that were read for it."""
        self.regular = False
        """Whether the file can be parked: it is no pipe, terminal or the like."""
        self._file: FileIO | None = None
        self._decoder: Decoder | None = None
        self._identity: tuple[int, int] | None = None
        self._ahead = b""
        self._tell = 0
        self._next = Ahead()

    def readinto(self, room: memoryview) -> int:
        """Fill some of ``room``, waiting for at least one byte; 0 at the end; CaptureError if it cannot.

        Raises Dry in place of waiting if it is live.
        """
        try:
            if self._decoder is None:
                self._decoder = self._begin()
            taken = self._decoder.readinto(room)
        except OSError as error:
            raise CaptureError(self.path, self.offset, error.strerror or str(error)) from error
        except Corrupt as error:
            raise CaptureError(self.path, self.offset, str(error)) from error
        self.offset += taken
        return taken

    def fetch(self, room: memoryview) -> bool:
        """Begin to fill ``room``, in the background, with what ``readinto`` would give next; ``fetched`` tells.

        False if that cannot be: only what the capture itself stands in is read so, and not what still grows.
        """
        plain = isinstance(self._decoder, Plain) and not self._decoder.ahead
        if not plain or not self.regular or self.live or self._file is None:
            return False
        return self._next.begin(self._file.fileno(), room, self.offset)

    @property
    def fetching(self) -> bool:
        """Whether room is filled in the background, which ``fetched`` has not told of."""
        return self._next.busy

    def fetched(self) -> int:
        """Wait until that is done, as ``readinto`` does."""
        try:
            taken = self._next.finish()
            if self._file is not None:
                self._tell = self._file.seek(self.offset + taken)
        except OSError as error:
            raise CaptureError(self.path, self.offset, error.strerror or str(error)) from error
        self.offset += taken
        self.consumed = max(self.consumed, self._tell)
        return taken

    def open(self) -> int:
        """Open the file if it is not open; its descriptor. CaptureError if it cannot be."""
        try:
            return (self._file or self._open()).fileno()
        except OSError as error:
            raise CaptureError(self.path, self.offset, error.strerror or str(error)) from error

    def park(self) -> None:
        """Close a regular file for now: the next ``readinto`` opens it again and goes on."""
        if self.regular:
            self.close()

    def close(self) -> None:
        """Close the file."""
        self._next.cancel()
        if self._file is not None:
            self._file.close()
        self._file = self._decoder = None
        self._ahead = b""

    def _open(self) -> FileIO:
        if self.path == "-":
            file = FileIO(0, closefd=False)
        else:
            file = FileIO(self.path, opener=unwaiting if self.live else None)
        self._file, self._tell = file, 0
        status = os.fstat(file.fileno())
        if file.isatty():
            raise CaptureError(self.path, 0, "a terminal, not a capture")
        self.regular = self.path != "-" and stat.S_ISREG(status.st_mode)
        identity = (status.st_dev, status.st_ino)
        if self._identity not in (None, identity):
            raise CaptureError(self.path, self.offset, "the file was replaced while it was read")
        self._identity = identity
        return file

    def _begin(self) -> Decoder:
        """Read the first bytes, which tell the format."""
        file = self._file or self._open()
        while len(self._ahead) < 4:
            magic = memoryview(bytearray(4 - len(self._ahead)))
            taken = self._read(magic)
            if taken == 0:
                break
            self._ahead += magic[:taken]
        ahead = self._ahead
        if ahead.startswith(GZIP_MAGIC):
            return self._resumed(Gzip(self._read, ahead))
        if ahead == ZSTD_MAGIC or int.from_bytes(ahead, "little") in SKIPPABLE_MAGIC:
            return self._resumed(Zstd(self._read, ahead))
        if self.offset:
            self._tell = file.seek(self.offset)
            ahead = b""
        return Plain(self._read, ahead)

    def _resumed(self, decoder: Decoder) -> Decoder:
        """Decode once more what was given before the stream was parked."""
        left, scratch = self.offset, memoryview(bytearray(min(self.offset, CHUNK)))
        while left:
            taken = decoder.readinto(scratch[: min(left, len(scratch))])
            if taken == 0:
                raise CaptureError(self.path, self.offset, "the file became shorter while it was read")
            left -= taken
        return decoder

    def _read(self, room: memoryview) -> int:
        """Read once from the file, as much as is there."""
        file = self._file
        if file is None:
            return 0
        if self.live and not self.regular and not something(file):
            raise Dry
        taken = file.readinto(room)
        while taken is None:  # a pipe that somebody set to non-blocking
            if self.live:
                raise Dry
            select.select([file], [], [])
            taken = file.readinto(room)
        if taken == 0 and self.live and self.regular:
            raise Dry
        self._tell += taken
        self.consumed = max(self.consumed, self._tell)
        return taken


def something(file: FileIO) -> bool:
    """Whether a read gives bytes, or the end, at once. A FIFO that had no writer yet has neither."""
    looking = select.poll()
    looking.register(file, select.POLLIN)
    return bool(looking.poll(0))
