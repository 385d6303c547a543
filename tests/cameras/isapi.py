"""Hikvision's ISAPI: XML over HTTP Digest. Question keys are the path after "/ISAPI/".

What a camera cannot do it answers with 403 and subStatusCode notSupport; a path that it never heard of with 404.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import web

from tests.cameras.digest import DigestGate
from tests.cameras.images import of_body
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.phrasing import Element, element
from tests.cameras.serving import ByDigest, Camera, Heard, stream, xml_response

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE: Final = "http://www.hikvision.com/ver20/XMLSchema"
UPLOAD, REBOOT, ALERTS = "System/updateFirmware", "System/reboot", "Event/notification/alertStream"

DECLARED: Final = {
    "cloud.vendor": "SysCap/NetworkCap/isSupportEZVIZ",
    "cloud.platform": "SysCap/NetworkCap/isSupportEhome",
    "radio.wifi": "SysCap/NetworkCap/isSupportWireless",
    "upnp.portmap": "SysCap/NetworkCap/isSupportUpnp",
    "network.ddns": "SysCap/NetworkCap/isSupportDdns",
    "shell.ssh": "SysCap/NetworkCap/isSupportSSH",
    "radio.probe": "SysCap/isSupportWifiProbe",
    "capture.packets": "SysCap/isSupportCapturePackage",
    "location.gps": "SysCap/isSupportGPSLabelTracking",
    "app.install": "SysCap/isSupportOpenPlatform",
    "face.detect": "SmartCap/isSupportFaceDetect",
    "face.recognise": "SmartCap/isSupportFaceContrast",
    "person.detect": "SmartCap/isSupportHumanRecognition",
    "person.count": "SmartCap/isSupportCounting",
    "person.track": "SmartCap/isSupportIntelliTrace",
    "body.temperature": "SmartCap/isSupportFaceThermometry",
    "zone.watch": "SmartCap/isSupportLineDetection",
    "behaviour.judge": "SmartCap/isSupportLoitering",
    "vehicle.detect": "SmartCap/isSupportVehicleMonitor",
    "vehicle.plate": "RacmCap/ANPRSearch",
    "cloud.storage": "RacmCap/remoteEnableCloudStorage",
}
"""Where System/capabilities says that a function is there."""
EVENTS: Final = {
    "person.detect": "VMD",
    "zone.watch": "linedetection",
    "behaviour.judge": "loitering",
    "face.detect": "facedetection",
    "face.recognise": "alarmResult",
    "person.count": "PeopleCounting",
    "vehicle.plate": "ANPR",
    "audio.classify": "audioexception",
}
"""What alertStream calls it at work."""


class Switch(NamedTuple):
    """A settings page: there if the function is supported, `<enabled>` if it is said to be on."""

    function: str
    root: str
    address: str | None = None
    """Where it connects to."""


SWITCHES: Final = {
    "System/Network/EZVIZ": Switch("cloud.vendor", "EZVIZ", "dev.sim-p2p.invalid"),
    "System/Network/Ehome": Switch("cloud.platform", "Ehome", "192.0.2.60"),
    "System/Network/ssh": Switch("shell.ssh", "SSH"),
    "System/Network/telnetd": Switch("shell.telnet", "Telnetd"),
    "System/Network/UPnP": Switch("upnp.portmap", "UPnP"),
    "Intelligent/channels/1/faceContrast": Switch("face.recognise", "FaceContrast"),
    "Smart/FaceDetect/1": Switch("face.detect", "FaceDetect"),
    "Smart/LineDetection/1": Switch("zone.watch", "LineDetection"),
}


class Isapi(ByDigest):
    prefixes: tuple[str, ...] = ("/ISAPI/",)
    server: str | None = "webserver"

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._life = camera.life
        wording = 'Digest qop="auth", realm="{realm}", nonce="{nonce}", stale="{STALE}"'
        self.gate = DigestGate(camera.life, f"IP Camera(C{camera.life.serial[-4:]})", {"MD5": wording})
        self._sent = 0
        self._documents: dict[str, Callable[[], Element | None]] = {
            "System/deviceInfo": self._device_info,
            "System/capabilities": self._capabilities,
            "Smart/capabilities": self._smart_capabilities,
            "Security/adminAccesses": self._admin_accesses,
            "Streaming/channels": self._streaming,
            "System/status": self._status,
            "System/time": self._time,
            "System/upgradeStatus": self._upgrade_status,
            "System/onlineUpgrade/capabilities": self._online_upgrade,
            "System/Network/ddns": self._ddns,
            "System/TwoWayAudio/channels": self._two_way_audio,
            "Event/notification/httpHosts": self._http_hosts,
            "Event/triggers": self._triggers,
            "Intelligent/FDLib/capabilities": self._face_library,
            "ITC/capabilities": self._traffic,
        } | {path: partial(self._switch, switch) for path, switch in SWITCHES.items()}

    def question(self, heard: Heard) -> str:
        return heard.request.path.removeprefix("/ISAPI/")

    def uploads(self, question: str) -> bool:
        return question == UPLOAD

    def turned_away(self, heard: Heard) -> web.Response:
        left = max(0, self._life.lock_after - self.gate.failures)
        lock = element("lockStatus", "lock" if self.gate.locked else "unlock")
        said = element(
            "userCheck", {"version": "2.0"}, element("statusValue", 401), element("statusString", "Unauthorized"), lock,
            element("retryLoginTime", left),
        )  # fmt: skip
        return self._xml(heard, said, 401)

    async def answer(self, heard: Heard) -> web.StreamResponse:
        question, method = heard.question, heard.request.method
        if method in {"PUT", "POST"} and question == UPLOAD:
            taken = self._life.receive(await of_body(heard.request))
            return (
                self._said(heard, 200, 1, "OK", "ok")
                if taken
                else self._said(heard, 403, 6, "Invalid XML Content", "badDevType")
            )
        if method == "PUT" and question == REBOOT:
            self._camera.reboot_soon()
            return self._said(heard, 200, 7, "Reboot Required", "rebootRequired")
        if method != "GET":
            return self._said(heard, 405, 4, "Invalid Operation", "methodNotAllowed")
        if question == ALERTS:
            return await stream(
                heard, {"Content-Type": "multipart/mixed; boundary=boundary"}, lambda: self._alert(heard)
            )
        if question not in self._documents:
            return self._said(heard, 404, 4, "Invalid Operation", "invalidOperation")
        document = self._documents[question]()
        return self._xml(heard, document) if document else self._said(heard, 403, 4, "Invalid Operation", "notSupport")

    def _xml(self, heard: Heard, root: Element, status: int = 200) -> web.Response:
        return xml_response(heard.phrasing.xml(root, {"": NAMESPACE}), status)

    def _said(self, heard: Heard, status: int, code: int, words: str, detail: str) -> web.Response:
        root = element(
            "ResponseStatus", {"version": "2.0"}, element("requestURL", heard.request.path), element("statusCode", code),
            element("statusString", words), element("subStatusCode", detail),
        )  # fmt: skip
        return self._xml(heard, root, status)

    def _device_info(self) -> Element:
        life, build = self._life, f"build {self._life.firmware.build}"
        facts: dict[str, str | int] = {
            "deviceName": "IP CAMERA", "deviceID": f"48b9{life.seed:08x}", "deviceDescription": "IPCamera",
            "deviceLocation": "hangzhou", "systemContact": "Hikvision.China", "model": life.model,
            "serialNumber": life.serial, "macAddress": life.mac, "firmwareVersion": f"V{life.firmware.version}",
            "firmwareReleasedDate": build, "encoderVersion": "V7.3", "encoderReleasedDate": build, "bootVersion": "V1.3.4",
            "bootReleasedDate": "100316", "hardwareVersion": "0x0", "deviceType": "IPCamera", "telecontrolID": 88,
            "supportBeep": False, "supportVideoLoss": False, "firmwareVersionInfo": f"B-R-G5-{life.firmware.build}",
        }  # fmt: skip
        return element("DeviceInfo", {"version": "2.0"}, *(element(name, value) for name, value in facts.items()))

    def _capabilities(self) -> Element:
        groups: dict[str, list[Element]] = {
            "SysCap": [],
            "SysCap/NetworkCap": [],
            "SmartCap": [],
            "RacmCap": [],
            "EventCap": [],
        }
        for function, path in DECLARED.items():
            group, _, name = path.rpartition("/")
            if (said := self._life.says_supported(function)) is not None:
                groups[group].append(element(name, said))
        audio = (
            ("audioInputNums", "audio.input"),
            ("audioOutputNums", "audio.output"),
            ("voicetalkNums", "audio.output"),
        )
        counts = [element(name, int(self._life.says_supported(function) or False)) for name, function in audio]
        groups["SysCap"] += [element("isSupportDst", True), element("AudioCap", *counts)]
        groups["SysCap"].append(
            element("NetworkCap", element("isSupportPPPoE", True), *groups.pop("SysCap/NetworkCap"))
        )
        groups["EventCap"].append(element("isSupportVMD", True))
        return element("DeviceCap", {"version": "2.0"}, *(element(name, *inside) for name, inside in groups.items()))

    def _smart_capabilities(self) -> Element:
        said = [
            (path, self._life.says_supported(function))
            for function, path in DECLARED.items()
            if path.startswith("SmartCap/")
        ]
        flags = (element(path.removeprefix("SmartCap/"), there) for path, there in said if there is not None)
        return element("SmartCap", {"version": "2.0"}, *flags)

    def _admin_accesses(self) -> Element:
        ports = [("HTTP", 80, True), ("HTTPS", 443, True), ("DEV_MANAGE", 8000, True)]
        if self._life.says_supported("shell.ssh"):
            ports.append(("SSH", 22, self._life.says_enabled("shell.ssh")))
        entries = (
            element(
                "AdminAccessProtocol",
                element("id", number),
                element("enabled", on),
                element("protocol", name),
                element("portNo", port),
            )
            for number, (name, port, on) in enumerate(ports, 1)
        )
        return element("AdminAccessProtocolList", {"version": "2.0"}, *entries)

    def _streaming(self) -> Element:
        sound = element(
            "Audio", element("enabled", self._life.says_enabled("audio.input")), element("audioInputChannelID", 1)
        )
        video = element("Video", element("enabled", True), element("videoCodecType", "H.265"))
        there = sound if self._life.says_supported("audio.input") else None
        channel = element("StreamingChannel", element("id", 101), element("enabled", True), video, there)
        return element("StreamingChannelList", {"version": "2.0"}, channel)

    def _status(self) -> Element:
        return element(
            "DeviceStatus", {"version": "2.0"}, element("currentDeviceTime", self._clock()),
            element("deviceUpTime", self._life.uptime_s()), element("CPUList", element("CPU", element("cpuUtilization", 17))),
        )  # fmt: skip

    def _time(self) -> Element:
        return element("Time", {"version": "2.0"}, element("timeMode", "NTP"), element("localTime", self._clock()))

    def _clock(self) -> str:
        return self._life.now().isoformat(timespec="seconds")

    def _upgrade_status(self) -> Element:
        taken = self._life.pending is not None
        return element(
            "upgradeStatus", {"version": "2.0"}, element("upgrading", False), element("percent", 100 if taken else 0)
        )

    def _online_upgrade(self) -> Element | None:
        if not self._life.says_supported("update.auto"):
            return None
        return element("OnlineUpgradeCap", element("isSupportAutoUpgrade", self._life.says_enabled("update.auto")))

    def _ddns(self) -> Element | None:
        if not self._life.says_supported("network.ddns"):
            return None
        entry = element(
            "DDNS",
            element("id", 1),
            element("enabled", self._life.says_enabled("network.ddns")),
            element("provider", "DynDNS"),
        )
        return element("DDNSList", {"version": "2.0"}, entry)

    def _two_way_audio(self) -> Element | None:
        if not self._life.says_supported("audio.output"):
            return None
        channel = element(
            "TwoWayAudioChannel", element("id", 1), element("enabled", self._life.says_enabled("audio.output")),
            element("audioCompressionType", "G.711ulaw"), element("audioInputType", "MicIn"),
        )  # fmt: skip
        return element("TwoWayAudioChannelList", {"version": "2.0"}, channel)

    def _http_hosts(self) -> Element:
        on = self._life.says_enabled("export.http")
        host = element(
            "HttpHostNotification", element("id", 1), element("url", "/alarm" if on else ""), element("protocolType", "HTTP"),
            element("parameterFormatType", "XML"), element("addressingFormatType", "ipaddress"),
            element("ipAddress", "198.51.100.7" if on else "0.0.0.0"), element("portNo", 80),
            element("httpAuthenticationMethod", "none"),
        )  # fmt: skip
        return element("HttpHostNotificationList", {"version": "2.0"}, host)

    def _triggers(self) -> Element:
        """An event that is switched on is linked to the centre."""
        entries = []
        for function, event in EVENTS.items():
            if self._life.says_supported(function):
                told = element(
                    "EventTriggerNotification", element("id", "center"), element("notificationMethod", "center")
                )
                linked = element("EventTriggerNotificationList", told if self._life.says_enabled(function) else None)
                channel = element("videoInputChannelID", 1)
                entries.append(
                    element("EventTrigger", element("id", f"{event}-1"), element("eventType", event), channel, linked)
                )
        return element(
            "EventNotification", {"version": "2.0"}, element("EventTriggerList", {"version": "2.0"}, *entries)
        )

    def _face_library(self) -> Element | None:
        if not self._life.says_supported("face.recognise"):
            return None
        return element(
            "FDLibCap", {"version": "2.0"}, element("isSupportFDLibCreate", True), element("FDLibNum", {"max": 3}, 3)
        )

    def _traffic(self) -> Element | None:
        if not self._life.says_supported("vehicle.plate"):
            return None
        return element("ITCCap", {"version": "2.0"}, element("isSupportVehicleDetection", True))

    def _switch(self, switch: Switch) -> Element | None:
        if not self._life.says_supported(switch.function):
            return None
        on = self._life.says_enabled(switch.function)
        reached = [
            element("addressingFormatType", "hostname"),
            element("hostName", switch.address),
            element("registerStatus", on),
        ]
        return element(switch.root, {"version": "2.0"}, element("enabled", on), *(reached if switch.address else ()))

    def _alert(self, heard: Heard) -> bytes:
        """One part: what is going on now, by turns; an inactive videoloss where nothing is."""
        busy = [event for function, event in EVENTS.items() if self._life.does(function)]
        self._sent += 1
        event = busy[self._sent % len(busy)] if busy else "videoloss"
        alert = element(
            "EventNotificationAlert", {"version": "2.0"}, element("ipAddress", "127.0.0.1"), element("portNo", self._camera.port),
            element("protocol", "HTTP"), element("macAddress", self._life.mac), element("channelID", 1),
            element("dateTime", self._clock()), element("activePostCount", self._sent), element("eventType", event),
            element("eventState", "active" if busy else "inactive"), element("eventDescription", f"{event} alarm"),
        )  # fmt: skip
        body = heard.phrasing.xml(alert, {"": NAMESPACE})
        head = f'--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: {len(body)}\r\n\r\n'
        return head.encode() + body + b"\r\n"


def hikvision(life: Life | None = None) -> Camera:
    """A network camera of Hikvision's."""
    return Camera(life or hikvision_life(), Isapi)


def hikvision_life(seed: int = 0) -> Life:
    """Out of the box; names some functions only to say that it has not got them, as many of these do."""
    return Life(
        model="DS-2CDSIM", serial="DS-2CDSIM20200605AAWRE00010001", mac="02:00:5e:00:53:10",
        firmware=Firmware("5.5.53", "180730"), seed=seed, supported={*ORDINARY, "cloud.vendor"},
        named={"radio.probe", "face.detect", "face.recognise", "person.count", "vehicle.plate"},
    )  # fmt: skip
