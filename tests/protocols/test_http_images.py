"""Firmware over HTTP, as both directions of a connection show it."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model.facts import (
    CapabilityStated,
    FirmwareCall,
    FirmwareCheck,
    FirmwareTransfer,
    HttpRequest,
    HttpResponse,
    Want,
)
from monitor.protocols import ftp_transfer
from monitor.protocols.conversation import Conversation
from monitor.protocols.http import Parser, pair
from monitor.protocols.http_exchange import Answers, Exchange
from monitor.protocols.registry import STREAMS
from tests.protocols.hostile import mutants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.facts import Fact

DAV = b"\xe9\x9a\xf7\xb6" + bytes(range(256)) * 40
ELF = b"\x7fELF" + bytes(range(256)) * 40
PLAIN = b"\x91" + bytes(range(255, -1, -1)) * 40
"""Of no known format: encrypted, as most images are."""
Said = tuple[int, bytes | None]
"""Direction, 0 from the client, and octets; None: lost ones."""


def heard(*said: Said, step: int = 0, closed: bool = False) -> list[Fact]:
    """The facts that are no request or response; ``step``: cut into pieces of so many octets."""
    conversation = Conversation(STREAMS, 40000, 80, stream=True)
    facts: list[Fact] = []
    for direction, data in said:
        if data is None:
            facts += conversation.lost(direction)
            continue
        for start in range(0, len(data), step or len(data) or 1):
            if conversation.wants(direction):
                facts += conversation.feed(direction, data[start : start + (step or len(data))])
    for direction in (1, 0):
        facts += conversation.ended(direction, closed)
    return [fact for fact in facts if not isinstance(fact, HttpRequest | HttpResponse)]


def get(target: str = "/firmware/v2", host: str = "up.example", more: str = "") -> Said:
    return 0, f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def answer(body: bytes = b"", kind: str = "application/octet-stream", more: str = "", status: str = "200 OK") -> Said:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return 1, head.encode() + body


def chunked(body: bytes, size: int = 1000) -> Said:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    lines = b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts)
    return 1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + lines + b"0\r\n\r\n"


def post(
    target: str, body: bytes, kind: str = "application/octet-stream", more: str = "", method: str = "POST"
) -> Said:
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: cam\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return 0, head.encode() + body


def form(*parts: tuple[str, bytes], boundary: str = "--b0undary") -> tuple[bytes, str]:
    """Body and type; each part is the rest of its header section, and its octets."""
    body = (
        b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + octets + b"\r\n" for head, octets in parts)
        + f"--{boundary}--\r\n".encode()
    )
    return body, f'multipart/form-data; boundary="{boundary}"'


def transfers(facts: Iterable[Fact]) -> list[FirmwareTransfer]:
    return [fact for fact in facts if isinstance(fact, FirmwareTransfer)]


def calls(facts: Iterable[Fact]) -> list[tuple[str, str, bool | None]]:
    return [(fact.via, fact.operation, fact.accepted) for fact in facts if isinstance(fact, FirmwareCall)]


def whole(body: bytes, **fields: object) -> dict[str, object]:
    return {"bytes": len(body), "complete": True, "sha256": sha256(body).hexdigest(), **fields}


def only(facts: list[Fact], **fields: object) -> None:
    """There is one transfer, with these fields."""
    (transfer,) = transfers(facts)
    assert {name: getattr(transfer, name) for name in fields} == fields


@pytest.mark.parametrize("step", [0, 1, 7, 1448])
@pytest.mark.parametrize("framed", ["length", "chunks", "close"])
def test_a_download_is_followed_to_its_end(framed: str, step: int) -> None:
    """Whatever frames it, and however it is cut: octets, hash, magic, where from and why it is taken for one."""
    closing = (1, b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n" + ELF)
    response = {"length": answer(ELF), "chunks": chunked(ELF), "close": closing}[framed]
    facts = heard(get(), response, step=step, closed=framed == "close")
    only(facts, **whole(ELF, via="http", name="v2", uri="http://up.example/firmware/v2", magic="elf", vendor=None))
    only(facts, signs=("name", "magic"), direction="unknown")


def test_an_unknown_format_is_told_by_its_name() -> None:
    """Ciphers have no magic: what is asked for under the name of a firmware counts, elsewhere nothing does."""
    only(heard(get(), answer(PLAIN)), **whole(PLAIN, magic=None, signs=("name",)))
    only(
        heard(get("/dl?f=1"), answer(PLAIN, more="Content-Disposition: attachment; filename=digicap.dav\r\n")),
        name="digicap.dav",
    )
    assert heard(get("/dl"), answer(PLAIN)) == []


@pytest.mark.parametrize("body", [DAV, b"DH\x03\x04" + bytes(99), b"\x13\x59\x72\x32" + bytes(9), b"hsqs" + bytes(9), b"\x27\x05\x19\x56" + bytes(60), ELF])  # fmt: skip
def test_a_format_of_its_own_needs_no_name(body: bytes) -> None:
    """Whatever it is called and said to be, and whether the request was seen or not."""
    only(heard(get("/x"), answer(body, "text/plain")), **whole(body, signs=("magic",)))
    only(heard(answer(body)), **whole(body, uri=None, name=None))


def test_an_archive_of_xm() -> None:
    """A ZIP is one where it holds a description; any other needs a name."""
    described = b"PK\x03\x04" + bytes(26) + b"InstallDesc" + bytes(3000)
    only(heard(get("/a.zip"), answer(described, "application/zip")), magic="xm-zip", vendor="xiongmai")
    archive = b"PK\x03\x04" + bytes(4000)
    assert heard(get("/a.zip"), answer(archive, "application/zip")) == []
    only(heard(get(), answer(archive, "application/zip")), magic="zip", signs=("name", "magic"))


@pytest.mark.parametrize(
    ("target", "body", "kind"),
    [
        ("/firmware/cacert.pem", b"-----BEGIN CERTIFICATE-----\n" * 9000, "application/octet-stream"),
        ("/firmware/cacert.pem", b"-----BEGIN CERTIFICATE-----\n" * 9000, "application/x-x509-ca-cert"),
        ("/firmware/", b"<!DOCTYPE html>" * 9000, "text/html"),
        ("/firmware/app.js", b"function(){}" * 9000, "application/javascript"),
        ("/firmware/list", b'{"version":"2"}' * 9000, "application/octet-stream"),
        ("/firmware/logo", b"\x89PNG\r\n\x1a\n" + bytes(9000), "image/png"),
        ("/firmware/how.mp4", b"\0\0\0\x18ftypmp42" + bytes(9000), "video/mp4"),
        ("/a.tar.gz", b"\x1f\x8b\x08" + bytes(9000), "application/gzip"),
    ],
)
def test_what_is_no_image(target: str, body: bytes, kind: str) -> None:
    """Certificates, pages, scripts of pages, lists, pictures and video, however long and whatever they are called."""
    assert transfers(heard(get(target), answer(body, kind))) == []


@pytest.mark.parametrize("status", ["404 Not Found", "302 Found", "500 Error", "401 Unauthorized"])
def test_no_other_answer_is_an_image(status: str) -> None:
    """An error's body is not the file, nor is a redirection's."""
    assert transfers(heard(get(), answer(ELF, status=status))) == []


@pytest.mark.parametrize("status", ["304 Not Modified", "204 No Content"])
def test_answers_without_a_body(status: str) -> None:
    """They have none, whatever length they announce; what is behind them is read."""
    silent = (1, f"HTTP/1.1 {status}\r\nContent-Length: 500\r\n\r\n".encode())
    only(heard(get(), get("/fota/b"), silent, answer(ELF)), **whole(ELF, name="b"))


def test_head_asks_for_no_body() -> None:
    """The answer to HEAD names a length, and the next one follows at once; alone, it is no transfer that stopped."""
    head = (0, b"HEAD /firmware/v2 HTTP/1.1\r\nHost: up.example\r\n\r\n")
    said = (1, b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
    assert heard(head, said) == []
    only(heard(head, said, get(), answer(ELF)), **whole(ELF))


def test_pipelined() -> None:
    """Answers come in the order of their requests, the second one may be the image."""
    only(heard(get("/a"), get(), get("/b"), answer(b"x"), answer(ELF), answer(PLAIN)), **whole(ELF, name="v2"))


def test_a_coding_is_not_the_file() -> None:
    """What is sent coded came completely, but has no hash: these are not the file's octets. Its magic is seen."""
    coded = gzip.compress(ELF)
    only(heard(get(), answer(coded, more="Content-Encoding: gzip\r\n")), bytes=len(coded), complete=True, sha256=None, magic="elf")  # fmt: skip
    page = gzip.compress(b"<html>" * 999)
    assert transfers(heard(get(), answer(page, more="Content-Encoding: gzip\r\n"))) == []


def ranged(first: int, end: int, body: bytes = ELF, size: str = "") -> Said:
    return answer(
        body[first:end],
        more=f"Content-Range: bytes {first}-{end - 1}/{size or len(body)}\r\n",
        status="206 Partial Content",
    )


def test_ranges_in_order_are_one_file() -> None:
    """Parts that follow each other to the end are the whole, told once."""
    parts = [(0, 4000), (4000, 4001), (4001, len(ELF))]
    only(heard(*(said for part in parts for said in (get(), ranged(*part)))), **whole(ELF))


@pytest.mark.parametrize("parts", [[(0, 4000)], [(4000, len(ELF))], [(0, 4000), (5000, len(ELF))], [(4000, len(ELF)), (0, 4000)]])  # fmt: skip
def test_ranges_that_are_not_the_whole(parts: list[tuple[int, int]]) -> None:
    """A part, a hole, or the wrong order: octets are counted, there is no hash."""
    facts = heard(*(said for part in parts for said in (get(), ranged(*part))))
    only(facts, bytes=sum(end - first for first, end in parts), complete=False, sha256=None)


def test_ranges_of_other_things_are_forgotten() -> None:
    """Video is fetched in ranges too."""
    video = b"\0\0\0\x18ftypmp42" + bytes(9000)
    facts = heard(*(said for at in range(0, 9000, 1000) for said in (get("/v.mp4"), ranged(at, at + 1000, video))))
    assert facts == []


@pytest.mark.parametrize("framed", ["length", "close"])
def test_a_gap_leaves_a_count(framed: str) -> None:
    """What is seen behind lost octets still counts; there is no hash, and the next message is found."""
    head, body = answer(ELF)[1], ELF
    assert head is not None
    if framed == "close":
        head = b"HTTP/1.0 200 OK\r\n\r\n" + ELF
    cut = len(head) - len(ELF) + 5000
    facts = heard(get(), (1, head[:cut]), (1, None), (1, head[cut + 1000 :]), closed=True)
    only(facts, bytes=len(body) - 1000, complete=False, sha256=None, magic="elf")
    if framed == "length":
        facts = heard(get(), (1, head[:cut]), (1, None), (1, head[cut + 1000 :]), get("/fota"), answer(DAV))
        assert [fact.complete for fact in transfers(facts)] == [False, True]


@pytest.mark.parametrize("framed", ["length", "chunks", "close"])
def test_one_that_stops_half_way(framed: str) -> None:
    """It is told, with what came of it."""
    full = {"length": answer(ELF), "chunks": chunked(ELF), "close": (1, b"HTTP/1.0 200 OK\r\n\r\n" + ELF)}[framed]
    assert full[1] is not None
    facts = heard(get(), (1, full[1][:-500]))
    (transfer,) = transfers(facts)
    assert (transfer.complete, transfer.sha256) == (False, None)
    assert len(ELF) - 1000 < transfer.bytes < len(ELF)


UPLOADS = [
    ("isapi", "PUT", "/ISAPI/System/updateFirmware"),
    ("cgi", "POST", "/cgi-bin/upgrader.cgi?action=uploadFirmware"),
    ("vapix", "POST", "/axis-cgi/firmwareupgrade.cgi"),
    ("reolink", "POST", "/cgi-bin/api.cgi?cmd=Upgrade&token=CaNaRy7"),
    ("sunapi", "POST", "/stw-cgi/system.cgi?msubmenu=firmwareupdate&action=control&Type=Normal"),
    ("lapi", "POST", "/LAPI/V1.0/System/UploadFirmware"),
]


@pytest.mark.parametrize(("via", "method", "target"), UPLOADS)
@pytest.mark.parametrize("shape", ["plain", "form"])
def test_a_push_by_each_interface(via: str, method: str, target: str, shape: str) -> None:
    """The call, the image (of a form its file alone) and what the device said; no token of the URI."""
    body, kind = PLAIN, "application/octet-stream"
    if shape == "form":
        parts = (
            ('Content-Disposition: form-data; name="token"', b"CaNaRy7"),
            ('Content-Disposition: form-data; name="file"; filename="fw.bin"\r\nContent-Type: x/y', PLAIN),
            ('Content-Disposition: form-data; name="end"', b"--b0undary"),
        )
        body, kind = form(*parts)
    for step in (0, 11):
        facts = heard(post(target, body, kind, method=method), answer(b"ok", "text/plain"), step=step)
        only(facts, **whole(PLAIN, via=via, signs=("call",), name="fw.bin" if shape == "form" else None))
        assert calls(facts) == [(via, "upload", None), (via, "upload", True)]
        assert "CaNaRy7" not in str(facts)


def test_a_push_that_is_refused() -> None:
    """401 before the body came, then a body that an error answers."""
    target = UPLOADS[0][2]
    denied, wrong = answer(status="401 Unauthorized"), answer(b"<ResponseStatus/>", "application/xml", status="403 No")
    facts = heard(post(target, b"", method="PUT"), denied, post(target, DAV, method="PUT"), wrong)
    assert calls(facts) == [("isapi", "upload", None), ("isapi", "upload", False)] * 2
    only(facts, **whole(DAV, vendor="hikvision", signs=("call", "magic")))


def test_vapix_says_its_method_in_a_part() -> None:
    """JSON comes first, then the file; JSON alone asks for something else. An error in JSON is a refusal."""
    said = ("Content-Type: application/json", b'{"apiVersion":"1.0","method":"upgrade"}')
    body, kind = form(
        said, ("Content-Disposition: attachment; filename=f.bin\r\nContent-Type: application/octet-stream", PLAIN)
    )
    path = "/axis-cgi/firmwaremanagement.cgi"
    facts = heard(post(path, body, kind), answer(b'{"error":{"code":402}}', "application/json"))
    only(facts, **whole(PLAIN, via="vapix"))
    assert calls(facts) == [("vapix", "upload", None), ("vapix", "upload", False)]
    reboot = post(path, b'{"method":"reboot"}', "application/json")
    assert calls(heard(reboot, answer(b'{"method":"reboot","data":{}}', "application/json"))) == [("vapix", "reboot", None), ("vapix", "reboot", True)]  # fmt: skip


def pieces(order: Iterable[int], size: int = 4096) -> list[Said]:
    said = []
    for number in order:
        name = f"IPC_1.pak&0f0e-aa11&{number}&{len(PLAIN)}"
        head = f'Content-Disposition: form-data; name="upgrade-package"; filename="{name}"'
        body, kind = form((head, PLAIN[number * size : number * size + size]))
        said += [post("/cgi-bin/api.cgi?cmd=Upgrade&token=t", body, kind), answer(b'[{"code":0}]', "application/json")]
    return said


def test_reolink_sends_it_in_pieces() -> None:
    """Forms that follow each other are one file, under its own name; one that is left out leaves no hash."""
    assert calls(heard(*pieces([0, 1, 2]))) == [("reolink", "upload", None), ("reolink", "upload", True)]
    only(heard(*pieces([0, 1, 2])), **whole(PLAIN, via="reolink", name="IPC_1.pak", signs=("call",)))
    only(heard(*pieces([0, 2])), bytes=len(PLAIN) - 4096, complete=False, sha256=None)
    only(heard(*pieces([0, 1])), bytes=8192, complete=False)


SOAP = "application/soap+xml; charset=utf-8"
ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'


@pytest.mark.parametrize("named", ["action", "soapaction", "body"])
def test_onvif_says_where_to_send_it(named: str) -> None:
    """StartFirmwareUpgrade answers with a URI; what is posted there is the image."""
    action = "http://www.onvif.org/ver10/device/wsdl/StartFirmwareUpgrade"
    kind = f'{SOAP}; action="{action}"' if named == "action" else SOAP
    more = f'SOAPAction: "{action}"\r\n' if named == "soapaction" else ""
    asked = ENVELOPE.format("<tds:StartFirmwareUpgrade/>").encode()
    told = ENVELOPE.format(
        "<tds:StartFirmwareUpgradeResponse><tds:UploadUri>http://cam/up/load?x=1&amp;y=2</tds:UploadUri>"
    ).encode()
    facts = heard(
        post("/onvif/device_service", asked, kind, more), answer(told, SOAP), post("/up/load?x=1&y=2", PLAIN), answer()
    )
    only(facts, **whole(PLAIN, via="onvif", uri="http://cam/up/load?x=1&y=2"))
    accepted = next(fact for fact in facts if isinstance(fact, FirmwareCall) and fact.accepted)
    assert accepted.uri == "http://cam/up/load?x=1&y=2"


def test_onvif_sends_it_along() -> None:
    """UpgradeSystemFirmware brings the image as a part of its own (MTOM)."""
    xop = ('Content-Type: application/xop+xml; type="application/soap+xml"', b"<s:Envelope/>")
    body, _ = form(xop, ("Content-Type: application/octet-stream\r\nContent-ID: <1>", PLAIN), boundary="uuid")
    kind = 'multipart/related; type="application/xop+xml"; boundary=uuid; start-info="application/soap+xml"; action="http://www.onvif.org/ver10/device/wsdl/UpgradeSystemFirmware"'
    only(
        heard(post("/onvif/device_service", body, kind), answer(b"", SOAP)),
        **whole(PLAIN, via="onvif", signs=("call",)),
    )


@pytest.mark.parametrize(
    ("said", "via", "operation"),
    [
        (post("/ISAPI/System/reboot", b"", method="PUT"), "isapi", "reboot"),
        (post("/ISAPI/System/upgradeEhome", b"<x/>", "application/xml", method="PUT"), "isapi", "fetch"),
        (get("/cgi-bin/magicBox.cgi?action=reboot"), "cgi", "reboot"),
        (get("/cgi-bin/upgrader.cgi?action=updateFirmwareByUrl&Url=http://x/y"), "cgi", "fetch"),
        (post("/RPC2", b'{"method":"upgrader.execute","id":1}', "application/json"), "rpc", "install"),
        (post("/cgi-bin/api.cgi?token=x", b'[{"cmd":"UpgradeOnline"}]', "application/json"), "reolink", "fetch"),
        (get("/cgi-bin/api.cgi?cmd=Reboot"), "reolink", "reboot"),
        (post("/onvif/device_service", ENVELOPE.format("<SystemReboot/>").encode(), SOAP), "onvif", "reboot"),
        (post("/LAPI/V1.0/System/Upgrade", b'{"UpgradeType":3}', "application/json"), "lapi", "install"),
    ],
)  # fmt: skip
def test_calls_that_bring_no_image(said: Said, via: str, operation: str) -> None:
    """They are told when asked, and again with the answer."""
    facts = heard(said, answer(b"<ok/>", "text/xml"))
    assert calls(facts) == [(via, operation, None), (via, operation, True)]
    assert transfers(facts) == []


@pytest.mark.parametrize(
    ("via", "asked", "body"),
    [
        ("rpc", post("/RPC2", b'{"method":"upgrader.execute"}', "application/json"), b'{"result":false}'),
        ("reolink", get("/cgi-bin/api.cgi?cmd=UpgradeOnline"), b'[{"cmd":"UpgradeOnline","code":1,"error":{}}]'),
        ("onvif", post("/onvif/device_service", ENVELOPE.format("<SystemReboot/>").encode(), SOAP), ENVELOPE.format("<s:Fault/>").encode()),
    ],
)  # fmt: skip
def test_a_refusal_that_http_calls_ok(via: str, asked: Said, body: bytes) -> None:
    """The device's own word decides."""
    assert calls(heard(asked, answer(body, "application/json")))[1:][0][2] is False


@pytest.mark.parametrize(
    "said",
    [
        post("/upload", b"\0\0\0\x18ftypmp42" + bytes(9000), "video/mp4"),
        post("/upload", b"\xff\xd8\xff\xe0" + bytes(9000)),
        post("/upload", *form(('Content-Disposition: form-data; name="f"; filename="a.jpg"', b"\xff\xd8\xff" + bytes(9000)))),
        post("/ISAPI/System/updateFirmware/x", b"", method="GET"),
        get("/ISAPI/System/deviceInfo"),
        get("/cgi-bin/magicBox.cgi?action=getSoftwareVersion"),
        post("/RPC2", b'{"method":"magicBox.getDeviceType"}', "application/json"),
    ],
)  # fmt: skip
def test_what_is_no_push(said: Said) -> None:
    """Video, pictures and questions."""
    assert heard(said, answer(b"ok", "text/plain")) == []


def test_an_image_posted_to_anywhere() -> None:
    """A format of its own needs no call, nor does a form's file with a name of one."""
    only(heard(post("/goform/x", DAV), answer()), **whole(DAV, via="http", signs=("magic",)))
    only(heard(post("/upload.htm", *form(('Content-Disposition: form-data; name="u"; filename="cpp7.fw"', PLAIN))), answer()), **whole(PLAIN, signs=("name",)))  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "body", "check"),
    [
        (get("/router/firmware/query.aspx?model=DCH-S150"), b"<FW_Version><Major>01", FirmwareCheck("http", "http://up.example/router/firmware/query.aspx?model=DCH-S150")),
        (get("/fota/latest.json?fw_version=1.2"), b'{"version":"1.3"}', FirmwareCheck("http", "http://up.example/fota/latest.json?fw_version=1.2", "1.2", "1.3")),
        (get("/ISAPI/System/onlineUpgrade/version?check=true"), b"<x><firmwareVersion>V5.7.3</firmwareVersion>", FirmwareCheck("isapi", "http://up.example/ISAPI/System/onlineUpgrade/version?check=true", None, "V5.7.3")),
        (get("/cgi-bin/api.cgi?cmd=CheckFirmware"), b"[]", FirmwareCheck("reolink", "http://up.example/cgi-bin/api.cgi?cmd=CheckFirmware")),
    ],
)  # fmt: skip
def test_a_version_check(asked: Said, body: bytes, check: FirmwareCheck) -> None:
    """Who asks, of which version, and which one there is."""
    assert heard(asked, answer(body, "text/xml")) == [check]


def test_a_check_that_nobody_answers() -> None:
    """Is one still; an error's answer is none."""
    assert len(heard(get("/fota/check"))) == 1
    assert heard(get("/fota/check"), answer(b"no", "text/plain", status="404 No")) == []


def test_answers_of_devices_are_handed_on() -> None:
    """Text, XML and JSON, as far as there is room, with the question; the image of a passing client is not."""
    read: list[tuple[str, str, bytes, str | None]] = []

    def take(api: str, question: str, body: bytes, kind: str | None) -> list[Fact]:
        read.append((api, question, body, kind))
        return [CapabilityStated(api, question, ())]

    exchange = Exchange(Answers(lambda method, uri, action, start: ("isapi", uri), take))
    client, server = Parser(exchange), Parser(exchange)
    for path, body in (
        ("/ISAPI/System/capabilities", b"<DeviceCap/>"),
        ("/ISAPI/long", b"<" * 300_000),
        ("/page", b"<p>"),
    ):
        client.feed(get(path)[1] or b"")
        server.feed(answer(body, "application/xml")[1] or b"")
    assert read == [("isapi", "/ISAPI/System/capabilities", b"<DeviceCap/>", "application/xml")]


def test_an_image_of_any_length_is_held_by_no_one() -> None:
    """A gigabyte is announced: the parser goes on, and keeps nothing but the first octets."""
    client, server = pair(40000, 80)
    client.feed(get()[1] or b"")
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n" + ELF)
    for _ in range(100):
        server.feed(bytes(1448))
    assert server.want is Want.MORE
    assert server.behind() == b""
    (transfer,) = server.ended(False)
    assert isinstance(transfer, FirmwareTransfer)
    assert transfer.bytes == len(ELF) + 144_800


CONVERSATIONS = [
    [get(), answer(ELF)], [get(), chunked(ELF[:3000])], [get(), ranged(0, 4000), get(), ranged(4000, len(ELF))], pieces([0, 1, 2]),
    [post(UPLOADS[0][2], DAV, method="PUT"), answer()], [post("/fw", *form(('Content-Disposition: form-data; name="u"; filename="cpp7.fw"', PLAIN)))],
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CONVERSATIONS), st.integers(1, 5000))
def test_any_split_gives_equal_facts(said: list[Said], step: int) -> None:
    """Facts do not depend on how the streams were cut into segments."""
    assert heard(*said, step=step) == heard(*said)


ENCIPHERED = b"v1.0 of 2026-05-04 for HX7" + bytes(range(128, 256)) * 30
"""An image that nobody knows; its first octets can be read."""
XM = b"PK\x03\x04" + bytes(300) + b"InstallDesc" + bytes(4000)
TEXT = b"Firmware 2.0 is here. " * 200
CUTS = (1, 3, 7, 8, 9, 14, 26, 63, 64, 65, 500, 2047, 2048, 2049)
DAV_WITHOUT_END = b'--b0undary\r\nContent-Disposition: form-data; name="u"; filename="a"\r\n\r\n' + DAV + b"\r\n--b0"
FIELD = 'Content-Disposition: form-data; name="u"; filename="{}"'


@pytest.mark.parametrize("step", CUTS)
@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([get("/up/firmware.bin"), answer(ENCIPHERED)], True),
        ([get("/up/firmware.bin"), answer(TEXT)], False),
        ([get("/up/firmware.bin"), answer(ENCIPHERED[:40])], True),
        ([get("/up/firmware.bin"), answer(gzip.compress(ENCIPHERED), more="Content-Encoding: gzip\r\n")], True),
        ([get("/up/firmware.bin"), answer(gzip.compress(TEXT), more="Content-Encoding: gzip\r\n")], False),
        ([get("/up/firmware.bin"), answer(gzip.compress(XM), more="Content-Encoding: gzip\r\n")], True),
        ([get("/up/x"), answer(XM)], True),
        ([get("/up/x"), answer(XM.replace(b"InstallDesc", b"OtherThings"))], False),
        ([get("/up/x"), answer(ENCIPHERED)], False),
        ([post("/up", *form((FIELD.format("a"), XM)))], True),
        ([post("/up", *form((FIELD.format("a"), XM.replace(b"InstallDesc", b"OtherThings"))))], False),
        ([post("/up", *form((FIELD.format("a"), b"PK\x03\x04")))], False),
        ([post("/up", *form((FIELD.format("a"), DAV)))], True),
        ([post(UPLOADS[0][2], *form((FIELD.format(""), b""), (FIELD.format("a"), DAV)))], True),
        ([post("/up", *form((FIELD.format("sum"), TEXT), (FIELD.format("b"), b"abc"), (FIELD.format("a"), DAV)))], True),
        ([post("/up", *form((FIELD.format("a"), TEXT * 20), (FIELD.format("b"), DAV)))], False),
        ([post("/up", DAV_WITHOUT_END, "multipart/form-data; boundary=b0undary")], True),
    ],
)  # fmt: skip
def test_what_is_an_image_does_not_depend_on_the_cuts(said: list[Said], found: bool, step: int) -> None:
    """The first segment of a file may end after a few octets that read like a text, or before what tells a ZIP."""
    assert bool(transfers(heard(*said))) is found
    assert heard(*said, step=step) == heard(*said)


@pytest.mark.parametrize("step", CUTS)
@pytest.mark.parametrize(
    ("name", "body", "found"),
    [("firmware.bin", ENCIPHERED, True), ("firmware.bin", TEXT, False), ("a", XM, True), ("a", ENCIPHERED, False)],
)
def test_nor_does_a_file_of_ftp(name: str, body: bytes, found: bool, step: int) -> None:
    session = ftp_transfer.Session()
    session.name, session.operation, session.mode = name, "read", "image"
    told = []
    for size in (step, len(body)):
        parser = ftp_transfer.Parser(session, "10.20.0.2")
        for start in range(0, len(body), size):
            if parser.want is not Want.STOP:
                assert parser.feed(body[start : start + size]) == []
        told.append(parser.ended(True))
    assert told[0] == told[1]
    assert bool(told[0]) is found


def test_mutants_tell_no_lies() -> None:
    """Damaged conversations raise nothing; a hash is told of a complete file alone, one fact for each message at most."""
    for said in CONVERSATIONS:
        for number, broken in enumerate(mutants([data or b"" for _, data in said], 150, 5)):
            for place in range(len(said)):
                changed = [*said[:place], (said[place][0], broken), *said[place + 1 :]]
                found = transfers(heard(*changed, step=(number % 3) * 701))
                assert len(found) <= 4 * len(said)
                assert all(fact.complete or fact.sha256 is None for fact in found)
