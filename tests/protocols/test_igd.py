"""UPnP port mappings in HTTP requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import HttpRequest, PortMapping
from monitor.protocols import igd
from monitor.protocols.http import Parser
from tests.protocols.hostile import everything

ENVELOPE = (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<u:{action} xmlns:u="urn:schemas-upnp-org:service:{service}">{arguments}</u:{action}></s:Body></s:Envelope>\r\n'
)
ADD = (
    "<NewRemoteHost></NewRemoteHost><NewExternalPort>8554</NewExternalPort><NewProtocol>TCP</NewProtocol>"
    "<NewInternalPort xmlns:dt='x' dt:dt='ui2'> 554 </NewInternalPort><NewInternalClient>192.168.1.10</NewInternalClient>"
    "<NewEnabled>1</NewEnabled><NewPortMappingDescription>cam</NewPortMappingDescription>"
    "<NewLeaseDuration>3600</NewLeaseDuration>"
)


def request(action: str, arguments: str, service: str = "WANIPConnection:1", *, chunked: bool = False) -> bytes:
    body = ENVELOPE.format(action=action, service=service, arguments=arguments).encode()
    head = (
        f"POST /ctl HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n"
        f'SOAPAction: "urn:schemas-upnp-org:service:{service}#{action}"\r\n'
    )
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:200], body[200:]))
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + pieces + b"0\r\n\r\n"


POSTED = HttpRequest("POST", "192.168.1.1", "/ctl", None)
MAPPED = PortMapping("upnp", "request", "tcp", 554, 8554, 3600)


@pytest.mark.parametrize(
    ("stream", "fact"),
    [
        (request("AddPortMapping", ADD), MAPPED),
        (request("AddPortMapping", ADD, chunked=True), MAPPED),
        (request("AddAnyPortMapping", ADD, "WANIPConnection:2"), MAPPED),
        (request("AddPortMapping", ADD, "WANPPPConnection:1"), MAPPED),
        (
            request("AddPortMapping", ADD.replace("3600", "0").replace("TCP", "udp")),
            PortMapping("upnp", "request", "udp", 554, 8554, None),
        ),
        (
            request("DeletePortMapping", "<NewExternalPort>8554</NewExternalPort><NewProtocol>UDP</NewProtocol>"),
            PortMapping("upnp", "request", "udp", None, 8554, 0),
        ),
        (
            request(
                "AddPinhole",
                "<InternalPort>554</InternalPort><Protocol>6</Protocol><LeaseTime>60</LeaseTime>",
                "WANIPv6FirewallControl:1",
            ),
            PortMapping("upnp", "request", "tcp", 554, None, 60),
        ),
        (
            request("AddPortMapping", "<NewExternalPort>70000</NewExternalPort><NewProtocol>SCTP</NewProtocol>"),
            PortMapping("upnp", "request", None, None, None, None),
        ),
    ],
)
def test_synthetic_requests(stream: bytes, fact: PortMapping) -> None:
    """Ports, transport and lease; a lease of 0 has no end and is not told as the removal that 0 stands for."""
    assert everything(Parser(), stream) == [POSTED, fact]
    assert everything(Parser(), stream, *range(1, len(stream))) == [POSTED, fact]


STREAM = (
    request("AddPortMapping", ADD) + request("GetExternalIPAddress", "") + request("AddPortMapping", ADD, chunked=True)
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_cuts_make_no_difference(cuts: list[int]) -> None:
    """Of three requests in one connection two map a port; wherever segments end."""
    assert everything(Parser(), STREAM, *cuts) == [POSTED, MAPPED, POSTED, POSTED, MAPPED]


@pytest.mark.parametrize(
    "action",
    [
        "urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress",
        "urn:schemas-upnp-org:service:RenderingControl:1#AddPortMapping",
        "AddPortMapping",
        "http://www.onvif.org/ver10/device/wsdl/GetSystemDateAndTime",
    ],
)
def test_other_actions(action: str) -> None:
    """Other actions and services are none of this."""
    assert igd.action_of({b"soapaction": [action.encode()]}) is None


NOTHING_MORE = PortMapping("upnp", "request", None, None, None, None)


def test_a_body_that_does_not_come() -> None:
    """That a mapping was asked for stands, whatever happens to the body."""
    head = b'POST /ctl HTTP/1.1\r\nHost: 192.168.1.1\r\nSOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"\r\n'
    assert everything(Parser(), head + b"\r\n") == [POSTED, NOTHING_MORE]
    assert everything(Parser(), head + b"Content-Length: 9999999\r\n\r\n") == [POSTED, NOTHING_MORE]
    assert everything(Parser(), head + b"Content-Length: x\r\n\r\n")[:2] == [POSTED, NOTHING_MORE]
    assert everything(Parser(), head + b"Transfer-Encoding: chunked\r\n\r\nnone\r\n")[:2] == [POSTED, NOTHING_MORE]
    parser = Parser()
    stream = request("AddPortMapping", ADD)
    assert parser.feed(stream[: stream.index(b"<NewLeaseDuration")]) == [POSTED]
    parser.gap()
    assert parser.feed(b"") == [PortMapping("upnp", "request", "tcp", 554, 8554, None)]


def test_a_long_body_is_bounded() -> None:
    """Arguments behind MAX_BODY octets are not found, and not kept either."""
    stream = request("AddPortMapping", " " * igd.MAX_BODY + ADD)
    parser = Parser()
    parser.feed(stream[:-1])
    assert len(parser._soap) == igd.MAX_BODY
    assert parser.feed(stream[-1:]) == [NOTHING_MORE]


@given(st.binary(max_size=200).map(lambda data: data + b"<NewExternalPort>" + data))
def test_hostile_body(body: bytes) -> None:
    """Any octets are a request to map some port."""
    assert igd.mapping(b"AddPortMapping", body).role == "request"
