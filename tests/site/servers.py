"""Servers of Debian, each configured for one test site and run in the foreground by it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.app.living import MOSQUITTO, wait_until
from tests.site.network import CHINA, ENGLAND, IRELAND, ROUTER, SERVER, TENCENT, has, needs

if TYPE_CHECKING:
    from tests.site.network import Host, Network

CLOUD: Final = "dev.hik-connect.com"
ASKED_ONLY: Final = "alarm.ezvizlife.com"
NGINX: Final = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  default_type text/html;
  client_body_temp_path {directory}/nginx-body;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
  server {{
    listen {ireland}:443 ssl;
    ssl_certificate {directory}/cloud.pem;
    ssl_certificate_key {directory}/cloud.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    root {directory}/www;
    location / {{ return 200 "taken\\n"; }}
    location /firmware.bin {{ }}
  }}
  server {{
    listen {china}:8080;
    location / {{ return 200 "hello\\n"; }}
  }}
}}
"""
ASK: Final = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
for number in range(3):
    s.send(b"are you there? %d" % number)
    s.recv(2048)
"""
"""A datagram, its echo, the next one; ends with the first that is refused."""
PYTHON_OF_DEBIAN: Final = "/usr/bin/python3"
BINDINGS: Final = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ("videotestsrc", "x264enc", "rtph264pay", "rtspsrc"))))
"""
VIDEO_PACKAGES: Final = (
    "gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good", "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-tools", "python3-gi",
)  # fmt: skip
USER, PASSWORD, REALM = "admin", "hunter2", "IP Camera(C2143)"
"""As Hikvision's newer firmware calls itself."""
STREAM: Final = "/Streaming/Channels/101"
FIRMWARE_BYTES: Final = 300_000
ECHO: Final = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 9000))
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data, peer)
"""


def names_and_leases(network: Network, first: str, last: str) -> None:
    """dnsmasq on the site's server: addresses to lease, and what names of the world are."""
    host = network.server
    network.launch(
        host, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-ping",
        "--interface=eth0", "--bind-interfaces", "--user=root", "--pid-file=", "--dhcp-authoritative",
        f"--dhcp-range={first},{last},1h", f"--dhcp-option=3,{ROUTER}",
        f"--dhcp-leasefile={network.directory / 'leases'}", f"--address=/{CLOUD}/{IRELAND}",
        f"--address=/{ASKED_ONLY}/{CHINA}", f"--address=/time.example/{SERVER}",
    )  # fmt: skip
    _listens(host, "udp", 53, 67)


def web(network: Network) -> Path:
    """nginx in the world: the maker's cloud behind TLS, and another server without; the cloud's certificate."""
    needs("nginx of nginx-light", "openssl", "curl")
    directory = network.directory
    (directory / "www").mkdir()
    (directory / "www" / "firmware.bin").write_bytes(bytes(range(250)) * (FIRMWARE_BYTES // 250))
    certificate = directory / "cloud.pem"
    network.world.run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/O=Cloud of a maker/CN={CLOUD}",
        "-addext", f"subjectAltName=DNS:{CLOUD}", "-keyout", str(directory / "cloud.key"), "-out", str(certificate),
    )  # fmt: skip
    text = NGINX.format(directory=directory, ireland=IRELAND, china=CHINA)
    (directory / "nginx.conf").write_text(text)
    network.launch(network.world, "nginx", "-p", str(directory), "-c", str(directory / "nginx.conf"))
    _listens(network.world, "tcp", 443, 8080)
    return certificate


def clock(network: Network) -> None:
    """chrony on the site's server, which touches no clock; where it is not installed, nobody asks for the time.

    Debian's package takes the place of other programs that set a machine's clock, so that it is not asked for.
    """
    if not has("chronyd"):
        return
    path = network.directory / "chrony.conf"
    path.write_text("local stratum 8\nallow\ncmdport 0\n" + f"pidfile {network.directory}/chrony.pid\n")
    network.launch(network.server, "chronyd", "-x", "-d", "-u", "root", "-f", str(path))
    _listens(network.server, "udp", 123)


def ask_the_time(host: Host) -> None:
    """One question and its answer, by chrony, which then leaves the clock as it is."""
    if has("chronyd"):
        host.run("chronyd", "-Q", "-t", "10", "-u", "root", "-f", "/dev/null", f"server {SERVER} iburst maxsamples 1")


def broker(network: Network) -> None:
    """mosquitto in the world."""
    assert MOSQUITTO is not None  # the site has one itself
    path = network.directory / "world-broker.conf"
    path.write_text(f"listener 1883 {TENCENT}\nallow_anonymous true\n")
    network.launch(network.world, MOSQUITTO, "-c", str(path))
    _listens(network.world, "tcp", 1883)


def echo(network: Network) -> None:
    """A UDP service in the world, at home."""
    network.launch(network.world, sys.executable, "-c", ECHO, ENGLAND)
    _listens(network.world, "udp", 9000)


def shell(network: Network, host: Host) -> None:
    """dropbear on a host."""
    needs("dropbear of dropbear-bin", "dbclient of dropbear-bin", "dropbearkey of dropbear-bin")
    key = network.directory / "host-key"
    host.run("dropbearkey", "-t", "ed25519", "-f", str(key))
    network.launch(host, "dropbear", "-F", "-E", "-r", str(key), "-p", "22", "-P", str(key.with_suffix(".pid")))
    _listens(host, "tcp", 22)


def video(network: Network, host: Host, method: str) -> None:
    """A camera's RTSP server on a host, with basic or digest authentication."""
    needs("gst-launch-1.0 of gstreamer1.0-tools")
    asked = [PYTHON_OF_DEBIAN, "-c", BINDINGS]
    if not Path(PYTHON_OF_DEBIAN).exists() or subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip(f"GStreamer cannot serve RTSP here (Debian packages {' '.join(VIDEO_PACKAGES)})")
    network.launch(
        host, PYTHON_OF_DEBIAN, str(Path(__file__).with_name("camera.py")), "554", USER, PASSWORD, REALM, method
    )
    _listens(host, "tcp", 554)


def _listens(host: Host, proto: str, *ports: int) -> None:
    """Wait until somebody has these ports."""

    def taken() -> bool:
        lines = host.run("cat", f"/proc/net/{proto}", *_sixth(proto)).splitlines()
        local = {int(line.split()[1].rpartition(":")[2], 16) for line in lines if ":" in line.split()[0]}
        return set(ports) <= local

    wait_until(taken, f"{proto} ports {ports}")


def _sixth(proto: str) -> tuple[str, ...]:
    return (f"/proc/net/{proto}6",) if socket.has_ipv6 else ()
