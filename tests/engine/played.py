"""A small site whose traffic is written packet by packet, played through the whole engine."""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING, Any, Final

from collectors.blocks import Block, Interface
from monitor.app import build_engine
from monitor.config import convert
from monitor.incidents import ocsf
from monitor.model.address import text
from monitor.model.incidents import Activity
from pcaps.packets import Host
from pcaps.wire import START, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.app import Knowledge
    from monitor.config import Config
    from monitor.engine import Engine
    from monitor.model.facts import Observation
    from monitor.model.incidents import Transition
    from pcaps.savefile import Frame

ETHERNET: Final = 1
SEED: Final = bytes(16)

ROUTER = "00:00:0c:07:ac:01"
UNKNOWN_CN: Final = "115.231.97.60"
"""Zhejiang, AS58461."""
AMAZON_IE: Final = "52.30.100.10"
AMAZON_IE_2: Final = "54.72.18.77"
TENCENT: Final = "119.45.114.92"
MICROSOFT_GB: Final = "20.90.130.10"

SITE: Final[dict[str, Any]] = {
    "sensor": {"name": "here"},
    "site": {"home": ["GB"], "resolvers": ["10.20.0.2"], "time_servers": ["10.20.0.2"]},
    "group": [{"name": "cameras"}],
    "device": [
        {"name": "gate", "ip": "10.20.0.11", "mac": "44:19:b6:20:00:0b", "group": "cameras"},
        {"name": "hall", "ip": "10.20.0.12", "mac": "44:19:b6:20:00:0c", "group": "cameras"},
    ],
}


class Site:
    """Fresh hosts and an empty wire."""

    def __init__(self, vlan: tuple[int, ...] = ()) -> None:
        self.wire = Wire(vlan=vlan)
        self.rng = Random(7)
        self.router = Host.at("10.20.0.1", ROUTER)
        self.server = Host.at("10.20.0.2", "00:14:22:5a:10:02")
        self.gate = Host.at("10.20.0.11", "44:19:b6:20:00:0b")
        self.hall = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
        self.phone = Host.at("10.20.0.90", "da:a1:19:4e:07:3c")

    def remote(self, ip: str) -> Host:
        """A host beyond the router."""
        return self.router.beyond(ip)


def configured(**tables: Any) -> Config:
    """SITE with these tables instead of its own."""
    return convert(SITE | tables, "test")


def group(**tables: Any) -> Config:
    """SITE with these settings of its cameras' group."""
    return configured(group=[{"name": "cameras", **tables}])


def blocks(frames: Sequence[Frame], size: int = 4096, link: int = ETHERNET) -> Iterable[Block]:
    """The frames as a collector gives them, in one buffer that is used again and again."""
    memory = bytearray(1 << 22)
    for first in range(0, len(frames), size):
        index, filled = array("q"), 0
        part = frames[first : first + size]
        for frame in part:
            index.extend((frame.ts_ns, filled, len(frame.data), len(frame.data), 0))
            memory[filled : filled + len(frame.data)] = frame.data
            filled += len(frame.data)
        yield Block(memory, index, len(part), (Interface("capture", link),))
        memory[:filled] = b"\xaa" * filled


class Played:
    """An engine and all that it told."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.told: list[Transition] = []

    def feed(self, given: Iterable[Block]) -> Played:
        """Go on with these."""
        for block in given:
            self.told += self.engine.feed(block)
        return self

    def finish(self) -> Played:
        """The packets are over."""
        self.told += self.engine.finish()
        assert self.engine.counts.faults == 0
        return self

    @property
    def incidents(self) -> dict[str, Transition]:
        """The last message of each, by id, in the order of opening."""
        return {transition.incident: transition for transition in self.told}

    def of(self, device: str) -> list[Transition]:
        """The last messages about one device that did not end in another incident."""
        return [each for each in self.incidents.values() if each.device.name == device and each.merged_into is None]

    def only(self) -> Transition:
        """The last message, where there is one incident."""
        (last,) = self.incidents.values()
        return last

    def openings(self) -> list[Transition]:
        return [each for each in self.told if each.activity is Activity.NEW]

    def rendered(self) -> list[bytes]:
        """Every message as it leaves."""
        return [
            ocsf.render(each, sensor="here", epoch=1, seq=number, version="1")
            for number, each in enumerate(self.told, start=1)
        ]

    def remotes(self, transition: Transition) -> set[str]:
        """All remote addresses of the contacts that an incident has."""
        return {
            text(contact.remote)
            for device in self.engine.attribution.devices
            for contact in self.engine.attribution.contacts.of(device)
            if contact.incident == transition.incident and contact.remote is not None
        }

    def names(self, transition: Transition) -> set[str]:
        """All their names."""
        return {
            name
            for device in self.engine.attribution.devices
            for contact in self.engine.attribution.contacts.of(device)
            if contact.incident == transition.incident
            for name in contact.names
        }


def engine(known: Knowledge, config: Config | None = None, *, seed: bytes = SEED, **more: Any) -> Played:
    """An engine that has seen nothing; a parser's defect is raised where it happens to be."""
    return Played(build_engine(config or configured(), known, seed=seed, on_fault=_raise, **more))


def play(known: Knowledge, site: Site, config: Config | None = None, *, size: int = 4096, **more: Any) -> Played:
    """Everything that happened on the site's wire."""
    return engine(known, config, **more).feed(blocks(site.wire.frames(), size)).finish()


def observed(known: Knowledge, site: Site, config: Config | None = None) -> list[Observation]:
    """Every observation of what happened on the site's wire."""
    seen: list[Observation] = []
    play(known, site, config, observer=lambda observation, _: seen.append(observation))
    return seen


def _raise(defect: BaseException) -> None:
    raise defect


__all__ = ["START", "Played", "Site", "blocks", "configured", "engine", "observed", "play"]
