"""A simulated camera, asked by the real client for a real engine, an hour of the engine's time each poll."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from collectors.poll.asking import World, ask
from collectors.poll.reply import Outcome
from collectors.poll.standing import Standing
from collectors.poll.target import Api, Limits, Target, Tls, Verification
from monitor.model.capabilities import Aspect
from monitor.model.incidents import Activity
from pcaps.wire import START, Connection
from tests.cameras.dahua import dahua
from tests.cameras.isapi import hikvision
from tests.cameras.lapi import uniview
from tests.cameras.onvif import onvif
from tests.cameras.reolink import reolink
from tests.cameras.sunapi import hanwha
from tests.cameras.vapix import axis
from tests.engine.played import Site, blocks, configured
from tests.engine.played import engine as played_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from collectors.poll.reply import Reply
    from monitor.app import Knowledge
    from monitor.ledger.ledger import Page
    from monitor.model.incidents import Transition
    from tests.cameras.serving import Camera

HOUR: Final = 3_600_000_000_000
QUICK: Final = Limits(question_s=2.0, poll_s=30.0)
CAMERAS: Final[dict[str, tuple[Api, Callable[[], Camera]]]] = {
    "isapi": (Api.ISAPI, hikvision),
    "dahua": (Api.DAHUA, dahua),
    "onvif, by token": (Api.ONVIF, lambda: onvif(digest=False)),
    "onvif, by digest": (Api.ONVIF, lambda: onvif(token=False)),
    "vapix": (Api.VAPIX, axis),
    "reolink": (Api.REOLINK, reolink),
    "sunapi": (Api.SUNAPI, hanwha),
    "lapi": (Api.LAPI, uniview),
}
"""Each interface, ONVIF with either way of logging in, Reolink over TLS with its certificate pinned."""


class Told(NamedTuple):
    """One transition, as far as these tests compare it."""

    kind: str
    properties: tuple[str, ...]
    before: str | None
    after: str | None
    capabilities: tuple[str, ...]


class Watched:
    """The camera, which the engine knows as "gate", and all that was told of it."""

    def __init__(self, known: Knowledge, camera: Camera, target: Target, limits: Limits) -> None:
        self.camera, self.life = camera, camera.life
        self.standing = Standing()
        self.replies: list[Reply] = []
        """Of the last poll."""
        self._target, self._limits = target, limits
        self._now = START
        self._played = played_engine(known, configured())
        self.engine = self._played.engine
        self.engine.begin(START)

    @property
    def page(self) -> Page:
        device = self.engine.attribution.devices.named("gate")
        assert device is not None
        return self.engine.inspection.ledger.page(device.key)

    @property
    def rows(self) -> dict[str, tuple[bool | None, bool | None, bool | None, str]]:
        """By function, what its columns say, and since when."""
        return {
            key: (*(None if each is None else each.value for each in (row.supported, row.enabled, row.exercised)), "".join(
                f"{each.source} {each.first_ns} {each.firmware};" for each in (row.supported, row.enabled, row.exercised) if each
            ))
            for key, row in self.page.rows.items()
        }  # fmt: skip

    async def poll(self, hours: int = 1) -> list[Told]:
        """Ask it once; what that told."""
        self._now += hours * HOUR
        world = World(steady_ns=lambda: self._now)
        self.replies, told = [], []
        async for reply in ask(self._target, self.standing, limits=self._limits, world=world):
            self.replies.append(reply)
            told += self.engine.reply(reply, self._now)
        told += self.engine.tick(self._now + 1)
        return _compared(told)

    def connected(self, port: int) -> list[Told]:
        """Somebody on the site connects to it, and it answers."""
        self._now += HOUR
        site = Site()
        Connection(site.wire, site.phone, site.gate, port, at=self._now, rng=site.rng, rtt=1_000_000).open()
        before = len(self._played.told)
        self._played.feed(blocks(site.wire.frames()))
        self._now += 5_000_000_000
        return _compared([*self._played.told[before:], *self.engine.tick(self._now)])

    def does(self, capability: str) -> list[Told]:
        """It is seen to do this."""
        self._now += HOUR
        device = self.engine.attribution.devices.named("gate")
        assert device is not None
        self.engine.inspection.done(device, capability, "seen", self._now)
        return _compared(self.engine.tick(self._now))

    def answered(self) -> int:
        """Questions of the last poll that were."""
        return sum(reply.outcome is Outcome.ANSWERED for reply in self.replies)

    def says(self, capability: str, aspect: Aspect) -> bool | None:
        """What stands in a column of a function's row."""
        row = self.page.rows.get(capability)
        claim = None if row is None else row.supported if aspect is Aspect.SUPPORTED else row.enabled
        return None if claim is None else claim.value


@asynccontextmanager
async def watched(
    known: Knowledge, name: str, directory: Path, limits: Limits = QUICK, camera: Camera | None = None
) -> AsyncIterator[Watched]:
    """The named camera while it is there, out of the box unless given."""
    api, make = CAMERAS[name]
    secret = directory / "password"
    async with camera or make() as camera:
        secret.write_text(camera.life.password)
        secret.chmod(0o600)
        target = Target(
            "gate", ip_address("127.0.0.1"), camera.port, (api,), user=camera.life.user, password_file=str(secret), special=True
        )  # fmt: skip
        if api is Api.REOLINK:
            port = int(camera.tls_url.rpartition(":")[2])
            target = target._replace(port=port, tls=Tls(Verification.PIN, pin=await pin_of(port)))
        yield Watched(known, camera, target, limits)


async def pin_of(port: int) -> bytes:
    """SHA-256 of the certificate that is shown there."""
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


def _compared(told: list[Transition]) -> list[Told]:
    """What is new; an incident that ends because it is quiet is none."""
    return [
        Told(
            each.kind, each.properties, each.firmware.before if each.firmware else None,
            each.firmware.after if each.firmware else None, each.capabilities,
        )
        for each in told if each.activity is not Activity.END
    ]  # fmt: skip
