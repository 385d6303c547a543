"""What is asked: only what reads; and what an answer means."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from collectors.credentials import Secret
from collectors.poll import onvif, reolink
from collectors.poll.asking import PLAIN
from collectors.poll.client import Request, Response
from collectors.poll.login import Credentials
from collectors.poll.reply import Outcome
from collectors.poll.target import Api
from tests.collectors.poll_servers import USER, Asked, DigestServer, password_file, poll, response, serving

READS = {
    Api.ISAPI: r"GET /ISAPI/(?!.*(update|reboot|reset|check|download))[\w/]+",
    Api.DAHUA: r"GET /cgi-bin/\w+\.cgi\?action=get[A-Z]\w+(&(name|channel)=\w+)?",
    Api.SUNAPI: r"GET /stw-cgi/(\w+\.cgi\?msubmenu=\w+&action=view|attributes\.cgi/attributes)",
    Api.LAPI: r"GET /LAPI/V1\.0/(?!.*(Reboot|Reset|Upgrade|Upload|Login))[\w/]+",
    Api.VAPIX: r"GET /axis-cgi/(param\.cgi\?action=list&group=root\.\w+|applications/list\.cgi)"
    r"|POST /axis-cgi/(basicdeviceinfo|apidiscovery)\.cgi",
}
JSON_READS = {b'"method":"getAllProperties"', b'"method":"getApiList"'}


def test_no_question_changes_anything() -> None:
    """GETs that read, and POSTs of known actions that read; each key once."""
    for api, interface in PLAIN.items():
        for question in interface.questions:
            assert re.fullmatch(READS[api], f"{question.method} {question.path}"), question
            assert (question.method == "POST") == bool(question.body)
            if question.body:
                assert any(read in question.body for read in JSON_READS)
        keys = [question.key for question in interface.questions]
        assert len(set(keys)) == len(keys)


def test_no_action_of_onvif_or_command_of_reolink_changes_anything() -> None:
    """Their names begin with Get; Reolink's session is opened and closed."""
    for action in onvif.ACTIONS:
        assert re.fullmatch(r"Get[A-Z]\w+", action.name)
        assert action.name.encode() in onvif.envelope(action, "/x").body
    assert all(re.fullmatch(r"Get[A-Z]\w+", command) for command in reolink.COMMANDS)
    assert b'"cmd":"Login"' in reolink.login(Credentials("u", Secret("p"))).body
    assert b'"cmd":"Logout"' in reolink.logout("t").body


def test_the_keys_that_others_know() -> None:
    """Parsers and simulated cameras name the same."""
    keys = {api: {question.key for question in interface.questions} for api, interface in PLAIN.items()}
    assert {"System/deviceInfo", "System/Network/EZVIZ", "Event/notification/httpHosts"} <= keys[Api.ISAPI]
    assert {"magicBox.cgi getSoftwareVersion", "configManager.cgi getConfig T2UServer"} <= keys[Api.DAHUA]
    assert {
        "basicdeviceinfo.cgi getAllProperties",
        "apidiscovery.cgi getApiList",
        "applications/list.cgi",
        "param.cgi root.Network",
    } <= keys[Api.VAPIX]
    assert "system.cgi deviceinfo" in keys[Api.SUNAPI]
    assert "System/DeviceInfo" in keys[Api.LAPI]
    assert "GetDevInfo" in reolink.COMMANDS


@pytest.mark.parametrize("api", list(PLAIN))
async def test_every_question_arrives_as_it_stands(api: Api, tmp_path: Path) -> None:
    """In order, each with a reply of its own that holds the answer's octets."""
    server = DigestServer()
    server.page = lambda asked: response(200, asked.path.encode(), kind="text/plain")
    async with serving(server) as site:
        replies = await poll(site.target(apis=(api,), user=USER, password_file=password_file(tmp_path)))
    questions = PLAIN[api].questions
    assert [reply.question for reply in replies] == [question.key for question in questions]
    assert [reply.body.decode() for reply in replies] == [question.path for question in questions]
    assert {(reply.device, reply.api, reply.status, reply.content_type) for reply in replies} == {
        ("cam", api.value, 200, "text/plain")
    }


def seen(status: int, body: bytes = b"") -> Response:
    return Response(status, (), body)


NOT_SUPPORTED = b"<ResponseStatus><statusCode>4</statusCode><subStatusCode>notSupport</subStatusCode></ResponseStatus>"
PRIVILEGE = b"<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>"
SOAP_FAULT = (
    b"<s:Envelope><s:Body><s:Fault><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Fault></s:Body></s:Envelope>"
)


@pytest.mark.parametrize(
    ("api", "given", "outcome"),
    [
        (Api.ISAPI, seen(200, b"<DeviceInfo/>"), Outcome.ANSWERED),
        (Api.ISAPI, seen(403, NOT_SUPPORTED), Outcome.UNSUPPORTED),
        (Api.ISAPI, seen(200, NOT_SUPPORTED), Outcome.UNSUPPORTED),
        (Api.ISAPI, seen(403, PRIVILEGE), Outcome.REFUSED),
        (Api.ISAPI, seen(200, PRIVILEGE), Outcome.FAILED),
        (Api.ISAPI, seen(404), Outcome.UNSUPPORTED),
        (Api.ISAPI, seen(503), Outcome.FAILED),
        (Api.DAHUA, seen(400, b"Error\r\nBad Request!\r\n"), Outcome.UNSUPPORTED),
        (Api.DAHUA, seen(200, b"Error\r\nNot Implemented\r\n"), Outcome.UNSUPPORTED),
        (Api.DAHUA, seen(200, b"version=2.800\r\n"), Outcome.ANSWERED),
        (Api.SUNAPI, seen(200, b"NG\r\nError Code: 608\r\nError Details: x"), Outcome.UNSUPPORTED),
        (Api.SUNAPI, seen(200, b'{"Response": "Fail", "Error": {"Code": 608}}'), Outcome.UNSUPPORTED),
        (Api.SUNAPI, seen(200, b"NG\r\nError Code: 607\r\n"), Outcome.FAILED),
        (Api.LAPI, seen(200, b'{"Response":{"ResponseCode":0,"Data":{}}}'), Outcome.ANSWERED),
        (Api.LAPI, seen(200, b'{"Response":{"ResponseCode":2,"ResponseString":"Not Supported"}}'), Outcome.UNSUPPORTED),
        (Api.LAPI, seen(200, b'{"Response":{"ResponseCode":3,"ResponseString":"Busy"}}'), Outcome.FAILED),
        (Api.VAPIX, seen(405), Outcome.UNSUPPORTED),
        (Api.VAPIX, seen(401), Outcome.REFUSED),
    ],
)
def test_what_an_answer_means(api: Api, given: Response, outcome: Outcome) -> None:
    """Interfaces say no in their own ways; unknown is not no."""
    assert PLAIN[api].judge(given).outcome is outcome


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (seen(200, b"<s:Envelope/>"), Outcome.ANSWERED),
        (seen(400, SOAP_FAULT % b"ter:ActionNotSupported"), Outcome.UNSUPPORTED),
        (seen(500, SOAP_FAULT % b"ter:ActionNotSupported"), Outcome.UNSUPPORTED),
        (seen(500, SOAP_FAULT % b"ter:Action"), Outcome.FAILED),
        (seen(400, SOAP_FAULT % b"ter:NotAuthorized"), Outcome.REFUSED),
        (seen(400), Outcome.UNSUPPORTED),
        (seen(200, SOAP_FAULT % b"ter:Action"), Outcome.FAILED),
        (seen(403), Outcome.REFUSED),
    ],
)
def test_what_a_fault_means(given: Response, outcome: Outcome) -> None:
    assert onvif.judge(given).outcome is outcome


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'[{"cmd":"X","code":0,"value":{"DevInfo":{}}}]', Outcome.ANSWERED),
        (b'[{"cmd":"X","code":1,"error":{"rspCode":-9}}]', Outcome.UNSUPPORTED),
        (b'[{"cmd":"X","code":0,"error":{"rspCode":-9}}]', Outcome.UNSUPPORTED),
        (b'[{"cmd":"X","code":1,"error":{"rspCode":-6}}]', Outcome.REFUSED),
        (b'[{"cmd":"X","code":1,"error":{"rspCode":-1}}]', Outcome.FAILED),
        (b"[]", Outcome.FAILED),
        (b"[" * 100_000, Outcome.FAILED),
        (b"<html>", Outcome.FAILED),
    ],
)
def test_what_reolinks_codes_mean(body: bytes, outcome: Outcome) -> None:
    assert reolink.judge(seen(200, body)).outcome is outcome


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://192.168.1.64/onvif/Media", "/onvif/Media"),
        ("https://evil.example:8443/onvif/media?a=b&amp;c=d", "/onvif/media?a=b&c=d"),
        ("http://[fe80::1]/onvif/m", "/onvif/m"),
        ("http://192.168.1.64", "/"),
        ("ftp://192.168.1.64/x", None),
        ("/onvif/media", None),
        ("http://x/a&#13;&#10;b", None),
        ("http://x/\u00e9", None),
        ("http://x/" + "a" * 300, None),
    ],
)
def test_an_advertised_address_is_only_a_path(address: str, path: str | None) -> None:
    """Whatever host it names; and nothing that could not stand in a request line."""
    body = f"<S><Namespace>{onvif.Service.MEDIA}</Namespace><XAddr>{address}</XAddr></S>".encode()
    assert onvif.paths(body).get(onvif.Service.MEDIA) == path


def test_older_devices_say_it_in_their_capabilities() -> None:
    body = (
        b"<tt:Analytics><tt:XAddr>http://x/an</tt:XAddr></tt:Analytics>"
        b'<tt:Media a="b">\n <tt:XAddr> http://x/me </tt:XAddr></tt:Media>'
    )
    assert onvif.paths(body) == {onvif.Service.ANALYTICS: "/an", onvif.Service.MEDIA: "/me"}


def test_a_token_is_text_in_a_request() -> None:
    """A device's token cannot become markup."""
    rules = next(action for action in onvif.ACTIONS if action.name == "GetSupportedRules")
    token = onvif.configuration(b'<tt:VideoAnalyticsConfiguration token="a&lt;b&gt;&amp;"><x/>')
    assert token == "a<b>&"
    request = onvif.envelope(rules, "/x", token=token)
    assert isinstance(request, Request)
    assert b"<ConfigurationToken>a&lt;b&gt;&amp;</ConfigurationToken>" in request.body


async def test_silence_ends_a_poll_and_one_lost_answer_does_not() -> None:
    """Three questions in a row without any answer; a fourth is not asked."""
    numbers = iter(range(1000))

    def every_third(_: Asked, writer: asyncio.StreamWriter) -> bytes:
        return b"" if next(numbers) % 3 else response()

    async with serving(every_third) as site:
        replies = await poll(site.target())
    assert len(replies) == len(PLAIN[Api.ISAPI].questions)
    async with serving(lambda *_: b"") as site:
        replies = await poll(site.target())
    assert [reply.why for reply in replies] == ["closed without an answer"] * 3
    assert site.connections == 3
