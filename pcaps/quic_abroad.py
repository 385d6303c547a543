"""A camera speaks QUIC with an address in Singapore; the name is only in its encrypted first packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pcaps import quic, tls
from pcaps.site import HIKVISION, Site
from pcaps.wire import MINUTE, MS, SECOND, START, US, WAN_RTT, view

if TYPE_CHECKING:
    from pcaps.packets import Host
    from pcaps.savefile import Frame

REMOTE: Final = "8.219.10.20"
SNI: Final = "api.hik-connect.com"
SPLIT: Final = 900
"""Where the ClientHello is cut: its server name is in the first part, which is sent last."""


def connection(site: Site, at: int, camera: Host, *, reordered: bool) -> None:
    """Two Initial packets carry one ClientHello; the server answers; a little is said both ways."""
    server = site.router.beyond(REMOTE)
    port = camera.next_port()
    chosen, mine, theirs = (site.rng.randbytes(8) for _ in range(3))
    client_keys, server_keys = quic.Keys.of(chosen, "client"), quic.Keys.of(chosen, "server")
    hello = tls.client_hello(site.rng, SNI, ("h3",), quic=quic.transport_parameters(mine))
    parts = [quic.crypto(0, hello[:SPLIT]), quic.crypto(SPLIT, hello[SPLIT:])]
    if reordered:
        parts.reverse()

    def out(after: int, payload: bytes) -> None:
        site.wire.udp(at + after, camera, port, server, 443, payload)

    def back(after: int, payload: bytes) -> None:
        site.wire.udp(at + after, server, 443, camera, port, payload)

    for number, part in enumerate(parts):
        out(number * 60 * US, quic.initial(client_keys, quic.Path(chosen, mine), number, part))
    to_client, to_server = quic.Path(mine, theirs), quic.Path(theirs, mine)
    answer = quic.acknowledge(1) + quic.crypto(0, tls.server_hello(site.rng, hello))
    first = quic.initial(server_keys, to_client, 0, answer, datagram=0)
    back(WAN_RTT, first + quic.handshake(site.rng, to_client, 1200 - len(first) - 25))
    back(WAN_RTT + 40 * US, quic.handshake(site.rng, to_client, 1100))
    acknowledged = quic.initial(client_keys, to_server, 2, quic.acknowledge(0), datagram=0)
    finished = acknowledged + quic.handshake(site.rng, to_server, 64)
    out(WAN_RTT + 2 * MS, finished + quic.one_rtt(site.rng, to_server, 1200 - len(finished) - 9))
    for turn in range(1, 6):
        out(turn * 3 * SECOND, quic.one_rtt(site.rng, to_server, 620))
        back(turn * 3 * SECOND + WAN_RTT, quic.one_rtt(site.rng, to_client, 240))


def frames() -> list[Frame]:
    """Two connections, the first with its CRYPTO frames in the wrong order."""
    site = Site("quic_abroad")
    camera = site.camera(5, HIKVISION)
    site.housekeeping((camera, site.recorder), minutes=4)
    view(site.wire, START + 15 * SECOND, site.recorder, camera, site.rng, pictures=20, every=9 * SECOND)
    connection(site, START + MINUTE, camera, reordered=True)
    connection(site, START + 3 * MINUTE, camera, reordered=False)
    return site.wire.frames()
