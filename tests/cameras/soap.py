"""SOAP 1.2 as ONVIF devices speak it: envelopes, faults, and WS-UsernameToken with a digest (WSS 1.1)."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from hashlib import sha1
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree

from aiohttp import web

from tests.cameras.phrasing import Element, Order, Phrasing, Qualified, element

if TYPE_CHECKING:
    from tests.cameras.life import Life

NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tan": "http://www.onvif.org/ver20/analytics/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tup": "http://www.onvif.org/ver10/uplink/wsdl",
    "tam": "http://www.onvif.org/ver10/appmgmt/wsdl",
    "tns1": "http://www.onvif.org/ver10/topics",
    "ter": "http://www.onvif.org/ver10/error",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items()}
SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST_TYPE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
FRESH: Final = timedelta(minutes=5)
"""How far `Created` may be from the camera's clock (WSS UsernameToken Profile 1.1, 3.1)."""
SOAP_TYPE: Final = "application/soap+xml"


class Call(NamedTuple):
    """What an envelope asks."""

    service: str
    """Prefix of its namespace in NAMESPACES; empty where it is none of them."""
    action: str
    body: ElementTree.Element
    token: ElementTree.Element | None
    """wsse:UsernameToken."""


def parsed(envelope: bytes) -> Call | None:
    """None for what is no SOAP envelope with one thing in its body."""
    try:
        root = ElementTree.fromstring(envelope)
    except ElementTree.ParseError:
        return None
    asked = root.find(f"{{{NAMESPACES['s']}}}Body/*")
    if asked is None:
        return None
    uri, _, action = asked.tag.lstrip("{").rpartition("}")
    return Call(PREFIXES.get(uri, ""), action, asked, root.find(f".//{{{SECURITY}}}UsernameToken"))


class TokenGate:
    """Checks UsernameTokens; a nonce is good once."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._seen: set[str] = set()

    def admits(self, token: ElementTree.Element) -> bool:
        said = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in token}
        password = token.find(f"{{{SECURITY}}}Password")
        created, nonce = said.get("Created", ""), said.get("Nonce", "")
        if password is None or password.get("Type") != DIGEST_TYPE or said.get("Username") != self._life.user:
            return False
        if nonce in self._seen or not self._fresh(created):
            return False
        raw = b64decode(nonce) + created.encode() + self._life.password.encode()
        good = hmac.compare_digest(b64encode(sha1(raw).digest()).decode(), said.get("Password", ""))
        if good:
            self._seen.add(nonce)
        return good

    def forget(self) -> None:
        self._seen.clear()

    def _fresh(self, created: str) -> bool:
        try:
            return abs(datetime.fromisoformat(created) - self._life.now()) <= FRESH
        except (ValueError, TypeError):
            return False


def envelope(
    phrasing: Phrasing, *content: Element, header: tuple[Element, ...] = (), status: int = 200
) -> web.Response:
    """All namespaces are declared at the root, as most devices do."""
    heads = (element("s:Header", *header),) if header else ()
    body = phrasing.xml(element("s:Envelope", *heads, element("s:Body", *content)), NAMESPACES, Order.RUNS)
    return web.Response(body=body, status=status, content_type=SOAP_TYPE, charset="utf-8")


def fault(phrasing: Phrasing, code: str, subcode: str, reason: str, detail: str | None = None) -> web.Response:
    """`code` is Sender (HTTP 400) or Receiver (500): SOAP 1.2 part 2, 7.5.2.2."""
    inner = element("s:Subcode", element("s:Value", Qualified("ter", detail))) if detail else None
    written = element(
        "s:Fault",
        element(
            "s:Code", element("s:Value", Qualified("s", code)),
            element("s:Subcode", element("s:Value", Qualified("ter", subcode)), inner),
        ),
        element("s:Reason", element("s:Text", {"xml:lang": "en"}, reason)),
    )  # fmt: skip
    return envelope(phrasing, written, status=400 if code == "Sender" else 500)
