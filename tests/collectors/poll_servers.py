"""Real HTTP servers on 127.0.0.1 for polls: honest ones that check log-ins themselves, and raw ones that misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from collectors.poll.asking import ask
from collectors.poll.standing import Standing
from collectors.poll.target import Api, Limits, Target

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from collectors.poll.reply import Reply

USER = "watcher"
PASSWORD = "correct horse battery staple"
SHORT = Limits(question_s=5, poll_s=20, silent=3)


class Asked:
    """A request as it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes, raw: bytes) -> None:
        self.method, self.path, self.headers, self.body, self.raw = method, path, headers, body, raw

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")

    def field(self, name: str) -> str:
        found = re.search(rf'\b{name}=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', self.authorization)
        return (found[1] if found[1] is not None else found[2]) if found else ""


class Site:
    """A server and what it received."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.octets = bytearray()
        self.port = 0

    def target(self, **changes: Any) -> Target:
        given = Target("cam", ip_address("127.0.0.1"), self.port, (Api.ISAPI,), special=True)
        return given._replace(**changes)


@asynccontextmanager
async def serving(
    answer: Callable[..., Any], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Site]:
    """``answer(asked, writer)``: octets to send and close, or None where it wrote itself."""
    site = Site()
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        site.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = lines[0].split(" ", 2)
            site.octets += head + body
            asked = Asked(method, path, headers, body, head + body)
            site.asked.append(asked)
            given = answer(asked, writer)
            if asyncio.iscoroutine(given):
                given = await given
            if given is not None:
                writer.write(given)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort() if tls is not None and writer.is_closing() else writer.close()

    server = await asyncio.start_server(one, host, 0, ssl=tls, limit=2**20)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)


def response(status: int = 200, body: bytes = b"<DeviceInfo/>", *headers: str, kind: str = "application/xml") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class DigestServer:
    """Checks Digest as RFC 7616 says, each answer by computing it anew."""

    def __init__(
        self, algorithms: tuple[str, ...] = ("SHA-256", "MD5"), *, realm: str = "DS-2CD2146", once: bool = False
    ) -> None:
        self.algorithms, self.realm, self.once = algorithms, realm, once
        self.opaque = "0123opaque"
        self.serial = 0
        self.used: dict[str, int] = {}
        self.refused = 0
        self.userhash = False
        self.page: Callable[[Asked], bytes] = lambda _: response()

    def challenge(self, *, stale: bool = False) -> bytes:
        self.serial += 1
        nonce = f"nonce-{self.serial}"
        self.used[nonce] = 0
        extra = (", stale=true" if stale else "") + (", userhash=true" if self.userhash else "")
        lines = [
            f'WWW-Authenticate: Digest realm="{self.realm}", qop="auth", nonce="{nonce}", opaque="{self.opaque}", '
            f"algorithm={algorithm}{extra}"
            for algorithm in self.algorithms
        ]
        return response(401, b"", *lines)

    def __call__(self, asked: Asked, _: asyncio.StreamWriter) -> bytes:
        if not asked.authorization:
            return self.challenge()
        nonce, count = asked.field("nonce"), int(asked.field("nc") or "0", 16)
        if nonce not in self.used or (self.once and self.used[nonce]):
            return self.challenge()
        algorithm = asked.field("algorithm") or "MD5"
        function = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}[algorithm]

        def hashed(text: str) -> str:
            return function(text.encode()).hexdigest()

        first = hashed(f"{USER}:{self.realm}:{PASSWORD}")
        expected = hashed(
            f"{first}:{nonce}:{asked.field('nc')}:{asked.field('cnonce')}:auth:{hashed(f'{asked.method}:{asked.path}')}"
        )
        name = hashed(f"{USER}:{self.realm}") if self.userhash else USER
        good = (
            asked.field("response") == expected
            and asked.field("username") == name
            and asked.field("uri") == asked.path
            and asked.field("opaque") == self.opaque
            and count == self.used[nonce] + 1
        )
        if not good:
            self.refused += 1
            return self.challenge()
        self.used[nonce] = count
        return self.page(asked)


class TokenServer:
    """ONVIF with WS-UsernameToken: checks the digest, the time and that no nonce comes twice."""

    def __init__(self, *, ahead_s: int = 0, http: DigestServer | None = None) -> None:
        self.ahead_s, self.http = ahead_s, http
        self.nonces: set[bytes] = set()
        self.refused = 0
        self.services = "http://192.0.2.66:8080/onvif/{name}?x=1"
        self.actions: list[str] = []
        self.names = {
            "http://www.onvif.org/ver10/device/wsdl": "device_service",
            "http://www.onvif.org/ver10/media/wsdl": "media",
            "http://www.onvif.org/ver20/analytics/wsdl": "analytics",
            "http://www.onvif.org/ver10/events/wsdl": "events",
        }

    def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> bytes:
        import datetime

        name = re.search(rb"<s:Body><(\w+) xmlns=", asked.body)
        assert name is not None
        action = name[1].decode()
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.ahead_s)
        if action == "GetSystemDateAndTime":
            self.actions.append(action)
            date = f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            return soap(
                f"<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>{date}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
            )
        if action == "GetServices":
            self.actions.append(action)
            services = "".join(
                f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{self.services.format(name=name)}</tds:XAddr></tds:Service>"
                for namespace, name in self.names.items()
            )
            return soap(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")
        if self.http is not None:
            answer = self.http(asked, writer)
            if answer.startswith(b"HTTP/1.1 401"):
                return answer
        elif not self.accepted(asked.body, now):
            self.refused += b"UsernameToken" in asked.body
            return fault("ter:NotAuthorized")
        self.actions.append(action)
        if action == "GetProfiles":
            return soap(
                '<trt:GetProfilesResponse><trt:Profiles token="P1"><tt:VideoAnalyticsConfiguration token="VAC&amp;1"/></trt:Profiles></trt:GetProfilesResponse>'
            )
        if action == "GetGeoLocation":
            return fault("ter:ActionNotSupported")
        return soap(f"<x:{action}Response/>")

    def accepted(self, body: bytes, now: Any) -> bool:
        import datetime

        def text(tag: str) -> bytes:
            found = re.search(rf"<{tag}[^>]*>([^<]*)</{tag}>".encode(), body)
            return found[1] if found else b""

        nonce, created = base64.b64decode(text("Nonce")), text("Created")
        expected = base64.b64encode(hashlib.sha1(nonce + created + PASSWORD.encode()).digest())
        if text("Username") != USER.encode() or text("Password") != expected or nonce in self.nonces:
            return False
        self.nonces.add(nonce)
        when = datetime.datetime.fromisoformat(created.decode())
        return abs((when - now).total_seconds()) < 5


def soap(inner: str, status: int = 200) -> bytes:
    body = f'<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{inner}</s:Body></s:Envelope>'
    return response(status, body.encode(), kind="application/soap+xml")


def fault(code: str, status: int = 400) -> bytes:
    return soap(
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code></s:Fault>",
        status,
    )


async def poll(target: Target, standing: Standing | None = None, limits: Limits = SHORT) -> list[Reply]:
    return [reply async for reply in ask(target, standing or Standing(), limits=limits)]


def password_file(folder: Path, text: str = PASSWORD) -> str:
    path = folder / "password"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return str(path)
