"""A small camera site of network namespaces: a switch that floods, hosts, a router, and a world beyond it.

Each frame that passes the switch leaves it by all other ports (a bridge that forgets what it learns at once), one of
which is the daemon's: that is the mirror. The packets are those of real programs and of the kernel.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.app.living import Site, wait_until
from tests.collectors.namespaces import Namespace

if TYPE_CHECKING:
    from tests.app.living import Message

ROUTER, SERVER = "10.20.0.1", "10.20.0.2"
ROUTER_MAC, SERVER_MAC = "00:00:0c:07:ac:01", "00:14:22:5a:10:02"
UPLINK, UPSTREAM = "198.51.100.1", "198.51.100.2"
"""The router's other side (RFC 5737)."""
IRELAND, CHINA, TENCENT, ENGLAND = "52.30.100.10", "115.231.97.60", "119.45.114.93", "212.58.244.1"
"""Networks of Amazon, of China Telecom in Zhejiang, of Tencent, and of the BBC."""
CLOSED = "47.91.10.10"
"""Alibaba's; nothing listens there."""
BLOCKED, RESET, DARK = "54.72.18.77", "88.99.10.10", "51.38.10.10"
"""Amazon's, Hetzner's, OVH's: the router says that it is prohibited, answers in their name with a reset, or is mute."""
WORLD: Final = (IRELAND, CHINA, TENCENT, ENGLAND, CLOSED)
FENCE: Final = {"metadata": {"uid": "fence"}}
"""A message behind the last one."""
PATIENCE_S: Final = 30
"""For a program that takes some milliseconds."""
LEASE: Final = """#!/bin/sh
case "$1" in
deconfig) ip -4 addr flush dev "$interface" ;;
bound)
  ip addr replace "$ip/24" dev "$interface"
  ip route replace default via "$router"
  echo "nameserver $dns" >"$RESOLVER" ;;
esac
"""
FIREWALL: Final = f"""
table inet filter {{
  chain through {{
    type filter hook forward priority 0
    ip daddr {BLOCKED} reject with icmp type admin-prohibited
    ip daddr {RESET} reject with tcp reset
    ip daddr {DARK} drop
  }}
}}
"""


def has(program: str) -> bool:
    """Whether Debian's program is installed."""
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


def needs(*tools: str) -> None:
    """Skip where one of these programs is not installed: "program", or "program of package"."""
    for tool in tools:
        program, _, package = tool.partition(" of ")
        if not has(program):
            pytest.skip(f"{program} is not installed (Debian package {package or program})")


class Host(Namespace):
    """A host on a link of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.resolver = Path("/etc/netns", self.name, "resolv.conf")
        """ip-netns(8) has what runs inside see it as /etc/resolv.conf."""
        self.resolver.parent.mkdir(parents=True)
        self.resolver.touch()
        self.directory = directory
        self.ip("link", "set", "lo", "up")

    def plug(self, other: Namespace, port: str, mac: str | None = None, interface: str = "eth0") -> None:
        """A cable to a port of another. Frames are as on a wire: no longer than it allows, with checksums."""
        self.ip("link", "add", interface, "type", "veth", "peer", "name", port, "netns", other.name)
        if mac is not None:
            self.ip("link", "set", interface, "address", mac)
        for space, end in ((self, interface), (other, port)):
            space.run("ethtool", "-K", end, "tso", "off", "gso", "off", "gro", "off", "tx", "off")
            space.ip("link", "set", end, "up")

    def lease(self, name: str) -> str:
        """Get an address from the site's DHCP server under this host name; the address."""
        script = self.directory / "lease.sh"
        if not script.exists():
            script.write_text(LEASE)
            script.chmod(0o755)
        self.run(
            "env", f"RESOLVER={self.resolver}", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", str(script), "-T", "1",
            "-x", f"hostname:{name}",
        )  # fmt: skip
        return self.run("ip", "-4", "-o", "addr", "show", "dev", "eth0").split()[3].partition("/")[0]

    def attempt(self, *command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command inside that may fail."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command],
            capture_output=True, text=True, input=given, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.resolver.parent)


class Network(Site):
    """The site. ``space``, where the daemon and its broker are, is the monitoring machine."""

    def __init__(self, directory: Path) -> None:
        needs("ethtool", "nft of nftables", "tcpdump", "udhcpc", "dnsmasq of dnsmasq-base")
        self._hosts: list[Host] = []
        super().__init__(directory)
        try:
            self._lay()
        except BaseException:
            self.close()
            raise

    def _lay(self) -> None:
        self.switch = self.host()
        self.switch.ip("link", "add", "br0", "type", "bridge", "ageing_time", "0", "mcast_snooping", "0")
        self.switch.ip("link", "set", "br0", "up")
        self.space.ip("link", "set", "send", "netns", self.switch.name)
        self._port("send")
        self.switch.ip("link", "set", "send", "up")
        self.server = self.attached(SERVER_MAC, SERVER)
        self.router = self.attached(ROUTER_MAC, ROUTER)
        self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
        self.world = self.host()
        self.world.plug(self.router, "uplink")
        self.router.ip("addr", "add", f"{UPLINK}/30", "dev", "uplink")
        self.world.ip("addr", "add", f"{UPSTREAM}/30", "dev", "eth0")
        self.world.ip("route", "add", "10.20.0.0/16", "via", UPLINK)
        self.router.ip("route", "add", "default", "via", UPSTREAM)
        for one, address, interface, other, far in (
            (self.world, UPLINK, "eth0", self.router, "uplink"), (self.router, UPSTREAM, "uplink", self.world, "eth0"),
        ):  # fmt: skip
            mac = other.run("cat", f"/sys/class/net/{far}/address").strip()
            one.ip("neigh", "add", address, "lladdr", mac, "dev", interface)  # nothing but the site's traffic is there
        for address in WORLD:
            self.world.ip("addr", "add", f"{address}/32", "dev", "lo")
        rules = self.directory / "firewall"
        rules.write_text(FIREWALL)
        self.router.run("nft", "-f", str(rules))

    def host(self) -> Host:
        """One more host, without a cable."""
        made = Host(self.directory)
        self._hosts.append(made)
        return made

    def attached(self, mac: str, address: str | None = None) -> Host:
        """One more host on the switch; without an address it may ask for a lease."""
        made = self.host()
        port = f"port{len(self._hosts)}"
        made.plug(self.switch, port, mac)
        self._port(port)
        if address is not None:
            made.ip("addr", "add", f"{address}/24", "dev", "eth0")
            if address != ROUTER:
                made.ip("route", "add", "default", "via", ROUTER)
        return made

    def _port(self, interface: str) -> None:
        self.switch.ip("link", "set", interface, "master", "br0")

    def record(self, path: Path) -> subprocess.Popen[bytes]:
        """Have tcpdump write all that the daemon's interface hears, until it is ended.

        Its buffer of 16 MiB has room for as many packets as ``-s`` lets it have, 262,144 octets each without.
        """
        process, _ = self.start(
            "tcpdump", "-i", "hear", "-Q", "in", "-U", "--immediate-mode", "-B", "16384", "-s", "2048",
            "--time-stamp-precision=nano", "-Z", "root", "-w", str(path),
        )  # fmt: skip
        wait_until(lambda: path.exists() and path.stat().st_size > 0, "tcpdump")
        return process

    def launch(self, host: Namespace, *command: str) -> None:
        """Begin a program inside a host; it is ended with the site."""
        self.start(*command, space=host)

    def passed(self, host: Namespace, interface: str, counter: str) -> int:
        """What the kernel has counted on an interface: rx_bytes, tx_packets ..."""
        return int(host.run("cat", f"/sys/class/net/{interface}/statistics/{counter}"))

    def received(self, *, again: bool = False) -> list[tuple[float, Message]]:
        return [(at, message) for at, message in super().received(again=again) if message != FENCE]

    def delivered(self) -> None:
        """Wait until all that was published before this has arrived: the broker keeps the order."""
        fence = json.dumps(FENCE)
        self.space.run(
            "mosquitto_pub", "-h", "127.0.0.1", "-q", "1", "-t", "camwarden/v1/test/incidents/fence", "-m", fence
        )
        wait_until(lambda: FENCE in (message for _, message in super(Network, self).received()), "the last messages")

    def last(self, device: str) -> list[Message]:
        """The last message of each incident of a device, in the order of opening."""
        found = {body["finding_info"]["uid"]: body for _, body in self.received() if body["device"]["name"] == device}
        return list(found.values())

    def close(self) -> None:
        try:
            super().close()
        finally:
            for host in reversed(self._hosts):
                host.close()


def finished(process: subprocess.Popen[bytes]) -> None:
    """End a program before the site ends."""
    process.terminate()
    process.wait(PATIENCE_S)
