"""WS-UsernameToken with a password digest (OASIS WSS UsernameToken Profile 1.1, 3.1), as of ONVIF. Sans-I/O."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collectors.credentials import Secret

SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
ENCODING: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
NONCE: Final = 16
"""Octets."""
AHEAD: Final = timedelta(hours=26)
"""How far a device's clock may be ahead: a wrong time zone (UTC-12 taken for UTC+14). Whoever says more collects
tokens for later."""
_UTC: Final = b"UTCDateTime>"
_WITHIN: Final = 2048
"""Octets after its begin in which the six numbers of a date stand; some 350 are needed."""


def clock_offset(body: bytes, now: datetime) -> timedelta:
    """How far the device's clock is ahead, as GetSystemDateAndTime says; nothing where it says nothing usable."""
    _, found, after = body.partition(_UTC)
    if not found:
        return timedelta()
    date = after[:_WITHIN].partition(_UTC)[0]
    fields = []
    for name in (b"Year", b"Month", b"Day", b"Hour", b"Minute", b"Second"):
        value = re.search(rb"<(?:[\w.-]{1,64}:)?" + name + rb"\s*>\s*(\d{1,4})\s*<", date)
        if value is None:
            return timedelta()
        fields.append(int(value[1]))
    try:
        theirs = datetime(*fields, tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers
    except ValueError:
        return timedelta()
    offset = theirs - now
    return offset if offset <= AHEAD else timedelta()


def header(user: str, password: Secret, created: datetime, nonce: bytes) -> str:
    """The Security header of an envelope."""
    stamp = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    digest = hashlib.sha1(nonce + stamp.encode() + password.reveal().encode(), usedforsecurity=False).digest()
    return (
        f'<Security xmlns="{SECURITY}" s:mustUnderstand="1"><UsernameToken>'
        f"<Username>{escape(user)}</Username>"
        f'<Password Type="{PROFILE}">{base64.b64encode(digest).decode()}</Password>'
        f'<Nonce EncodingType="{ENCODING}">{base64.b64encode(nonce).decode()}</Nonce>'
        f'<Created xmlns="{UTILITY}">{stamp}</Created>'
        "</UsernameToken></Security>"
    )
