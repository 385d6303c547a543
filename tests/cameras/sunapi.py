"""Hanwha's SUNAPI: stw-cgi scripts, key=value text or JSON as the caller accepts, over HTTP Digest.

Question keys are "script.cgi msubmenu", and the action where it is not "view". Errors are 200 with "NG" and a code, or {"Response": "Fail"}.
The submenus beyond deviceinfo, date and firmwareupdate have their vendor's names where a public client shows them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from tests.cameras.digest import DigestGate
from tests.cameras.images import of_form
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.phrasing import element
from tests.cameras.serving import ByDigest, Camera, Heard, json_response, text_response, xml_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

UPLOAD: Final = "system.cgi firmwareupdate control"
NOT_FOUND, NOT_IMPLEMENTED = (600, "Submenu Not Found"), (608, "Feature Not Implemented")

ATTRIBUTES: Final = {
    "face.detect": ("Eventsource", "Support", "FaceDetection"),
    "audio.classify": ("Eventsource", "Support", "AudioAnalytics"),
    "zone.watch": ("Eventsource", "Support", "VideoAnalysis"),
    "audio.input": ("Media", "Limit", "MaxAudioInput"),
    "audio.output": ("Media", "Limit", "MaxAudioOutput"),
    "upnp.portmap": ("Network", "Support", "UPnP"),
    "network.ddns": ("Network", "Support", "DDNS"),
    "cloud.p2p": ("Network", "Support", "P2P"),
    "app.install": ("System", "Support", "OpenSDK"),
}
"""Group, category and name in attributes.cgi."""
SWITCHES: Final = {
    "eventsources.cgi facedetection": "face.detect",
    "eventsources.cgi audioanalysis": "audio.classify",
    "eventsources.cgi videoanalysis": "zone.watch",
    "network.cgi upnpdiscovery": "upnp.portmap",
    "network.cgi dynamicdns": "network.ddns",
    "network.cgi p2p": "cloud.p2p",
    "media.cgi audioinput": "audio.input",
    "media.cgi audiooutput": "audio.output",
}


class Sunapi(ByDigest):
    prefixes: tuple[str, ...] = ("/stw-cgi/",)

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        wording = (
            'Digest realm="{realm}", charset="UTF-8", algorithm="%s", nonce="{nonce}", qop="auth", stale="{stale}"'
        )
        realm = f"iPolis_{camera.life.mac.upper().replace(':', '-')}"
        self.gate = DigestGate(camera.life, realm, {each: wording % each for each in ("SHA-256", "MD5")})
        self._answers: dict[str, Callable[[], Mapping[str, object] | None]] = {
            "system.cgi deviceinfo": self._device_info,
            "system.cgi date": lambda: {"UTCTime": f"{self._life.now():%Y-%m-%d %H:%M:%S}", "SyncType": "NTP"},
            "opensdk.cgi apps": self._apps,
        } | {key: partial(self._switch, function) for key, function in SWITCHES.items()}

    def question(self, heard: Heard) -> str:
        query = heard.request.query
        script = heard.request.path.removeprefix("/stw-cgi/")
        action = query.get("action")
        return " ".join(filter(None, (script, query.get("msubmenu"), None if action == "view" else action)))

    def uploads(self, question: str) -> bool:
        return question == UPLOAD

    async def answer(self, heard: Heard) -> web.StreamResponse:
        if heard.question == UPLOAD and heard.request.method == "POST":
            _, image = await of_form(heard.request)
            if image is None or not self._life.receive(image):
                return self._failed(heard, 717, "Firmware Update Failed")
            self._camera.reboot_soon()
            return text_response(b"DownloadAck\r\nUpdateAck\r\nOK\r\n")
        if heard.question == "system.cgi power control":
            self._camera.reboot_soon()
            return text_response(b"OK\r\n")
        if heard.question.startswith("attributes.cgi"):
            return self._attributes(heard)
        if heard.question not in self._answers:
            return self._failed(heard, *NOT_FOUND)
        pairs = self._answers[heard.question]()
        if pairs is None:
            return self._failed(heard, *NOT_IMPLEMENTED)
        if _wants_json(heard):
            return json_response(heard.phrasing.json(dict(pairs)))
        return text_response(heard.phrasing.lines(pairs))

    def _failed(self, heard: Heard, code: int, details: str) -> web.Response:
        if _wants_json(heard):
            return json_response(heard.phrasing.json({"Response": "Fail", "Error": {"Code": code, "Details": details}}))
        return text_response(f"NG\r\nError Code: {code}\r\nError Details: {details}\r\n".encode())

    def _device_info(self) -> Mapping[str, object]:
        life = self._life
        return {
            "Model": life.model, "SerialNumber": life.serial, "FirmwareVersion": f"{life.firmware.version}_20{life.firmware.build}_R1",
            "BuildDate": f"{life.firmware.built:%Y.%m.%d}", "WebURL": "http://www.hanwha-security.com/", "DeviceType": "NWC",
            "ConnectedMACAddress": life.mac.upper(), "ISPVersion": "1.00_211115", "CGIVersion": "2.5.9", "ONVIFVersion": "20.12",
            "DeviceName": "Camera", "Language": "English", "OpenSDKVersion": "4.01_210514", "FirmwareGroup": life.model,
        }  # fmt: skip

    def _apps(self) -> Mapping[str, object] | None:
        if not self._life.says_supported("app.install"):
            return None
        state = "Running" if self._life.says_enabled("app.install") else "Stopped"
        return {"Apps.1.AppName": "SimCounter", "Apps.1.Status": state, "Apps.1.AppVersion": "1.0"}

    def _switch(self, function: str) -> Mapping[str, object] | None:
        if not self._life.says_supported(function):
            return None
        name = "Channel.0.Enable" if function.startswith(("face.", "audio.", "behaviour.")) else "Enable"
        return {name: str(self._life.says_enabled(function))}

    def _attributes(self, heard: Heard) -> web.Response:
        groups: dict[str, dict[str, list[tuple[str, object]]]] = {"System": {"Property": [("MaxChannel", 1)]}}
        for function, (group, category, name) in ATTRIBUTES.items():
            if (said := self._life.says_supported(function)) is not None:
                value = int(said) if category == "Limit" else str(said)
                groups.setdefault(group, {}).setdefault(category, []).append((name, value))
        written = [
            element("group", {"name": group}, *(
                element("category", {"name": category}, *(
                    element("attribute", {"name": name, "type": "bool" if category == "Support" else "int", "value": value, "accesslevel": "user"})
                    for name, value in entries
                ))
                for category, entries in categories.items()
            ))
            for group, categories in groups.items()
        ]  # fmt: skip
        return xml_response(heard.phrasing.xml(element("capabilities", element("attributes", *written)), {}))


def _wants_json(heard: Heard) -> bool:
    return "application/json" in heard.request.headers.get("Accept", "")


def hanwha(life: Life | None = None) -> Camera:
    """A network camera of Hanwha's."""
    return Camera(life or hanwha_life(), Sunapi)


def hanwha_life(seed: int = 0) -> Life:
    return Life(
        model="XND-SIM", serial="ZSIM70GR700001A", mac="02:00:5e:00:53:50", firmware=Firmware("2.11.01", "211210"), seed=seed, supported={*ORDINARY, "cloud.p2p"},
        named={"face.detect", "audio.classify"},
    )  # fmt: skip
