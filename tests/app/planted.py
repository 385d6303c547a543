"""Attempts of cameras that a test plants on the wire, and configurations that name those cameras."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pcaps import packets
from pcaps.packets import SYN, Host, Segment
from pcaps.site import HIKVISION

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTER: Final = Host.at("10.20.0.1", "00:00:0c:07:ac:01")
DELL: Final = "00:14:22"
"""A maker of no cameras."""
OPERATORS: Final = ("115.231.97", "119.45.114", "47.97.12", "52.30.100", "103.235.46", "8.8.4")
"""Networks of different operators abroad: Chinanet, Tencent, Alibaba, Amazon, Baidu, Google."""
ENOUGH_FOR_NEWS: Final = 100
"""Attempts after which an incident that is open is told again (incidents.incident, ATTEMPTS_FLOOR)."""
PORTS: Final = itertools.count(20_000)


def camera(number: int, maker: str = HIKVISION) -> Host:
    """Camera ``number``, from 0 on."""
    return Host.at(
        f"10.20.{1 + number // 250}.{1 + number % 250}", f"{maker}:20:{number // 250:02x}:{number % 250:02x}"
    )


def named(number: int) -> dict[str, str]:
    """Its row of a configuration."""
    host = camera(number)
    return {"name": f"cam-{number}", "ip": packets.text(host.ip), "group": "cameras"}


def configured(cameras: int, **more: Any) -> str:
    """A configuration with so many cameras; ``more`` tables beside."""
    return toml(
        {
            "site": {"home": ["GB"], "resolvers": ["10.20.0.2"], "time_servers": ["10.20.0.2"]},
            "group": [{"name": "cameras"}],
            "device": [named(number) for number in range(cameras)],
            **more,
        }
    )


def attempt(number: int, remote: str = "115.231.97.60", port: int = 8800, maker: str = HIKVISION) -> bytes:
    """The frame with which a camera tries to reach an address abroad, each from a port of its own."""
    host, there = camera(number, maker), ROUTER.beyond(remote)
    sport = 20_000 + next(PORTS) % 40_000
    return packets.frame(host, there, packets.tcp(host, there, Segment(sport, port, sport << 8, 0, SYN, 64240)))


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
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
