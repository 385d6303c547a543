"""Axis' VAPIX: JSON by POST, parameters as text, applications as XML, over HTTP Digest.

Question keys are "script.cgi method" for JSON, "param.cgi group" and "applications/list.cgi" for the rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.cameras.digest import DigestGate
from tests.cameras.images import of_form
from tests.cameras.life import Firmware, Life
from tests.cameras.phrasing import Unordered, element
from tests.cameras.serving import ByDigest, Camera, Heard, json_response, text_response, xml_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

UPLOAD: Final = "firmwaremanagement.cgi upgrade"

APIS: Final = {
    "cloud.vendor": ("remoteservice", "1.0", "Remote service"),
    "shell.ssh": ("ssh", "1.0", "SSH Management"),
    "audio.classify": ("audio-analytics", "1.0", "Audio analytics"),
    "export.mqtt": ("mqtt-client", "1.0", "MQTT Client API"),
    "app.install": ("packagemanager", "1.4", "Package Manager"),
    "metadata.stream": ("analytics-metadata-config", "1.0", "Analytics Metadata Producer Configuration"),
}
"""What apidiscovery lists it as, besides the three that every camera has."""
SWITCHES: Final = {
    "root.Network.SSH.Enabled": "shell.ssh",
    "root.Network.UPnP.Enabled": "discovery.answer",
    "root.Network.UPnP.NATTraversal.Enabled": "upnp.portmap",
    "root.RemoteService.Enabled": "cloud.vendor",
}
"""Parameters that say whether it is on: there only if it is supported."""
APPLICATIONS: Final = {
    "person.detect": ("objectanalytics", "AXIS Object Analytics"),
    "zone.watch": ("vmd", "AXIS Video Motion Detection"),
    "face.detect": ("facedetector", "Face Detector"),
    "vehicle.plate": ("licenseplateverifier", "License Plate Verifier"),
}
"""Name and NiceName of what is installed; running if it is on."""


class Vapix(ByDigest):
    prefixes: tuple[str, ...] = ("/axis-cgi/",)
    server: str | None = "Apache"

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        wording = 'Digest realm="{realm}", nonce="{nonce}", algorithm=MD5, qop="auth", stale={stale}'
        self.gate = DigestGate(camera.life, f"AXIS_{self._serial}", {"MD5": wording})

    @property
    def _serial(self) -> str:
        return self._life.mac.replace(":", "").upper()

    def question(self, heard: Heard) -> str:
        script = heard.request.path.removeprefix("/axis-cgi/")
        if script == "param.cgi":
            return f"{script} {heard.request.query.get('group', 'root')}"
        if heard.request.content_type == "multipart/form-data":
            return f"{script} upgrade"
        return f"{script} {_parsed(heard.body).get('method', '')}".rstrip()

    def uploads(self, question: str) -> bool:
        return question == UPLOAD

    async def answer(self, heard: Heard) -> web.StreamResponse:
        script, _, method = heard.question.partition(" ")
        if script == "param.cgi":
            return self._parameters(heard, method)
        if heard.question == "applications/list.cgi":
            return self._applications(heard)
        if heard.question == UPLOAD:
            return await self._upgrade(heard)
        if heard.question == "firmwaremanagement.cgi reboot":
            self._camera.reboot_soon()
            return self._json(heard, {})
        match heard.question:
            case "basicdeviceinfo.cgi getAllProperties":
                return self._json(heard, {"propertyList": self._properties()})
            case "basicdeviceinfo.cgi getAllUnrestrictedProperties":
                return self._json(heard, {"propertyList": self._properties()})
            case "apidiscovery.cgi getApiList":
                return self._json(heard, {"apiList": self._apis()})
            case "firmwaremanagement.cgi status":
                return self._json(heard, {"activeFirmwareVersion": self._life.firmware.version, "isCommitted": True})
            case "time.cgi getDateTimeInfo":
                return self._json(
                    heard, {"dateTime": f"{self._life.now():%Y-%m-%dT%H:%M:%SZ}", "timeZone": "Europe/Stockholm"}
                )
        if script in {"basicdeviceinfo.cgi", "apidiscovery.cgi", "firmwaremanagement.cgi"}:
            return self._json(heard, {"code": 2004, "message": "Method not supported"}, "error")
        return text_response(b"404 Not Found", 404)

    def _json(self, heard: Heard, content: Mapping[str, Any], under: str = "data") -> web.Response:
        asked = _parsed(heard.body)
        told = {key: asked[key] for key in ("context", "method") if key in asked}
        return json_response(heard.phrasing.json({"apiVersion": "1.3", **told, under: content}))

    def _properties(self) -> Mapping[str, str]:
        life = self._life
        return {
            "Architecture": "armv7hf", "Brand": "AXIS", "BuildDate": f"{life.firmware.built:%b %d %Y %H:%M}", "HardwareID": "718",
            "ProdFullName": f"AXIS {life.model} Network Camera", "ProdNbr": life.model, "ProdShortName": f"AXIS {life.model}",
            "ProdType": "Network Camera", "ProdVariant": "", "SerialNumber": self._serial, "Soc": "Axis Artpec-SIM",
            "SocSerialNumber": "", "Version": life.firmware.version, "WebURL": "http://www.axis.com",
        }  # fmt: skip

    def _apis(self) -> Unordered:
        listed = [
            ("api-discovery", "1.0", "API Discovery Service"),
            ("basic-device-info", "1.3", "Basic Device Information"),
            ("fwmgr", "1.4", "Firmware Management"),
        ]
        listed += [api for function, api in APIS.items() if self._life.says_supported(function)]
        link = "https://www.axis.com/partner_pages/vapix_library/"
        return Unordered(
            {"id": key, "version": version, "name": name, "docLink": link} for key, version, name in listed
        )

    def _parameters(self, heard: Heard, group: str) -> web.Response:
        life, properties = self._life, self._properties()
        known: dict[str, object] = {
            "root.Brand.Brand": "AXIS",
            "root.Brand.ProdNbr": life.model,
            "root.Properties.API.HTTP.Version": 3,
            "root.Properties.API.Metadata.Metadata": "yes",
            "root.Properties.API.Metadata.Version": "1.0",
            "root.Properties.EmbeddedDevelopment.Version": "2.16",
            "root.Properties.Image.Format": "jpeg,mjpeg,h264",
            "root.Properties.Image.NbrOfViews": 1,
            "root.Properties.Image.Resolution": "1920x1080,1280x720",
            "root.Properties.Image.Rotation": "0,180",
            "root.Properties.Firmware.BuildDate": properties["BuildDate"],
            "root.Properties.Firmware.BuildNumber": life.firmware.build,
            "root.Properties.Firmware.Version": life.firmware.version,
            "root.Properties.System.SerialNumber": self._serial,
            "root.Properties.Audio.Audio": "yes" if life.says_supported("audio.input") else "no",
            "root.Properties.Audio.Duplex": "full" if life.says_supported("audio.output") else "no",
            "root.Network.Bonjour.Enabled": "yes",
            "root.System.Uptime": life.uptime_s(),
        }
        for name, function in SWITCHES.items():
            if life.says_supported(function):
                words = ("oneclick", "disabled") if function == "cloud.vendor" else ("yes", "no")
                known[name] = words[0] if life.says_enabled(function) else words[1]
        wanted = group if group.startswith("root") else f"root.{group}"
        found = {name: value for name, value in known.items() if f"{name}.".startswith(f"{wanted.rstrip('.')}.")}
        if not found or heard.request.query.get("action") != "list":
            return text_response(f"# Error: Error -1 getting param in group '{group}'\n".encode())
        return text_response(heard.phrasing.lines(found, "\n"))

    def _applications(self, heard: Heard) -> web.Response:
        installed = [
            element("application", {
                "Name": name, "NiceName": title, "Vendor": "Axis Communications", "Version": "1.2-3", "License": "None",
                "Status": "Running" if self._life.says_enabled(function) else "Stopped", "ApplicationID": f"{number}",
            })
            for number, (function, (name, title)) in enumerate(APPLICATIONS.items(), 1)
            if self._life.says_supported(function)
        ]  # fmt: skip
        return xml_response(heard.phrasing.xml(element("reply", {"result": "ok"}, *installed), {}))

    async def _upgrade(self, heard: Heard) -> web.Response:
        """The form is {"method": "upgrade"} and the file; an Axis camera reboots by itself."""
        fields, image = await of_form(heard.request)
        heard.body = next(iter(fields.values()), b"{}")
        if image is None or not self._life.receive(image):
            return self._json(heard, {"code": 408, "message": "Invalid firmware"}, "error")
        version = self._life.pending.to.version if self._life.pending else ""
        self._camera.reboot_soon()
        return self._json(heard, {"firmwareVersion": version})


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def axis(life: Life | None = None) -> Camera:
    """A network camera of Axis'."""
    return Camera(life or axis_life(), Vapix)


def axis_life(seed: int = 0) -> Life:
    return Life(
        model="P-SIM", mac="02:00:5e:00:53:30", firmware=Firmware("10.12.91", "220405"), seed=seed, user="root",
        supported={"person.detect", "zone.watch", "audio.input", "cloud.vendor", "discovery.answer", "export.mqtt", "metadata.stream"},
    )  # fmt: skip
