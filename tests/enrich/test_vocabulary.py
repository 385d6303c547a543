"""The vocabulary of capabilities: sound, and right on what devices say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.enrich.catalogue import Catalogue, CatalogueError
from monitor.model.capabilities import Aspect, Capability, Declaration, Sensitivity, Vocabulary
from monitor.model.facts import CapabilityStated
from monitor.protocols.answers import APIS, read
from tests.protocols import answer_samples as samples

if TYPE_CHECKING:
    from pathlib import Path

CAN, ON = Aspect.SUPPORTED, Aspect.ENABLED


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def vocabulary(catalogue: Catalogue) -> Vocabulary:
    return catalogue.vocabulary


def declared(vocabulary: Vocabulary, api: str, question: str, body: bytes) -> dict[tuple[str, Aspect], bool]:
    (stated,) = (fact for fact in read(api, question, body, None) if isinstance(fact, CapabilityStated))
    found = vocabulary.declared(api, question, stated.statements)
    assert {each.identifier for each in found} <= {path for path, _ in stated.statements}
    assert len({(each.capability, each.aspect) for each in found}) == len(found)
    return {(each.capability, each.aspect): each.value for each in found}


@pytest.mark.parametrize(
    ("api", "question", "body", "expected"),
    [
        (
            "isapi", "System/capabilities", samples.ISAPI_CAPABILITIES,
            {("shell.ssh", CAN): False, ("cloud.vendor", CAN): True, ("audio.input", CAN): True,
             ("audio.output", CAN): False, ("face.recognise", CAN): True, ("face.detect", CAN): True,
             ("vehicle.plate", CAN): True},
        ),
        ("isapi", "Event/notification/httpHosts", samples.ISAPI_HOSTS, {("export.http", CAN): True}),
        ("isapi", "System/Network/EZVIZ", b"<EZVIZ><enabled>false</enabled></EZVIZ>", {("cloud.vendor", ON): False}),
        ("isapi", "System/Network/ssh", b"<SSH><enabled>true</enabled></SSH>", {("shell.ssh", ON): True}),
        ("isapi", "System/Network/EZVIZ/capabilities", b"<EZVIZ><enabled opt='true,false'>true</enabled></EZVIZ>", {}),
        ("isapi", "System/onlineUpgrade/capabilities", b"<AnyCap><x>1</x></AnyCap>", {("update.auto", CAN): True}),
        (
            "isapi", "Event/triggers",
            (b"<EventTriggerList><EventTrigger><id>ANPR-1</id><eventType>ANPR</eventType></EventTrigger>"
            b"<EventTrigger><id>VMD-1</id><eventType>VMD</eventType></EventTrigger></EventTriggerList>"),
            {("vehicle.plate", CAN): True, ("motion.detect", CAN): True},
        ),
        (
            "isapi", "Event/notification/subscribeEventCap",
            (b"<SubscribeEventCap><EventList><Event><type/></Event></EventList>"
            b"<eventType opt='VMD,facedetection'/></SubscribeEventCap>"),
            {("face.detect", CAN): True, ("motion.detect", CAN): True},
        ),
        ("onvif", "GetSupportedRules", samples.ONVIF_RULES, {("face.recognise", CAN): True, ("zone.watch", CAN): True}),
        ("onvif", "GetEventProperties", samples.ONVIF_EVENTS, {("face.detect", CAN): True, ("motion.detect", CAN): True}),
        (
            "onvif", "GetSupportedMetadata",
            samples.soap("<R><SampleFrame><HumanFace><Gender>Male</Gender></HumanFace></SampleFrame></R>"),
            {("face.detect", CAN): True, ("person.attributes", CAN): True},
        ),
        (
            "onvif", "GetDynamicDNS",
            samples.soap("<R><DynamicDNSInformation><Type>NoUpdate</Type></DynamicDNSInformation></R>"),
            {("network.ddns", ON): False},
        ),
        (
            "onvif", "GetServices",
            samples.soap("<R><Service><Namespace>http://www.onvif.org/ver10/appmgmt/wsdl</Namespace></Service></R>"),
            {("app.install", CAN): True},
        ),
        (
            "dahua", "configManager.cgi getConfig VideoAnalyseRule", samples.DAHUA_RULES,
            {("face.detect", CAN): True, ("face.detect", ON): True, ("zone.watch", CAN): True, ("zone.watch", ON): False},
        ),
        ("dahua", "configManager.cgi getConfig T2UServer", samples.DAHUA_P2P, {("cloud.p2p", ON): True}),
        ("dahua", "RPC2 configManager.getConfig Telnet", samples.DAHUA_RPC2, {("shell.telnet", ON): True}),
        ("dahua", "configManager.cgi getConfig RDV2", b"table.RDV2.Enable=true\r\n", {("debug.remote", CAN): True}),
        ("dahua", "devAudioInput.cgi getCollect", b"result=1\r\n", {("audio.input", CAN): True}),
        ("dahua", "devVideoInput.cgi getCollect", b"result=1\r\n", {}),
        ("vapix", "apidiscovery.cgi getApiList", samples.VAPIX_APIS, {("shell.ssh", CAN): True, ("export.mqtt", CAN): True}),
        (
            "vapix", "param.cgi root.Network", samples.VAPIX_PARAM,
            {("shell.ssh", ON): False, ("upnp.portmap", ON): True, ("cloud.vendor", ON): True},
        ),
        ("vapix", "param.cgi root", b"root.Some.Name=ssh\n", {}),
        ("vapix", "applications/list.cgi", samples.VAPIX_APPLICATIONS, {("app.install", CAN): True, ("app.install", ON): True}),
        (
            "reolink", "GetAbility", samples.REOLINK_ABILITY,
            {("person.track", CAN): True, ("cloud.p2p", CAN): True, ("audio.output", CAN): False, ("export.rtmp", CAN): True},
        ),
        ("lapi", "NetWork/Telnet", b'{"Response":{"ResponseCode":0,"Data":{"Enabled":0}}}', {("shell.telnet", CAN): True}),
        (
            "sofia", "SystemFunction", samples.SOFIA_FUNCTIONS,
            {("person.detect", CAN): True, ("audio.output", CAN): True, ("cloud.p2p", CAN): True, ("export.rtmp", CAN): False},
        ),
        ("sunapi", "system.cgi deviceinfo", samples.SUNAPI_DEVICE, {}),
    ],
)  # fmt: skip
def test_what_devices_declare(
    vocabulary: Vocabulary, api: str, question: str, body: bytes, expected: dict[tuple[str, Aspect], bool]
) -> None:
    """Exactly what the answer says: can, and is on, apart; of several channels a yes outweighs; the rest is unknown."""
    assert declared(vocabulary, api, question, body) == expected


def test_a_declaration_names_what_said_so(vocabulary: Vocabulary) -> None:
    """The path of the statement, the first that says yes."""
    statements = [
        ("a/isSupportFaceDetect", "false"),
        ("b/isSupportFaceSnap", "true"),
        ("c/isSupportFaceDetect", "true"),
    ]
    assert vocabulary.declared("isapi", "q", statements) == [
        Declaration("face.detect", CAN, True, "b/isSupportFaceSnap")
    ]


@pytest.mark.parametrize(
    "path", ["a/issupportssh", "a/isSupportSSHx", "a/xisSupportSSH", "isSupportSSH/x", "a/isSupportSSH[1]/b"]
)
def test_identifiers_match_whole_and_in_their_case(vocabulary: Vocabulary, path: str) -> None:
    """The vendor's spelling, as the last names of a path."""
    assert vocabulary.declared("isapi", "q", [(path, "true")]) == []
    assert vocabulary.declared("onvif", "q", [("a/isSupportSSH", "true")]) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("TRUE", True), ("1", True), ("3", True), ("yes", True), ("on", True), ("false", False),
     ("0", False), ("no", False), ("off", False), ("", None), ("maybe", None), ("-1", None), ("oneclick", None)],
)  # fmt: skip
def test_words(vocabulary: Vocabulary, value: str, expected: bool | None) -> None:
    """What says neither yes nor no is left out: unknown is not no."""
    found = vocabulary.declared("isapi", "q", [("x/isSupportSSH", value)])
    assert [each.value for each in found] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("api", "topic", "expected"),
    [
        ("isapi", "VMD", "motion.detect"),
        ("isapi", "vmd", "motion.detect"),
        ("isapi", "faceCapture", "face.detect"),
        ("isapi", "ANPR", "vehicle.plate"),
        ("isapi", "diskfull", None),
        ("dahua", "FaceRecognition", "face.recognise"),
        ("dahua", "CrossLineDetection", "zone.watch"),
        ("onvif", "tns1:RuleEngine/Recognition/Face", "face.detect"),
        ("onvif", "x:RuleEngine/y:Recognition/z:LicensePlate", "vehicle.plate"),
        ("onvif", "tns1:RuleEngine/CellMotionDetector/Motion", "motion.detect"),
        ("onvif", "tns1:RuleEngine/LineDetector/Crossed/MyLine", "zone.watch"),
        ("onvif", "tns1:Monitoring/ProcessorUsage", None),
        ("onvif", "VMD", None),
        ("onvif", "/".join(["a"] * 1000), None),
    ],
)
def test_topics(vocabulary: Vocabulary, api: str, topic: str, expected: str | None) -> None:
    """The longest run of names that a row has; prefixes and case do not matter."""
    assert vocabulary.capability_of_topic(api, topic) == expected


def test_every_capability_is_whole(catalogue: Catalogue) -> None:
    """In order of their keys, each with a name for people that is no one else's; what only the wire shows is there too."""
    found = list(catalogue.vocabulary.capabilities())
    assert [each.key for each in found] == sorted(each.key for each in found)
    assert len({each.name for each in found}) == len(found)
    assert catalogue.vocabulary.capability("face.recognise") == Capability(
        "face.recognise", "recognises faces: it says who somebody is", Sensitivity.SENSITIVE
    )
    assert catalogue.vocabulary.capability("mind.read") is None
    keys = {each.key for each in found}
    assert {
        "video.stream", "metadata.stream", "debug.port", "web.admin", "discovery.answer", "file.ftp", "file.tftp",
        "network.scan", "cloud.p2p", "audio.input", "audio.output", "shell.telnet", "upnp.portmap", "export.upload",
    } <= keys  # fmt: skip


def test_every_interface_that_is_read_has_rows(catalogue: Catalogue) -> None:
    """But SUNAPI's, whose identifiers no source told."""
    told = {api for row in catalogue.functions.values() for api, _ in row.signs()}
    assert APIS - told == {"sunapi"}


ROW = '[[capability]]\nkey = "acme.fly"\nname = "flies"\nsensitivity = "notable"\nsource = "OWN"\n'
SOURCES = '[sources]\nOWN = "seen on our own network"\n'


def signs(line: str) -> str:
    return f'{ROW}[capability.isapi]\n{line}\nsource = "OWN"\n'


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (ROW.replace("sensitivity", "sensitivty"), "`sensitivty` (nearest known key: sensitivity)"),
        (ROW.replace('"notable"', '"grave"'), "Invalid enum value 'grave'"),
        (ROW.replace("acme.fly", "acme"), "a capability's key is area.function in lower case"),
        (ROW.replace("acme.fly", "Acme.Fly"), "a capability's key is area.function in lower case"),
        (ROW + ROW, "the key stands twice"),
        (ROW.replace('"OWN"', '"HEARSAY"'), "source 'HEARSAY' is not in any [sources] table"),
        (ROW + "[capability.isapi]\nsupported = ['x']\n", "missing required field `source`"),
        (signs("suported = ['x']"), "`suported` (nearest known key: supported)"),
        (signs("supported = ['x']").replace("isapi", "isappi"), "`isappi` (nearest known key: isapi)"),
        (signs("supported = ['isSupportSSH']"), "isapi: 'isSupportSSH' belongs to 'shell.ssh' as well"),
        (signs("topics = ['anpr']"), "isapi: 'anpr' belongs to 'vehicle.plate' as well"),
        (signs("supported = ['x', 'x']"), "supported: 'x' stands twice"),
        (signs("supported = ['']"), "supported: '' is no identifier"),
        (signs("supported = ['q::']"), "supported: 'q::' is no identifier"),
    ],
)
def test_errors_name_file_row_and_key(tmp_path: Path, rows: str, complaint: str) -> None:
    """A row that cannot be used is one line that says where and why."""
    (tmp_path / "own.toml").write_text(rows + SOURCES)
    with pytest.raises(CatalogueError) as caught:
        Catalogue.load(tmp_path)
    said = str(caught.value)
    assert said.startswith("own.toml: ")
    assert complaint in said
    assert "\n" not in said


def test_users_rows_come_on_top(tmp_path: Path) -> None:
    """A new function, an embedded one in other words, and what is not verified decides nothing."""
    (tmp_path / "own.toml").write_text(
        signs("supported = ['canFly']\nyes = ['sure']\ntopics = ['takeoff']")
        + '[capability.onvif]\nvalues = ["tt:Flight"]\nsource = "OWN"\nverified = false\n'
        + '[[capability]]\nkey = "shell.ssh"\nname = "opens a shell"\nsensitivity = "ordinary"\nsource = "OWN"\n'
        + SOURCES
    )
    vocabulary = Catalogue.load(tmp_path).vocabulary
    assert vocabulary.declared("isapi", "q", [("a/canFly", "sure")]) == [Declaration("acme.fly", CAN, True, "a/canFly")]
    assert vocabulary.capability_of_topic("isapi", "TakeOff") == "acme.fly"
    assert vocabulary.declared("onvif", "q", [("a", "tt:Flight")]) == []
    assert vocabulary.capability("shell.ssh") == Capability("shell.ssh", "opens a shell", Sensitivity.ORDINARY)
    assert vocabulary.declared("isapi", "q", [("a/isSupportSSH", "true")]) == []
