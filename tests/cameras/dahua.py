"""Dahua's HTTP API: lines of key=value over HTTP Digest. Question keys are "script.cgi action name".

What a camera cannot do it answers with 400 and "Error / Bad Request!". The names of scenes and configurations are
those seen in public clients; the index-by-index spelling of getCaps is the API guide's way of writing lists.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.cameras.digest import DigestGate
from tests.cameras.images import of_form
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.serving import ByDigest, Camera, Heard, stream, text_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UPLOAD: Final = "upgrader.cgi uploadFirmware"

RULES: Final = {
    "face.detect": "FaceDetection",
    "zone.watch": "CrossLineDetection",
    "behaviour.judge": "WanderDetection",
    "person.count": "NumberStat",
    "vehicle.detect": "ParkingDetection",
}
"""What VideoAnalyseRule and getCaps call it; also the code of its event."""
SWITCHES: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "T2UServer": ("cloud.p2p", {"Address": "www.sim-p2p.invalid", "Port": 8800}),
    "Telnet": ("shell.telnet", {}),
    "SSHD": ("shell.ssh", {}),
    "UPnP": ("upnp.portmap", {"StartDeviceDiscover": False}),
    "CloudUpgrade": ("update.auto", {"NotificationType": "Event"}),
    "CloudStorage": ("cloud.storage", {}),
    "RDV2": ("debug.remote", {}),
}
"""Configurations with an Enable of their own."""
OTHER_EVENTS: Final = {"person.detect": "SmartMotionHuman", "audio.classify": "AudioMutation"}


class Dahua(ByDigest):
    prefixes: tuple[str, ...] = ("/cgi-bin/",)

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        wording = 'Digest realm="{realm}", qop="auth", nonce="{nonce}", opaque="", algorithm="MD5", stale="{stale}"'
        self.gate = DigestGate(camera.life, f"Login to {camera.life.serial}", {"MD5": wording})
        self._sent = 0
        self._answers: dict[str, Callable[[], Mapping[str, object] | None]] = {
            "magicBox.cgi getSoftwareVersion": self._version,
            "magicBox.cgi getDeviceType": lambda: {"type": self._life.model},
            "magicBox.cgi getDeviceClass": lambda: {"class": "IPC"},
            "magicBox.cgi getSerialNo": lambda: {"sn": self._life.serial},
            "magicBox.cgi getMachineName": lambda: {"name": self._life.serial},
            "magicBox.cgi getVendor": lambda: {"vendor": "Dahua"},
            "magicBox.cgi getHardwareVersion": lambda: {"version": "1.00"},
            "magicBox.cgi getSystemInfo": self._system_info,
            "global.cgi getCurrentTime": lambda: {"result": f"{self._life.now():%Y-%m-%d %H:%M:%S}"},
            "devVideoAnalyse.cgi getCaps": self._analyse_caps,
            "devAudioInput.cgi getCollect": lambda: {"result": int(bool(self._life.says_supported("audio.input")))},
            "devAudioOutput.cgi getCollect": lambda: {"result": int(bool(self._life.says_supported("audio.output")))},
            "netApp.cgi getUPnPStatus": self._upnp_status,
            "upgrader.cgi getState": lambda: {"state": "Succeeded" if self._life.pending else "Invalid"},
            "configManager.cgi getConfig VideoAnalyseRule": self._rules,
            "configManager.cgi getConfig VideoAnalyseGlobal": self._analyse_global,
            "configManager.cgi getConfig SmartMotionDetect": self._smart_motion,
            "configManager.cgi getConfig AudioDetect": self._audio_detect,
            "configManager.cgi getConfig Encode": self._encode,
        } | {f"configManager.cgi getConfig {name}": partial(self._switch, name) for name in SWITCHES}

    def question(self, heard: Heard) -> str:
        query = heard.request.query
        script = heard.request.path.removeprefix("/cgi-bin/")
        return " ".join(filter(None, (script, query.get("action"), query.get("name"))))

    def uploads(self, question: str) -> bool:
        return question == UPLOAD

    def turned_away(self, heard: Heard) -> web.Response:
        refused = web.Response(status=401, headers={"P3P": "CP=CAO PSA OUR"})
        refused.force_close()
        return refused

    async def answer(self, heard: Heard) -> web.StreamResponse:
        if heard.question == UPLOAD and heard.request.method == "POST":
            _, image = await of_form(heard.request)
            return text_response(b"OK\r\n") if image and self._life.receive(image) else _bad_request()
        if heard.request.method != "GET":
            return _bad_request()
        if heard.question == "magicBox.cgi reboot":
            self._camera.reboot_soon()
            return text_response(b"OK\r\n")
        if heard.question == "eventManager.cgi attach":
            headers = {"Content-Type": "multipart/x-mixed-replace; boundary=myboundary"}
            return await stream(heard, headers, lambda: self._event(heard.request.query.get("codes", "[All]")))
        pairs = self._answers[heard.question]() if heard.question in self._answers else None
        return _bad_request() if pairs is None else text_response(heard.phrasing.lines(pairs))

    def _version(self) -> Mapping[str, object]:
        return {"version": f"{self._life.firmware.version},build:{self._life.firmware.built:%Y-%m-%d}"}

    def _system_info(self) -> Mapping[str, object]:
        return {
            "appAutoStart": True, "deviceType": self._life.model, "hardwareVersion": "1.00", "processor": "SIM1",
            "serialNumber": self._life.serial, "updateSerial": f"{self._life.model}-UPDATE",
        }  # fmt: skip

    def _known_rules(self) -> list[tuple[str, str]]:
        return [(function, rule) for function, rule in RULES.items() if self._life.says_supported(function)]

    def _analyse_caps(self) -> Mapping[str, object] | None:
        if not (rules := self._known_rules()):
            return None
        return {"caps.MaxRules": 10, "caps.MaxPointOfLine": 10, "caps.SupportedScene[0]": "Normal"} | {
            f"caps.SupportedRules[{number}]": rule for number, (_, rule) in enumerate(rules)
        }

    def _rules(self) -> Mapping[str, object] | None:
        pairs: dict[str, object] = {}
        for number, (function, rule) in enumerate(self._known_rules()):
            at = f"table.VideoAnalyseRule[0][{number}]"
            kind = "FaceDetection" if function.startswith("face.") else "Normal"
            on = self._life.says_enabled(function)
            pairs |= {
                f"{at}.Id": number,
                f"{at}.Name": f"Rule{number}",
                f"{at}.Type": rule,
                f"{at}.Class": kind,
                f"{at}.Enable": on,
            }
        return pairs or None

    def _analyse_global(self) -> Mapping[str, object] | None:
        return {"table.VideoAnalyseGlobal[0].Scene.Type": "Normal"} if self._known_rules() else None

    def _smart_motion(self) -> Mapping[str, object] | None:
        if not self._life.says_supported("person.detect"):
            return None
        at = "table.SmartMotionDetect[0]"
        on = self._life.says_enabled("person.detect")
        vehicle = bool(self._life.says_supported("vehicle.detect"))
        return {
            f"{at}.Enable": on,
            f"{at}.ObjectTypes.Human": on,
            f"{at}.ObjectTypes.Vehicle": vehicle,
            f"{at}.Sensitivity": "Middle",
        }

    def _audio_detect(self) -> Mapping[str, object] | None:
        if not self._life.says_supported("audio.classify"):
            return None
        return {"table.AudioDetect[0].MutationDetect": self._life.says_enabled("audio.classify")}

    def _encode(self) -> Mapping[str, object]:
        at = "table.Encode[0].MainFormat[0]"
        sound = self._life.says_enabled("audio.input")
        return {f"{at}.AudioEnable": sound, f"{at}.VideoEnable": True, f"{at}.Video.Compression": "H.265"}

    def _upnp_status(self) -> Mapping[str, object] | None:
        if not self._life.says_supported("upnp.portmap"):
            return None
        return {"status.Working": self._life.says_enabled("upnp.portmap"), "status.PortMapStatus[0]": "Unknown"}

    def _switch(self, name: str) -> Mapping[str, object] | None:
        function, others = SWITCHES[name]
        if not self._life.says_supported(function):
            return None
        return {
            f"table.{name}.{key}": value
            for key, value in {"Enable": self._life.says_enabled(function), **others}.items()
        }

    def _event(self, codes: str) -> bytes:
        """One part: what is going on now, by turns, if it was asked for; a heartbeat where nothing is."""
        wanted = codes.strip("[]").split(",")
        names = (RULES | OTHER_EVENTS).items()
        busy = [code for function, code in names if self._life.does(function) and ("All" in wanted or code in wanted)]
        self._sent += 1
        body = f"Code={busy[self._sent % len(busy)]};action=Start;index=0" if busy else "Heartbeat"
        return f"--myboundary\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n{body}\r\n\r\n".encode()


def _bad_request() -> web.Response:
    return text_response(b"Error\r\nBad Request!\r\n", 400)


def dahua(life: Life | None = None) -> Camera:
    """A network camera of Dahua's."""
    return Camera(life or dahua_life(), Dahua)


def dahua_life(seed: int = 0) -> Life:
    return Life(
        model="IPC-HDWSIM", serial="5L0SIMPAG00001", mac="02:00:5e:00:53:20",
        firmware=Firmware("2.800.0000016.0.R", "200605"), seed=seed, supported={*ORDINARY, "cloud.p2p"},
    )  # fmt: skip
