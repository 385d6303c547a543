"""Where the broker's password and keys are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.sinks.mqtt_config import MqttConfig, MqttTls, credentials


def config(path: str) -> MqttConfig:
    return MqttConfig(host="broker.example", username="camwarden", password_file=path)


def test_a_credential_of_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path begins with the variable that systemd sets, and nothing else of the path is expanded."""
    (tmp_path / "mqtt-password").write_text("dGVzdA==\n")
    (tmp_path / "$HOME").write_text("plain")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credentials(config("$CREDENTIALS_DIRECTORY/mqtt-password")) == ("dGVzdA==", None)
    assert credentials(config(str(tmp_path / "$HOME"))) == ("plain", None)
    assert credentials(config("$CREDENTIALS_DIRECTORY/$HOME"))[0] == "plain"


def test_the_keys_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three files of the TLS table are looked for in the same place: the error names the one that is missing."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for tls in (
        MqttTls(ca="$CREDENTIALS_DIRECTORY/ca.pem"),
        MqttTls(cert="$CREDENTIALS_DIRECTORY/cert.pem", key="$CREDENTIALS_DIRECTORY/key.pem"),
    ):
        with pytest.raises(FileNotFoundError):
            credentials(MqttConfig(host="broker.example", tls=tls))


def test_started_by_hand_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a file of that odd name."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(FileNotFoundError, match="LoadCredential"):
        credentials(config("$CREDENTIALS_DIRECTORY/mqtt-password"))


def test_a_password_that_is_no_text(tmp_path: Path) -> None:
    """An error like any other of a file, which the sink tells and tries again."""
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    with pytest.raises(OSError, match="not UTF-8"):
        credentials(config(str(tmp_path / "password")))
