"""The Hikvision camera, asked by aiohttp, by curl, and by pyHik where that is installed."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from xml.etree import ElementTree

import pytest

from tests.cameras.asking import curled, got, logged_in, rebooted, refused
from tests.cameras.isapi import NAMESPACE, hikvision, hikvision_life
from tests.cameras.life import Firmware, Update
from tests.cameras.serving import Camera

IMAGE = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 400
"""Hikvision's magic, and bytes."""


def text_of(document: str, path: str) -> str | None:
    return ElementTree.fromstring(document).findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


async def test_says_what_it_is() -> None:
    async with hikvision() as camera, logged_in(camera) as session:
        said = await got(session, "/ISAPI/System/deviceInfo")
        assert (text_of(said, "firmwareVersion"), text_of(said, "firmwareReleasedDate")) == ("V5.5.53", "build 180730")
        assert camera.questions() == ["System/deviceInfo"]


async def test_three_states_of_support() -> None:
    """True, an explicit false, and not a word: what an update gains becomes true, and its page is there."""
    async with hikvision() as camera, logged_in(camera) as session:

        async def states() -> list[str | None]:
            said = await got(session, "/ISAPI/System/capabilities")
            wanted = (
                "SysCap/NetworkCap/isSupportEZVIZ",
                "SmartCap/isSupportFaceContrast",
                "SysCap/NetworkCap/isSupportSSH",
            )
            return [text_of(said, path) for path in wanted]

        assert await states() == ["true", "false", None]
        status, said = await refused(session, "/ISAPI/Intelligent/FDLib/capabilities")
        assert (status, text_of(said, "subStatusCode")) == (403, "notSupport")
        camera.life.update(Firmware("5.7.12", "220819"), gains={"face.recognise", "shell.ssh"})
        assert await states() == ["true", "true", "true"]
        await got(session, "/ISAPI/Intelligent/FDLib/capabilities")
        assert text_of(await got(session, "/ISAPI/Smart/capabilities"), "isSupportFaceContrast") == "true"
        assert "SSH<" in await got(session, "/ISAPI/Security/adminAccesses")
        assert text_of(await got(session, "/ISAPI/System/deviceInfo"), "firmwareVersion") == "V5.7.12"


async def test_switches_and_lies() -> None:
    """A switch turned on remotely is said; one that is lied about is not, but its events come."""
    async with hikvision() as camera, logged_in(camera) as session:

        async def enabled() -> str | None:
            return text_of(await got(session, "/ISAPI/System/Network/EZVIZ"), "enabled")

        assert await enabled() == "false"
        camera.life.switch_on("cloud.vendor")
        assert await enabled() == "true"
        camera.life.lie("cloud.vendor")
        assert await enabled() == "false"
        assert camera.life.does("cloud.vendor")
        assert text_of(await got(session, "/ISAPI/Streaming/channels"), "StreamingChannel/Audio/enabled") == "false"
        camera.life.switch_on("audio.input")
        assert text_of(await got(session, "/ISAPI/Streaming/channels"), "StreamingChannel/Audio/enabled") == "true"
        camera.life.lie("zone.watch")
        assert text_of(await got(session, "/ISAPI/Smart/LineDetection/1"), "enabled") == "false"
        assert b"<eventType>linedetection</eventType>" in await alerts(camera, b"linedetection")


async def alerts(camera: Camera, until: bytes) -> bytes:
    heard = b""
    camera.life.varies = False
    async with logged_in(camera) as session, session.get("/ISAPI/Event/notification/alertStream") as response:
        assert response.headers["Content-Type"] == "multipart/mixed; boundary=boundary"
        async with asyncio.timeout(1):
            while until not in heard:
                heard += await response.content.readany()
    return heard


async def test_nothing_going_on_is_a_heartbeat() -> None:
    async with hikvision() as camera:
        assert b"<eventState>inactive</eventState>" in await alerts(camera, b"videoloss")


async def test_what_is_not_there() -> None:
    """A path that it never heard of is 404, and writing is not for everybody's pages."""
    async with hikvision() as camera, logged_in(camera) as session:
        assert (await refused(session, "/ISAPI/System/nothing"))[0] == 404
        assert (await refused(session, "/ISAPI/System/deviceInfo", "PUT", data=b"<x/>"))[0] == 405
        assert (await refused(session, "/cgi-bin/magicBox.cgi"))[0] == 404


@pytest.mark.parametrize("known", [True, False])
async def test_push_update(known: bool) -> None:
    """An image that it knows becomes the firmware at the reboot; any other is hashed, kept in the diary and refused."""
    life = hikvision_life()
    if known:
        life.brings(IMAGE, Update(Firmware("5.7.12", "220819"), frozenset({"face.recognise"})))
    async with hikvision(life) as camera:
        status, _ = await pushed(camera)
        assert status == (200 if known else 403)
        assert (life.images[0].sha256, life.images[0].head[:4]) == (sha256(IMAGE).hexdigest(), b"\xe9\x9a\xf7\xb6")
        async with logged_in(camera) as session:
            assert text_of(await got(session, "/ISAPI/System/upgradeStatus"), "percent") == ("100" if known else "0")
            assert life.firmware.version == "5.5.53"
            await refused(session, "/ISAPI/System/reboot", "PUT")
            await rebooted(camera)
        async with logged_in(camera) as session:
            version = text_of(await got(session, "/ISAPI/System/deviceInfo"), "firmwareVersion")
        assert version == ("V5.7.12" if known else "V5.5.53")


async def pushed(camera: Camera) -> tuple[int, str]:
    async with logged_in(camera) as session:
        return await refused(session, "/ISAPI/System/updateFirmware", "PUT", data=IMAGE)


async def test_a_reboot_takes_its_time() -> None:
    """While it is down nothing listens; then it does again, at the same place."""
    life = hikvision_life()
    life.reboot_s = 0.2
    async with hikvision(life) as camera:
        await curled(camera, "/ISAPI/System/reboot", "-X", "PUT")
        await asyncio.sleep(0.1)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", camera.port)
        await rebooted(camera)
        assert (await curled(camera, "/ISAPI/System/status"))[0] == 200


async def test_curl_logs_in() -> None:
    """curl's Digest is let in, with a query and without; a wrong password is not, and seven lock the door."""
    async with hikvision() as camera:
        assert (await curled(camera, "/ISAPI/System/deviceInfo?format=xml"))[0] == 200
        assert [asked.credentials for asked in camera.asked] == ["none", "digest"]
        async with logged_in(camera) as session:
            right, camera.life.password = camera.life.password, "changed"
            for _ in range(4):
                status, said = await refused(session, "/ISAPI/System/deviceInfo")
            assert (status, text_of(said, "lockStatus")) == (401, "lock")
            camera.life.password = right
            assert (await refused(session, "/ISAPI/System/deviceInfo"))[0] == 401
            camera.life.reboot()
            assert (await refused(session, "/ISAPI/System/deviceInfo"))[0] == 200


async def test_pyhik_reads_it() -> None:
    """A client of others' making finds its identity and its events, and sees one happen on the stream."""
    pyhik = pytest.importorskip("pyhik.hikvision", reason="pyHik is not installed")
    life = hikvision_life()
    life.switch_on("zone.watch")
    async with hikvision(life) as camera:
        judge = await asyncio.to_thread(pyhik.HikCamera, "http://127.0.0.1", camera.port, life.user, life.password)
        assert judge.get_type == "CAM"
        assert "Line Crossing" in judge.current_event_states
        judge.start_stream()
        async with asyncio.timeout(3):
            while not judge.current_event_states["Line Crossing"][0][0]:
                await asyncio.sleep(0.02)
        await asyncio.to_thread(judge.disconnect)
