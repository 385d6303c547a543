"""Firmware that passes between the devices of a site and others, from packets to facts."""

from __future__ import annotations

from array import array
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from collectors.blocks import Block, Interface
from monitor.model.facts import FileRequest, FirmwareCheck, FirmwareTransfer
from pcaps.savefile import Frame
from pcaps.wire import MS, SECOND, START, Connection
from tests.engine.played import Site, blocks, engine, observed

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.app import Knowledge

IMAGE = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 150
SEGMENT = 1400
FETCH = b"GET /firmware/digicap.dav HTTP/1.1\r\nHost: up.example\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"


def pieces(data: bytes, size: int = SEGMENT) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def download(site: Site, head: bytes = ANSWER, *, close: bool = True) -> list[Frame]:
    """A camera fetches an image from a server abroad; all frames in order of time."""
    connection = Connection(site.wire, site.gate, site.remote("52.30.100.10"), 80, at=START, rng=site.rng)
    connection.open()
    connection.say(FETCH)
    for piece in pieces(head + IMAGE):
        connection.hear(piece)
    if close:
        connection.close()
    return site.wire.frames()


def images(known: Knowledge, frames: list[Frame]) -> list[FirmwareTransfer]:
    """What is told of these frames."""
    seen: list[FirmwareTransfer] = []
    played = engine(
        known, observer=lambda told, _: seen.append(told.fact) if isinstance(told.fact, FirmwareTransfer) else None
    )
    played.feed(blocks(frames)).finish()
    return seen


def carrying(frames: list[Frame]) -> list[int]:
    """Which of them carry a full piece of the image."""
    return [number for number, frame in enumerate(frames) if len(frame.data) > SEGMENT]


def is_whole(transfer: FirmwareTransfer) -> None:
    assert (transfer.bytes, transfer.complete, transfer.sha256) == (len(IMAGE), True, sha256(IMAGE).hexdigest())


@pytest.mark.parametrize("head", [ANSWER, UNTIL_CLOSE], ids=["length", "close"])
def test_a_download(known: Knowledge, head: bytes) -> None:
    """Hash and length, to the device, also where the connection's end is the file's."""
    (transfer,) = images(known, download(Site(), head))
    is_whole(transfer)
    assert (transfer.direction, transfer.via, transfer.vendor) == ("to_device", "http", "hikvision")


def test_a_connection_that_never_ends(known: Knowledge) -> None:
    """Without its end nobody knows that a file until close is all there; one with a length is told at once."""
    (transfer,) = images(known, download(Site(), UNTIL_CLOSE, close=False))
    assert (transfer.bytes, transfer.complete, transfer.sha256) == (len(IMAGE), False, None)
    (transfer,) = images(known, download(Site(), close=False))
    is_whole(transfer)


def swapped(frames: list[Frame]) -> list[Frame]:
    """Two segments in the other order."""
    first, second = carrying(frames)[3:5]
    moved = list(frames)
    moved[first], moved[second] = (
        Frame(frames[first].ts_ns, frames[second].data),
        Frame(frames[second].ts_ns, frames[first].data),
    )
    return moved


def resent(frames: list[Frame]) -> list[Frame]:
    """One segment comes again, much later than a mirror's copy would."""
    again = carrying(frames)[3]
    place = carrying(frames)[8]
    return [*frames[:place], Frame(frames[place].ts_ns, frames[again].data), *frames[place:]]


def late(frames: list[Frame]) -> list[Frame]:
    """The last segment comes behind the FINs."""
    last = carrying(frames)[-1]
    return [*frames[:last], *frames[last + 1 :], Frame(frames[-1].ts_ns + MS, frames[last].data)]


@pytest.mark.parametrize("head", [ANSWER, UNTIL_CLOSE], ids=["length", "close"])
@pytest.mark.parametrize("change", [swapped, resent, late], ids=["out of order", "sent again", "behind the FIN"])
def test_what_tcp_mends(known: Knowledge, change: Callable[[list[Frame]], list[Frame]], head: bytes) -> None:
    """The receiver has the file, and so has the hash."""
    (transfer,) = images(known, change(download(Site(), head)))
    is_whole(transfer)


@pytest.mark.parametrize("head", [ANSWER, UNTIL_CLOSE], ids=["length", "close"])
@pytest.mark.parametrize("place", [5, -1], ids=["in the middle", "at the end"])
def test_a_segment_that_the_mirror_lost(known: Knowledge, place: int, head: bytes) -> None:
    """Incomplete, without a hash, and counted without what is missing."""
    frames = download(Site(), head)
    lost = carrying(frames)[place]
    (transfer,) = images(known, frames[:lost] + frames[lost + 1 :])
    assert (transfer.complete, transfer.sha256) == (False, None)
    assert transfer.bytes <= len(IMAGE) - SEGMENT
    assert transfer.bytes >= len(IMAGE) - SEGMENT - 65_536


def cut(frames: list[Frame], length: int) -> list[Block]:
    """Frames of which no more than so many octets were captured."""
    memory, index = bytearray(), array("q")
    for frame in frames:
        index.extend((frame.ts_ns, len(memory), min(length, len(frame.data)), len(frame.data), 0))
        memory += frame.data[:length]
    return [Block(memory, index, len(frames), (Interface("capture", 1),))]


def test_frames_that_were_cut(known: Knowledge) -> None:
    """Of a capture with short frames there is no hash, but the transfer is told."""
    seen: list[FirmwareTransfer] = []
    played = engine(
        known, observer=lambda told, _: seen.append(told.fact) if isinstance(told.fact, FirmwareTransfer) else None
    )
    played.feed(cut(download(Site()), 300)).finish()
    (transfer,) = seen
    assert (transfer.complete, transfer.sha256) == (False, None)
    assert 0 < transfer.bytes < len(IMAGE)


def test_a_push_on_the_lan(known: Knowledge) -> None:
    """A computer of the site sends an image to a camera; to fetch one from a camera is the other direction."""
    site = Site()
    connection = Connection(site.wire, site.phone, site.gate, 80, at=START, rng=site.rng)
    connection.open()
    head = b"PUT /ISAPI/System/updateFirmware HTTP/1.1\r\nHost: 10.20.0.11\r\nContent-Length: %d\r\n\r\n" % len(IMAGE)
    for piece in pieces(head + IMAGE):
        connection.say(piece)
    connection.hear(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.say(b"GET /dump HTTP/1.1\r\nHost: 10.20.0.11\r\n\r\n")
    for piece in pieces(ANSWER + IMAGE):
        connection.hear(piece)
    connection.close()
    pushed, dumped = images(known, site.wire.frames())
    is_whole(pushed)
    assert (pushed.direction, pushed.via, pushed.signs) == ("to_device", "isapi", ("call", "magic"))
    assert (dumped.direction, dumped.sha256) == ("from_device", pushed.sha256)


def tftp(
    site: Site, blocks: list[tuple[int, bytes]], *, request: bytes, options: bytes = b"", write: bool = False
) -> None:
    """A camera asks port 69 and is answered from another port."""
    camera, server, at = site.gate, site.server, START
    site.wire.udp(at, camera, 3072, server, 69, request)
    ends = (camera, 3072, server, 41000)
    there, back = (ends, (server, 41000, camera, 3072)) if write else ((server, 41000, camera, 3072), ends)
    if options:
        at += MS
        site.wire.udp(at, server, 41000, camera, 3072, b"\0\6" + options)
    elif write:
        at += MS
        site.wire.udp(at, server, 41000, camera, 3072, b"\0\4\0\0")
    for number, body in blocks:
        at += 20 * MS
        site.wire.udp(at, *there, b"\0\3" + (number & 0xFFFF).to_bytes(2, "big") + body)
        site.wire.udp(at + MS, *back, b"\0\4" + (number & 0xFFFF).to_bytes(2, "big"))


def numbered(size: int) -> list[tuple[int, bytes]]:
    return list(enumerate([*pieces(IMAGE, size), b""] if len(IMAGE) % size == 0 else pieces(IMAGE, size), start=1))


READ = b"\0\1digicap.dav\0octet\0"
OPTIONS = b"blksize\x001428\0"


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("size", [512, 1428])
def test_tftp(known: Knowledge, size: int, write: bool) -> None:
    """Blocks of either size, one of them twice, from the port that the server chose: the file, and whose it is."""
    site, options = Site(), OPTIONS if size == 1428 else b""
    given = numbered(size)
    request = (b"\0\2" if write else b"\0\1") + READ[2:] + options
    tftp(site, [*given[:3], given[2], *given[3:]], request=request, options=options, write=write)
    (transfer,) = images(known, site.wire.frames())
    is_whole(transfer)
    assert (transfer.via, transfer.uri) == ("tftp", "tftp://10.20.0.2/digicap.dav")
    assert transfer.direction == ("from_device" if write else "to_device")


@pytest.mark.parametrize("left_out", [5, -1])
def test_tftp_with_a_hole(known: Knowledge, left_out: int) -> None:
    """A block that was not seen, or the last one: counted, without a hash."""
    site = Site()
    given = numbered(512)
    lost = given.pop(left_out)
    tftp(site, given, request=READ)
    (transfer,) = images(known, site.wire.frames())
    assert (transfer.bytes, transfer.complete, transfer.sha256) == (len(IMAGE) - len(lost[1]), False, None)


def test_tftp_of_anything_else(known: Knowledge) -> None:
    """A configuration is no image; a script that is asked for as an update is one."""
    site = Site()
    tftp(site, [(1, b"set a=b\n" * 9)], request=b"\0\1phone.cfg\0octet\0")
    assert images(known, site.wire.frames()) == []
    site = Site()
    tftp(site, [(1, b"#!/bin/sh\n")], request=b"\0\1/update.sh\0octet\0")
    (transfer,) = images(known, site.wire.frames())
    assert (transfer.magic, transfer.signs, transfer.complete) == ("script", ("name", "magic"), True)


def test_tftp_without_an_answer(known: Knowledge) -> None:
    """It was asked for: a check with the server's address, and no transfer."""
    site = Site()
    for again in range(3):
        site.wire.udp(START + again * SECOND, site.gate, 3072, site.server, 69, b"\0\1/update.sh\0octet\0")
    facts = [each.fact for each in observed(known, site)]
    assert [fact for fact in facts if isinstance(fact, FirmwareCheck)] == [
        FirmwareCheck("tftp", "tftp://10.20.0.2/update.sh")
    ]
    assert sum(isinstance(fact, FileRequest) for fact in facts) == 1
    assert not any(isinstance(fact, FirmwareTransfer) for fact in facts)


@pytest.mark.parametrize("mode", ["PASV", "EPSV", "PORT", "EPRT"])
@pytest.mark.parametrize("verb", ["RETR", "STOR"])
def test_ftp(known: Knowledge, mode: str, verb: str) -> None:
    """The data connection that the session agreed on carries the file, whoever opens it."""
    site = Site()
    control = Connection(site.wire, site.gate, site.server, 21, at=START, rng=site.rng)
    control.open()
    control.hear(b"220 FTP ready\r\n")
    control.say(b"USER a\r\n")
    control.hear(b"331 pass\r\n")
    control.say(b"PASS b\r\n")
    control.hear(b"230 in\r\n")
    control.say(b"TYPE I\r\n")
    control.hear(b"200 ok\r\n")
    if mode == "PASV":
        control.say(b"PASV\r\n")
        control.hear(b"227 Entering Passive Mode (10,20,0,2,160,40)\r\n")
    elif mode == "EPSV":
        control.say(b"EPSV\r\n")
        control.hear(b"229 Entering Extended Passive Mode (|||41000|)\r\n")
    else:
        control.say(b"PORT 10,20,0,11,160,40\r\n" if mode == "PORT" else b"EPRT |1|10.20.0.11|41000|\r\n")
        control.hear(b"200 ok\r\n")
    control.say(f"{verb} /up/digicap.dav\r\n".encode())
    control.hear(b"150 here\r\n")
    ends = (site.gate, site.server) if mode in {"PASV", "EPSV"} else (site.server, site.gate)
    data = Connection(site.wire, *ends, 41000, at=START + 5 * SECOND, rng=site.rng)
    data.open()
    from_client = (verb == "STOR") == (ends[0] is site.gate)
    for piece in pieces(IMAGE):
        data.say(piece, by_client=from_client)
    data.close()
    (transfer,) = images(known, site.wire.frames())
    is_whole(transfer)
    assert (transfer.via, transfer.uri) == ("ftp", "ftp://10.20.0.2/up/digicap.dav")
    assert transfer.direction == ("to_device" if verb == "RETR" else "from_device")


def test_ftp_of_pictures(known: Knowledge) -> None:
    """What a camera stores on a server each minute is no image of firmware."""
    site = Site()
    control = Connection(site.wire, site.gate, site.server, 21, at=START, rng=site.rng)
    control.open()
    control.hear(b"220 FTP ready\r\n")
    control.say(b"TYPE I\r\n")
    control.hear(b"200 ok\r\n")
    control.say(b"PASV\r\n")
    control.hear(b"227 Entering Passive Mode (10,20,0,2,160,40)\r\n")
    control.say(b"STOR /cam/1.jpg\r\n")
    data = Connection(site.wire, site.gate, site.server, 41000, at=START + 5 * SECOND, rng=site.rng)
    data.open()
    data.say(b"\xff\xd8\xff\xe0" + bytes(1000))
    data.close()
    assert images(known, site.wire.frames()) == []
