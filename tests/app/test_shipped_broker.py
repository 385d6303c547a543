"""deploy/mosquitto as it is: configuration, ACL and certificates in the real broker, where the files say that they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.app.living import MOSQUITTO, ROOT, Daemon, Site, answers, wait_until
from tests.app.planted import attempt, configured, toml

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED: Final = ROOT / "deploy/mosquitto"
TLS_PORT: Final = 8883
PLACES: Final = """
set -e
mount -t tmpfs tmpfs /etc/mosquitto
mkdir /etc/mosquitto/conf.d /etc/mosquitto/camwarden
cp -p "$2"/* "$1/acl" /etc/mosquitto/camwarden/
chmod --reference="$2" /etc/mosquitto/camwarden
cp "$1/mosquitto.conf" /etc/mosquitto/conf.d/camwarden.conf
exec "$3" -v -c /etc/mosquitto/conf.d/camwarden.conf
"""
"""``ip netns exec`` gives each command a mount namespace of its own, so nobody else's /etc changes."""


class Secured:
    """A site whose broker is the shipped one, with certificates for a few clients."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.certificates = site.directory / "certificates"
        script = SHIPPED / "certificates.sh"
        clients = ("here", "there", "soc", "home-assistant")
        subprocess.run([script, self.certificates, "localhost", *clients], check=True, capture_output=True)
        command = ["sh", "-c", PLACES, "sh", str(SHIPPED), str(self.certificates), str(MOSQUITTO)]
        self.broker = site.start(*command)
        with site.space.inside():
            wait_until(lambda: answers(TLS_PORT), "the broker with TLS")

    def tls(self, client: str) -> list[str]:
        """Arguments of mosquitto's clients."""
        pair = [f"{self.certificates}/client-{client}.{kind}" for kind in ("pem", "key")]
        options = {"-h": "localhost", "-p": str(TLS_PORT), "-V": "5", "--cafile": f"{self.certificates}/ca.pem"}
        return [word for option in {**options, "--cert": pair[0], "--key": pair[1]}.items() for word in option]

    def hears(self, client: str, topic: str) -> Path:
        """A file with what a client that subscribes is sent."""
        heard = self.site.directory / f"{client}-{topic.count('/')}"
        self.site.start("mosquitto_sub", *self.tls(client), "-q", "1", "-t", topic, "-F", "%t %p", output=heard)
        return heard

    def does(self, *command: str) -> tuple[int, str]:
        """Exit code and words of a client."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.site.space.name, *command],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def mqtt(self, client: str) -> str:
        """The table of a daemon's configuration."""
        at = self.certificates
        files = {"ca": f"{at}/ca.pem", "cert": f"{at}/client-{client}.pem", "key": f"{at}/client-{client}.key"}
        return '[mqtt]\nhost = "localhost"\nhome_assistant = true\n' + toml(files, "mqtt.tls")


@pytest.fixture
def secured(site: Site) -> Secured:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Secured(site)


def test_camwarden_publishes_and_those_who_may_read(secured: Secured) -> None:
    """Incidents, states and discovery under the shipped ACL; a resync that the operations centre asks for."""
    heard = secured.hears("soc", "camwarden/v1/#")
    home = secured.hears("home-assistant", "homeassistant/#")
    daemon = Daemon(secured.site, configured(2) + secured.mqtt("here"))
    wait_until(lambda: daemon.health()["mqtt_connected"], "the connection")
    secured.site.send(attempt(0))
    wait_until(lambda: "camwarden/v1/here/incidents/" in heard.read_text(), "the incident", 15)
    wait_until(lambda: "camwarden/v1/here/devices/cam-1" in heard.read_text(), "the devices", 15)
    wait_until(lambda: home.read_text().count("/config ") == 6, "discovery")
    assert "camwarden/v1/here/status online" in heard.read_text()
    assert "camwarden/v1/here/health" in heard.read_text()
    code, said = secured.does(
        "mosquitto_pub", *secured.tls("soc"), "-q", "1", "-t", "camwarden/v1/here/resync", "-m", '{"from_seq": 1}'
    )
    assert code == 0, said
    wait_until(lambda: daemon.says("mqtt_resync", accepted=True), "the resync")
    assert not daemon.says("mqtt_rights_missing")
    assert not daemon.says("mqtt_retained_denied")
    daemon.stop()
    wait_until(lambda: "camwarden/v1/here/status offline" in heard.read_text(), "the farewell")


def test_a_sensor_can_neither_read_nor_write_what_is_anothers(secured: Secured) -> None:
    """Nor can one who only reads write; the broker says no, and nobody is sent anything."""
    heard = secured.hears("soc", "camwarden/v1/#")
    overheard = secured.hears("there", "#")
    wait_until(lambda: secured.broker.log.read_text().count("SUBSCRIBE from") >= 2, "both subscriptions")
    for client, topic in (
        ("there", "camwarden/v1/here/incidents/vendor_cloud"),
        ("there", "camwarden/v1/here/resync"),
        ("there", "camwarden/v1/here/status"),
        ("there", "homeassistant/update/camwarden-here/x/config"),
        ("soc", "camwarden/v1/here/incidents/vendor_cloud"),
        ("home-assistant", "camwarden/v1/here/resync"),
    ):
        _, said = secured.does("mosquitto_pub", *secured.tls(client), "-d", "-q", "1", "-t", topic, "-m", "forged")
        assert "rc135" in said.replace(" ", "") or "Not authorized" in said, (client, topic, said)
    for client, topic in (("here", "status"), ("here", "incidents/vendor_cloud"), ("there", "status")):
        own = f"camwarden/v1/{client}/{topic}"
        secured.does("mosquitto_pub", *secured.tls(client), "-q", "1", "-t", own, "-m", "mine")
        wait_until(lambda own=own: f"{own} mine" in heard.read_text(), "what it may say")
    secured.does("mosquitto_pub", *secured.tls("soc"), "-q", "1", "-t", "camwarden/v1/there/resync", "-m", "{}")
    wait_until(lambda: "camwarden/v1/there/resync {}" in overheard.read_text(), "what it may hear")
    assert overheard.read_text().count("\n") == 1
    assert "forged" not in heard.read_text()


def test_nobody_without_a_certificate(secured: Secured) -> None:
    """In the clear, without a certificate, or with one of another authority there is no connection."""
    other = secured.site.directory / "other"
    subprocess.run([SHIPPED / "certificates.sh", other, "localhost", "soc"], check=True, capture_output=True)
    host = ["-h", "localhost", "-p", str(TLS_PORT), "-t", "camwarden/v1/#", "-W", "3"]
    ca = ["--cafile", f"{secured.certificates}/ca.pem"]
    for credentials in (
        [],
        ca,
        [*ca, "--cert", f"{other}/client-soc.pem", "--key", f"{other}/client-soc.key"],
    ):
        code, said = secured.does("mosquitto_sub", *host, *credentials)
        assert code != 0, credentials
        assert "camwarden" not in said


def test_the_script_renews_and_keeps_the_authority(tmp_path: Path) -> None:
    """A second run: the same authority, another certificate; keys are the owner's alone. A name that is none: refused."""
    script = SHIPPED / "certificates.sh"
    for _ in range(2):
        done = subprocess.run([script, tmp_path, "192.0.2.7", "a"], check=True, capture_output=True, text=True)
        (tmp_path / "ca.pem").replace(tmp_path / f"ca-{len(list(tmp_path.glob('ca-*')))}")
        shutil.copy(tmp_path / f"ca-{len(list(tmp_path.glob('ca-*'))) - 1}", tmp_path / "ca.pem")
    assert (tmp_path / "ca-0").read_bytes() == (tmp_path / "ca-1").read_bytes()
    assert "client-*.pem" in done.stdout
    for name in ("ca", "server", "client-a"):
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o077 == 0
    shown = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "server.pem", "-noout", "-ext", "subjectAltName"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "IP Address:192.0.2.7" in shown.stdout
    assert not list(tmp_path.glob("*.new"))
    for bad in ("a/b", "+", "a b", "$(id)", ""):
        done = subprocess.run([script, tmp_path, "localhost", bad], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "name" in done.stderr


def test_the_acl_has_every_topic_of_the_interface() -> None:
    """What the daemon publishes under the tests above, and nothing wider: no sensor may write '#'."""
    lines = [line for line in (SHIPPED / "acl").read_text().splitlines() if line and not line.startswith("#")]
    patterns = [line for line in lines if line.startswith("pattern write")]
    assert all("%u" in line and not line.endswith("#") for line in patterns)
    assert json.dumps(lines).count("readwrite") == 1
