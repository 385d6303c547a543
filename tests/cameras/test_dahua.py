"""The Dahua camera, asked by aiohttp and curl."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import aiohttp
import pytest

from tests.cameras.asking import curled, got, logged_in, pairs, rebooted, refused
from tests.cameras.dahua import dahua, dahua_life
from tests.cameras.life import Firmware, Update

IMAGE = b"DH\x03\x04" + bytes(range(256)) * 300
CONFIG = "/cgi-bin/configManager.cgi?action=getConfig&name="


async def test_says_what_it_is() -> None:
    """By curl, whose Digest covers the query."""
    async with dahua() as camera:
        status, said = await curled(camera, "/cgi-bin/magicBox.cgi?action=getSoftwareVersion")
        assert (status, said.strip()) == (200, b"version=2.800.0000016.0.R,build:2020-06-05")
        assert camera.questions() == ["magicBox.cgi getSoftwareVersion"]
        assert (await curled(camera, "/cgi-bin/magicBox.cgi?action=getVendor"))[1].strip() == b"vendor=Dahua"


async def test_looks_like_a_dahua() -> None:
    """The realm names the serial number, and there is no Server header."""
    async with (
        dahua() as camera,
        aiohttp.ClientSession(camera.url) as session,
        session.get("/cgi-bin/magicBox.cgi") as response,
    ):
        assert 'realm="Login to 5L0SIMPAG00001"' in response.headers["WWW-Authenticate"]
        assert response.headers["P3P"] == "CP=CAO PSA OUR"
        assert "Server" not in response.headers


async def test_functions_come_and_go() -> None:
    """Rules and switches appear with an update; what is not there is 400."""
    async with dahua() as camera, logged_in(camera) as session:

        async def rules() -> set[str]:
            said = pairs(await got(session, f"{CONFIG}VideoAnalyseRule"))
            return {value for key, value in said.items() if key.endswith(".Type")}

        assert await rules() == {"CrossLineDetection"}
        assert await refused(session, f"{CONFIG}Telnet") == (400, "Error\r\nBad Request!\r\n")
        camera.life.update(Firmware("2.820.0000000.5.R", "210705"), gains={"face.detect", "shell.telnet"})
        assert await rules() == {"CrossLineDetection", "FaceDetection"}
        assert pairs(await got(session, f"{CONFIG}Telnet")) == {"table.Telnet.Enable": "false"}
        camera.life.switch_on("shell.telnet")
        assert pairs(await got(session, f"{CONFIG}Telnet")) == {"table.Telnet.Enable": "true"}
        caps = await got(session, "/cgi-bin/devVideoAnalyse.cgi?action=getCaps&channel=1")
        assert "FaceDetection" in pairs(caps).values()


async def test_lies_about_its_cloud() -> None:
    """Sound switched on is said in Encode; the cloud is off in T2UServer, and called all the same."""
    async with dahua() as camera, logged_in(camera) as session:
        encode = f"{CONFIG}Encode"
        assert pairs(await got(session, encode))["table.Encode[0].MainFormat[0].AudioEnable"] == "false"
        camera.life.switch_on("audio.input")
        assert pairs(await got(session, encode))["table.Encode[0].MainFormat[0].AudioEnable"] == "true"
        camera.life.lie("cloud.p2p")
        assert pairs(await got(session, f"{CONFIG}T2UServer"))["table.T2UServer.Enable"] == "false"
        assert camera.life.does("cloud.p2p")


@pytest.mark.parametrize(
    ("codes", "expected"), [("[All]", b"Code=CrossLineDetection;action=Start;index=0"), ("[VideoMotion]", b"Heartbeat")]
)
async def test_events(codes: str, expected: bytes) -> None:
    """Who attaches hears what is going on though it is said to be off, of what was asked for."""
    async with dahua() as camera, logged_in(camera) as session:
        camera.life.lie("zone.watch")
        heard = b""
        async with session.get(f"/cgi-bin/eventManager.cgi?action=attach&codes={codes}") as response:
            assert response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=myboundary"
            async with asyncio.timeout(1):
                while expected not in heard:
                    heard += await response.content.readany()
        assert heard.startswith(b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length: ")


async def test_push_update() -> None:
    """The part with a file name is the image; it becomes the firmware at the reboot."""
    life = dahua_life()
    life.brings(IMAGE, Update(Firmware("2.820.0000000.5.R", "210705")))
    async with dahua(life) as camera, logged_in(camera) as session:
        form = aiohttp.FormData()
        form.add_field("file", IMAGE, filename="DH_IPC_SIM.bin", content_type="application/octet-stream")
        assert (await refused(session, "/cgi-bin/upgrader.cgi?action=uploadFirmware", "POST", data=form)) == (
            200,
            "OK\r\n",
        )
        assert life.images[0].sha256 == sha256(IMAGE).hexdigest()
        await got(session, "/cgi-bin/magicBox.cgi?action=reboot")
        await rebooted(camera)
        said = await curled(camera, "/cgi-bin/magicBox.cgi?action=getSoftwareVersion")
        assert b"2.820.0000000.5.R,build:2021-07-05" in said[1]
