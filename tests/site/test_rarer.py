"""What cameras do less often, or what takes longer to tell, of real programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.living import Daemon, wait_until
from tests.oracles.by_hand import dealings
from tests.site import servers
from tests.site.conftest import CAMERA, CAMERA_MAC, TABLES
from tests.site.network import BLOCKED, DARK, ENGLAND, ROUTER, SERVER, UPLINK, Network, finished, needs
from tests.site.servers import ASKED_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.site.network import Host

pytestmark = pytest.mark.slow

LARGE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.sendto(bytes(4000), (sys.argv[1], 9000))
assert len(s.recv(65535)) == 4000
"""


ROUTER_6, UPLINK_6, UPSTREAM_6, IRELAND_6 = "2a00:23c4:1234:1::1", "fd00::1", "fd00::2", "2a05:d018:1234::10"
"""A site of BT's customers; a host of Amazon's."""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    try:
        yield made
    finally:
        made.close()


def told(network: Network, daemon: Daemon) -> dict[str, Any]:
    """The one incident, when all counts are in."""
    wait_until(network.received, "an incident")
    log = daemon.stop()
    assert "Traceback" not in log
    network.delivered()
    bodies = {body["finding_info"]["uid"]: body for _, body in network.received()}
    (incident,) = bodies.values()
    ours: dict[str, Any] = incident["unmapped"]["camwarden"]
    return {"types": incident["finding_info"]["types"], "evidences": incident["evidences"], **ours}


def test_a_name_that_is_only_asked_for(network: Network) -> None:
    """Half a minute after the question, and the answer, nothing was sent: that is told, as whose name it is."""
    servers.names_and_leases(network, "10.20.0.51", "10.20.0.59")
    camera = network.attached(CAMERA_MAC)
    daemon = Daemon(network, TABLES)
    camera.lease(CAMERA)
    needs("busybox")
    camera.attempt("busybox", "nslookup", ASKED_ONLY)
    wait_until(network.received, "the look-up", 45)
    found = told(network, daemon)
    assert found["types"][0] == "name_lookup"
    assert found["outcome"] == "asked"
    assert found["attempts"] == 0
    assert (found["verdict"]["operator"], found["verdict"]["jurisdiction"]) == ("EZVIZ", "CN")
    assert [each["dst_endpoint"] for each in found["evidences"]] == [{"hostname": ASKED_ONLY}]


def test_a_proxy_of_the_site(network: Network) -> None:
    """A proxy goes to the maker's cloud for the camera, which asked it to: that is told by the name it asked for."""
    needs("microsocks")
    certificate = servers.web(network)
    servers.names_and_leases(network, "10.20.0.51", "10.20.0.59")
    network.server.resolver.write_text(f"nameserver {SERVER}\n")
    network.launch(network.server, "microsocks", "-i", SERVER, "-p", "1080")
    camera = network.attached(CAMERA_MAC, "10.20.0.13")
    daemon = Daemon(network, TABLES)
    camera.run(
        "curl", "-sS", "--cacert", str(certificate), "--socks5-hostname", f"{SERVER}:1080", f"https://{servers.CLOUD}/",
    )  # fmt: skip
    wait_until(network.received, "the request", 45)
    found = told(network, daemon)
    assert found["types"][0] == "name_lookup"
    assert found["verdict"]["operator"] == "Hikvision"
    assert [each["dst_endpoint"] for each in found["evidences"]] == [{"hostname": servers.CLOUD}]


def test_datagrams_in_fragments(network: Network) -> None:
    """One attempt, and all fragments' bytes, as the kernel counted them on the router's uplink."""
    servers.echo(network)
    camera = network.attached(CAMERA_MAC, "10.20.0.13")
    daemon = Daemon(network, TABLES)
    camera.run(sys.executable, "-c", LARGE, ENGLAND)
    found = told(network, daemon)
    assert (found["attempts"], found["outcome"]) == (1, "transferred")
    assert found["bytes_out"] == network.passed(network.router, "uplink", "tx_bytes") > 4000
    assert found["bytes_in"] == network.passed(network.router, "uplink", "rx_bytes") > 4000


def test_a_ping(network: Network) -> None:
    """An echo request is an attempt as well, and its reply an answer."""
    needs("busybox")
    camera = network.attached(CAMERA_MAC, "10.20.0.13")
    daemon = Daemon(network, TABLES)
    camera.run("busybox", "ping", "-c", "3", ENGLAND)
    found = told(network, daemon)
    assert found["outcome"] in {"answered", "transferred"}
    assert found["attempts"] == 1
    assert [each["connection_info"]["protocol_name"] for each in found["evidences"]] == ["icmp"]
    assert found["bytes_out"] == found["bytes_in"] == 3 * 98


def test_time_exceeded_is_no_refusal(network: Network) -> None:
    """A traceroute's first hop says that its time was up, which refuses nothing."""
    needs("busybox")
    camera = network.attached(CAMERA_MAC, "10.20.0.13")
    daemon = Daemon(network, TABLES)
    hops = camera.run("busybox", "traceroute", "-n", "-m", "2", "-q", "1", "-w", "1", DARK)
    assert ROUTER in hops
    assert told(network, daemon)["outcome"] == "attempted"


def test_a_datagram_that_a_firewall_refuses(network: Network) -> None:
    """UDP has no reset: the ICMP error says who refused."""
    camera = network.attached(CAMERA_MAC, "10.20.0.13")
    daemon = Daemon(network, TABLES)
    camera.attempt(sys.executable, "-c", servers.ASK, BLOCKED, "9000")
    found = told(network, daemon)
    assert (found["outcome"], found["refused_by"], found["attempts"]) == ("refused", ROUTER, 1)


def test_a_path_of_smaller_packets(network: Network) -> None:
    """The router's word that packets are too long ends nothing: the upload gets through, and all of it is counted."""
    certificate = servers.web(network)
    servers.names_and_leases(network, "10.20.0.51", "10.20.0.59")
    for host, interface in ((network.router, "uplink"), (network.world, "eth0")):
        host.ip("link", "set", interface, "mtu", "1300")
    network.world.ip("route", "replace", "10.20.0.0/16", "via", UPLINK)
    camera = network.attached(CAMERA_MAC)
    daemon = Daemon(network, TABLES)
    capture = network.directory / "day.pcap"
    recorder = network.record(capture)
    camera.lease(CAMERA)
    camera.run(
        "curl", "-sS", "--cacert", str(certificate), f"https://{servers.CLOUD}/event",
        "--data-binary", f"@{network.directory / 'www' / 'firmware.bin'}",
    )  # fmt: skip
    found = told(network, daemon)
    finished(recorder)
    assert (found["types"][0], found["attempts"], found["outcome"]) == ("vendor_cloud", 1, "transferred")
    assert "refused_by" not in found


def test_a_site_of_ipv6(network: Network) -> None:
    """The router says what the site's prefix is, the camera makes its own address of it, and calls abroad from there."""
    for host, *interfaces in ((network.router, "eth0", "uplink", "lo"), (network.world, "eth0", "lo")):
        for interface in interfaces:
            host.run("sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=0")
    network.router.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    network.router.ip("addr", "add", f"{ROUTER_6}/64", "dev", "eth0", "nodad")
    network.router.ip("addr", "add", f"{UPLINK_6}/64", "dev", "uplink", "nodad")
    network.world.ip("addr", "add", f"{UPSTREAM_6}/64", "dev", "eth0", "nodad")
    network.world.ip("addr", "add", f"{IRELAND_6}/128", "dev", "lo")
    network.world.ip("route", "add", "default", "via", UPLINK_6)
    network.router.ip("route", "add", "default", "via", UPSTREAM_6)
    daemon = Daemon(network, TABLES)
    capture = network.directory / "six.pcap"
    recorder = network.record(capture)
    network.launch(
        network.router, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
        "--pid-file=", "--interface=eth0", "--enable-ra", "--dhcp-range=::,constructor:eth0,ra-only",
        f"--dhcp-leasefile={network.directory / 'leases6'}",
    )  # fmt: skip
    camera = network.attached(CAMERA_MAC)
    camera.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    own = "2a00:23c4:1234:1:4619:b6ff:fe20:b"
    wait_until(lambda: f"{own}/64 scope global" in addresses(camera), "an address", 20)
    wait_until(lambda: "tentative" not in addresses(camera), "the address")
    camera.attempt("curl", "-sS", "--max-time", "5", f"http://[{IRELAND_6}]:8080/")
    found = told(network, daemon)
    finished(recorder)
    assert found["types"] == ["unexpected_contact", "foreign"]
    assert (found["outcome"], found["refused_by"], found["attempts"]) == ("refused", "peer", 1)
    assert (found["verdict"]["operator"], found["verdict"]["location"]) == ("Amazon", "IE")
    assert [each["src_endpoint"]["ip"] for each in found["evidences"]] == [own]
    dealt = dealings(capture, own)[IRELAND_6]
    assert (found["bytes_out"], found["bytes_in"]) == (dealt.bytes_out, dealt.bytes_in)


def addresses(host: Host) -> str:
    return host.run("ip", "-6", "addr", "show", "dev", "eth0")
