"""The evidence folder: what a message names is there and has that hash, whatever comes and whatever the disk does."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.evidence.config import MIB, EvidenceConfig, check
from monitor.evidence.folder import FOLDER, MOST_BYTES, MOST_PACKETS, Folder
from monitor.evidence.pcapng import read
from monitor.evidence.pool import BLOCK, Pool
from tests.evidence.conftest import packet, transition
from tests.transitions import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor.model.exhibits import PacketFile

Opened = "Callable[..., Folder]"
DAY_NS = 86_400_000_000_000


def kept(folder: Folder, *given: object, incident: str = "a" * 32) -> PacketFile:
    exhibit = folder.exhibit(transition(*given, incident=incident))  # type: ignore[arg-type]
    assert exhibit is not None
    assert exhibit.packets is not None
    return exhibit.packets


def holds(folder: Folder, named: PacketFile) -> None:
    """What is named is there, and is what is said of it."""
    data = (folder.path / named.file).read_bytes()
    assert (named.sha256, named.bytes, named.packets) == (sha256(data).hexdigest(), len(data), len(read(data)))


def test_packets_are_a_file_that_only_its_owner_reads(opened: Callable[..., Folder]) -> None:
    """With its hash in the exhibit; folder and file are closed to others; nothing else is left in the folder."""
    folder = opened()
    named = kept(folder, 1, packet(5), packet(3))
    holds(folder, named)
    assert [each.ts_ns for each in read((folder.path / named.file).read_bytes())] == [3, 5]
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / named.file).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in folder.path.iterdir()] == [named.file]


def test_news_has_what_was_there_before(opened: Callable[..., Folder]) -> None:
    """Another file, in which the first one's packets stand too; the first one stays as it was named."""
    folder = opened()
    first = kept(folder, 1, packet(1), packet(2))
    second = kept(folder, 2, packet(2), packet(9, b"\1" * 70))
    assert (first.packets, second.packets) == (2, 3)
    holds(folder, first)
    holds(folder, second)


def test_without_news_the_last_file_is_named_again(opened: Callable[..., Folder]) -> None:
    """Also by another process, and by one that has to say the same again after a crash."""
    first = kept(opened(), 1, packet(1))
    assert kept(opened(), 2) == first
    assert kept(opened(), 3, packet(1)) == first
    assert opened().exhibit(transition(1, incident="b" * 32)) is None
    again = kept(opened(), 1, packet(1))
    assert again == first


def test_a_file_that_was_changed_is_not_built_upon(opened: Callable[..., Folder]) -> None:
    """It is removed, and what comes next stands alone."""
    folder = opened()
    first = kept(folder, 1, packet(1))
    (folder.path / first.file).write_bytes(b"something else")
    second = kept(folder, 2, packet(2))
    assert second.packets == 1
    holds(folder, second)


@settings(deadline=None)  # the disk may be slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4000)), max_size=60),
        ),
        max_size=12,
    )
)
def test_the_bounds_hold_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    """Of an incident, and of the folder; and every message's file is there when it is named."""
    folder = Folder(tmp_path_factory.mktemp("state"), EvidenceConfig(), hurried=False)
    folder.packets = Pool(folder.path, 12 * BLOCK)
    for number, (incident, packets) in enumerate(turns, start=1):
        exhibit = folder.exhibit(
            transition(number, *(packet(ts, b"x" * size) for ts, size in packets), incident=incident * 32)
        )
        if exhibit is not None and exhibit.packets is not None:
            holds(folder, exhibit.packets)
            assert exhibit.packets.packets <= MOST_PACKETS
            data = (folder.path / exhibit.packets.file).read_bytes()
            assert sum(len(each.data) for each in read(data)) <= MOST_BYTES
        sizes = [-(-each.stat().st_size // BLOCK) * BLOCK for each in folder.path.iterdir()]
        assert sum(sizes) == folder.packets.used <= 12 * BLOCK
    assert folder.failed == 0


def test_what_no_message_names_any_more_is_forgotten(opened: Callable[..., Folder], told: list[str]) -> None:
    """By when a message last named it; what is young, or of somebody else, stays."""
    folder = opened()
    old, again, young = (kept(folder, 1, packet(1), incident=each * 32) for each in "abc")
    for each in (old, again):
        os.utime(folder.path / each.file, ns=(DAY_NS, DAY_NS))
    (folder.path / "notes.txt").write_text("mine")
    os.utime(folder.path / "notes.txt", ns=(DAY_NS, DAY_NS))
    folder = opened()
    assert kept(folder, 2, incident="b" * 32) == again
    before = folder.packets.used
    assert folder.forget(2 * DAY_NS) == 1
    assert not (folder.path / old.file).exists()
    assert folder.packets.used == before - BLOCK
    holds(folder, again)
    holds(folder, young)
    assert (folder.path / "notes.txt").read_text() == "mine"
    assert folder.forget(2 * DAY_NS) == 0
    (folder.path / young.file).unlink()
    assert folder.forget(2**62) == 1
    assert (len(folder.packets), folder.packets.used) == (0, 0)
    assert told == []


def test_the_oldest_make_room_and_are_counted(opened: Callable[..., Folder]) -> None:
    """Also those that an earlier run left."""
    folder = opened()
    folder.packets.capacity = 3 * BLOCK
    names = [
        kept(
            folder,
            1,
            packet(1),
            *(),
        ).file
    ] + [
        folder.exhibit(transition(1, packet(n), incident=f"{n:032x}")).packets.file  # type: ignore[union-attr]
        for n in range(1, 5)
    ]
    there = {each.name for each in folder.path.iterdir()}
    assert there == set(names[-3:])
    assert folder.limits()[0].turned_away == 2
    assert opened().packets.used == 3 * BLOCK


def test_halves_of_files_are_removed_and_others_are_left_alone(opened: Callable[..., Folder]) -> None:
    """What a killed process was writing goes; what somebody put there stays."""
    folder = opened()
    half, note = folder.path / f".{'a' * 32}-1.pcapng.part", folder.path / "note.txt"
    half.write_bytes(b"half")
    note.write_text("mine")
    opened()
    assert not half.exists()
    assert note.exists()


def test_a_folder_that_is_none(tmp_path: Path, opened: Callable[..., Folder], told: list[str]) -> None:
    """It is told once, messages go without evidence, and once it can be a folder it is kept again."""
    (tmp_path / FOLDER).write_text("a file is in the way")
    folder = opened()
    for number in range(1, 4):
        assert folder.exhibit(transition(number, packet(number))) is None
    assert folder.failed == 4
    assert len(told) == 1
    assert folder.trouble is not None
    (tmp_path / FOLDER).unlink()
    (tmp_path / FOLDER).mkdir()
    holds(folder, kept(folder, 4, packet(4)))
    assert (len(told), folder.trouble) == (2, None)


def test_a_folder_that_is_read_only(tmp_path: Path, opened: Callable[..., Folder], told: list[str]) -> None:
    """Likewise; root may write anywhere but there."""
    state = tmp_path / FOLDER
    state.mkdir()
    with mounted(state, "-t", "tmpfs", "-o", "ro,size=64k", "camwarden-test"):
        folder = opened()
        assert folder.exhibit(transition(1, packet(1))) is None
        assert "Read-only" in told[0]


def test_a_full_disk(tmp_path: Path, opened: Callable[..., Folder], told: list[str]) -> None:
    """Nothing half is left, nothing raises; and when the journal asks for room half of what is kept goes."""
    state = tmp_path / FOLDER
    state.mkdir()
    with mounted(state, "-t", "tmpfs", "-o", "size=256k", "camwarden-test"):
        folder = opened()
        named = [
            exhibit.packets
            for n in range(200)
            if (exhibit := folder.exhibit(transition(1, packet(n, b"x" * 3000), incident=f"{n:032x}"))) is not None
        ]
        assert 10 < len(named) < 200
        assert "No space left" in told[0]
        for each in named:
            assert each is not None
            holds(folder, each)
        assert not [each for each in state.iterdir() if each.name.endswith(".part")]
        before = len(list(state.iterdir()))
        folder.yield_room()
        assert len(list(state.iterdir())) <= before // 2 + 1


def test_a_file_larger_than_may_be_written(opened: Callable[..., Folder], told: list[str]) -> None:
    """RLIMIT_FSIZE, as a service manager sets it."""
    folder = opened()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        assert folder.exhibit(transition(1, packet(1, b"x" * 4000))) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in told[0]
    assert list(folder.path.iterdir()) == []


def test_an_image_too_large_for_the_room_is_refused() -> None:
    """By the configuration, with the key in the message."""
    check(EvidenceConfig(images=True, max_mib=1024, image_mib=384))
    with pytest.raises(ValueError, match=r"evidence\.image_mib: at most 384"):
        check(EvidenceConfig(images=True, max_mib=1024, image_mib=385))
    whole = EvidenceConfig(images=True)
    assert whole.packet_bytes + whole.waiting_bytes + whole.image_bytes == whole.max_mib * MIB


def test_a_storm_does_not_hold_up_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a live source packets get their share of each second; messages beyond it go without, which is counted."""
    folder = Folder(tmp_path, EvidenceConfig(), hurried=True)
    assert folder.exhibit(transition(1, packet(1))) is not None
    monkeypatch.setattr("monitor.evidence.folder.SHARE_S", 0.0)
    assert folder.exhibit(transition(2, packet(2))) is None
    assert folder.limits()[0].turned_away == 1
    replayed = Folder(tmp_path, EvidenceConfig(), hurried=False)
    assert replayed.exhibit(transition(2, packet(2))) is not None


def test_packets_may_be_turned_off(opened: Callable[..., Folder]) -> None:
    """Then nothing is kept of them."""
    folder = opened(packets=False)
    assert folder.exhibit(replace(BLANK, packets=(packet(1),))) is None
    assert list(folder.path.iterdir()) == []


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    made = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
