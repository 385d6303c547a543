"""camwarden test-alert: one marked incident through every sink, with real servers at the other ends."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from monitor.app import renderer
from monitor.cli import app
from monitor.config import convert
from monitor.rehearsal import EPOCH, rehearse, transitions
from tests.ports import free_port
from tests.sinks.conftest import Mosquitto, Subscriber
from tests.sinks.listening import DatagramServer, Endpoint, Parsed, StreamServer

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "ocsf-2004.schema.json").read_text())


def test_the_message_is_valid_and_says_that_it_is_a_test() -> None:
    """By the OCSF schema; a kind, a label, a sentence and an epoch that no incident has."""
    began, ended = (json.loads(renderer("hall-1")(each, EPOCH, each.number)) for each in transitions("hall-1", "high"))
    validator = jsonschema_rs.validator_for(SCHEMA)
    for message in (began, ended):
        assert list(validator.iter_errors(message)) == []
        assert message["metadata"]["labels"] == ["test"]
        assert message["finding_info"]["types"] == ["test"]
        assert message["message"].startswith("TEST")
        assert message["unmapped"]["camwarden"]["epoch"] == 0
        assert "evidences" not in message
    assert (began["activity_id"], ended["activity_id"], ended["status_id"], began["severity_id"]) == (1, 3, 4, 4)
    assert began["finding_info"]["uid"] == ended["finding_info"]["uid"]
    assert (
        began["finding_info"]["uid"]
        != json.loads(renderer("hall-1")(transitions("hall-1", "high")[0], EPOCH, 1))["finding_info"]["uid"]
    )


async def test_every_sink_gets_it_and_one_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Three servers take it, one refuses it, one is not there: each is told for itself."""
    datagrams, stream, endpoint, refusing = DatagramServer(), StreamServer(), Endpoint(), Endpoint()

    async def refuse(request: Any, body: bytes) -> Any:
        from aiohttp import web

        return web.Response(status=422)

    refusing.answer = refuse
    for server in (datagrams, stream, endpoint, refusing):
        await server.start()
    local = {"host": "127.0.0.1"}
    config = convert(
        {
            "sensor": {"name": "hall-1"},
            "syslog": [
                {**local, "name": "udp", "port": datagrams.port, "format": "cef"},
                {**local, "name": "tcp", "port": stream.port, "transport": "tcp"},
                {**local, "name": "gone", "port": free_port(), "transport": "tcp"},
            ],
            "webhook": [
                {"name": "good", "url": f"http://127.0.0.1:{endpoint.port}/"},
                {"name": "picky", "url": f"http://127.0.0.1:{refusing.port}/"},
            ],
        },
        "c.toml",
    )
    told = {each.sink: each for each in await rehearse(config, "low", 1.5)}
    for server in (datagrams, stream, endpoint, refusing):
        await server.kill()
    assert {name for name, each in told.items() if each.accepted} == {"syslog/udp", "syslog/tcp", "webhook/good"}
    assert told["syslog/gone"].line().startswith("syslog/gone: NOT accepted after 1.5")
    assert "refused" in told["syslog/gone"].why
    assert told["webhook/picky"].why == "refused: HTTP 422 Unprocessable Entity"
    assert told["webhook/picky"].seconds < 1.0
    assert [Parsed(each).data["labels"] for each in stream.messages()] == ["test", "test"]
    assert b"cat=test,test" in datagrams.messages()[0]
    assert [json.loads(each)["activity_id"] for each in endpoint.bodies] == [1, 3]


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto and mosquitto-clients")
async def test_a_daemon_that_is_connected_meanwhile_is_not_disturbed(tmp_path: Path) -> None:
    """Only the incident comes: no status, no last will, and another client's name."""
    broker = Mosquitto(tmp_path)
    broker.start()
    config = convert({"sensor": {"name": "hall-1"}, "mqtt": {"host": "127.0.0.1", "port": broker.port}}, "c.toml")
    try:
        async with Subscriber(broker.port, "#") as subscriber:
            (told,) = await rehearse(config, "informational", 10)
            await subscriber.until(lambda: len(subscriber.lines) >= 2)
            await asyncio.sleep(0.2)
        assert told.accepted
        assert {topic for topic, _ in subscriber.lines} == {"camwarden/v1/hall-1/incidents/test"}
        assert "camwarden-hall-1-visiting" in broker.log.read_text()
    finally:
        broker.kill()


def test_the_command_says_which_sink_does_not_work(tmp_path: Path) -> None:
    """Exit 1 for that, 2 for a configuration without any; never a traceback."""
    path = tmp_path / "c.toml"
    path.write_text("")
    result = CliRunner().invoke(app, ["test-alert", "--config", str(path)])
    assert (result.exit_code, "no sink is configured" in result.output) == (2, True)
    path.write_text(f'[[webhook]]\nurl = "http://127.0.0.1:{free_port()}/"\n')
    result = CliRunner().invoke(app, ["test-alert", "--config", str(path), "--wait", "1"])
    assert result.exit_code == 1
    assert result.stdout.startswith("webhook/webhook: NOT accepted after 1.")
    assert result.stdout.endswith(": Connection refused\n")
