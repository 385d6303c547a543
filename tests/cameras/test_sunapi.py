"""The Hanwha camera, asked by aiohttp and curl."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.cameras.asking import curled, got, logged_in, pairs, rebooted, refused
from tests.cameras.life import Firmware, Update
from tests.cameras.sunapi import hanwha, hanwha_life

DEVICE = "/stw-cgi/system.cgi?msubmenu=deviceinfo&action=view"


async def test_says_what_it_is_as_text_and_as_json() -> None:
    async with hanwha() as camera, logged_in(camera) as session:
        assert pairs(await got(session, DEVICE))["FirmwareVersion"] == "2.11.01_20211210_R1"
        said = json.loads(await got(session, DEVICE, headers={"Accept": "application/json"}))
        assert said["FirmwareVersion"] == "2.11.01_20211210_R1"
        assert camera.questions() == ["system.cgi deviceinfo"] * 2


async def test_offers_the_stronger_hash_first() -> None:
    """Two challenges; curl takes SHA-256 where it can."""
    async with hanwha() as camera, aiohttp.ClientSession(camera.url) as session, session.get(DEVICE) as response:
        offered = response.headers.getall("WWW-Authenticate")
        assert ["SHA-256" in offered[0], "MD5" in offered[1]] == [True, True]
        assert all('realm="iPolis_02-00-5E-00-53-50"' in each for each in offered)
        assert (await curled(camera, DEVICE))[0] == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
async def test_functions_come_and_go(kind: str) -> None:
    """What is not there is an error in words, with 200; support is in the attributes."""
    async with hanwha() as camera, logged_in(camera) as session:
        page = "/stw-cgi/eventsources.cgi?msubmenu=facedetection&action=view"
        accept = {"Accept": kind}

        async def supported() -> str | None:
            tree = ElementTree.fromstring(await got(session, "/stw-cgi/attributes.cgi/attributes"))
            return next(each.get("value") for each in tree.iter("attribute") if each.get("name") == "FaceDetection")

        assert await supported() == "False"
        assert "Feature Not Implemented" in await got(session, page, headers=accept)
        camera.life.update(Firmware("2.21.02", "230601"), gains={"face.detect"})
        camera.life.switch_on("face.detect")
        assert await supported() == "True"
        said = await got(session, page, headers=accept)
        assert (json.loads(said) if "json" in kind else pairs(said)) == {"Channel.0.Enable": "True"}


async def test_push_update() -> None:
    """Acknowledged line by line; it reboots by itself."""
    life, image = hanwha_life(), bytes(range(256)) * 200
    life.brings(image, Update(Firmware("2.21.02", "230601")))
    async with hanwha(life) as camera, logged_in(camera) as session:
        await got(session, DEVICE)
        form = aiohttp.FormData()
        form.add_field("uploadFile", image, filename="sim.img", content_type="application/octet-stream")
        upload = "/stw-cgi/system.cgi?msubmenu=firmwareupdate&action=control&Type=Normal"
        assert await refused(session, upload, "POST", data=form) == (200, "DownloadAck\r\nUpdateAck\r\nOK\r\n")
        await rebooted(camera)
        assert life.firmware.version == "2.21.02"
