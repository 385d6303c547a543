"""The Uniview camera, asked by aiohttp and curl."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.cameras.asking import curled, logged_in, rebooted
from tests.cameras.lapi import uniview, uniview_life
from tests.cameras.life import Firmware, Update


async def told(session: aiohttp.ClientSession, path: str, method: str = "GET", **more: Any) -> Any:
    async with session.request(method, f"/LAPI/V1.0/{path}", **more) as response:
        assert response.status == 200
        return json.loads(await response.text())["Response"]


async def test_says_what_it_is() -> None:
    async with uniview() as camera:
        status, said = await curled(camera, "/LAPI/V1.0/System/DeviceInfo")
        assert status == 200
        assert json.loads(said)["Response"]["Data"]["FirmwareVersion"] == "IPC_G6107-B0011P23D1805.200605"
        assert camera.questions() == ["System/DeviceInfo"]


async def test_functions_come_and_go() -> None:
    """What is not there is a code in the envelope, with 200."""
    async with uniview() as camera, logged_in(camera) as session:
        absent = await told(session, "Channel/0/NetWork/Telnet")
        assert (absent["ResponseCode"], absent["Data"]) == (4, "null")
        support = (await told(session, "Channels/0/Smart/Capabilities"))["Data"]["Support"]
        assert support == {"CrossLineDetection": 1, "FaceRecognition": 0, "VehicleRecognition": 0}
        camera.life.update(Firmware("IPC_G6107-B0015", "230101"), gains={"shell.telnet", "face.recognise"})
        camera.life.switch_on("shell.telnet")
        assert (await told(session, "Channel/0/NetWork/Telnet"))["Data"] == {"Enabled": 1}
        assert (await told(session, "Channels/0/Smart/Capabilities"))["Data"]["Support"]["FaceRecognition"] == 1


async def test_push_update() -> None:
    """UploadFirmware takes the image, Upgrade reboots into it."""
    life, image = uniview_life(), bytes(range(256)) * 200
    life.brings(image, Update(Firmware("IPC_G6107-B0015", "230101")))
    async with uniview(life) as camera, logged_in(camera) as session:
        assert (await told(session, "System/Upgrade", "POST", json={"UpgradeType": 3}))["ResponseCode"] == 1
        form = aiohttp.FormData()
        form.add_field("file", image, filename="sim.zip", content_type="application/octet-stream")
        assert (await told(session, "System/UploadFirmware", "POST", data=form))["ResponseCode"] == 0
        await told(session, "System/Upgrade", "POST", json={"UpgradeType": 3})
        await rebooted(camera)
        assert life.firmware.version == "IPC_G6107-B0015"
