"""The poll table of the configuration: what it means, and one line for what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from collectors.poll.settings import warnings
from collectors.poll.target import Api, Verification
from monitor.cli import app
from monitor.config import Config, ConfigError, parse, polled

PIN = "AB:" * 31 + "ab"


def configured(poll: str, device: str = 'name = "cam"\nip = "192.168.1.64"') -> Config:
    return parse(f"[[device]]\n{device}\npoll = {{ {poll} }}\n", "site.toml")


def test_the_least_that_it_takes() -> None:
    """An interface: the device's address, in the clear, without logging in, each hour."""
    (target,) = polled(configured('api = "isapi"'))
    assert (target.device, str(target.address), target.port, target.apis) == ("cam", "192.168.1.64", 80, (Api.ISAPI,))
    assert (target.tls, target.user, target.every_s, target.special) == (None, "", 3600, False)
    assert polled(parse('[[device]]\nname = "cam"\nip = "192.168.1.64"\n', "x")) == []


def test_all_of_it() -> None:
    (target,) = polled(
        configured(
            f'api = ["reolink", "onvif"], address = "10.0.0.2", tls = {{ sha256 = "{PIN}" }}, user = "watcher", '
            'password_file = "$CREDENTIALS_DIRECTORY/cam", realm = "r", every_minutes = 5, host = "cam.example"',
            'name = "cam"\nip = ["10.0.0.1", "10.0.0.2"]',
        )
    )
    assert str(target.address) == "10.0.0.2"
    assert target.port == 443
    assert target.apis == (Api.REOLINK, Api.ONVIF)
    assert target.tls is not None
    assert target.tls.pin == bytes.fromhex("ab" * 32)
    assert target.verified
    assert warnings(target) == []


def test_unverified_tls_is_said_aloud() -> None:
    (target,) = polled(configured('api = "isapi", tls = { unverified = true }'))
    assert target.tls is not None
    assert target.tls.verification is Verification.NONE
    assert not target.verified
    assert "cam" in warnings(target)[0]
    assert "unverified" in warnings(target)[0]


def test_a_special_address_by_its_name_only() -> None:
    device = 'name = "cam"\nip = "169.254.7.7"'
    (target,) = polled(configured('api = "isapi", allow_special = "169.254.7.7"', device))
    assert target.special
    with pytest.raises(ConfigError, match="link-local"):
        configured('api = "isapi", allow_special = "169.254.7.8"', device)


@pytest.mark.parametrize(
    ("poll", "why"),
    [
        ('api = "isapy"', "device[0].poll.api"),
        ('api = "isapi", prot = 80', "did you mean port"),
        ('api = "isapi", tls = { sha265 = "x" }', "did you mean sha256"),
        ('api = ["isapi", "isapi"]', "twice"),
        ("api = []", "device[0].poll.api"),
        ('api = "isapi", port = 0', "device[0].poll.port"),
        ('api = "isapi", user = "u"', "belong together"),
        ('api = "isapi", password_file = "p"', "belong together"),
        ('api = "isapi", user = "u:v", password_file = "p"', "colon"),
        ('api = "isapi", tls = {}', "exactly one"),
        (f'api = "isapi", tls = {{ sha256 = "{PIN}", unverified = true }}', "exactly one"),
        ('api = "isapi", tls = { sha256 = "abc" }', "sha256"),
        (f'api = "isapi", tls = {{ sha256 = "{PIN}", name = "x" }}', "ca"),
        ('api = "reolink"', "onvif"),
        ('api = "reolink", tls = { unverified = true }', "sha256 or ca"),
        ('api = "isapi", address = "192.168.1.65"', "not an ip of this device"),
        ('api = "isapi", allow_special = "x"', "'x'"),
        ('api = "isapi", host = "a\\r\\nb"', "host"),
        ('api = "isapi", every_minutes = 0', "every_minutes"),
    ],
)
def test_one_line_that_says_what_is_wrong(poll: str, why: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        configured(poll)
    assert str(wrong.value).startswith("site.toml: ")
    assert why in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_device_without_an_address_cannot_be_asked() -> None:
    with pytest.raises(ConfigError, match="device cam: poll: needs the device's ip"):
        configured('api = "isapi"', 'name = "cam"\nmac = "00:11:22:33:44:55"')


def test_check_says_it_aloud(tmp_path: Path) -> None:
    """`camwarden check` warns of unverified TLS, and names what is wrong in one line."""
    file = tmp_path / "site.toml"
    file.write_text(
        '[capture]\npipe = "-"\n'
        '[[device]]\nname = "cam"\nip = "10.0.0.1"\npoll = { api = "isapi", tls = { unverified = true } }\n'
    )
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.exit_code == 0
    assert "warning: device cam: poll.tls is unverified" in checked.stderr
    file.write_text('[[device]]\nname = "cam"\nip = "127.0.0.1"\npoll = { api = "isapi" }\n')
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.exit_code == 1
    assert "device cam: poll: 127.0.0.1 is this machine itself" in checked.stderr
