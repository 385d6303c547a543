"""What a request that passes asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.protocols.answers import APIS, question_of
from tests.protocols import answer_samples as samples

MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/ISAPI/System/deviceInfo", ("isapi", "System/deviceInfo")),
        ("http://10.0.0.9:80/ISAPI/System/Network/EZVIZ?format=json", ("isapi", "System/Network/EZVIZ")),
        ("/isapi/Event/notification/alertStream", ("isapi", "Event/notification/alertStream")),
        ("/cgi-bin/magicBox.cgi?action=getSoftwareVersion", ("dahua", "magicBox.cgi getSoftwareVersion")),
        ("/cgi-bin/configManager.cgi?action=getConfig&name=T2UServer", ("dahua", "configManager.cgi getConfig T2UServer")),
        ("/cgi-bin/devVideoAnalyse.cgi?action=getCaps&channel=1", ("dahua", "devVideoAnalyse.cgi getCaps 1")),
        ("/cgi-bin/eventManager.cgi?action=attach&codes=[All]", ("dahua", "eventManager.cgi attach")),
        ("/axis-cgi/param.cgi?action=list&group=root.Network", ("vapix", "param.cgi root.Network")),
        ("/axis-cgi/param.cgi?action=list&group=Properties.Firmware", ("vapix", "param.cgi root.Properties.Firmware")),
        ("/axis-cgi/param.cgi?action=list", ("vapix", "param.cgi root")),
        ("/axis-cgi/applications/list.cgi", ("vapix", "applications/list.cgi")),
        ("/cgi-bin/api.cgi?cmd=GetDevInfo&token=abcd", ("reolink", "GetDevInfo")),
        ("/stw-cgi/system.cgi?msubmenu=deviceinfo&action=view", ("sunapi", "system.cgi deviceinfo")),
        ("/stw-cgi/attributes.cgi/system", ("sunapi", "attributes.cgi/system")),
        ("/LAPI/V1.0/System/DeviceInfo", ("lapi", "System/DeviceInfo")),
    ],
)  # fmt: skip
def test_by_path(uri: str, expected: tuple[str, str]) -> None:
    """With or without the origin, whatever else the query holds."""
    assert question_of("GET", uri, None, b"") == expected


@pytest.mark.parametrize(
    ("uri", "action", "body", "expected"),
    [
        ("/axis-cgi/basicdeviceinfo.cgi", None, b'{"apiVersion":"1.0","method":"getAllProperties"}', ("vapix", "basicdeviceinfo.cgi getAllProperties")),
        ("/axis-cgi/apidiscovery.cgi", None, b'{"method": "getApiList"}', ("vapix", "apidiscovery.cgi getApiList")),
        ("/cgi-bin/api.cgi", None, b'[{"cmd":"GetAbility","action":0,"param":{}}]', ("reolink", "GetAbility")),
        ("/RPC2", None, b'{"method":"magicBox.getSoftwareVersion","id":1}', ("dahua", "RPC2 magicBox.getSoftwareVersion")),
        ("/RPC2", None, b'{"method":"configManager.getConfig","params":{"name":"Telnet"},"id":2}', ("dahua", "RPC2 configManager.getConfig Telnet")),
        ("/onvif/device_service", '"http://www.onvif.org/ver10/device/wsdl/GetDeviceInformation"', b"", ("onvif", "GetDeviceInformation")),
        ("/onvif/device_service", None, samples.soap("<GetDeviceInformation xmlns='http://www.onvif.org/ver10/device/wsdl'/>"), ("onvif", "GetDeviceInformation")),
        ("/anything", f"{MEDIA2}/GetProfiles", b"", ("onvif", "GetProfiles media2")),
        ("/anything", None, samples.soap("<m:GetServiceCapabilities/>", f"xmlns:m='{MEDIA2}'"), ("onvif", "GetServiceCapabilities media2")),
        ("/onvif/event", "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest", b"", ("onvif", "PullMessages")),
    ],
)  # fmt: skip
def test_by_body_or_action(uri: str, action: str | None, body: bytes, expected: tuple[str, str]) -> None:
    """Where the path alone does not say it."""
    assert question_of("POST", uri, action, body) == expected


@pytest.mark.parametrize(
    ("method", "uri", "action", "body"),
    [
        ("PUT", "/ISAPI/System/Network/ssh", None, b"<SSH><enabled>true</enabled></SSH>"),
        ("POST", "/ISAPI/System/reboot", None, b""),
        ("GET", "/cgi-bin/configManager.cgi?action=setConfig&Telnet.Enable=true", None, b""),
        ("GET", "/cgi-bin/magicBox.cgi?action=reboot", None, b""),
        ("POST", "/RPC2", None, b'{"method":"configManager.setConfig","params":{"name":"Telnet"}}'),
        ("POST", "/cgi-bin/api.cgi?cmd=SetDdns", None, b""),
        ("POST", "/axis-cgi/firmwaremanagement.cgi", None, b'{"method":"upgrade"}'),
        ("GET", "/axis-cgi/param.cgi?action=update&root.Network.SSH.Enabled=yes", None, b""),
        ("GET", "/stw-cgi/system.cgi?msubmenu=firmwareupdate&action=control&Type=Normal", None, b""),
        ("POST", "/LAPI/V1.0/System/Upgrade", None, b"{}"),
        ("POST", "/onvif/device_service", "http://www.onvif.org/ver10/device/wsdl/SystemReboot", b""),
        ("POST", "/ctl/IPConn", '"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"', b""),
        ("GET", "/index.html", None, b""),
        ("GET", "/cgi-bin/luci", None, b""),
        ("GET", "/ISAPI/", None, b""),
        ("OPTIONS", "/ISAPI/System/deviceInfo", None, b""),
    ],
)
def test_no_question(method: str, uri: str, action: str | None, body: bytes) -> None:
    """What sets something, and what is no interface of a camera's."""
    assert question_of(method, uri, action, body) is None


def test_no_secret_is_in_a_question() -> None:
    """Not even where a query's value becomes part of it."""
    for uri in ("/ISAPI/x/password=hunter2", "/cgi-bin/a.cgi?action=getConfig&name=password%3Dhunter2"):
        assert "hunter2" not in repr(question_of("GET", uri, None, b""))


@given(
    st.sampled_from(["GET", "POST", "PUT", "get"]),
    st.text(alphabet="/?&=%.:[]abISAPLonvifcgV10-\n\x00é", max_size=60) | st.sampled_from(["/onvif/x", "/RPC2", "/cgi-bin/api.cgi"]),
    st.none() | st.text(max_size=40),
    st.binary(max_size=60) | st.sampled_from([samples.ONVIF_DEVICE, samples.DAHUA_RPC2]),
)  # fmt: skip
def test_random_requests(method: str, uri: str, action: str | None, body: bytes) -> None:
    """None, or a known interface and a question that prints."""
    found = question_of(method, uri, action, body)
    assert found is None or (found[0] in APIS and found[1].isprintable() and 0 < len(found[1]) <= 255)
