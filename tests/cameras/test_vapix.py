"""The Axis camera, asked by aiohttp, and by the client `axis` where that is installed."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.cameras.asking import got, logged_in, pairs, rebooted
from tests.cameras.life import Firmware, Update
from tests.cameras.vapix import axis, axis_life

IMAGE = bytes(range(256)) * 300


async def posted(session: aiohttp.ClientSession, script: str, method: str, **more: Any) -> Any:
    async with session.post(
        f"/axis-cgi/{script}", json={"apiVersion": "1.0", "method": method, "context": "c1"}, **more
    ) as response:
        assert response.status == 200
        return json.loads(await response.text())


async def apis(session: aiohttp.ClientSession) -> set[str]:
    return {api["id"] for api in (await posted(session, "apidiscovery.cgi", "getApiList"))["data"]["apiList"]}


async def test_says_what_it_is() -> None:
    async with axis() as camera, logged_in(camera) as session:
        said = await posted(session, "basicdeviceinfo.cgi", "getAllProperties")
        assert said["context"] == "c1"
        assert said["data"]["propertyList"]["Version"] == "10.12.91"
        assert said["data"]["propertyList"]["SerialNumber"] == "02005E005330"
        assert camera.questions() == ["basicdeviceinfo.cgi getAllProperties"]
        assert (await posted(session, "basicdeviceinfo.cgi", "no"))["error"]["code"] == 2004


async def test_functions_come_and_go() -> None:
    """Services, parameters and applications appear with an update."""
    async with axis() as camera, logged_in(camera) as session:
        before = await apis(session)
        parameters = pairs(await got(session, "/axis-cgi/param.cgi?action=list&group=root.Network"))
        assert parameters["root.Network.UPnP.Enabled"] == "no"
        assert "root.Network.SSH.Enabled" not in parameters
        camera.life.update(Firmware("11.11.73", "240207"), gains={"shell.ssh", "face.detect"})
        camera.life.switch_on("shell.ssh")
        camera.life.switch_on("face.detect")
        assert await apis(session) - before == {"ssh"}
        assert pairs(await got(session, "/axis-cgi/param.cgi?action=list&group=Network.SSH")) == {
            "root.Network.SSH.Enabled": "yes"
        }
        listed = ElementTree.fromstring(await got(session, "/axis-cgi/applications/list.cgi"))
        assert {each.get("Name"): each.get("Status") for each in listed} == {
            "objectanalytics": "Stopped", "vmd": "Stopped", "facedetector": "Running",
        }  # fmt: skip


async def test_what_is_not_there() -> None:
    """An unknown parameter is an error in words, with 200."""
    async with axis() as camera, logged_in(camera) as session:
        assert (await got(session, "/axis-cgi/param.cgi?action=list&group=root.Nothing")).startswith(
            "# Error: Error -1"
        )


async def test_push_update() -> None:
    """The form is the call and the file; the camera reboots by itself."""
    life = axis_life()
    life.brings(IMAGE, Update(Firmware("11.11.73", "240207")))
    async with axis(life) as camera, logged_in(camera) as session:
        await posted(session, "firmwaremanagement.cgi", "status")
        form = aiohttp.FormData()
        form.add_field("data", json.dumps({"apiVersion": "1.0", "method": "upgrade"}), content_type="application/json")
        form.add_field("fileData", IMAGE, filename="sim.bin", content_type="application/octet-stream")
        async with session.post("/axis-cgi/firmwaremanagement.cgi", data=form) as response:
            assert json.loads(await response.text())["data"]["firmwareVersion"] == "11.11.73"
        await rebooted(camera)
        assert life.firmware.version == "11.11.73"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_axis_reads_it() -> None:
    """A client of others' making finds the services, the properties, the parameters and the applications."""
    judge = pytest.importorskip("axis", reason="axis is not installed (its last release for Python 3.11 is 55)")
    httpx = pytest.importorskip("httpx")
    configuration = pytest.importorskip("axis.configuration")
    life = axis_life()
    async with axis(life) as camera, httpx.AsyncClient(trust_env=False) as client:
        device = pytest.importorskip("axis.device").AxisDevice(
            configuration.Configuration(
                client, "127.0.0.1", username=life.user, password=life.password, port=camera.port
            ),
        )
        assert judge is not None
        await device.vapix.initialize_api_discovery()
        assert "mqtt-client" in device.vapix.api_discovery
        await device.vapix.basic_device_info.update()
        assert device.vapix.basic_device_info["0"].firmware_version == "10.12.91"
        await device.vapix.params.property_handler.update()
        await device.vapix.applications.update()
        assert set(device.vapix.applications) == {"objectanalytics", "vmd"}
