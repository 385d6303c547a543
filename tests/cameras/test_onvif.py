"""The ONVIF camera, judged by onvif-zeep-async against the schemas that it carries, strictly."""

from __future__ import annotations

from base64 import b64encode
from contextlib import asynccontextmanager
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

from tests.cameras import soap
from tests.cameras.asking import logged_in, rebooted
from tests.cameras.life import Firmware, Mishap, Update
from tests.cameras.onvif import onvif, onvif_life
from tests.cameras.phrasing import Phrasing, element

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cameras.serving import Camera

ANALYTICS: Final = "http://www.onvif.org/ver20/analytics/wsdl"


@asynccontextmanager
async def judged(camera: Camera, *, by: str = "wsse", monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A client of onvif-zeep-async whose parser takes nothing that the schema does not name."""
    client = pytest.importorskip("onvif", reason="onvif-zeep-async is not installed")
    settings = pytest.importorskip("onvif.settings")
    monkeypatch.setattr(settings.DEFAULT_SETTINGS, "strict", True)
    life = camera.life
    user, password = life.user, life.password
    judge = client.ONVIFCamera("127.0.0.1", camera.port, user, password, no_cache=True)
    services: list[Any] = []

    async def service(name: str, binding: str | None = None) -> Any:
        made = await judge.create_onvif_service(name)
        if binding:
            made = client.ONVIFService(made.xaddr, user, password, made.url, no_cache=True, binding_name=binding)
            services.append(made)
        if by == "digest":
            await _log_in_by_digest(made, life.user, life.password)
        if binding or by == "digest":
            await made.setup()
        return made

    judge.service = service
    try:
        yield judge
    finally:
        for made in services:
            await made.close()
        await judge.close()


async def _log_in_by_digest(service: Any, user: str, password: str) -> None:
    """The same client, with the HTTP session that logs in instead of the envelope."""
    await service._session.close()
    service._connector = aiohttp.TCPConnector()
    service._session = aiohttp.ClientSession(
        connector=service._connector, middlewares=(aiohttp.DigestAuthMiddleware(user, password),)
    )
    service.transport.session = service._session


@pytest.mark.parametrize("by", ["wsse", "digest"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_real_client_reads_every_service(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that onvif-zeep-async has a schema for is valid, in whatever words, with either way of logging in."""
    life = onvif_life(seed=3)
    life.supported |= {"face.recognise", "audio.classify", "network.ddns"}
    for function in ("audio.input", "face.recognise", "audio.classify"):
        life.switch_on(function)
    life.lie("person.detect")
    async with (
        onvif(life, token=by == "wsse", digest=by == "digest") as camera,
        judged(camera, by=by, monkeypatch=monkeypatch) as judge,
    ):
        await judge.update_xaddrs()
        device = await judge.service("devicemgmt")
        for _ in range(3):
            information = await device.GetDeviceInformation()
            assert (information.Model, information.FirmwareVersion) == ("SIM-ONVIF", "4.2.0 build 230105")
            services = await device.GetServices({"IncludeCapability": True})
            assert {ANALYTICS, "http://www.onvif.org/ver10/events/wsdl", "http://www.onvif.org/ver10/uplink/wsdl"} <= {
                each.Namespace for each in services
            }
            capabilities = await device.GetCapabilities({"Category": "All"})
            assert capabilities.Analytics.RuleSupport
            assert capabilities.Device.System.FirmwareUpgrade
            scopes = await device.GetScopes()
            assert "onvif://www.onvif.org/hardware/SIM-ONVIF" in {scope.ScopeItem for scope in scopes}
            assert {each.Name: each.Enabled for each in await device.GetNetworkProtocols()} == {
                "HTTP": True,
                "HTTPS": True,
                "RTSP": True,
            }
            assert (await device.GetDynamicDNS()).Type == "NoUpdate"
            assert (await device.GetServiceCapabilities()).System.HttpFirmwareUpgrade
            assert (await device.GetHostname()).Name == "SIM-ONVIF"

        media = await judge.service("media")
        profiles = await media.GetProfiles()
        assert {profile.token for profile in profiles} == {"Profile_1", "Profile_2"}
        assert all(profile.AudioEncoderConfiguration.Encoding == "G711" for profile in profiles)
        assert {profile.VideoAnalyticsConfiguration.token for profile in profiles} == {"Analytics"}
        assert len(await media.GetAudioSources()) == 1
        assert len(await media.GetVideoSources()) == 1
        assert len(await media.GetMetadataConfigurations()) == 1

        analytics = await judge.service("analytics")
        modules = await analytics.GetSupportedAnalyticsModules({"ConfigurationToken": "Analytics"})
        assert {_local(module.Name) for module in modules.AnalyticsModuleDescription} == {
            "AudioClassDetector",
            "CellMotionEngine",
        }
        assert [
            _local(each.Type) for each in await analytics.GetAnalyticsModules({"ConfigurationToken": "Analytics"})
        ] == ["AudioClassDetector"]
        engine = await judge.service("analytics", f"{{{ANALYTICS}}}RuleEngineBinding")
        rules = await engine.GetSupportedRules({"ConfigurationToken": "Analytics"})
        assert {_local(rule.Name) for rule in rules.RuleDescription} == {
            "FaceRecognition",
            "ObjectDetection",
            "LineDetector",
        }
        assert [_local(each.Type) for each in await engine.GetRules({"ConfigurationToken": "Analytics"})] == [
            "FaceRecognition"
        ]

        events = await judge.service("events")
        properties = await events.GetEventProperties()
        topics = {child.tag for child in properties.TopicSet._value_1}
        assert "{http://www.onvif.org/ver10/topics}RuleEngine" in topics
        assert (await events.GetServiceCapabilities()).WSPullPointSupport
        subscription = await events.CreatePullPointSubscription()
        assert subscription.SubscriptionReference.Address._value_1.startswith(camera.url)
        puller = await judge.service("pullpoint")
        pulled = await puller.PullMessages({"Timeout": "PT1S", "MessageLimit": 10})
        assert {message.Topic._value_1.partition(":")[2] for message in pulled.NotificationMessage} == {
            "RuleEngine/MyRuleDetector/PeopleDetect", "RuleEngine/Recognition/Face", "AudioAnalytics/Audio/DetectedSound",
        }  # fmt: skip
    assert {asked.credentials for asked in camera.asked if asked.status == 200} == {by, "none"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_real_client_sees_an_update_and_what_was_gained(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update the version differs, and a service and a rule are there that were not."""
    life = onvif_life()
    life.supported.discard("cloud.platform")
    async with onvif(life) as camera, judged(camera, monkeypatch=monkeypatch) as judge:
        await judge.update_xaddrs()
        device = await judge.service("devicemgmt")
        before = {each.Namespace for each in await device.GetServices({"IncludeCapability": False})}
        life.update(Firmware("4.3.1", "240201"), gains={"cloud.platform", "face.recognise"})
        after = {each.Namespace for each in await device.GetServices({"IncludeCapability": False})}
        assert after - before == {soap.NAMESPACES["tup"]}
        assert (await device.GetDeviceInformation()).FirmwareVersion == "4.3.1 build 240201"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password and a missing function are SOAP faults that a real client understands; the clock is for all."""
    life = onvif_life()
    async with onvif(life, digest=False) as camera, judged(camera, monkeypatch=monkeypatch) as judge:
        await judge.update_xaddrs()
        media = await judge.service("media")
        with pytest.raises(Exception, match="Optional Action Not Implemented"):
            await media.GetAudioOutputs()
        life.password = "changed"
        device = await judge.service("devicemgmt")
        with pytest.raises(Exception, match="not Authorized"):
            await device.GetDeviceInformation()
        assert (await device.authless_GetSystemDateAndTime()).UTCDateTime.Date.Year >= 2024
    assert [asked.status for asked in camera.asked[-3:]] == [500, 400, 200]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are judged by the camera's clock: an hour off is refused, and told by GetSystemDateAndTime."""
    life = onvif_life()
    life.skew_s = 3600
    async with onvif(life, digest=False) as camera, judged(camera, monkeypatch=monkeypatch) as judge:
        await judge.update_xaddrs()
        with pytest.raises(Exception, match="not Authorized"):
            await (await judge.service("devicemgmt")).GetDeviceInformation()
        judge.adjust_time = True
        await judge.update_xaddrs()
        await judge.close()
        judge.services.clear()
        assert (await (await judge.service("devicemgmt")).GetDeviceInformation()).Model == "SIM-ONVIF"


def _local(name: Any) -> str:
    """zeep gives a QName as it was written where the schema's type is an attribute's."""
    return str(name).rpartition(":")[2].rpartition("}")[2]


def _question(action: str, service: str = "tds") -> bytes:
    body = element("s:Envelope", element("s:Body", element(f"{service}:{action}")))
    return Phrasing(None).xml(body, soap.NAMESPACES)


async def _ask(camera: Camera, session: aiohttp.ClientSession, action: str, service: str = "tds") -> tuple[int, str]:
    async with session.post(f"{camera.url}/onvif/device_service", data=_question(action, service)) as response:
        return response.status, await response.text()


async def test_services_that_the_judge_has_no_schema_for() -> None:
    """Uplinks, applications, sample metadata and rule options are there with their functions, and faults without."""
    life = onvif_life()
    life.varies = False
    async with onvif(life) as camera, logged_in(camera) as session:
        status, text = await _ask(camera, session, "GetInstalledApps", "tam")
        assert (status, "ActionNotSupported" in text) == (500, True)
        life.update(life.firmware, gains={"app.install"})
        life.switch_on("app.install")
        life.switch_on("cloud.platform")
        assert "<AppID>sim-counter</AppID>" in (await _ask(camera, session, "GetInstalledApps", "tam"))[1]
        assert "<State>Active</State>" in (await _ask(camera, session, "GetAppsInfo", "tam"))[1]
        assert "wss://uplink.sim-p2p.invalid/device" in (await _ask(camera, session, "GetUplinks", "tup"))[1]
        assert 'Type="tt:CellMotionEngine"' in (await _ask(camera, session, "GetSupportedMetadata", "tan"))[1]
        assert 'RuleType="tt:LineDetector"' in (await _ask(camera, session, "GetRuleOptions", "tan"))[1]


async def test_firmware_by_http() -> None:
    """StartFirmwareUpgrade gives an address that takes the image once; the camera reboots into it by itself."""
    life, image = onvif_life(), bytes(range(256)) * 4000
    life.brings(image, Update(Firmware("4.9.9", "250101"), frozenset({"face.recognise"})))
    async with onvif(life) as camera, logged_in(camera) as session:
        _, text = await _ask(camera, session, "StartFirmwareUpgrade")
        address = text.partition("UploadUri>")[2].partition("<")[0]
        async with aiohttp.ClientSession() as uploader:
            async with uploader.post(address, data=image) as response:
                assert response.status == 200
            assert life.images[0].sha256 == sha256(image).hexdigest()
            await rebooted(camera)
            async with uploader.post(address, data=image) as response:
                assert response.status == 404
    assert life.firmware == Firmware("4.9.9", "250101")
    assert life.says_supported("face.recognise")


async def test_firmware_by_mtom() -> None:
    """UpgradeSystemFirmware carries the image as the second part of its message."""
    life, image = onvif_life(), b"\x27\x05\x19\x56" * 5000
    life.brings(image, Update(Firmware("4.9.9", "250101")))
    async with onvif(life) as camera, logged_in(camera) as session:
        await _ask(camera, session, "GetDeviceInformation")
        with aiohttp.MultipartWriter("related") as parts:
            parts.append(
                _question("UpgradeSystemFirmware"), {"Content-Type": 'application/xop+xml; type="application/soap+xml"'}
            )
            parts.append(image, {"Content-Type": "application/octet-stream", "Content-ID": "<image>"})
        async with session.post(f"{camera.url}/onvif/device_service", data=parts) as response:
            assert response.status == 200
        await rebooted(camera)
    assert (life.images[0].size, life.firmware.version) == (20_000, "4.9.9")


async def test_an_address_for_an_image_is_good_once() -> None:
    """Also if the image was a wrong one."""
    life, image = onvif_life(), b"right" * 1000
    life.brings(image, Update(Firmware("4.9.9", "250101")))
    async with onvif(life) as camera, logged_in(camera) as session, aiohttp.ClientSession() as uploader:
        address = (await _ask(camera, session, "StartFirmwareUpgrade"))[1].partition("UploadUri>")[2].partition("<")[0]
        for data, expected in ((b"wrong", 415), (image, 404)):
            async with uploader.post(address, data=data) as response:
                assert response.status == expected
    assert life.firmware == onvif_life().firmware


async def test_a_token_is_good_once() -> None:
    """Who records a UsernameToken and says it again is refused."""
    life, nonce = onvif_life(), b"0123456789abcdef"
    created = f"{life.now():%Y-%m-%dT%H:%M:%SZ}"
    digest = b64encode(sha1(nonce + created.encode() + life.password.encode()).digest()).decode()
    security = (
        f'<s:Header><Security xmlns="{soap.SECURITY}"><UsernameToken><Username>admin</Username><Password Type="{soap.DIGEST_TYPE}">{digest}'
        f'</Password><Nonce>{b64encode(nonce).decode()}</Nonce><Created xmlns="{soap.UTILITY}">{created}</Created></UsernameToken></Security></s:Header>'
    )
    question = f'<s:Envelope xmlns:s="{soap.NAMESPACES["s"]}">{security}<s:Body><GetScopes xmlns="{soap.NAMESPACES["tds"]}"/></s:Body></s:Envelope>'
    async with onvif(life, digest=False) as camera, aiohttp.ClientSession() as session:
        for expected in (200, 400):
            async with session.post(f"{camera.url}/onvif/device_service", data=question) as response:
                assert response.status == expected
    assert [asked.credentials for asked in camera.asked] == ["wsse", "wrong"]


async def test_mishaps_do_not_change_what_is_said() -> None:
    """A planned 400 comes once, and the next answer is whole."""
    life = onvif_life()
    life.plan("GetDeviceInformation", Mishap.REFUSED)
    async with onvif(life) as camera, logged_in(camera) as session:
        assert [(await _ask(camera, session, "GetDeviceInformation"))[0] for _ in range(2)] == [400, 200]
