"""A site for the daemon to watch through a pipe: cameras that call home, one that is updated meanwhile, a bad frame."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from pcaps import savefile
from pcaps.packets import Host
from pcaps.savefile import Frame
from pcaps.wire import MS, START, Connection, Wire, lookup, view
from tests.engine.played import AMAZON_IE, UNKNOWN_CN
from tests.protocols.answer_samples import ISAPI_CAPABILITIES, ISAPI_DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

HIK: Final = "dev.hik-connect.com"
CONFIGURATION: Final = """
[sensor]
name = "hall"
state = "{state}"
[capture]
pipe = "-"
[site]
home = ["GB"]
resolvers = ["10.20.0.2"]
camera_networks = ["10.20.0.0/24"]
[[group]]
name = "street"
[[device]]
name = "gate"
ip = "10.20.0.11"
mac = "44:19:b6:20:00:0b"
group = "street"
[[device]]
name = "yard"
ip = "10.20.0.12"
mac = "44:19:b6:20:00:0c"
group = "street"
[mqtt]
host = "127.0.0.1"
port = {closed}
[prometheus]
port = {port}
"""


class Scene:
    """What passes the tap, part by part; times are those of now."""

    def __init__(self) -> None:
        self._rng = Random(11)
        router = Host.at("10.20.0.1", "00:00:0c:07:ac:01")
        self._recorder = Host.at("10.20.0.5", "44:19:b6:00:01:05")
        self._resolver = Host.at("10.20.0.2", "00:14:22:5a:10:02")
        self._gate = Host.at("10.20.0.11", "44:19:b6:20:00:0b")
        self._yard = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
        self._beyond: Callable[[str], Host] = router.beyond
        self._router = router

    def before(self, now_ns: int) -> bytes:
        """The cameras are there, say what they are, and call: one is answered, one refused, one not heard."""
        wire = Wire()
        self._asked(wire, START, ISAPI_DEVICE, ISAPI_CAPABILITIES)
        view(wire, START + 100 * MS, self._recorder, self._yard, self._rng, pictures=4, every=100 * MS)
        self._calls(wire, START + 200 * MS)
        return savefile.HEADER + _at(wire, now_ns)

    def calls(self, now_ns: int) -> bytes:
        """They go on calling."""
        wire = Wire()
        self._calls(wire, START)
        return _at(wire, now_ns)

    def after(self, now_ns: int) -> bytes:
        """Another version, which can more, and calls a country where nobody went before; a frame that is damaged."""
        wire = Wire()
        newer = ISAPI_DEVICE.replace(b"V5.5.3", b"V5.7.1").replace(b"180710", b"210809")
        self._asked(wire, START, newer, ISAPI_CAPABILITIES.replace(b"<isSupportSSH>false", b"<isSupportSSH>true"))
        Connection(wire, self._gate, self._beyond("47.88.59.209"), 8800, at=START + 100 * MS, rng=self._rng).unanswered(
            ()
        )
        self._calls(wire, START + 200 * MS)
        whole = wire.frames()[-1].data
        wire.put(START + 900 * MS, whole[:14] + b"\x41" + whole[15:24])  # an IPv4 header of four bytes
        return _at(wire, now_ns)

    def _asked(self, wire: Wire, at: int, info: bytes, capabilities: bytes) -> None:
        connection = Connection(wire, self._recorder, self._gate, 80, at=at, rng=self._rng)
        connection.open()
        for uri, body in (("deviceInfo", info), ("capabilities", capabilities)):
            connection.say(f"GET /ISAPI/System/{uri} HTTP/1.1\r\nHost: 10.20.0.11\r\n\r\n".encode())
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.hear(head.encode() + body)
        connection.close()

    def _calls(self, wire: Wire, at: int) -> None:
        lookup(wire, at, self._gate, self._resolver, HIK, AMAZON_IE)
        cloud = Connection(wire, self._gate, self._beyond(AMAZON_IE), 443, at=at + 50 * MS, rng=self._rng)
        cloud.tls(self._rng, HIK)
        cloud.say(self._rng.randbytes(3000))
        cloud.hear(self._rng.randbytes(1000))
        cloud.close()
        far = self._beyond(UNKNOWN_CN)
        Connection(wire, self._yard, far, 8000, at=at + 10 * MS, rng=self._rng).prohibited(self._router)
        for number in range(3):
            Connection(wire, self._yard, far, 8001, at=at + (20 + number) * MS, rng=self._rng).unanswered(())


def _at(wire: Wire, now_ns: int) -> bytes:
    """The frames as a capture's records, moved to end now."""
    frames = wire.frames()
    late = now_ns - frames[-1].ts_ns
    return b"".join(savefile.record(Frame(frame.ts_ns + late, frame.data)) for frame in frames)
