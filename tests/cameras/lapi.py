"""Uniview's LAPI: JSON in one envelope, over HTTP Digest. Question keys are the path after "/LAPI/V1.0/".

DeviceInfo, Upgrade, Reboot, NetWork/SSH and the settings beside it are paths seen in public clients; the other pages have the
same shape, and names of this simulation.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.cameras.digest import DigestGate
from tests.cameras.images import of_form
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.serving import ByDigest, Camera, Heard, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

UPLOAD, REBOOT = "System/UploadFirmware", "System/Reboot"
NOT_SUPPORTED, WRONG_FILE = (4, "Not Supported"), (1, "Common Error")

SWITCHES: Final = {
    "NetWork/SSH": "shell.ssh",
    "Channel/0/NetWork/Telnet": "shell.telnet",
    "Channel/0/NetWork/PortMap": "upnp.portmap",
    "NetWork/DDNS": "network.ddns",
    "Network/Cloud": "cloud.p2p",
    "Channels/0/Smart/FaceDetection/Rule": "face.detect",
    "Channels/0/Smart/CrossLineDetection/Rule": "zone.watch",
}
CAPABILITIES: Final = {
    "face.detect": "FaceDetection",
    "face.recognise": "FaceRecognition",
    "zone.watch": "CrossLineDetection",
    "person.count": "PeopleCounting",
    "vehicle.plate": "VehicleRecognition",
    "audio.classify": "AudioDetection",
}
"""What Smart/Capabilities names it."""


class Lapi(ByDigest):
    prefixes: tuple[str, ...] = ("/LAPI/V1.0/",)

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        wording = 'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm="MD5", stale="{stale}"'
        self.gate = DigestGate(camera.life, camera.life.mac.replace(":", ""), {"MD5": wording})
        self._answers: dict[str, Callable[[], Mapping[str, Any] | None]] = {
            "System/DeviceInfo": self._device_info,
            "System/Time": lambda: {"TimeZone": "GMT+00:00", "DeviceTime": int(self._life.now().timestamp())},
            "System/UpdateStatus": lambda: {
                "UpgradeStatus": 2 if self._life.pending else 0,
                "Percent": 100 if self._life.pending else 0,
            },
            "System/Capabilities": self._capabilities,
            "Channels/0/Smart/Capabilities": self._capabilities,
            "Media/Audio/Input": self._audio,
        } | {path: partial(self._switch, function) for path, function in SWITCHES.items()}

    def question(self, heard: Heard) -> str:
        return heard.request.path.removeprefix("/LAPI/V1.0/")

    def uploads(self, question: str) -> bool:
        return question == UPLOAD

    async def answer(self, heard: Heard) -> web.StreamResponse:
        """An image is sent by UploadFirmware and becomes the firmware by Upgrade, which reboots."""
        question, method = heard.question, heard.request.method
        if method == "POST" and question == UPLOAD:
            _, image = await of_form(heard.request)
            return (
                self._said(heard, {}) if image and self._life.receive(image) else self._said(heard, None, *WRONG_FILE)
            )
        if (method, question) in {("PUT", REBOOT), ("POST", "System/Upgrade")}:
            if question != REBOOT and self._life.pending is None:
                return self._said(heard, None, *WRONG_FILE)
            self._camera.reboot_soon()
            return self._said(heard, {})
        data = self._answers[question]() if method == "GET" and question in self._answers else None
        return self._said(heard, None, *NOT_SUPPORTED) if data is None else self._said(heard, data)

    def _said(
        self, heard: Heard, data: Mapping[str, Any] | None, code: int = 0, words: str = "Succeed"
    ) -> web.Response:
        response = {
            "ResponseURL": heard.request.path, "CreatedID": -1, "ResponseCode": code, "SubResponseCode": 0,
            "ResponseString": words, "StatusCode": code, "StatusString": words, "Data": "null" if data is None else data,
        }  # fmt: skip
        return json_response(heard.phrasing.json({"Response": response}))

    def _device_info(self) -> Mapping[str, Any]:
        life = self._life
        return {
            "DeviceName": "Sim", "DeviceModel": life.model, "HardwareID": "A", "SerialNumber": life.serial, "MAC": life.mac,
            "FirmwareVersion": f"{life.firmware.version}.{life.firmware.build}", "PCBVersion": "A", "UbootVersion": "V3.0", "CameraVersion": "V2.0",
        }  # fmt: skip

    def _capabilities(self) -> Mapping[str, Any]:
        said = {name: self._life.says_supported(function) for function, name in CAPABILITIES.items()}
        return {"Support": {name: int(there) for name, there in said.items() if there is not None}}

    def _audio(self) -> Mapping[str, Any]:
        return {
            "InputNum": int(bool(self._life.says_supported("audio.input"))),
            "OutputNum": int(bool(self._life.says_supported("audio.output"))),
        }

    def _switch(self, function: str) -> Mapping[str, Any] | None:
        return {"Enabled": int(self._life.says_enabled(function))} if self._life.says_supported(function) else None


def uniview(life: Life | None = None) -> Camera:
    """A network camera of Uniview's."""
    return Camera(life or uniview_life(), Lapi)


def uniview_life(seed: int = 0) -> Life:
    return Life(
        model="IPC-SIM-E", serial="210235SIM0000001", mac="02:00:5e:00:53:60", firmware=Firmware("IPC_G6107-B0011P23D1805", "200605"), seed=seed, supported={*ORDINARY, "cloud.p2p"},
        named={"face.recognise", "vehicle.plate"},
    )  # fmt: skip
