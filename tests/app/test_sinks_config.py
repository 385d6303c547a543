"""The tables of the ways out: what can be used, and one line for what cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor import reload
from monitor.cli import app
from monitor.config import ConfigError, convert
from monitor.daemon import sinks
from monitor.sinks.metrics import SINKS

SYSLOG = {"host": "siem.example.org"}
WEBHOOK = {"url": "https://siem.example.org/hook"}


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ({"syslog": [{**SYSLOG, "transprot": "tcp"}]}, "syslog[...].transprot: unknown key (did you mean transport?)"),
        (
            {"syslog": [{**SYSLOG, "transport": "sctp"}]},
            "syslog[0].transport: 'sctp' is none of udp, tcp, tls (did you mean tcp?)",
        ),
        ({"syslog": [{**SYSLOG, "tls": {}}]}, 'syslog/syslog: tls needs transport = "tls"'),
        ({"syslog": [{"host": "a b"}]}, "syslog/syslog: 'a b' is no host"),
        ({"syslog": [SYSLOG, SYSLOG]}, "syslog 'syslog' is there twice"),
        ({"syslog": [{**SYSLOG, "max_bytes": 100}]}, "syslog[...].max_bytes: expected `int` >= 480"),
        ({"webhook": [{"url": "siem.example.org"}]}, "webhook/webhook: url: needs https:// or http:// and a host"),
        ({"webhook": [{"url": "https://me:pw@host/"}]}, "a secret goes into token_file"),
        ({"webhook": [{"url": "https://host:99999/"}]}, "webhook/webhook: url: Port out of range"),
        ({"webhook": [{"url": "http://host/", "token_file": "t"}]}, "token_file: its secret would travel in the clear"),
        ({"webhook": [{**WEBHOOK, "token_header": "Host"}]}, "token_header: 'Host' is no field for a secret"),
        ({"webhook": [{**WEBHOOK, "insecure": True}]}, "insecure: unknown key"),
        ({"webhook": [{**WEBHOOK, "name": "a/b"}]}, "name"),
    ],
)
def test_one_line_says_what_is_wrong(tables: dict[str, Any], complaint: str) -> None:
    """With the key in it."""
    with pytest.raises(ConfigError) as caught:
        convert(tables, "c.toml")
    assert str(caught.value).startswith("c.toml: ")
    assert complaint in str(caught.value).replace("[0]", "[...]") or complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_sink_has_an_outbox_and_a_label() -> None:
    """As many as there may be, and no more than the metrics can show."""
    config = convert(
        {
            "mqtt": {"host": "broker"},
            "syslog": [{**SYSLOG, "name": str(n)} for n in range(4)],
            "webhook": [{**WEBHOOK, "name": str(n)} for n in range(3)],
        },
        "c.toml",
    )
    names = sinks(config)
    assert names[:2] == ["mqtt", "syslog/0"]
    assert len(set(names)) == len(names) == SINKS


def test_another_sink_needs_a_restart() -> None:
    """And is told so."""
    old, new = convert({"syslog": [SYSLOG]}, "c"), convert({"syslog": [], "webhook": [WEBHOOK]}, "c")
    assert reload.restart_needed(old, new) == ["syslog", "webhook"]
    assert reload.restart_needed(old, old) == []


def test_check_warns_of_what_goes_in_the_clear(tmp_path: Path) -> None:
    """It is allowed, and said aloud."""
    path = tmp_path / "c.toml"
    path.write_text('[capture]\npipe = "-"\n[[webhook]]\nurl = "http://127.0.0.1:1/"\n[[syslog]]\nhost = "127.0.0.1"\n')
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 0
    assert "warning: webhook/webhook: http:// is read and changed by anybody" in result.output
