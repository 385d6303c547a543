"""The Reolink camera, asked by aiohttp over http and https, and by reolink_aio where that is installed."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.cameras.asking import rebooted
from tests.cameras.life import Firmware, Life, Update
from tests.cameras.reolink import CHUNK, reolink, reolink_life

IMAGE = b"\x13\x59\x72\x32" + bytes(range(256)) * 400


class Asker:
    """A session with a token."""

    def __init__(self, session: aiohttp.ClientSession, base: str, life: Life) -> None:
        self._session, self._base, self._life = session, base, life
        self.token = ""

    async def __call__(self, command: str, param: Any = None, **more: Any) -> Any:
        body = more or {"json": [{"cmd": command, "action": 0, "param": param or {}}]}
        query = {"cmd": command, "token": self.token} if self.token else {"cmd": command}
        async with self._session.post(f"{self._base}/cgi-bin/api.cgi", params=query, ssl=False, **body) as response:
            assert response.status == 200
            (said,) = json.loads(await response.text())
            return said.get("value") or said["error"]["rspCode"]

    async def log_in(self, password: str | None = None) -> Any:
        user = {"Version": "0", "userName": self._life.user, "password": password or self._life.password}
        said = await self("Login", {"User": user})
        self.token = said["Token"]["name"] if isinstance(said, dict) else ""
        return said


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_says_what_it_is_with_a_token(scheme: str) -> None:
    """Without one, or with one from before a reboot, it asks to log in."""
    async with reolink() as camera, aiohttp.ClientSession() as session:
        ask = Asker(session, camera.url if scheme == "http" else camera.tls_url, camera.life)
        assert await ask("GetDevInfo") == -6
        assert await ask.log_in("wrong") == -7
        await ask.log_in()
        assert (await ask("GetDevInfo"))["DevInfo"]["firmVer"] == "v3.1.0.956_22041100"
        assert await ask("GetNothing") == -9
        camera.life.reboot()
        assert await ask("GetDevInfo") == -6
        assert [asked.credentials for asked in camera.asked] == ["none", "wrong", "password", "token", "token", "none"]


async def test_functions_come_and_go() -> None:
    """Abilities of the device and of its channel, and the page of a switch."""
    async with reolink() as camera, aiohttp.ClientSession() as session:
        ask = Asker(session, camera.url, camera.life)
        await ask.log_in()
        before = (await ask("GetAbility"))["Ability"]
        assert before["abilityChn"][0]["supportAiFace"] == {"permit": 0, "ver": 0}
        assert "supportWebhook" not in before
        assert (await ask("GetP2p"))["P2p"]["enable"] == 0
        camera.life.update(Firmware("3.1.0.2368", "230912"), gains={"face.detect", "export.webhook"})
        camera.life.switch_on("cloud.p2p")
        await ask.log_in()
        after = (await ask("GetAbility"))["Ability"]
        assert after["abilityChn"][0]["supportAiFace"] == {"permit": 7, "ver": 1}
        assert after["supportWebhook"]["ver"] == 1
        assert (await ask("GetP2p"))["P2p"]["enable"] == 1
        camera.life.lie("cloud.p2p")
        assert (await ask("GetP2p"))["P2p"]["enable"] == 0


async def test_push_update_in_chunks() -> None:
    """UpgradePrepare, then pieces of 40,960 bytes; the hash is of them all, and it reboots by itself."""
    life = reolink_life()
    life.brings(IMAGE, Update(Firmware("3.1.0.2368", "230912")))
    async with reolink(life) as camera, aiohttp.ClientSession() as session:
        ask = Asker(session, camera.url, life)
        await ask.log_in()
        await ask("UpgradePrepare", {"restoreCfg": 0, "fileName": "IPC_SIM.pak"})
        pieces = [IMAGE[start : start + CHUNK] for start in range(0, len(IMAGE), CHUNK)]
        assert len(pieces) == 3
        for number, piece in enumerate(pieces):
            form = aiohttp.FormData(quote_fields=False)
            form.add_field(
                "upgrade-package",
                piece,
                filename=f"IPC_SIM.pak&1f2e&{number}&{len(IMAGE)}",
                content_type="application/octet-stream",
            )
            assert await ask("Upgrade", data=form) == {"rspCode": 200}
        await rebooted(camera)
        assert (life.images[0].sha256, life.firmware.version) == (sha256(IMAGE).hexdigest(), "3.1.0.2368")


async def test_reolink_aio_reads_it() -> None:
    """A client of others' making logs in and understands what the camera says of itself and its abilities."""
    judge = pytest.importorskip("reolink_aio.api", reason="reolink-aio is not installed")
    life = reolink_life()
    async with reolink(life) as camera, aiohttp.ClientSession() as session:
        host = judge.Host(
            "127.0.0.1", life.user, life.password, port=camera.port, use_https=False, aiohttp_get_session_callback=lambda: session,
        )  # fmt: skip
        commands = (
            "GetChannelstatus",
            "GetDevInfo",
            "GetLocalLink",
            "GetNetPort",
            "GetP2p",
            "GetHddInfo",
            "GetUser",
            "GetTime",
            "GetAbility",
        )
        body = [{"cmd": command, "action": 0, "param": {}} for command in commands]
        said = await host.send(body, expected_response_type="json")
        host.map_host_json_response(said)
        assert (host.model, host.sw_version, host.mac_address) == ("RLC-SIM", "v3.1.0.956_22041100", life.mac)
        assert host.api_version("supportAiPeople", 0) == 1
        await host.logout()
