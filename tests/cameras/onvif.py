"""ONVIF: SOAP 1.2 over WS-UsernameToken or HTTP Digest. Question keys are action names.

The device service is here; the others are in onvif_media, onvif_analytics and onvif_events. What a camera cannot do
it answers with a fault ter:ActionNotSupported. Element order follows the schemas: only lists are shuffled.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tests.cameras import images, onvif_analytics, onvif_events, onvif_media, soap
from tests.cameras.digest import DigestGate, Verdict
from tests.cameras.life import ORDINARY, Firmware, Life
from tests.cameras.phrasing import Element, element
from tests.cameras.serving import Camera, Heard, asked_to_log_in

if TYPE_CHECKING:
    from collections.abc import Callable

UPLOAD: Final = "firmware upload"
"""The POST to the UploadUri of StartFirmwareUpgrade: an action without a name."""
BY_MTOM: Final = "UpgradeSystemFirmware"
FOR_ALL: Final = frozenset(
    {
        "GetSystemDateAndTime",
        "GetServices",
        "GetServiceCapabilities",
        "GetCapabilities",
        "GetHostname",
        "GetEndpointReference",
    }
)
"""PRE_AUTH of the default access policy (Core Specification, 5.9.4)."""
PATHS: Final = {
    "tds": "device_service", "trt": "media_service", "tr2": "media2_service", "tan": "analytics_service",
    "tev": "event_service", "tup": "uplink_service", "tam": "appmgmt_service",
}  # fmt: skip
NEEDS: Final = {"tup": "cloud.platform", "tam": "app.install"}
"""Services that are there only with a function."""
PROTOCOLS: Final = (("HTTP", 80), ("HTTPS", 443), ("RTSP", 554))


class Onvif:
    prefixes: tuple[str, ...] = ("/onvif/",)
    server: str | None = "gSOAP/2.8"

    def __init__(self, camera: Camera, *, token: bool = True, digest: bool = True) -> None:
        self._camera = camera
        self._life = camera.life
        self._by_token = soap.TokenGate(camera.life) if token else None
        wording = 'Digest realm="{realm}", qop="auth", nonce="{nonce}", algorithm=%s, stale={STALE}'
        algorithms = ("SHA-256", "MD5") if digest else ()
        self.gate = DigestGate(
            camera.life, f"Login to {camera.life.serial}", {each: wording % each for each in algorithms}
        )
        self._events = onvif_events.Events(camera.life)
        self._upload_key: str | None = None
        device: dict[tuple[str, str], Callable[[Heard], Element | None]] = {
            ("tds", "GetSystemDateAndTime"): self._clock,
            ("tds", "GetDeviceInformation"): self._device_information,
            ("tds", "GetServices"): self._services,
            ("tds", "GetCapabilities"): self._capabilities,
            ("tds", "GetServiceCapabilities"): self._service_capabilities,
            ("tds", "GetScopes"): self._scopes,
            ("tds", "GetHostname"): self._hostname,
            ("tds", "GetNetworkProtocols"): self._network_protocols,
            ("tds", "GetNetworkInterfaces"): self._network_interfaces,
            ("tds", "GetDynamicDNS"): self._dynamic_dns,
            ("tds", "GetGeoLocation"): self._geo_location,
            ("tds", "StartFirmwareUpgrade"): self._start_upgrade,
            ("tds", "SystemReboot"): self._reboot,
        }
        self._answers = (
            device | onvif_media.answers(camera.life) | onvif_analytics.answers(camera.life) | self._events.answers()
        )

    def question(self, heard: Heard) -> str:
        if heard.request.path.startswith("/onvif/upgrade/"):
            return UPLOAD
        if heard.request.content_type == "multipart/related":
            return BY_MTOM
        call = soap.parsed(heard.body)
        return call.action if call else ""

    def uploads(self, question: str) -> bool:
        return question in {UPLOAD, BY_MTOM}

    def refusal(self, heard: Heard) -> web.StreamResponse | None:
        if heard.question in FOR_ALL | {UPLOAD}:
            return None
        call = soap.parsed(heard.body)
        if call and call.token is not None and self._by_token:
            heard.verdict = "wsse" if self._by_token.admits(call.token) else Verdict.WRONG
        elif self.gate.challenges(stale=False):
            heard.verdict = self.gate.check(
                heard.request.method, heard.target, heard.request.headers.get("Authorization")
            )
        if heard.verdict in {"wsse", Verdict.ADMITTED} or self._decided_later(heard):
            return None
        refused = soap.fault(heard.phrasing, "Sender", "NotAuthorized", "Sender not Authorized")
        if heard.verdict == Verdict.WRONG and call and call.token is not None:
            return refused
        if challenges := self.gate.challenges(stale=heard.verdict == Verdict.STALE):
            refused.set_status(401)
            return asked_to_log_in(challenges, refused)
        return refused

    def _decided_later(self, heard: Heard) -> bool:
        """An MTOM message has its token in its first part."""
        return heard.question == BY_MTOM and self._by_token is not None and "Authorization" not in heard.request.headers

    def forget(self) -> None:
        self.gate.forget()
        self._events.forget()
        self._upload_key = None
        if self._by_token:
            self._by_token.forget()

    async def answer(self, heard: Heard) -> web.StreamResponse:
        if heard.question == UPLOAD:
            return await self._uploaded(heard)
        if heard.question == BY_MTOM:
            return await self._mtom(heard)
        call = soap.parsed(heard.body)
        if call is None:
            return soap.fault(heard.phrasing, "Sender", "WellFormed", "Well-formed Error")
        known = self._answers.get((call.service, call.action))
        content = known(heard) if known and self._has(call.service) else None
        if content is None:
            return soap.fault(heard.phrasing, "Receiver", "ActionNotSupported", "Optional Action Not Implemented")
        action = f"{soap.NAMESPACES[call.service]}/{call.action}Response"
        header = (element("wsa:Action", action),) if call.service == "tev" else ()
        return soap.envelope(heard.phrasing, content, header=header)

    def _has(self, service: str) -> bool:
        return service not in NEEDS or bool(self._life.says_supported(NEEDS[service]))

    # Firmware.

    def _start_upgrade(self, heard: Heard) -> Element:
        self._upload_key = sha256(f"{self._life.seed}/{self._life.boots}/upload".encode()).hexdigest()[:16]
        return element(
            "tds:StartFirmwareUpgradeResponse", element("tds:UploadUri", f"http://{heard.host}/onvif/upgrade/{self._upload_key}"),
            element("tds:UploadDelay", "PT0S"), element("tds:ExpectedDownTime", "PT60S"),
        )  # fmt: skip

    async def _uploaded(self, heard: Heard) -> web.Response:
        """The address is the permission, and good once; the camera then reboots by itself."""
        key, self._upload_key = self._upload_key, None
        if heard.request.method != "POST" or heard.request.path != f"/onvif/upgrade/{key}":
            return web.Response(status=404)
        if not self._life.receive(await images.of_body(heard.request)):
            return web.Response(status=415)
        self._camera.reboot_soon()
        return web.Response()

    async def _mtom(self, heard: Heard) -> web.Response:
        """The envelope is the first part, the image the second."""
        arriving = images.parts(heard.request)
        envelope = await anext(arriving, None)
        call = soap.parsed(bytes(await envelope.read())) if envelope else None
        if heard.verdict is not Verdict.ADMITTED:
            admitted = call and call.token is not None and self._by_token and self._by_token.admits(call.token)
            heard.verdict = "wsse" if admitted else Verdict.WRONG
            if not admitted:
                return soap.fault(heard.phrasing, "Sender", "NotAuthorized", "Sender not Authorized")
        part = await anext(arriving, None)
        if part is None or not self._life.receive(await images.of_part(part)):
            return soap.fault(heard.phrasing, "Sender", "InvalidArgVal", "Invalid firmware", "InvalidFirmware")
        self._camera.reboot_soon()
        return soap.envelope(
            heard.phrasing, element("tds:UpgradeSystemFirmwareResponse", element("tds:Message", "Rebooting"))
        )

    def _reboot(self, _: Heard) -> Element:
        self._camera.reboot_soon()
        return element("tds:SystemRebootResponse", element("tds:Message", "Rebooting in 1 seconds"))

    # What it is.

    def _clock(self, _: Heard) -> Element:
        now = self._life.now()
        time = element(
            "tt:Time",
            *(
                element(f"tt:{name}", value)
                for name, value in (("Hour", now.hour), ("Minute", now.minute), ("Second", now.second))
            ),
        )
        date = element(
            "tt:Date",
            *(
                element(f"tt:{name}", value)
                for name, value in (("Year", now.year), ("Month", now.month), ("Day", now.day))
            ),
        )
        return element("tds:GetSystemDateAndTimeResponse", element(
            "tds:SystemDateAndTime", element("tt:DateTimeType", "NTP"), element("tt:DaylightSavings", False),
            element("tt:TimeZone", element("tt:TZ", "GMT0")), element("tt:UTCDateTime", time, date),
        ))  # fmt: skip

    def _device_information(self, _: Heard) -> Element:
        life = self._life
        facts = {
            "Manufacturer": "Simulated", "Model": life.model, "FirmwareVersion": f"{life.firmware.version} build {life.firmware.build}",
            "SerialNumber": life.serial, "HardwareId": "1.0",
        }  # fmt: skip
        return element(
            "tds:GetDeviceInformationResponse", *(element(f"tds:{name}", value) for name, value in facts.items())
        )

    def _address(self, heard: Heard, service: str) -> str:
        return f"http://{heard.host}/onvif/{PATHS[service]}"

    def _services(self, heard: Heard) -> Element:
        """Capabilities are included if asked for."""
        call = soap.parsed(heard.body)
        wanted = call is not None and (
            call.body.findtext(f"{{{soap.NAMESPACES['tds']}}}IncludeCapability") or ""
        ).strip() in {"true", "1"}
        entries = []
        for service in filter(self._has, PATHS):
            described = self._answers.get((service, "GetServiceCapabilities"))
            inside = described(heard) if wanted and described else None
            entries.append(element(
                "tds:Service", element("tds:Namespace", soap.NAMESPACES[service]), element("tds:XAddr", self._address(heard, service)),
                element("tds:Capabilities", *inside.children) if inside else None,
                element("tds:Version", element("tt:Major", 2), element("tt:Minor", 60)),
            ))  # fmt: skip
        return element("tds:GetServicesResponse", *entries)

    def _service_capabilities(self, _: Heard) -> Element:
        network = {
            "IPFilter": True,
            "ZeroConfiguration": True,
            "IPVersion6": True,
            "DynDNS": bool(self._life.says_supported("network.ddns")),
            "NTP": 1,
        }
        security = {
            "TLS1.2": True,
            "UsernameToken": self._by_token is not None,
            "HttpDigest": bool(self.gate.challenges(stale=False)),
            "MaxUsers": 32,
        }
        system = {
            "DiscoveryResolve": True, "DiscoveryBye": True, "RemoteDiscovery": False, "SystemBackup": False, "SystemLogging": True,
            "FirmwareUpgrade": True, "HttpFirmwareUpgrade": True,
        }  # fmt: skip
        if (automatic := self._life.says_supported("update.auto")) is not None:
            system["CloudFirmwareUpgrade"] = automatic
        return element("tds:GetServiceCapabilitiesResponse", element(
            "tds:Capabilities", element("tds:Network", network), element("tds:Security", security), element("tds:System", system),
        ))  # fmt: skip

    def _capabilities(self, heard: Heard) -> Element:
        def flags(*pairs: tuple[str, object]) -> list[Element]:
            return [element(f"tt:{name}", value) for name, value in pairs]  # type: ignore[arg-type]

        version = element("tt:SupportedVersions", element("tt:Major", 2), element("tt:Minor", 60))
        system = flags(
            ("DiscoveryResolve", True), ("DiscoveryBye", True), ("RemoteDiscovery", False), ("SystemBackup", False),
            ("SystemLogging", True), ("FirmwareUpgrade", True),
        )  # fmt: skip
        network = flags(
            ("IPFilter", True), ("ZeroConfiguration", True), ("IPVersion6", True),
            ("DynDNS", bool(self._life.says_supported("network.ddns"))),
        )  # fmt: skip
        pulls = flags(
            ("WSSubscriptionPolicySupport", True),
            ("WSPullPointSupport", True),
            ("WSPausableSubscriptionManagerInterfaceSupport", False),
        )
        return element("tds:GetCapabilitiesResponse", element(
            "tds:Capabilities",
            element("tt:Analytics", *flags(("XAddr", self._address(heard, "tan")), ("RuleSupport", True), ("AnalyticsModuleSupport", True))),
            element("tt:Device", element("tt:XAddr", self._address(heard, "tds")), element("tt:Network", *network), element("tt:System", *system, version)),
            element("tt:Events", element("tt:XAddr", self._address(heard, "tev")), *pulls),
            element("tt:Media", element("tt:XAddr", self._address(heard, "trt")), element(
                "tt:StreamingCapabilities", *flags(("RTPMulticast", False), ("RTP_TCP", True), ("RTP_RTSP_TCP", True)),
            )),
        ))  # fmt: skip

    def _scopes(self, _: Heard) -> Element:
        scopes = (
            "type/video_encoder",
            "Profile/Streaming",
            "Profile/T",
            f"hardware/{self._life.model}",
            "name/Simulated",
            "location/",
        )
        entries = [
            element(
                "tds:Scopes", element("tt:ScopeDef", "Fixed"), element("tt:ScopeItem", f"onvif://www.onvif.org/{scope}")
            )
            for scope in scopes
        ]
        return element("tds:GetScopesResponse", *entries)

    def _hostname(self, _: Heard) -> Element:
        information = element(
            "tds:HostnameInformation", element("tt:FromDHCP", False), element("tt:Name", self._life.model)
        )
        return element("tds:GetHostnameResponse", information)

    def _network_protocols(self, _: Heard) -> Element:
        entries = [
            element(
                "tds:NetworkProtocols", element("tt:Name", name), element("tt:Enabled", True), element("tt:Port", port)
            )
            for name, port in PROTOCOLS
        ]
        return element("tds:GetNetworkProtocolsResponse", *entries)

    def _network_interfaces(self, _: Heard) -> Element:
        inside = element(
            "tt:Info", element("tt:Name", "eth0"), element("tt:HwAddress", self._life.mac), element("tt:MTU", 1500)
        )
        entry = element("tds:NetworkInterfaces", {"token": "eth0"}, element("tt:Enabled", True), inside)
        return element("tds:GetNetworkInterfacesResponse", entry)

    def _dynamic_dns(self, _: Heard) -> Element | None:
        if not self._life.says_supported("network.ddns"):
            return None
        kind = "ServerUpdates" if self._life.says_enabled("network.ddns") else "NoUpdate"
        return element("tds:GetDynamicDNSResponse", element("tds:DynamicDNSInformation", element("tt:Type", kind)))

    def _geo_location(self, _: Heard) -> Element | None:
        if not self._life.says_supported("location.gps"):
            return None
        return element("tds:GetGeoLocationResponse", element("tds:Location", {"Entity": "Device", "Fixed": True}))


def onvif(life: Life | None = None, *, token: bool = True, digest: bool = True) -> Camera:
    """A camera that speaks only ONVIF, with the ways of logging in that are not switched off."""
    return Camera(life or onvif_life(), lambda camera: Onvif(camera, token=token, digest=digest))


def onvif_life(seed: int = 0) -> Life:
    return Life(
        model="SIM-ONVIF", serial="SIMONVIF0001", mac="02:00:5e:00:53:70", firmware=Firmware("4.2.0", "230105"), seed=seed, supported={*ORDINARY, "cloud.platform"},
    )  # fmt: skip
