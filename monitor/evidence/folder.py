"""The evidence folder: what of an incident is on disk when its message is written.

Strategy: whoever makes a message asks for its exhibit first, in the thread of the journal and within its transaction:
the file is written, synced and renamed, then the message that names it is inserted, then both are committed by the
journal. So a message never names a file that was not there; after a crash there may be a file that no message names,
which is the older evidence of the same incident or is removed with the oldest. What a file holds never changes: news of
an incident is another file, with all that the last one had, so every message's hash stays that of the file it names.
When it was modified is when a message last named it: by that it grows old.
Whatever goes wrong here is counted and told, and the message goes out without evidence.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from typing import TYPE_CHECKING, Final

from monitor.durable import sync_folder, write_file
from monitor.evidence.pcapng import NotOurs, read, write
from monitor.evidence.pool import Pool
from monitor.model.exhibits import Exhibit, FirmwareImage, PacketFile
from monitor.model.limits import Limit, Room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.evidence.config import EvidenceConfig
    from monitor.model.exhibits import Packet
    from monitor.model.incidents import Transition

FOLDER: Final = "evidence"
MOST_PACKETS: Final = 96
"""Packets of one incident: a handful of connections with their greetings."""
MOST_BYTES: Final = 65_536
"""Bytes of them: what is kept of a packet is at most a frame, mostly some hundred octets."""
MOST_BACK: Final = 64
"""Messages without a file of their own that may stand between two that have one."""
SHARE_S: Final = 0.25
"""Seconds of each second that may go by with writing packets: a storm of incidents must not hold up the journal."""
UNCLAIMED: Final = ".unclaimed"
"""Behind the hash in the name of an image that no incident names."""
PACKETS_NAME: Final = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})\.pcapng")
_IMAGE_NAME: Final = re.compile(r"[0-9a-f]{64}")
_PART_NAME: Final = re.compile(r"\..{1,200}\.part")


class Folder:
    """One sensor's evidence. ``exhibit`` is for the journal's thread; images come from another (see spool)."""

    def __init__(
        self, state: Path, config: EvidenceConfig, *, hurried: bool, tell: Callable[[str], None] | None = None
    ) -> None:
        """``state`` is the state directory. ``hurried``: packets of a live source do not wait for the disk for long.

        ``tell`` is given a line when something goes wrong, once until it is well again; it may come from any thread.
        """
        self.path = state / FOLDER
        self.config = config
        self.lock = threading.Lock()
        """Held while pools change."""
        self.packets = Pool(self.path, config.packet_bytes)
        self.images = Pool(self.path, config.image_bytes)
        self.waiting = Pool(self.path, config.waiting_bytes)
        self.failed = 0
        """Times that something could not be kept because of the disk."""
        self.hasty = 0
        """Messages that went without packets for want of time."""
        self.trouble: str | None = None
        """Why nothing can be kept at present."""
        self.settle: Callable[[], None] = lambda: None
        """Called before an image is looked for; set by whoever writes images."""
        self._latest: dict[str, int] = {}
        """By incident, the number of its newest file."""
        self._hurried = hurried
        self._tell = tell
        self._second = 0.0
        self._spent = 0.0
        self._take_stock()

    def limits(self) -> list[Limit]:
        """How full it is."""
        turned_away = self.packets.removed + self.hasty
        packets = Limit(Room.EVIDENCE, self.packets.capacity, self.packets.used, turned_away)
        if not self.config.images:
            return [packets]
        used = self.images.used + self.waiting.used + self.waiting.held
        removed = self.images.removed + self.waiting.removed
        return [packets, Limit(Room.EVIDENCE_IMAGES, self.images.capacity + self.waiting.capacity, used, removed)]

    def exhibit(self, transition: Transition) -> Exhibit | None:
        """Put on disk what there is of this transition. None if there is nothing, or it could not be kept."""
        packets = self._packets(transition) if self.config.packets else None
        image = self._image(transition.image) if self.config.images and transition.image is not None else None
        return Exhibit(packets, image) if packets is not None or image is not None else None

    def yield_room(self) -> None:
        """The disk is full, and the journal needs it more: half of what is kept goes."""
        with self.lock:
            for pool in (self.waiting, self.images, self.packets):
                wanted = pool.used // 2
                try:
                    pool.make_room(pool.capacity - pool.held - wanted)
                except OSError as error:
                    self.fail(error)

    def forget(self, before_ns: int) -> int:
        """Delete what no message has named since that time of the machine's clock; how many files."""
        gone = 0
        for pool in (self.packets, self.images, self.waiting):
            with self.lock:
                names = list(pool)
            for name in names:
                with self.lock:  # let go between two files: a message must not wait for all of them
                    gone += self._forget(pool, name, before_ns)
        return gone

    def _forget(self, pool: Pool, name: str, before_ns: int) -> bool:
        try:
            if name not in pool or (self.path / name).stat().st_mtime_ns >= before_ns:
                return False
            pool.remove(name)
        except FileNotFoundError:
            pool.forget(name)
            return False
        except OSError as error:
            self.fail(error)
            return False
        return True

    def fail(self, error: OSError) -> None:
        """Something could not be kept."""
        self.failed += 1
        why = error.strerror or str(error)
        if self.trouble is None and self._tell is not None:
            self._tell(f"{self.path}: {why}: messages go without evidence")
        self.trouble = why

    def well(self) -> None:
        """Something could be kept."""
        if self.trouble is not None and self._tell is not None:
            self._tell(f"{self.path}: evidence is kept again")
        self.trouble = None

    def _take_stock(self) -> None:
        """Make the folder, and see what earlier runs left in it; halves of files are removed."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = []
            for entry in sorted(self.path.iterdir()):
                status = entry.lstat()
                if _PART_NAME.fullmatch(entry.name):
                    entry.unlink()
                elif stat.S_ISREG(status.st_mode):
                    found.append((status.st_mtime_ns, entry.name, status.st_size))
            for _, name, size in sorted(found):
                pool = self._pool_of(name)
                if pool is not None:
                    pool.add(name, size)
            for pool in (self.packets, self.images, self.waiting):
                pool.make_room(0)
        except OSError as error:
            self.fail(error)

    def _pool_of(self, name: str) -> Pool | None:
        """The pool of a file by its name; other files are left alone."""
        if found := PACKETS_NAME.fullmatch(name):
            self._latest[found[1]] = max(self._latest.get(found[1], 0), int(found[2]))
            return self.packets
        if _IMAGE_NAME.fullmatch(name):
            return self.images
        if name.endswith(UNCLAIMED) and _IMAGE_NAME.fullmatch(name.removesuffix(UNCLAIMED)):
            return self.waiting
        return None

    def _packets(self, transition: Transition) -> PacketFile | None:
        began = time.monotonic()
        if began - self._second >= 1.0:
            self._second, self._spent = began, 0.0
        if self._hurried and self._spent > SHARE_S:
            self.hasty += bool(transition.packets)
            return None
        try:
            with self.lock:
                kept = self._write(transition)
        except OSError as error:
            self.fail(error)
            return None
        finally:
            self._spent += time.monotonic() - began
        return kept

    def _write(self, transition: Transition) -> PacketFile | None:
        """The file of this transition, or the one before it where nothing is new."""
        incident = transition.incident
        name, data, before = self._before(transition)
        packets = merged(before, transition.packets)
        if len(packets) == len(before):
            if not before:
                return None
            self._name_again(self.packets, name, len(data))
        else:
            name = f"{incident}-{transition.number}.pcapng"
            data = write(packets, _comment(transition))
            if not self.packets.make_room(len(data)):
                return None
            write_file(self.path, name, data)
            self.packets.add(name, len(data))
            self._remember(incident, transition.number)
            self.well()
        return PacketFile(name, hashlib.sha256(data).hexdigest(), len(packets), len(data))

    def _before(self, transition: Transition) -> tuple[str, bytes, list[Packet]]:
        """Name, bytes and packets of the newest file of this incident that is older than the transition."""
        incident = transition.incident
        # The journal may have lost its last transactions with the power: then they come again.
        newest = min(self._latest.get(incident, 0), transition.number - 1)
        for number in range(newest, max(0, newest - MOST_BACK), -1):
            name = f"{incident}-{number}.pcapng"
            if name in self.packets:
                break
        else:
            return "", b"", []
        try:
            data = (self.path / name).read_bytes()
            return name, data, read(data)
        except (FileNotFoundError, NotOurs):
            self.packets.remove(name)
            return "", b"", []

    def _name_again(self, pool: Pool, name: str, size: int) -> None:
        """A message names a file that was there: it is as new as that message now (see ``forget``)."""
        os.utime(self.path / name)
        pool.add(name, size)

    def _remember(self, incident: str, number: int) -> None:
        self._latest[incident] = number
        if len(self._latest) > 2 * len(self.packets) + 1024:
            held = {f"{each}-{last}.pcapng": each for each, last in self._latest.items()}
            self._latest = {each: self._latest[each] for name, each in held.items() if name in self.packets}

    def _image(self, image: FirmwareImage) -> FirmwareImage | None:
        """The image, if it is on disk. An incident names it now: it stays as long as there is room."""
        name, unclaimed = image.sha256, image.sha256 + UNCLAIMED
        self.settle()
        try:
            with self.lock:
                if unclaimed in self.waiting:
                    if not self.images.make_room(image.bytes):
                        return None
                    (self.path / unclaimed).replace(self.path / name)
                    self.waiting.forget(unclaimed)
                    self.images.add(name, image.bytes)
                    sync_folder(self.path)
                there = name in self.images and (self.path / name).stat().st_size == image.bytes
                if there:
                    self._name_again(self.images, name, image.bytes)
        except OSError as error:
            self.fail(error)
            return None
        return image if there else None


def merged(before: list[Packet], new: tuple[Packet, ...]) -> list[Packet]:
    """All of them in the order of time, each once, within the bounds: what was there first stays."""
    packets, seen = list(before), {packet[:4] for packet in before}
    size = sum(len(packet.data) for packet in before)
    for packet in new:
        if packet[:4] in seen:
            continue
        if len(packets) >= MOST_PACKETS or size + len(packet.data) > MOST_BYTES:
            break
        seen.add(packet[:4])
        packets.append(packet)
        size += len(packet.data)
    return sorted(packets, key=lambda packet: packet.ts_ns)


def _comment(transition: Transition) -> str:
    """On the section: whose packets these are, in words that no device chose."""
    return (
        f"camwarden incident {transition.incident}, message {transition.number}, {transition.kind}. "
        "Only what led to it; payload is cut or blanked unless it is a name, a greeting or the head of a request, "
        "so checksums do not fit."
    )
