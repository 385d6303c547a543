"""`camwarden check`: what would not work on this machine, and what is no good idea, a line each with the key in it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.checking import Found, look
from monitor.cli import app
from monitor.config import parse
from monitor.explain import explain

CAPTURE = '[capture]\npipe = "-"\n'
MQTT = '[mqtt]\nhost = "broker"\n'
GATE = '[[device]]\nname = "gate"\nip = "10.0.0.7"\n'


@pytest.fixture(autouse=True)
def no_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def found(text: str, capture: str = CAPTURE) -> Found:
    return look(parse(capture + text, "x.toml"))


def group(rule: str) -> str:
    return f'[[group]]\nname = "g"\nallow = ["{rule}"]\n'


def secret(place: Path, mode: int = 0o600, content: str = "secret\n") -> Path:
    place.write_text(content)
    place.chmod(mode)
    return place


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and its key, and the key of another."""
    folder = tmp_path_factory.mktemp("pair")
    for name in ("one", "other"):
        command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", "1"]
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        subprocess.run([*command, *files], capture_output=True, check=True)
    (folder / "no.pem").write_text("no certificate\n")
    return folder


def test_what_works_is_not_commented_on(tmp_path: Path, pair: Path) -> None:
    """Everything that is looked at, as it should be."""
    password = secret(tmp_path / "password")
    told = found(
        f'[sensor]\nstate = "{tmp_path}/new/state"\n[geo]\ncache = "{tmp_path}"\n'
        '[site]\ncamera_networks = ["10.20.0.0/16", "fd00::/8"]\ncore_networks = ["10.1.0.0/16"]\n'
        '[[group]]\nname = "g"\nallow = ["*.example.org tcp/443", "AS4294967295", "country:GB", "seat:gb", "law:IE", "*"]\n'
        f'{MQTT}username = "a"\npassword_file = "{password}"\n'
        f'tls = {{ ca = "{pair}/one.pem", cert = "{pair}/one.pem", key = "{pair}/one.key" }}\n'
        f'[[webhook]]\nurl = "https://host/"\ntoken_file = "{password}"\n'
        '[prometheus]\nport = 9477\nhost = "localhost"\n'
        f'{GATE}poll = {{ api = "isapi", user = "a", password_file = "{password}" }}\n'
    )
    assert (told.errors, told.warnings, told.notes) == ([], [], [])


def test_nothing_at_all() -> None:
    assert found("", "").errors == ["nothing is configured"]
    assert found(GATE, "").errors == ["capture: run needs interfaces, folder or pipe"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[prometheus]\nport = 1\nhost = "not an address"\n', "prometheus.host: 'not an address' is neither"),
        ('[prometheus]\nport = 1\nhost = "127.0.0.300"\n', "prometheus.host: '127.0.0.300' is no address"),
        ('[prometheus]\nport = 1\nhost = "192.0.2.1"\n', "prometheus.host: 192.0.2.1: Cannot assign"),
        ('[sensor]\nstate = "/proc/nope"\n', "sensor.state: /proc/nope: nothing can be kept in /proc"),
        ('[sensor]\nstate = "/etc/passwd"\n', "sensor.state: /etc/passwd: not a directory"),
        ('[sensor]\nstate = "/etc/passwd/x"\n', "sensor.state: /etc/passwd/x: /etc/passwd is not a directory"),
        ('[geo]\ncache = "/etc/passwd"\n', "geo.cache: /etc/passwd: not a directory"),
        (group("AS64500000000"), "group g: allow: AS64500000000 is no AS number"),
        (group("AS4294967296 tcp/443"), "group g: allow: AS4294967296 is no AS number"),
        (group("country:XX"), "group g: allow: country:XX: 'XX' is no ISO 3166-1"),
        (group("law:UK"), "(did you mean GB?)"),
        (GATE.replace("10.0.0.7", "224.0.0.1"), "device gate: ip: 224.0.0.1 is a multicast address"),
        (GATE.replace("10.0.0.7", "ff02::1"), "device gate: ip: ff02::1 is a multicast address"),
        (GATE.replace("10.0.0.7", "0.0.0.0"), "device gate: ip: 0.0.0.0 is the unspecified address"),
        (GATE.replace("10.0.0.7", "255.255.255.255"), "is the broadcast address"),
        (
            '[site]\ncamera_networks = ["10.0.0.0/29"]\n' + GATE,
            "device gate: ip: 10.0.0.7 is the broadcast address of 10.0.0.0/29",
        ),
        (GATE.replace("10.0.0.7", "127.0.0.1"), "this machine itself"),
    ],
)
def test_errors(text: str, says: str) -> None:
    """What the daemon would refuse, and what means nothing: one line, not two."""
    told = found(text)
    assert [says in line for line in told.errors] == [True], told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[site]\ncamera_networks = ["0.0.0.0/0"]\n', "site.camera_networks: 0.0.0.0/0 is more than any site has"),
        ('[site]\nnetworks = ["2000::/3"]\n', "site.networks: 2000::/3 is more than any site has"),
        (
            '[site]\ncamera_networks = ["10.1.2.0/24"]\ncore_networks = ["10.1.0.0/16"]\n',
            "site.core_networks: 10.1.0.0/16 holds 10.1.2.0/24 of site.camera_networks",
        ),
        (group("*.com"), "group g: allow: *.com covers a whole public suffix"),
        (group("*.co.uk tcp/443"), "group g: allow: *.co.uk covers a whole public suffix"),
        ('[site]\ntime_servers = ["*.org"]\n', "site.time_servers: *.org covers a whole public suffix"),
        (
            group("192.0.2.1") + "isolated = true\n",
            "group g: isolated, and yet allow lets these devices reach 192.0.2.1",
        ),
        (GATE + 'poll = { api = "isapi" }\n', "device gate: poll has neither user nor password_file"),
        ('[capture]\ninterfaces = ["nowhere0"]\n', "capture.interfaces: 'nowhere0' is no interface"),
    ],
)
def test_warnings(text: str, says: str) -> None:
    """What works, and is seldom meant."""
    told = found(text, "" if "[capture]" in text else CAPTURE)
    assert told.errors == []
    assert [says in line for line in told.warnings] == [True], told


def test_the_brokers_password(tmp_path: Path) -> None:
    """Missing or a directory: no connection. For everybody, empty or never sent: that is how it is today."""
    user, path = 'username = "a"\ntls = {}\n', tmp_path / "password"
    assert found(f'{MQTT}{user}password_file = "{path}"\n').errors == [
        f"mqtt.password_file: {path}: No such file or directory"
    ]
    assert found(f'{MQTT}{user}password_file = "{tmp_path}"\n').errors == [
        f"mqtt.password_file: {tmp_path}: not a file"
    ]
    secret(path, 0o644)
    told = found(f'{MQTT}{user}password_file = "{path}"\n')
    assert (told.errors, told.warnings) == ([], [f"mqtt.password_file: {path}: everybody may read it: chmod o-r"])
    secret(path)
    told = found(f'{MQTT}tls = {{}}\npassword_file = "{path}"\n')
    assert (told.errors, told.warnings) == ([], ["mqtt.password_file: without mqtt.username no password is sent"])
    told = found(f'{MQTT}username = "a"\npassword_file = "{path}"\n')
    assert told.warnings == ["mqtt.password_file: without mqtt.tls the password travels in the clear"]
    path.write_bytes(b"\xff\xfe")
    assert found(f'{MQTT}{user}password_file = "{path}"\n').errors == [f"mqtt.password_file: {path}: not UTF-8"]


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    told = found(f'{MQTT}username = "a"\ntls = {{ ca = "{tmp_path}/fifo" }}\npassword_file = "{tmp_path}/fifo"\n')
    assert [line.split(":")[0] for line in told.errors] == ["mqtt.tls.ca", "mqtt.password_file"]


def test_the_secrets_of_webhooks_and_polls(tmp_path: Path) -> None:
    """What everybody may read is refused where it is used, so it is here."""
    path = secret(tmp_path / "secret", 0o644)
    hook = f'[[webhook]]\nurl = "https://host/"\nhmac_file = "{path}"\ntoken_file = "{tmp_path}/none"\n'
    polled = f'{GATE}poll = {{ api = "isapi", user = "a", password_file = "{path}" }}\n'
    assert found(hook + polled).errors == [
        f"device gate: poll.password_file: {path}: everybody may read it: chmod o-r",
        f"webhook/webhook: token_file: {tmp_path}/none: No such file or directory",
        f"webhook/webhook: hmac_file: {path}: everybody may read it: chmod o-r",
    ]


def test_certificates(tmp_path: Path, pair: Path) -> None:
    """Missing, none, and a key that is another's."""
    siem = '[[syslog]]\nname = "siem"\nhost = "h"\ntransport = "tls"\n'
    assert found(f'{siem}tls = {{ ca = "{tmp_path}/ca.pem" }}\n').errors == [
        f"syslog/siem: tls.ca: {tmp_path}/ca.pem: No such file or directory"
    ]
    (error,) = found(f'{MQTT}tls = {{ ca = "{pair}/no.pem" }}\n').errors
    assert error.startswith(f"mqtt.tls.ca: {pair}/no.pem: TLS: ")
    (error,) = found(f'{MQTT}tls = {{ cert = "{pair}/one.pem", key = "{pair}/other.key" }}\n').errors
    assert error == f"mqtt.tls.cert: {pair}/one.pem: TLS: key values mismatch"
    polled = f'{GATE}poll = {{ api = "isapi", tls = {{ ca = "{tmp_path}/ca.pem" }} }}\n'
    assert found(polled).errors == [f"device gate: poll.tls.ca: {tmp_path}/ca.pem: No such file or directory"]


def test_a_key_with_a_pass_phrase_is_not_asked_for_it(tmp_path: Path) -> None:
    """Neither here nor by the daemon, which has no terminal."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-passout",
        "pass:hallo",
        "-subj",
        "/CN=x",
        "-days",
        "1",
    ]
    files = ["-keyout", tmp_path / "locked.key", "-out", tmp_path / "locked.pem"]
    subprocess.run([*command, *files], capture_output=True, check=True)
    (error,) = found(f'{MQTT}tls = {{ cert = "{tmp_path}/locked.pem", key = "{tmp_path}/locked.key" }}\n').errors
    assert error.startswith(f"mqtt.tls.cert: {tmp_path}/locked.pem: the key is locked by a pass phrase")


def test_a_credential_of_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside it is noted; inside it must be there."""
    text = f'{MQTT}username = "a"\ntls = {{}}\npassword_file = "$CREDENTIALS_DIRECTORY/broker"\n'
    told = found(text)
    assert (told.errors, told.warnings, len(told.notes)) == ([], [], 1)
    assert told.notes[0].startswith("mqtt.password_file: $CREDENTIALS_DIRECTORY/broker is there in the unit only")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert found(text).errors == [f"mqtt.password_file: {tmp_path}/broker: No such file or directory"]


def test_captures_that_are_not_there(tmp_path: Path) -> None:
    for key in ("folder", "pipe"):
        (error,) = found("", f'[capture]\n{key} = "{tmp_path}/none"\n').errors
        assert error == f"capture.{key}: {tmp_path}/none: No such file or directory"


SITE = parse(
    """
[site]
camera_networks = ["10.20.0.0/16"]
resolvers = ["10.20.0.2"]
time_servers = ["10.20.0.2", "192.0.2.123", "ntp.example.org"]
[[group]]
name = "street"
match = { network = "10.20.0.0/24" }
allow = ["updates.example.org tcp/443", "198.51.100.0/24 udp/8000-8010"]
[[device]]
name = "gate-07"
ip = "10.20.0.17"
""",
    "x.toml",
)


@pytest.mark.parametrize(
    ("there", "allowed", "says"),
    [
        (
            "updates.example.org",
            True,
            "allowed for tcp/443, and for nothing else\n  rule: group street: allow updates.example.org tcp/443",
        ),
        ("updates.example.org tcp/443", True, "tcp/443: allowed\n"),
        ("Updates.Example.org.  TCP/443", True, ": allowed\n"),
        ("updates.example.org tcp/80", False, "tcp/80: not allowed\n"),
        ("updates.example.org@203.0.113.4 tcp/443", True, "tcp/443: allowed\n"),
        ("198.51.100.9 udp/8000-8003", True, ": allowed\n"),
        ("198.51.100.9 udp/8000-8011", False, ": not allowed\n"),
        ("198.51.100.9", True, "198.51.100.9: allowed for udp/8000-8010, and for nothing else\n"),
        ("10.20.0.2", True, "10.20.0.2: allowed for dns and ntp, and for nothing else\n"),
        ("10.20.0.2", True, "rule: site.resolvers 10.20.0.2; site.time_servers 10.20.0.2\n"),
        ("10.20.0.2", True, "it is on the site"),
        ("192.0.2.123", True, "192.0.2.123: allowed for ntp, and for nothing else\n"),
        ("ntp.example.org", True, "ntp.example.org: allowed for ntp, and for nothing else\n"),
        ("10.20.0.2 dns", True, ": allowed\n"),
        ("10.20.0.2 tcp/80", False, ": not allowed\n"),
        ("203.0.113.9", False, ": not allowed\n"),
    ],
)
def test_a_destination_is_explained(there: str, allowed: bool, says: str) -> None:
    """By itself or with a service; where a rule helps for a service alone, that is the answer."""
    answer, words = explain(SITE, "gate-07", there)
    assert (answer, says in words) == (allowed, True), words


@pytest.mark.parametrize(
    ("device", "there", "says"),
    [
        ("gate-07", "bla bla", "'bla' in 'bla bla' is no service (ntp, dns, tcp/443, udp/8000-8010)"),
        ("gate-07", "bla! bla", "'bla!' is neither a name nor an address"),
        ("gate-07", "", "'' is neither a name nor an address"),
        ("gate-07", "10.0.0.300", "'10.0.0.300' is neither a name nor an address"),
        ("gate-07", "*.example.org", "'*.example.org' is neither"),
        ("gate-07", "a@b@10.0.0.1", "is neither"),
        ("gate-07", "example.org@nowhere", "is neither"),
        ("gate-07", "192.0.2.1 tcp/1-64", "ask about fewer than 64 ports"),
        ("gate-7", "192.0.2.1", "device 'gate-7' is not in the inventory (did you mean gate-07?)"),
        ("roof", "192.0.2.1", "device 'roof' is not in the inventory"),
    ],
)
def test_what_cannot_be_explained(device: str, there: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as wrong:
        explain(SITE, device, there)
    assert "\n" not in str(wrong.value)


def test_a_device_without_a_name_is_in_the_group_of_its_network() -> None:
    assert explain(SITE, "10.20.0.99", "updates.example.org")[0]
    assert not explain(SITE, "10.20.1.99", "updates.example.org")[0]
    assert not explain(SITE, "00:11:22:33:44:55", "updates.example.org")[0]


def test_the_command_says_all_of_it(tmp_path: Path) -> None:
    """Errors with the file before them and exit 1, warnings and notes with exit 0; the policy is explained all the same."""
    file = tmp_path / "x.toml"
    file.write_text(f'{CAPTURE}[sensor]\nstate = "/proc/nope"\n[[group]]\nname = "g"\nallow = ["*.com", "AS0"]\n')
    done = CliRunner().invoke(app, ["check", str(file)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"camwarden: {file}: sensor.state: /proc/nope: nothing can be kept in /proc",
        f"camwarden: {file}: group g: allow: AS0 is no AS number: they go from 1 to 4294967295 (RFC 6793)",
        "warning: group g: allow: *.com covers a whole public suffix: anybody can register a name in it",
    ]
    done = CliRunner().invoke(app, ["check", str(file), "--explain", "10.0.0.1", "8.8.8.8"])
    assert (done.exit_code, done.stderr) == (1, "")
    file.write_text(f'{CAPTURE}{group("*.com")}{MQTT}tls = {{ ca = "$CREDENTIALS_DIRECTORY/ca" }}\n')
    done = CliRunner().invoke(app, ["check", str(file)])
    assert (done.exit_code, done.stdout) == (0, f"{file}: good: 0 devices, 1 groups, sensor camwarden\n")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["warning", "note"]
