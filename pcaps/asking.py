"""Questions and calls that somebody puts to a device over HTTP, logged in by Digest (RFC 7616)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pcaps import messages, packets
from pcaps.wire import LAN_RTT, SECOND, Connection

if TYPE_CHECKING:
    from random import Random

    from pcaps.packets import Host
    from pcaps.wire import Wire

HTTP: Final = "HTTP/1.1"
USER: Final = "admin"
PASSWORD: Final = "made-up"  # noqa: S105  of nobody
XML: Final = "application/xml"
DONE: Final = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<ResponseStatus version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<statusCode>1</statusCode><statusString>OK</statusString><subStatusCode>ok</subStatusCode>
</ResponseStatus>
"""
"""What ISAPI answers to what it has done."""


class Session:
    """One connection to a device's HTTP server; the first request is refused, those behind it carry the log-in."""

    def __init__(self, wire: Wire, client: Host, device: Host, rng: Random, *, at: int, realm: str) -> None:
        self._line = Connection(wire, client, device, 80, at=at, rng=rng, rtt=LAN_RTT)
        self._line.open()
        self._host = packets.text(device.ip)
        self._realm = realm
        self._rng = rng
        self._nonce = ""
        self._count = 0

    def ask(self, uri: str, answer: bytes, kind: str = XML) -> None:
        """GET, and what the device answers."""
        self.call("GET", uri, b"", answer, kind)

    def call(self, method: str, uri: str, body: bytes, answer: bytes = DONE, kind: str = XML) -> None:
        """Any request. What is refused for want of a log-in is sent without its body, as curl does."""
        if not self._nonce:
            self._nonce = self._rng.randbytes(16).hex()
            self._line.say(messages.request(method, uri, HTTP, {"Host": self._host, "Content-Length": "0"}))
            challenge = f'Digest qop="auth", realm="{self._realm}", nonce="{self._nonce}"'
            refusal = {"WWW-Authenticate": challenge, "Content-Length": "0"}
            self._line.hear(messages.response("401 Unauthorized", HTTP, refusal))
        headers = {"Host": self._host, "Authorization": self._login(method, uri)}
        if body:
            headers["Content-Type"] = "application/octet-stream"
        self._line.say(messages.request(method, uri, HTTP, headers, body))
        self._line.hear(messages.response("200 OK", HTTP, {"Content-Type": kind}, answer))
        self._line.now += SECOND // 4

    def close(self) -> int:
        """Returns when it is over."""
        self._line.close()
        return self._line.now

    def _login(self, method: str, uri: str) -> str:
        self._count += 1
        count, own = f"{self._count:08x}", self._rng.randbytes(4).hex()
        who, what = _md5(f"{USER}:{self._realm}:{PASSWORD}"), _md5(f"{method}:{uri}")
        response = _md5(f"{who}:{self._nonce}:{count}:{own}:auth:{what}")
        return (
            f'Digest username="{USER}", realm="{self._realm}", nonce="{self._nonce}", uri="{uri}", qop=auth, '
            f'nc={count}, cnonce="{own}", response="{response}"'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def isapi(root: str, body: str) -> bytes:
    """A document of ISAPI."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">'
    return f"{head}\n{body}\n</{root}>\n".encode()


def device_info(name: str, model: str, mac: str, version: str, released: str) -> bytes:
    """ISAPI System/deviceInfo."""
    return isapi(
        "DeviceInfo",
        f"<deviceName>{name}</deviceName><deviceType>IPCamera</deviceType><model>{model}</model>"
        f"<serialNumber>{model}20240117AAWR{mac.replace(':', '')[-8:].upper()}</serialNumber>"
        f"<macAddress>{mac}</macAddress><firmwareVersion>{version}</firmwareVersion>"
        f"<firmwareReleasedDate>{released}</firmwareReleasedDate>",
    )


def system_capabilities(network: dict[str, bool], smart: dict[str, bool]) -> bytes:
    """ISAPI System/capabilities, the parts that say what the device can do."""
    parts = [
        "".join(f"<{name}>{str(there).lower()}</{name}>" for name, there in each.items()) for each in (network, smart)
    ]
    return isapi("DeviceCap", f"<SysCap><NetworkCap>{parts[0]}</NetworkCap></SysCap>\n<SmartCap>{parts[1]}</SmartCap>")


def switch(root: str, on: bool) -> bytes:  # noqa: FBT001
    """A page of ISAPI's settings that has a switch."""
    return isapi(root, f"<enabled>{str(on).lower()}</enabled>")
