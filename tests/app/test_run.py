"""The daemon on a live tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from collectors.captures import Captures
from monitor.app import build_engine, knowledge, renderer
from monitor.config import convert
from pcaps import scenarios
from tests.app.living import Daemon, Site, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


def toml(table: Any, prefix: str = "") -> str:
    """A configuration's tables as text."""
    lines: list[str] = []
    plain = {key: value for key, value in table.items() if not _nested(value)}
    if plain and prefix:
        lines.append(f"[{prefix}]")
    lines += [f"{key} = {_inline(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, list) and _nested(value):
            for each in value:
                lines.append(f"[[{key}]]")
                lines += [f"{inner} = {_inline(given)}" for inner, given in each.items()]
        elif isinstance(value, dict):
            lines.append(toml(value, key))
    return "\n".join(lines) + "\n"


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(each) for each in value) + "]"
    return msgspec.json.encode(value).decode()


Picture = set[tuple[Any, ...]]


def picture(messages: Iterable[dict[str, Any]]) -> Picture:
    """Device, operator, kinds, outcome, attempts and bytes of each incident, by its last message."""
    last = {each["finding_info"]["uid"]: each for each in messages}
    return {
        (
            each["device"]["name"],
            each["unmapped"]["camwarden"].get("verdict", {}).get("operator"),
            tuple(sorted(each["finding_info"]["types"])),
            each["unmapped"]["camwarden"].get("outcome"),
            each["unmapped"]["camwarden"]["attempts"],
            each["unmapped"]["camwarden"]["bytes_out"],
            each["unmapped"]["camwarden"]["bytes_in"],
        )
        for each in last.values()
    }


def replayed(path: Path, tables: dict[str, Any]) -> Picture:
    """What a replay of the file says."""
    config = convert({**tables, "sensor": {"name": "here"}}, "test")
    render = renderer("here")
    with knowledge(config) as known:
        engine = build_engine(config, known)
        told = [transition for block in Captures([path]).blocks() for transition in engine.feed(block)]
        told += engine.finish()
    return picture(msgspec.json.decode(render(each, 1, 1)) for each in told)


@pytest.mark.parametrize("name", ["irish_vendor_cloud", "quic_abroad"])
def test_live_is_replay(site: Site, name: str) -> None:
    """A capture sent at its own pace and one read from the file give the same incidents."""
    scenario = scenarios.load(name)
    tables = {key: value for key, value in scenario.configuration.items() if key != "sensor"}
    daemon = Daemon(site, toml(tables))
    sent = site.space.replay(scenario.capture, "send", "--timer=nano")
    wait_until(lambda: daemon.health()["packets"] == sent, "all packets")
    daemon.stop()
    assert picture(body for _, body in site.received()) == replayed(scenario.capture, tables)
