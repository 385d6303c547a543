"""A day at the site, compressed: real programs on its hosts, a daemon and tcpdump on the mirror."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.app.living import ROOT, Daemon, wait_until
from tests.site import servers
from tests.site.network import (
    BLOCKED,
    CHINA,
    CLOSED,
    DARK,
    ENGLAND,
    RESET,
    SERVER,
    TENCENT,
    Network,
    finished,
    needs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAMERA, CAMERA_MAC = "ds-2cd2143", "44:19:b6:20:00:0b"
VAULT, VAULT_MAC = "ipc-vault", "a0:bd:1d:20:00:0c"
"""Host names; MACs with a prefix of Hikvision's and of Dahua's."""
TABLES: Final = f"""
[site]
home = ["GB"]
resolvers = ["{SERVER}"]
time_servers = ["{SERVER}"]
[[group]]
name = "vault"
match = {{ mac = "{VAULT_MAC[:8]}" }}
isolated = true
"""
"""No inventory."""


@dataclass(slots=True)
class Day:
    """What was seen of it, and what there was to see."""

    capture: Path
    certificate: Path
    tables: str
    addresses: dict[str, str] = field(default_factory=dict)
    """Leased ones, by host name."""
    incidents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The last message of each incident, by the device's name."""
    packets: int = 0
    """That the daemon counted."""
    flooded: int = 0
    """That the switch sent to the mirror port, as its kernel counted them while the daemon ran."""
    left: int = 0
    came: int = 0
    """Bytes of frames that left by the router's uplink and that came in by it, as its kernel counted them."""
    log: str = ""

    def about(self, device: str, address: str) -> dict[str, Any]:
        """The one incident of a device with this remote address."""
        (found,) = [
            each
            for each in self.incidents[device]
            if address in {evidence["dst_endpoint"]["ip"] for evidence in each["evidences"]}
        ]
        return found

    def observed(self) -> list[dict[str, Any]]:
        """What ``camwarden observe`` prints of the capture."""
        command = [sys.executable, "-m", "monitor.cli", "observe", str(self.capture)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """It is over when tests look at it."""
    needs("nginx of nginx-light", "openssl", "curl", "dropbear of dropbear-bin", "dbclient of dropbear-bin")
    network = Network(tmp_path_factory.mktemp("site"))
    try:
        yield lived(network)
    finally:
        network.close()


def lived(network: Network) -> Day:
    """Open the site, watch it, and have its cameras do what cameras do."""
    servers.names_and_leases(network, "10.20.0.51", "10.20.0.59")
    seen = Day(network.directory / "day.pcap", servers.web(network), TABLES)
    servers.clock(network)
    servers.broker(network)
    servers.echo(network)
    before = network.passed(network.switch, "send", "tx_packets")
    daemon = Daemon(network, seen.tables)
    recorder = network.record(seen.capture)
    calls(network, seen)
    flooded = network.passed(network.switch, "send", "tx_packets") - before
    wait_until(lambda: daemon.health()["packets"] >= flooded, "all packets")
    seen.flooded, seen.packets = flooded, daemon.health()["packets"]
    seen.left = network.passed(network.router, "uplink", "tx_bytes")
    seen.came = network.passed(network.router, "uplink", "rx_bytes")
    finished(recorder)
    seen.log = daemon.stop()
    network.delivered()
    for name in (CAMERA, VAULT):
        seen.incidents[name] = network.last(name)
    return seen


def calls(network: Network, seen: Day) -> None:
    """Two cameras come up and talk to whom they please; somebody looks at one."""
    camera, vault = network.attached(CAMERA_MAC), network.attached(VAULT_MAC)
    seen.addresses = {CAMERA: camera.lease(CAMERA), VAULT: vault.lease(VAULT)}
    curl = ("curl", "-sS", "--max-time", "10", "--cacert", str(seen.certificate))
    cloud = f"https://{servers.CLOUD}"
    camera.run(*curl, "--tls-max", "1.2", f"{cloud}/register")
    camera.run(*curl, f"{cloud}/firmware.bin", "--output", "/dev/null")
    camera.run(*curl, f"{cloud}/event", "--data-binary", f"@{network.directory / 'www' / 'firmware.bin'}")
    camera.run(*curl, f"http://{CHINA}:8080/online?user=admin&password=hunter2")
    servers.ask_the_time(camera)
    camera.run(
        "mosquitto_pub", "-h", TENCENT, "-i", "camera-1", "-t", "cameras/1", "-m", "motion", "-P", "hunter2", "-u", "a"
    )
    camera.run(sys.executable, "-c", servers.ASK, ENGLAND, "9000")
    camera.attempt(sys.executable, "-c", servers.ASK, CLOSED, "9000")
    for address in (BLOCKED, RESET, DARK):
        camera.attempt("curl", "-sS", "--max-time", "1.5", f"https://{address}/")
    vault.attempt("curl", "-sS", "--max-time", "5", f"http://{ENGLAND}/")
    servers.shell(network, camera)
    network.server.attempt("dbclient", "-y", "-y", "-o", "BatchMode=yes", f"root@{seen.addresses[CAMERA]}", "true")
