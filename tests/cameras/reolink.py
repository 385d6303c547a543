"""Reolink's api.cgi: lists of JSON commands with a token from Login, by http and https. Question keys are the commands."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.cameras.digest import Verdict
from tests.cameras.images import Intake, parts
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.serving import Camera, Heard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LEASE_S: Final = 3600
CHUNK: Final = 40_960
"""Bytes of the image in one Upgrade."""
LOG_IN_FIRST, LOGIN_FAILED, NOT_SUPPORTED, WRONG_PARAMETER, WRONG_IMAGE = -6, -7, -9, -4, -13

DEVICE_ABILITIES: Final = {
    "cloud.p2p": "p2p",
    "cloud.vendor": "push",
    "export.rtmp": "rtmp",
    "export.webhook": "supportWebhook",
    "upnp.portmap": "upnp",
    "network.ddns": "ddns",
    "radio.wifi": "wifi",
    "audio.output": "talk",
    "update.auto": "supportAutoUpdate",
}
CHANNEL_ABILITIES: Final = {
    "person.detect": "supportAiPeople",
    "person.track": "aiTrack",
    "vehicle.detect": "supportAiVehicle",
    "face.detect": "supportAiFace",
}
ALWAYS: Final = ("upgrade", "reboot", "devInfo", "time")
"""In every camera's GetAbility."""


class Reolink:
    prefixes: tuple[str, ...] = ("/cgi-bin/api.cgi", "/api.cgi")
    server: str | None = "nginx"

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        self._tokens: list[str] = []
        self._given = 0
        self._intake: Intake | None = None
        self._failures = 0
        self._values: dict[str, Callable[[], Mapping[str, Any] | None]] = {
            "GetDevInfo": lambda: {"DevInfo": self._device_info()},
            "GetAbility": lambda: {"Ability": self._ability()},
            "GetP2p": lambda: self._switch(
                "cloud.p2p", "P2p", {"uid": f"95270000SIM{self._life.seed:05}", "port": 9000}
            ),
            "GetUpnp": lambda: self._switch("upnp.portmap", "Upnp", {}),
            "GetDdns": lambda: self._switch("network.ddns", "Ddns", {"type": "no-ip", "domain": ""}),
            "GetPush": lambda: self._switch("cloud.vendor", "Push", {"schedule": {"channel": 0, "table": "1" * 168}}),
            "GetAutoUpgrade": lambda: self._switch("update.auto", "AutoUpgrade", {}),
            "GetAiCfg": self._ai,
            "GetTime": self._time,
            "GetLocalLink": lambda: {"LocalLink": {"activeLink": "LAN", "mac": self._life.mac, "type": "DHCP"}},
            "GetNetPort": self._ports,
            "GetHddInfo": lambda: {"HddInfo": []},
            "GetUser": lambda: {"User": [{"level": "admin", "userName": self._life.user}]},
            "GetChannelstatus": lambda: {
                "count": 1,
                "status": [{"channel": 0, "name": "sim", "online": 1, "typeInfo": self._life.model}],
            },
            "CheckFirmware": lambda: {"newFirmware": 0},
            "UpgradeStatus": lambda: {"Status": {"Persent": 100 if self._life.pending else 0, "code": 0}},
        }

    def question(self, heard: Heard) -> str:
        commands = _commands(heard.body)
        return heard.request.query.get("cmd") or " ".join(str(command.get("cmd")) for command in commands)

    def uploads(self, question: str) -> bool:
        return question == "Upgrade"

    def refusal(self, heard: Heard) -> web.StreamResponse | None:
        if heard.question == "Login":
            return None
        if heard.request.query.get("token") in self._tokens:
            heard.verdict = "token"
            return None
        return _response(heard.phrasing.json([_failed(heard.question, LOG_IN_FIRST, "please login first")]))

    def forget(self) -> None:
        self._tokens.clear()
        self._failures = 0

    async def answer(self, heard: Heard) -> web.StreamResponse:
        if heard.question == "Upgrade":
            return _response(heard.phrasing.json([await self._upgrade(heard)]))
        commands = _commands(heard.body) or [{"cmd": heard.question}]
        return _response(heard.phrasing.json([self._answered(command, heard) for command in commands]))

    def _answered(self, command: Mapping[str, Any], heard: Heard) -> Mapping[str, Any]:
        name, param = str(command.get("cmd")), command.get("param") or {}
        match name:
            case "Login":
                return self._login(param.get("User") or {}, heard)
            case "Logout":
                self._tokens = [token for token in self._tokens if token != heard.request.query.get("token")]
                return _said(name, {"rspCode": 200})
            case "UpgradePrepare":
                self._intake = Intake()
                return _said(name, {"rspCode": 200})
            case "Reboot":
                self._camera.reboot_soon()
                return _said(name, {"rspCode": 200})
        value = self._values[name]() if name in self._values else None
        return _failed(name, NOT_SUPPORTED, "not support") if value is None else _said(name, value)

    def _login(self, user: Mapping[str, Any], heard: Heard) -> Mapping[str, Any]:
        right = user.get("userName") == self._life.user
        right &= hmac.compare_digest(str(user.get("password")).encode(), self._life.password.encode())
        if not right or self._failures >= self._life.lock_after:
            self._failures += 1
            heard.verdict = Verdict.WRONG if not right else Verdict.LOCKED
            return _failed("Login", LOGIN_FAILED, "login failed")
        self._failures, self._given = 0, self._given + 1
        heard.verdict = "password"
        token = sha256(f"{self._life.seed}/{self._life.boots}/{self._given}".encode()).hexdigest()[:12]
        self._tokens = [*self._tokens[-9:], token]
        return _said("Login", {"Token": {"leaseTime": LEASE_S, "name": token}})

    def _device_info(self) -> Mapping[str, Any]:
        life = self._life
        return {
            "B485": 0, "IOInputNum": 0, "IOOutputNum": 0, "audioNum": 1, "buildDay": f"build {life.firmware.build}",
            "cfgVer": "v3.1.0.0", "channelNum": 1, "detail": f"SIM{life.seed:04}", "diskNum": 1, "exactType": "IPC",
            "firmVer": f"v{life.firmware.version}_{life.firmware.build}00", "frameworkVer": 1, "hardVer": "IPC_SIM5MP",
            "model": life.model, "name": "sim", "pakSuffix": "pak", "serial": life.serial, "type": "IPC", "wifi": 0,
        }  # fmt: skip

    def _ability(self) -> Mapping[str, Any]:
        def listed(names: Mapping[str, str]) -> dict[str, Mapping[str, int]]:
            said = {name: self._life.says_supported(function) for function, name in names.items()}
            return {
                name: {"permit": 7 if there else 0, "ver": int(there)}
                for name, there in said.items()
                if there is not None
            }

        device = listed(DEVICE_ABILITIES) | {name: {"permit": 7, "ver": 1} for name in ALWAYS}
        return {**device, "abilityChn": [listed(CHANNEL_ABILITIES) | {"live": {"permit": 4, "ver": 2}}]}

    def _switch(self, function: str, name: str, others: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if not self._life.says_supported(function):
            return None
        return {name: {"enable": int(self._life.says_enabled(function)), **others}}

    def _ai(self) -> Mapping[str, Any] | None:
        kinds = {"people": "person.detect", "vehicle": "vehicle.detect", "face": "face.detect"}
        there = {
            kind: int(self._life.says_enabled(function))
            for kind, function in kinds.items()
            if self._life.says_supported(function)
        }
        if not there:
            return None
        return {"AiDetectType": there, "aiTrack": int(self._life.says_enabled("person.track")), "channel": 0}

    def _time(self) -> Mapping[str, Any]:
        now = self._life.now()
        parts = {
            "year": now.year,
            "mon": now.month,
            "day": now.day,
            "hour": now.hour,
            "min": now.minute,
            "sec": now.second,
        }
        return {"Dst": {"enable": 0}, "Time": {**parts, "hourFmt": 0, "timeFmt": "DD/MM/YYYY", "timeZone": 0}}

    def _ports(self) -> Mapping[str, Any]:
        ports = {
            "httpPort": 80,
            "httpsPort": 443,
            "mediaPort": 9000,
            "onvifPort": 8000,
            "rtmpPort": 1935,
            "rtspPort": 554,
        }
        rtmp = int(self._life.says_enabled("export.rtmp"))
        enabled = {"httpEnable": 1, "httpsEnable": 1, "onvifEnable": 1, "rtmpEnable": rtmp, "rtspEnable": 1}
        return {"NetPort": ports | enabled}

    async def _upgrade(self, heard: Heard) -> Mapping[str, Any]:
        """One chunk: a part named upgrade-package, with the file name `<name>&<uuid>&<n>&<length of the file>`."""
        async for part in parts(heard.request):
            if self._intake is None or part.name != "upgrade-package":
                break
            pieces = (part.filename or "").split("&")
            data = await part.read()
            if len(pieces) != 4 or not pieces[3].isdigit() or len(data) > CHUNK:
                break
            self._intake.feed(data)
            return self._taken(int(pieces[3]))
        return _failed("Upgrade", WRONG_PARAMETER, "param error")

    def _taken(self, whole: int) -> Mapping[str, Any]:
        image = self._intake.image() if self._intake else None
        if image is None or image.size < whole:
            return _said("Upgrade", {"rspCode": 200})
        self._intake = None
        if not self._life.receive(image):
            return _failed("Upgrade", WRONG_IMAGE, "upgrade check failed")
        self._camera.reboot_soon()
        return _said("Upgrade", {"rspCode": 200})


def _commands(body: bytes) -> list[Mapping[str, Any]]:
    try:
        parsed = json.loads(body or b"[]")
    except ValueError:
        return []
    return [each for each in parsed if isinstance(each, dict)] if isinstance(parsed, list) else []


def _response(body: bytes) -> web.Response:
    """JSON that calls itself text/html, as the real ones do."""
    return web.Response(body=body, content_type="text/html")


def _said(command: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"cmd": command, "code": 0, "value": value}


def _failed(command: str, code: int, detail: str) -> Mapping[str, Any]:
    return {"cmd": command, "code": 1, "error": {"detail": detail, "rspCode": code}}


def reolink(life: Life | None = None) -> Camera:
    """A network camera of Reolink's, on http and https."""
    return Camera(life or reolink_life(), Reolink, tls=True)


def reolink_life(seed: int = 0) -> Life:
    return Life(
        model="RLC-SIM", serial="00000000000000", mac="02:00:5e:00:53:40", firmware=Firmware("3.1.0.956", "220411"), seed=seed, supported={*ORDINARY, "cloud.p2p"},
        named={"face.detect", "network.ddns"},
    )  # fmt: skip
