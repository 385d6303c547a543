"""Identity over time on packets that a real DHCP server and real clients made, in network namespaces of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from collectors.captures import Captures
from monitor.app import build_engine
from monitor.model.address import mac_from_text, pack
from monitor.model.identity import IdentityKind
from tests.engine.played import configured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.app import Knowledge
    from monitor.enrich.devices import Devices
    from monitor.model.contacts import Device
    from monitor.model.identity import IdentityChange

TOOLS: Final = ("ip", "dnsmasq", "udhcpc", "tcpdump")
PATIENCE: Final = 10.0
"""Seconds for a program to do what takes it some milliseconds."""
CAMERA, PHONE, PHONE_2, LAPTOP = (
    "44:19:b6:20:00:4d", "da:a1:19:4e:07:3c", "da:a1:19:4e:07:3d", "00:14:22:5a:10:99"
)  # fmt: skip
SERVER, LEASED = "10.77.0.1", "10.77.0.50"
SCRIPT: Final = """#!/bin/sh
case "$1" in
deconfig) ip -4 addr flush dev "$interface" ;;
bound|renew) ip addr replace "$ip/24" dev "$interface" ;;
esac
"""
ASK: Final = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'?', ('10.77.0.1', 9))"


class Lan:
    """A switch with a DHCP server on it, and hosts that are plugged in."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.name = f"camwarden-ident-{os.getpid()}"
        self.folder = folder
        self._stack = stack
        self._names: list[str] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.script = folder / "lease.sh"
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self.switch = self._namespace("switch")
        self._ip(self.switch, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self._ip(self.switch, "addr", "add", f"{SERVER}/24", "dev", "br0")
        self._ip(self.switch, "link", "set", "br0", "up")

    def host(self, name: str, mac: str) -> str:
        """Plug a host in."""
        space = self._namespace(name)
        self._ip(self.switch, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", space)
        self._ip(self.switch, "link", "set", f"to-{name}", "master", "br0", "up")
        self._ip(space, "link", "set", "eth0", "address", mac, "up")
        return space

    def readdress(self, space: str, mac: str) -> None:
        """Give a host another MAC, as its user may."""
        for change in (("down",), ("address", mac), ("up",)):
            self._ip(space, "link", "set", "eth0", *change)

    def serve(self) -> None:
        """One lease to give."""
        self.start(
            "dnsmasq", self.switch, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping",
            "--interface=br0", "--bind-interfaces", f"--dhcp-range={LEASED},{LEASED},2m", "--dhcp-authoritative",
            "--user=root", "--pid-file=", f"--dhcp-leasefile={self.folder / 'leases'}",
        )  # fmt: skip

    def capture(self) -> Path:
        """All that passes the switch, from now on."""
        path = self.folder / "lan.pcap"
        self.start("tcpdump", self.switch, "tcpdump", "-i", "br0", "-U", "-Z", "root", "-w", str(path))
        until(lambda: path.exists() and path.stat().st_size >= 24)
        return path

    def lease(self, space: str, host_name: str) -> None:
        """Get the lease."""
        self.start(
            host_name, space, "udhcpc", "-f", "-R", "-i", "eth0", "-s", str(self.script), "-T", "1", "-t", "10",
            "-x", f"hostname:{host_name}",
        )  # fmt: skip
        until(lambda: LEASED in self._ip(space, "-4", "addr", "show", "dev", "eth0"))

    def ask(self, space: str) -> None:
        """Have a host send something, so that it asks by ARP and begins a flow."""
        run("ip", "netns", "exec", space, sys.executable, "-c", ASK)

    def take(self, space: str) -> None:
        """Have a host use the leased address, without asking anybody."""
        self._ip(space, "addr", "replace", f"{LEASED}/24", "dev", "eth0")

    def start(self, name: str, space: str, *command: str) -> None:
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._running[name] = process
        self._stack.callback(self.stop, name)

    def stop(self, name: str) -> None:
        """End a program; a client gives its lease back."""
        process = self._running.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)

    def _namespace(self, name: str) -> str:
        space = f"{self.name}-{name}"
        run("ip", "netns", "add", space)
        self._stack.callback(run, "ip", "netns", "delete", space)
        return space

    def _ip(self, space: str, *command: str) -> str:
        return run("ip", "-n", space, *command)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


def until(true: object) -> None:
    """Wait for it; AssertionError after PATIENCE."""
    assert callable(true)
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A camera's lease passes to a phone, which changes its MAC; at last a laptop takes the address."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    folder = tmp_path_factory.mktemp("lan")
    with ExitStack() as stack:
        try:
            lan = Lan(stack, folder)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"no network namespaces here: {refused.stderr}")
        camera, phone, laptop = lan.host("camera", CAMERA), lan.host("phone", PHONE), lan.host("laptop", LAPTOP)
        lan.serve()
        path = lan.capture()
        for space, name in ((camera, "ipc"), (phone, "galaxy")):
            lan.lease(space, name)
            lan.ask(space)
            lan.stop(name)
        lan.readdress(phone, PHONE_2)
        lan.lease(phone, "pixel")
        lan.ask(phone)
        lan.take(laptop)
        lan.ask(laptop)
        lan.ask(phone)
        before = path.stat().st_size
        lan.ask(phone)
        until(lambda: path.stat().st_size > before)
        lan.stop("tcpdump")
        yield path


@pytest.fixture(scope="module")
def played(capture: Path, known: Knowledge) -> tuple[Devices, list[IdentityChange]]:
    told: list[IdentityChange] = []
    engine = build_engine(configured(device=[]), known, on_change=told.append)
    for block in Captures([capture]).blocks():
        engine.feed(block)
    engine.finish()
    return engine.attribution.devices, told


def with_mac(devices: Devices, mac: str) -> Device:
    device = devices.with_mac(mac_from_text(mac))
    assert device is not None
    return device


def test_each_client_is_a_device_of_its_own(played: tuple[Devices, list[IdentityChange]]) -> None:
    """By its MAC, with the name that it gave the server; the address is whose it was given to last."""
    devices, _ = played
    camera, phone, again = (with_mac(devices, mac) for mac in (CAMERA, PHONE, PHONE_2))
    assert [(each.key, each.name) for each in (camera, phone, again)] == [
        (CAMERA, "ipc"), (PHONE, "galaxy"), (PHONE_2, "pixel")
    ]  # fmt: skip
    leased = pack(LEASED)
    assert [leased in each.addresses for each in (camera, phone, again)] == [False, False, True]
    assert devices.known(leased) is again
    assert (camera.watched, phone.watched, again.watched) == (True, False, False)
    assert all(each.booted_ns is not None for each in (camera, phone, again))


def test_leases_are_notes_and_the_laptop_is_told_with_both(played: tuple[Devices, list[IdentityChange]]) -> None:
    """Two leases passed on as they should; who came without one is a claim on the phone's address."""
    _, told = played
    on_lease = [each for each in told if {c.address for c in each.claimants} == {pack(LEASED)}]
    assert [
        (each.kind, *(claimant.mac.hex(":") for claimant in each.claimants)) for each in on_lease
    ] == [
        (IdentityKind.ADDRESS_MOVED, CAMERA, PHONE),
        (IdentityKind.ADDRESS_MOVED, PHONE, PHONE_2),
        (IdentityKind.ADDRESS_CLAIMED, PHONE_2, LAPTOP),
    ]  # fmt: skip
    assert not any(each.alarm for each in told)


def test_the_server_is_nobodys_client(played: tuple[Devices, list[IdentityChange]]) -> None:
    """It answers four clients, and is one device that has one address."""
    devices, _ = played
    server = devices.known(pack(SERVER))
    assert server is not None
    assert [address for address in server.addresses if address[:12] == pack(SERVER)[:12]] == [pack(SERVER)]
