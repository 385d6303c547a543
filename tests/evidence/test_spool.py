"""Images on their way to the folder: whole ones under their hash, of others nothing, and nobody waits for the disk."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.evidence.config import MIB, EvidenceConfig
from monitor.evidence.folder import UNCLAIMED, Folder
from monitor.evidence.pool import BLOCK, Pool
from monitor.evidence.spool import MOST_OPEN, ImageSpool
from monitor.model.exhibits import FirmwareImage
from monitor.protocols.image import HEAD, Image
from tests.evidence.conftest import packet, transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGE = bytes(range(256)) * 1024
DIGEST = sha256(LARGE).hexdigest()


def names(folder: Folder) -> set[str]:
    return {each.name for each in folder.path.iterdir()}


def passed(spool: ImageSpool, data: bytes, *, step: int = 1400, gap: bool = False, complete: bool = True) -> Image:
    """An image that passes in pieces."""
    image = Image("http", None, None, ("call",), spool)
    for at in range(0, len(data), step):
        if gap and at > len(data) // 2:
            image.gap()
        image.take(data[at : at + step])
    image.fact(complete=complete)
    return image


@pytest.mark.parametrize("threaded", [False, True])
def test_a_whole_image_is_a_file_named_by_its_hash(opened: Callable[..., Folder], threaded: bool) -> None:
    """Unclaimed until an incident names it; readable by its owner alone; and the message waits until it is there."""
    folder = opened(images=True)
    spool = ImageSpool(folder, threaded=threaded)
    passed(spool, LARGE)
    exhibit = folder.exhibit(transition(1, image=FirmwareImage(DIGEST, len(LARGE))))
    assert exhibit is not None
    assert exhibit.image == FirmwareImage(DIGEST, len(LARGE))
    assert (folder.path / DIGEST).read_bytes() == LARGE
    assert (folder.path / DIGEST).stat().st_mode & 0o777 == 0o600
    assert names(folder) == {DIGEST}
    passed(spool, LARGE)
    spool.close()
    assert names(folder) == {DIGEST}
    assert spool.open == 0


@settings(deadline=None)  # the disk may be slow
@given(st.binary(max_size=3 * HEAD), st.integers(1, 700))
def test_every_octet_is_kept_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, step: int
) -> None:
    """Also of a file that is no longer than what is looked at."""
    folder = Folder(tmp_path_factory.mktemp("state"), EvidenceConfig(images=True), hurried=False)
    passed(ImageSpool(folder, threaded=False), data, step=step)
    if data:
        assert (folder.path / (sha256(data).hexdigest() + UNCLAIMED)).read_bytes() == data
    else:
        assert names(folder) == set()


@pytest.mark.parametrize("broken", [{"gap": True}, {"complete": False}])
def test_of_an_incomplete_image_nothing_is_left(opened: Callable[..., Folder], broken: dict[str, bool]) -> None:
    """Octets were missed, or it stopped before its end."""
    folder = opened(images=True)
    spool = ImageSpool(folder, threaded=False)
    passed(spool, LARGE, **broken)  # type: ignore[arg-type]
    assert names(folder) == set()
    assert (spool.open, folder.waiting.held) == (0, 0)


def test_whoever_lets_go_of_an_image_drops_it(opened: Callable[..., Folder]) -> None:
    """A parser that failed, or a flow that was forgotten, says nothing any more."""
    folder = opened(images=True)
    spool = ImageSpool(folder, threaded=False)
    image = Image("http", None, None, (), spool)
    image.take(LARGE)
    assert len(names(folder)) == 1
    del image
    assert names(folder) == set()
    assert spool.open == 0


def test_an_image_that_is_too_large_is_dropped_and_counted(opened: Callable[..., Folder]) -> None:
    """Before it has taken more than there is room for; no message names it."""
    folder = opened(images=True, max_mib=8, image_mib=1)
    spool = ImageSpool(folder, threaded=False)
    data = bytes(MIB + 1)
    most = 0
    image = Image("http", None, None, ("call",), spool)
    for at in range(0, len(data), 1400):
        image.take(data[at : at + 1400])
        most = max([most, *(each.stat().st_size for each in folder.path.iterdir())])
    image.fact(complete=True)
    assert most <= MIB
    assert names(folder) == set()
    assert folder.limits()[1].turned_away == 1
    assert folder.exhibit(transition(1, image=FirmwareImage(sha256(data).hexdigest(), len(data)))) is None


def test_an_image_whose_hash_is_another_gets_no_name(opened: Callable[..., Folder]) -> None:
    """What was written is not what was handed over."""
    folder = opened(images=True)
    place = ImageSpool(folder, threaded=False).begin()
    assert place is not None
    place.take(LARGE)
    place.keep("0" * 64)
    assert names(folder) == set()
    assert folder.failed == 1


def test_so_many_at_a_time(opened: Callable[..., Folder]) -> None:
    """One more has no place, is counted, and is still hashed."""
    spool = ImageSpool(opened(images=True), threaded=False)
    held = [Image("http", None, None, (), spool) for _ in range(MOST_OPEN + 1)]
    for image in held:
        image.take(LARGE)
    assert (spool.open, spool.dropped) == (MOST_OPEN, 1)
    assert held[-1].fact(complete=True)[0].sha256 == DIGEST


def test_nobody_waits_for_a_slow_disk(opened: Callable[..., Folder]) -> None:
    """What does not fit into the backlog is dropped and counted; what comes later is kept again."""
    folder = opened(images=True)
    spool = ImageSpool(folder, threaded=True, backlog=len(LARGE) - 1)
    slow = threading.Event()
    spool.do(lambda: bool(slow.wait(30)), 0)
    passed(spool, LARGE)
    assert (spool.dropped, spool.open) == (1, 0)
    slow.set()
    spool.folder.settle()
    assert names(folder) == set()
    passed(spool, LARGE[: len(LARGE) // 2])
    spool.close()
    assert names(folder) == {sha256(LARGE[: len(LARGE) // 2]).hexdigest() + UNCLAIMED}


def test_images_that_nobody_names_make_room_first(opened: Callable[..., Folder]) -> None:
    """And only those: they never cost one that an incident names."""
    folder = opened(images=True, max_mib=8, image_mib=1)
    spool = ImageSpool(folder, threaded=False)
    passed(spool, LARGE)
    folder.exhibit(transition(1, image=FirmwareImage(DIGEST, len(LARGE))))
    for number in range(12):
        passed(spool, LARGE + bytes([number]))
    assert DIGEST in names(folder)
    assert folder.waiting.used <= MIB
    assert folder.waiting.removed >= 9
    assert folder.waiting.held == 0


def test_named_images_make_room_for_newer_ones(opened: Callable[..., Folder]) -> None:
    """The oldest first; packets stay."""
    folder = opened(images=True)
    folder.images = Pool(folder.path, 2 * len(LARGE) + 2 * BLOCK)
    spool = ImageSpool(folder, threaded=False)
    folder.exhibit(transition(1, packet(1)))
    digests = []
    for number in range(4):
        data = LARGE + bytes([number])
        digests.append(sha256(data).hexdigest())
        passed(spool, data)
        folder.exhibit(transition(2 + number, image=FirmwareImage(digests[-1], len(data))))
    assert {each for each in names(folder) if len(each) == 64} == set(digests[2:])
    assert f"{'a' * 32}-1.pcapng" in names(folder)


def test_a_folder_that_cannot_be_written(tmp_path: Path, opened: Callable[..., Folder], told: list[str]) -> None:
    """It is told once, and the image is hashed all the same."""
    (tmp_path / "evidence").write_text("in the way")
    folder = opened(images=True)
    image = Image("http", None, None, ("call",), ImageSpool(folder, threaded=False))
    image.take(LARGE)
    assert image.fact(complete=True)[0].sha256 == DIGEST
    assert len(told) == 1
