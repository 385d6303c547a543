"""What devices answer, per interface."""

from __future__ import annotations

import pytest

from monitor.model.facts import CapabilityStated, DeviceAnnounced, Fact, Malformed
from monitor.protocols.answers import APIS, read
from monitor.protocols.answers.bounds import MAX_ELEMENTS, MAX_STATEMENTS, MAX_TEXT
from monitor.protocols.answers.volatile import REASONS
from monitor.protocols.firmware_text import spelled
from tests.protocols import answer_samples as samples


def said(api: str, question: str, body: bytes) -> dict[str, str]:
    """Paths and values; each path says one thing."""
    stated = next(fact for fact in read(api, question, body, None) if isinstance(fact, CapabilityStated))
    assert (stated.api, stated.question) == (api, question)
    assert list(stated.statements) == sorted(set(stated.statements))
    return dict(stated.statements)


def device(api: str, question: str, body: bytes) -> DeviceAnnounced:
    (found,) = (fact for fact in read(api, question, body, None) if isinstance(fact, DeviceAnnounced))
    return found


def test_isapi_device() -> None:
    """Version and day of the build are one firmware, spelled as SADP and EHome do; the clock is left out."""
    assert device("isapi", "System/deviceInfo", samples.ISAPI_DEVICE) == DeviceAnnounced(
        "isapi",
        mac="44:19:b6:00:00:0b",
        name="East gate",
        model="DS-2CD2099G9-I",
        firmware="V5.5.3 build 180710",
        serial="DS-2CD2099G9-I20240101AAWR000000001",
        message="System/deviceInfo",
    )
    stated = said("isapi", "System/deviceInfo", samples.ISAPI_DEVICE)
    assert stated["DeviceInfo/encoderVersion"] == "V7.3"
    assert "DeviceInfo/localTime" not in stated


def test_isapi_capabilities() -> None:
    """Every leaf by its path, and no device where it is none."""
    assert said("isapi", "System/capabilities", samples.ISAPI_CAPABILITIES) == {
        "DeviceCap/@version": "2.0",
        "DeviceCap/SysCap/isSupportSSH": "false",
        "DeviceCap/SysCap/isSupportEZVIZ": "true",
        "DeviceCap/SysCap/AudioCap/audioInputNums": "1",
        "DeviceCap/SysCap/AudioCap/audioOutputNums": "0",
        "DeviceCap/isSupportFaceContrast": "true",
        "DeviceCap/isSupportFaceDetect": "true",
        "DeviceCap/SmartCap/isSupportFaceDetect": "false",
        "DeviceCap/RacmCap/ANPRSearch/maxNum": "4",
    }
    assert len(read("isapi", "System/capabilities", samples.ISAPI_CAPABILITIES, None)) == 1


def test_onvif() -> None:
    """What stands in the SOAP body; the header is one exchange's. Rules are told apart by name, prefixes are ONVIF's."""
    found = device("onvif", "GetDeviceInformation", samples.ONVIF_DEVICE)
    assert (found.vendor, found.model, found.firmware, found.serial) == ("ACME", "M-1", "V5.5.3 build 180710", "S-77")
    assert said("onvif", "GetSupportedRules", samples.ONVIF_RULES) == {
        f"GetSupportedRulesResponse/SupportedRules/RuleDescription[{name}]/@Name": name
        for name in ("tt:FaceRecognition", "tt:LineDetector")
    }
    topics = said("onvif", "GetEventProperties", samples.ONVIF_EVENTS)
    assert topics["GetEventPropertiesResponse/TopicSet/RuleEngine/Recognition/Face/@topic"] == "true"


@pytest.mark.parametrize(
    ("question", "body", "found"),
    [
        ("magicBox.cgi getSoftwareVersion", b"version=2.800.0000016.0.R,build:2020-06-05\r\n", {"firmware": "2.800.0000016.0.R,build:2020-06-05"}),
        ("magicBox.cgi getDeviceType", b"type=IPC-HDW9999\r\n", {"model": "IPC-HDW9999"}),
        ("magicBox.cgi getSerialNo", b"sn=4X7C5A1ZAG21L3F\r\n", {"serial": "4X7C5A1ZAG21L3F"}),
        ("magicBox.cgi getVendor", b"vendor=Dahua\r\n", {"vendor": "Dahua"}),
        ("magicBox.cgi getSystemInfo", b"serialNumber=4X7C5A1ZAG21L3F\r\ndeviceType=31\r\n", {"serial": "4X7C5A1ZAG21L3F"}),
        (
            "RPC2 magicBox.getSoftwareVersion",
            b'{"id":1,"params":{"version":{"BuildDate":"2020-06-05","Version":"2.800.0000016.0.R"}},"result":true}',
            {"firmware": "2.800.0000016.0.R,build:2020-06-05"},
        ),
    ],
)  # fmt: skip
def test_dahua_device(question: str, body: bytes, found: dict[str, str]) -> None:
    """Each question tells one thing; the version reads as DHDiscover's and DVRIP's."""
    assert device("dahua", question, body) == DeviceAnnounced("dahua", message=question, **found)


def test_dahua_configuration() -> None:
    """Keys as they are written; of RPC2 the configuration's name, which the answer lacks, comes from the question."""
    assert said("dahua", "configManager.cgi getConfig T2UServer", samples.DAHUA_P2P) == {
        "table.T2UServer.Address": "p2p.example",
        "table.T2UServer.Enable": "true",
        "table.T2UServer.Password": "***",
    }
    assert said("dahua", "RPC2 configManager.getConfig Telnet", samples.DAHUA_RPC2) == {
        "table/Telnet/Enable": "true",
        "table/Telnet/Port": "23",
    }


def test_vapix() -> None:
    """An Axis device's serial is its MAC."""
    found = device("vapix", "basicdeviceinfo.cgi getAllProperties", samples.VAPIX_DEVICE)
    assert (found.vendor, found.model, found.firmware) == ("AXIS", "M9999-LV", "9.80.1")
    assert (found.serial, found.mac) == ("ACCC8E00000B", "ac:cc:8e:00:00:0b")
    assert said("vapix", "apidiscovery.cgi getApiList", samples.VAPIX_APIS)["data/apiList[ssh]/version"] == "1.0"
    parameters = said("vapix", "param.cgi root.Network", samples.VAPIX_PARAM)
    assert parameters["root.RemoteService.Enabled"] == "oneclick"
    assert parameters["root.RemoteService.ProxyPassword"] == "***"
    applications = said("vapix", "applications/list.cgi", samples.VAPIX_APPLICATIONS)
    assert applications["reply/application[plates]/@Status"] == "Running"


def test_reolink() -> None:
    """Answers of several commands, each below its name; a command that failed says nothing."""
    found = device("reolink", "GetDevInfo", samples.REOLINK_DEVICE)
    assert (found.model, found.firmware, found.name) == ("RLC-999", "v3.1.0.0_24010100", "Yard")
    both = samples.REOLINK_ABILITY[:-1] + b',{"cmd":"GetWifi","code":1,"error":{"detail":"not support","rspCode":-9}}]'
    assert said("reolink", "GetAbility", both) == {
        "GetAbility/Ability/abilityChn[0]/aiTrack/permit": "0",
        "GetAbility/Ability/abilityChn[0]/aiTrack/ver": "1",
        "GetAbility/Ability/p2p/permit": "6",
        "GetAbility/Ability/p2p/ver": "1",
        "GetAbility/Ability/rtmp/permit": "6",
        "GetAbility/Ability/rtmp/ver": "1",
        "GetAbility/Ability/talk/permit": "6",
        "GetAbility/Ability/talk/ver": "0",
    }


def test_sunapi_lapi_sofia() -> None:
    """Text and JSON of SUNAPI say the same; envelopes of LAPI and Sofia are taken off."""
    text = device("sunapi", "system.cgi deviceinfo", samples.SUNAPI_DEVICE)
    assert text == device("sunapi", "system.cgi deviceinfo", samples.SUNAPI_JSON)
    assert (text.model, text.firmware, text.mac) == ("XNV-9999", "1.41.01_20240101_R1", "00:09:18:00:00:0b")
    lapi = device("lapi", "System/DeviceInfo", samples.LAPI_DEVICE)
    assert (lapi.model, lapi.firmware, lapi.name) == ("IPC999", "IPC_Q1201-B0001P00D1800", "Dock")
    sofia = device("sofia", "SystemInfo", samples.SOFIA_DEVICE)
    assert (sofia.model, sofia.firmware) == ("50X10", "V5.00.R02.00000001.10010")
    assert said("sofia", "SystemInfo", samples.SOFIA_DEVICE).keys() == {
        "SystemInfo/HardWare", "SystemInfo/SerialNo", "SystemInfo/SoftWareVersion",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("isapi", b"<ResponseStatus><statusCode>4</statusCode><subStatusCode>notSupport</subStatusCode></ResponseStatus>"),
        ("onvif", samples.soap("<SOAP-ENV:Fault><SOAP-ENV:Code/></SOAP-ENV:Fault>")),
        ("dahua", b"Error\r\nBad Request!\r\n"),
        ("dahua", b'{"error":{"code":268959743,"message":"Unknown error!"},"id":1,"result":false}'),
        ("vapix", b"# Error: Error -1 getting param in group 'root.Nothing'\n"),
        ("vapix", b'{"apiVersion":"1.0","error":{"code":2003,"message":"Method not supported"}}'),
        ("reolink", b'[{"cmd":"GetAbility","code":1,"error":{"detail":"please login first","rspCode":-6}}]'),
        ("sunapi", b"NG\r\nError Code: 608\r\nError Details: Feature Not Implemented\r\n"),
        ("lapi", b'{"Response":{"ResponseCode":1,"ResponseString":"Not Supported","StatusCode":1,"Data":"null"}}'),
        ("sofia", b'{"Name":"","Ret":102,"SessionID":"0x1"}\n\x00'),
        ("dahua", b"OK\r\n"),
        ("isapi", b""),
    ],
)  # fmt: skip
def test_a_refusal_says_nothing(api: str, body: bytes) -> None:
    """So that nothing reads as gone because a device did not like a question."""
    assert read(api, "q", body, None) == []


@pytest.mark.parametrize(("api", "question", "body"), samples.ALL)
def test_what_moves_is_left_out(api: str, question: str, body: bytes) -> None:
    """The same answer with another clock, session and counter states the same."""
    for was, now in (
        (b"09:00:00", b"09:05:00"),
        (b'"session":"6f8e12ab6f8e12ab"', b'"session":"0011223344556677"'),
        (b"urn:uuid:1", b"urn:uuid:2"),
        (b"c-1", b"c-2"),
        (b'"id":7', b'"id":8'),
        (b"0x000000E0", b"0x000000F0"),
        (b'"SessionID" : "0x7"', b'"SessionID" : "0x9"'),
    ):
        assert read(api, question, body.replace(was, now), None) == read(api, question, body, None)


def test_names_that_are_left_out_have_one_reason() -> None:
    """The table names each once."""
    names = [name for names in REASONS.values() for name in names]
    assert len(names) == len({name.lower() for name in names})


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("isapi", b"<a><password>hunter2</password><b><secretKey>hunter2</secretKey></b></a>"),
        ("isapi", b"<a><p id='1' token='hunter2'/><User><id>hunter</id><passwd>hunter2</passwd></User></a>"),
        ("onvif", samples.soap("<R><SimpleItem Name='Password' Value='hunter2'/></R>")),
        ("onvif", samples.soap("<R><Uri>rtsp://admin:hunter2@10.0.0.9/live</Uri></R>")),
        ("reolink", b'[{"cmd":"GetEmail","code":0,"value":{"Email":{"password":"hunter2","passwords":["hunter2"]}}}]'),
        ("vapix", b'{"data":{"token":{"value":"hunter2","parts":["hunter2",{"id":"hunter2"}]}}}'),
        ("dahua", b"table.WLan.eth2.Keys[0]=x\r\ntable.WLan.eth2.PSK=hunter2\r\ntable.A.Url=http://u:hunter2@h/x\r\n"),
        ("vapix", b"root.Network.Wireless.WPA.Key=hunter2\nroot.A.B=http://10.0.0.1/?password=hunter2\n"),
    ],
)
def test_secrets_are_masked(api: str, body: bytes) -> None:
    """Their names are kept, since a new one is news; their values are in no path and no value."""
    stated = said(api, "q", body)
    assert "***" in "".join(stated.values())
    assert "hunter2" not in repr(stated)


def test_a_secrets_yes_or_no_is_none() -> None:
    """Whether a device knows tokens is a function of it."""
    assert said("isapi", "q", b"<a><isSupportToken>true</isSupportToken></a>") == {"a/isSupportToken": "true"}


def test_two_secrets_read_alike() -> None:
    """Not even a digest of one tells them apart."""
    bodies = [
        b"<a><b><c/><password>%d</password></b><b><d/><password>%d</password></b></a>" % pair
        for pair in ((1, 2), (3, 4))
    ]
    assert said("isapi", "q", bodies[0]) == said("isapi", "q", bodies[1])


@pytest.mark.parametrize(
    ("version", "released", "expected"),
    [
        ("V5.5.3", "build 180710", "V5.5.3 build 180710"),
        ("V5.5.3build 180710", None, "V5.5.3 build 180710"),
        ("V5.5.3 Build 180710", "build 180710", "V5.5.3 build 180710"),
        ("V5.5.3", "2018-07-10", "V5.5.3"),
        ("2.800.0000016.0.R , build: 2020-06-05", None, "2.800.0000016.0.R,build:2020-06-05"),
        ("2.420.AC00.18.R, build: 2017-05-11", None, "2.420.AC00.18.R,build:2017-05-11"),
        ("9.80.1", None, "9.80.1"),
        ("v3.1.0.0_24010100", None, "v3.1.0.0_24010100"),
        (None, "build 180710", None),
    ],
)
def test_one_firmware_has_one_spelling(version: str | None, released: str | None, expected: str | None) -> None:
    """Whichever source names it."""
    assert spelled(version, released) == expected


def test_bounds() -> None:
    """Statements and text: at the cap it is read, beyond it refused, or cut in a way that keeps names apart."""
    lines = [b"a.b%d=1" % number for number in range(MAX_STATEMENTS + 1)]
    assert len(said("dahua", "q", b"\n".join(lines[:-1]))) == MAX_STATEMENTS
    with pytest.raises(Malformed, match="too many statements"):
        read("dahua", "q", b"\n".join(lines), None)
    with pytest.raises(Malformed, match="too many elements"):
        read("isapi", "q", b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", None)
    deep = b"".join(b"<name%02d-that-is-long-%s>" % (at, b"x" * 60) for at in range(60))
    ends = b"".join(b"</name%02d-that-is-long-%s>" % (at, b"x" * 60) for at in reversed(range(60)))
    stated = said("isapi", "q", deep + b"<a>" + b"v" * 5000 + b"</a><b>1</b>" + ends)
    assert len(stated) == 2
    assert all(len(path) <= MAX_TEXT and len(value) <= MAX_TEXT for path, value in stated.items())


@pytest.mark.parametrize("body", [b"just text", b"<html><body/></html", b"{", b"[1", b"\x00\x01\x02", b"<a>", b"<a/>x"])
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    """Anything that cannot be read whole."""
    with pytest.raises(Malformed):
        read("isapi", "q", body, None)


def test_a_page_is_no_answer() -> None:
    """A log-in page that is well-formed says nothing, and one that calls itself HTML is not read."""
    assert read("isapi", "q", b"<html><head/></html>", None) == []
    with pytest.raises(Malformed):
        read("vapix", "q", b"a=1", "text/html; charset=utf-8")


def test_every_sample_is_of_a_known_interface() -> None:
    """And makes facts."""
    facts: list[Fact] = []
    for api, question, body in samples.ALL:
        assert api in APIS
        facts += read(api, question, body, "text/xml")
    assert len(facts) > len(samples.ALL)


def test_json_that_calls_itself_a_page_is_read() -> None:
    """As Reolink's does."""
    body = b' [{"cmd": "GetP2p", "code": 0, "value": {"P2p": {"enable": 1}}}]'
    assert read("reolink", "GetP2p", body, "text/html") == [
        CapabilityStated("reolink", "GetP2p", (("GetP2p/P2p/enable", "1"),))
    ]


@pytest.mark.parametrize("prefix", ["xs", "xsd", "ns14"])
def test_types_of_xml_schema_are_the_same_under_any_prefix(prefix: str) -> None:
    body = f'<a xmlns:{prefix}="http://www.w3.org/2001/XMLSchema" Type="{prefix}:integer"/>'.encode()
    assert read("onvif", "q", body, None) == [CapabilityStated("onvif", "q", (("a/@Type", "xs:integer"),))]


def test_members_that_have_a_name_keep_their_paths() -> None:
    """A second attribute of SUNAPI's leaves the paths of the first as they are."""
    one = b'<category name="Support"><attribute name="UPnP" value="True"/>%s</category>'
    found = []
    for more in (b"", b'<attribute name="P2P" value="True"/>'):
        (fact,) = read("sunapi", "attributes.cgi attributes", one % more, None)
        assert isinstance(fact, CapabilityStated)
        found.append(set(fact.statements))
    assert found[0] < found[1]
