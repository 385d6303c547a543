"""Demo: the bundled scenarios through the whole daemon, at a pace that can be watched.

Everything is real but the packets' age: the engine, the journal, an MQTT broker of its own on 127.0.0.1, the
metrics endpoint. What is shown is what a subscriber of that broker received.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collectors.captures import Captures
from monitor.accounting import Account
from monitor.app import build_engine, knowledge
from monitor.config import Config, convert
from monitor.daemon import outlets
from monitor.incidents.book import state
from monitor.model.incidents import Severity
from monitor.sinks.embedded_broker import embedded_broker
from monitor.sinks.mqtt_config import MqttConfig
from monitor.sinks.prometheus_config import PrometheusConfig
from monitor.sinks.subscription import subscribe
from monitor.sinks.terminal import STYLES
from pcaps import scenarios

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.daemon import Outlets
    from monitor.engine import Engine
    from pcaps.scenarios import Entry, Scenario

ORDER: Final = (
    "quiet_site",
    "irish_vendor_cloud",
    "hardcoded_p2p",
    "names_only",
    "quic_abroad",
    "ipv6_abroad",
    "viewer_abroad",
    "phone_on_vlan",
    "duplicate_mirror",
    "ledger_states",
    "audio_woken",
    "p2p_says_off",
    "telnet_opened",
    "push_update",
    "airport_storm",
)
"""From calm to storm, so that a newcomer meets one thing at a time."""
SENSOR: Final = "demo"
SCENE_S: Final = 4.0
"""Seconds a scenario takes when it is watched."""
STEP_PACKETS: Final = 16
SHOWN: Final = 4
"""Incidents of one scenario that are followed line by line; the rest is counted."""
SENTENCES: Final = 3
"""Incidents of one scenario that are told in a sentence at its end."""
ARRIVAL_S: Final = 10.0
"""Seconds to wait for the broker's messages after a scenario."""


class Demo:
    """Plays the scenarios and checks each against its description."""

    def __init__(self, *, once: bool, paced: bool, console: Console | None = None) -> None:
        self._once = once
        self._paced = paced
        self._console = console or Console()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._arrived = asyncio.Event()
        self._sequences: list[int] = []
        self._rows: list[tuple[str, int, int, str]] = []
        self._rounds = 0

    async def run(self) -> bool:
        """Play; whether everything was found that should be, and nothing else."""
        played = [scenarios.load(name) for name in ORDER]
        devices = sorted({device["name"] for each in played for device in each.configuration.get("device", ())})
        console = self._console
        console.print("[bold]camwarden demo[/bold]: recorded scenes of camera networks, watched by the whole daemon")
        with knowledge(Config()) as known:
            known.operators.prepare()
            async with AsyncExitStack() as stack:
                host, port = await stack.enter_async_context(embedded_broker())
                topic = f"camwarden/v1/{SENSOR}/incidents/#"
                arrivals = await stack.enter_async_context(subscribe(host, port, topic))
                listener = asyncio.create_task(self._listen(arrivals), name="subscriber")
                config = Config(
                    sensor=msgspec.structs.replace(Config().sensor, name=SENSOR),
                    mqtt=MqttConfig(host=host, port=port, protocol="3.1.1"),
                    prometheus=PrometheusConfig(port=0),
                )
                good = await self._round(played, devices, known, config)
                while not self._once:
                    console.print("\nagain in a moment; Ctrl-C ends\n")
                    await asyncio.sleep(SCENE_S if self._paced else 0)
                    good = await self._round(played, devices, known, config) and good
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener
        return good

    async def _round(self, played: list[Scenario], devices: list[str], known: Knowledge, config: Config) -> bool:
        """Every scenario once, with a journal and metrics of its own."""
        self._rows.clear()
        self._sequences.clear()
        self._rounds += 1
        async with outlets(config, devices, state=None, databases=known.geo.ages()) as out:
            assert out.address is not None and config.mqtt is not None  # noqa: S101, PT018  configured above
            metrics = f"http://{out.address[0]}:{out.address[1]}/metrics"
            broker = f"mqtt://{config.mqtt.host}:{config.mqtt.port}"
            self._console.print(f"broker {broker} (topic camwarden/v1/{SENSOR}/#), metrics {metrics}\n")
            good = all([await self._scene(each, known, out) for each in played])
            await self._summary(metrics)
        return good

    async def _scene(self, scenario: Scenario, known: Knowledge, out: Outlets) -> bool:
        """One scenario: replay it, show what the subscriber receives, compare with the description."""
        console = self._console
        console.rule(f"[bold]{scenario.name.replace('_', ' ')}", align="left")
        console.print(scenario.story)
        sensor = {"name": f"{SENSOR}-{self._rounds}"}
        config = convert({**scenario.configuration, "sensor": sensor}, scenario.name)
        engine = build_engine(config, known)
        account = Account(engine, out.metrics)
        owed = out.told
        before = len(self._sequences)
        shown = _Shown(console)
        begun = asyncio.get_running_loop().time()
        path = scenarios.FOLDER / f"{scenario.name}.pcap"
        captures = Captures([path], block_packets=STEP_PACKETS)
        first_ns, last_ns = await asyncio.to_thread(_span, path)
        for block in captures.blocks():
            transitions = engine.feed(block)
            await out.tell(transitions)
            account.settle()
            if self._paced:
                share = (engine.scanner.ts - first_ns) / max(1, last_ns - first_ns)
                await asyncio.sleep(max(0.0, begun + share * SCENE_S - asyncio.get_running_loop().time()))
            self._drain(shown)
        await out.tell(engine.finish())
        account.settle()
        account.devices()
        out.show_devices([state(device) for device in engine.attribution.devices if device.configured])
        async with asyncio.timeout(ARRIVAL_S):
            while len(self._sequences) - before < out.told - owed:
                self._arrived.clear()
                await self._arrived.wait()
        self._drain(shown)
        shown.rest()
        wrong = differences(scenario, shown.last)
        if scenario.rows:
            states = ledger_of(scenario, engine)
            console.print(Text("  ledger: " + "; ".join(f"{row.device} {row.capability} {is_}" for row, is_ in states)))
            wrong += [f"{row.device}: {row.capability} is {is_}" for row, is_ in states if is_ != row.state]
        for line in wrong:
            console.print(f"  [bold red]not as described:[/bold red] {line}")
        incidents = len(shown.last)
        attempts = sum(each["unmapped"]["camwarden"]["attempts"] for each in shown.last.values())
        verdict = "as described" if not wrong else f"{len(wrong)} differences"
        plural = "incident" if incidents == 1 else "incidents"
        tried = "" if not attempts else f", {attempts:,} attempt" + ("" if attempts == 1 else "s")
        calm = "nothing to report" if not incidents else f"{incidents} {plural}{tried}"
        console.print(f"  [green]{calm}[/green], {verdict}\n" if not wrong else f"  {calm}, {verdict}\n")
        self._rows.append((scenario.name, incidents, attempts, verdict))
        return not wrong

    async def _listen(self, arrivals: Any) -> None:  # noqa: ANN401  an asynchronous iterator of bodies
        async for body in arrivals:
            message = msgspec.json.decode(body)
            self._sequences.append(message["metadata"]["sequence"])
            self._inbox.put_nowait(message)
            self._arrived.set()

    def _drain(self, shown: _Shown) -> None:
        while not self._inbox.empty():
            shown.take(self._inbox.get_nowait())

    async def _summary(self, metrics: str) -> None:
        table = Table(title="What was found", title_justify="left", header_style="bold")
        table.add_column("Scenario")
        table.add_column("Incidents", justify="right")
        table.add_column("Attempts", justify="right")
        table.add_column("")
        for name, incidents, attempts, verdict in self._rows:
            table.add_row(name.replace("_", " "), str(incidents), f"{attempts:,}", verdict)
        self._console.print(table)
        in_order = self._sequences == list(range(1, len(self._sequences) + 1))
        order = "in order, none missing" if in_order else "NOT in order"
        self._console.print(f"MQTT: {len(self._sequences)} messages received by a subscriber, {order}")
        text = await asyncio.to_thread(_scrape, metrics)
        packets = sum(_values(text, "camwarden_packets_total"))
        attempts_seen = sum(_values(text, "camwarden_remote_attempts_total", 'outcome="attempted"'))
        blocked = attempts_seen - sum(_values(text, "camwarden_remote_attempts_total", 'outcome="answered"'))
        self._console.print(
            f"Prometheus: {packets:,.0f} packets, {attempts_seen:,.0f} attempts to reach somewhere, "
            f"{blocked:,.0f} of them without an answer"
        )


class _Shown:
    """What of one scenario's messages has been written to the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._written: list[str] = []
        self.last: dict[str, dict[str, Any]] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Write a line as an incident opens, as its outcome climbs, and as more is known of one that has none."""
        uid = message["finding_info"]["uid"]
        before = self.last.get(uid)
        self.last[uid] = message
        if before is None and len(self._written) < SHOWN:
            self._written.append(uid)
            arrow = " ->" if "verdict" in message["unmapped"]["camwarden"] else ":"
            self._line(message, f"{message['device']['name']}{arrow} {_whom(message)}")
        elif uid in self._written and before is not None and _outcome(before) != _outcome(message):
            self._line(message, f"{message['device']['name']}: {_outcome(message)}")

    def rest(self) -> None:
        """At the end of a scenario: what each incident came to, in a sentence."""
        for uid in self._written[:SENTENCES]:
            self._console.print(Text(f"  {self.last[uid]['message']}", "italic"))
        more = len(self.last) - len(self._written[:SENTENCES])
        if more:
            self._console.print(f"  ... and {more} more incident{'' if more == 1 else 's'} like these")

    def _line(self, message: dict[str, Any], words: str) -> None:
        severity = Severity(message["severity_id"])
        line = Text("  ")
        line.append(f"{severity.label:<14}", STYLES[severity])
        line.append(f"{message['finding_info']['types'][0]:<20}", "bold")
        line.append(words)
        self._console.print(line)


def _whom(message: dict[str, Any]) -> str:
    """Operator, and where the address is, whose the network and whose the law; else what it is about."""
    verdict = message["unmapped"]["camwarden"].get("verdict")
    if verdict is None:
        return _about(message)
    places = (verdict.get(key, "?") for key in ("location", "organisation_country", "jurisdiction"))
    return f"{verdict['operator']} ({' / '.join(places)})"


def _outcome(message: dict[str, Any]) -> str:
    """How far it got, or what is known of it, if there is no other end."""
    return str(message["unmapped"]["camwarden"].get("outcome") or _about(message))


def _about(message: dict[str, Any]) -> str:
    """Functions, or versions of a firmware, and how sure that is; else what such an incident is."""
    ours = message["unmapped"]["camwarden"]
    if "capability" in ours:
        return ", ".join(ours["capability"])
    firmware = ours.get("firmware")
    if firmware is None:
        return str(message["finding_info"]["title"])
    sure = ", ".join(message["finding_info"]["types"][1:])
    return f"{firmware.get('before', '?')} -> {firmware.get('after', '?')}" + (f" ({sure})" if sure else "")


def ledger_of(scenario: Scenario, engine: Engine) -> list[tuple[Entry, str]]:
    """The rows of the ledger that a scenario describes, and the state in which each is."""
    devices = {device.name: device for device in engine.attribution.devices}
    found = []
    for entry in scenario.rows:
        page = engine.inspection.ledger.known(devices[entry.device].key) if entry.device in devices else None
        row = page.rows.get(entry.capability) if page is not None else None
        found.append((entry, str(row.state()) if row is not None else "no row"))
    return found


def differences(scenario: Scenario, incidents: dict[str, dict[str, Any]]) -> list[str]:
    """Where the last messages of all incidents are not what the scenario describes; empty if they are."""
    wrong = []
    matched = set()
    for expected in scenario.expect:
        uid = next((uid for uid, each in incidents.items() if uid not in matched and _is(each, expected)), None)
        if uid is None:
            at = f" at {expected.operator}" if expected.operator is not None else ""
            wrong.append(f"{expected.device}: {expected.kind}{at} is missing or differs")
            continue
        matched.add(uid)
    for uid, each in incidents.items():
        if uid not in matched:
            wrong.append(f"unexpected: {each['message']}")
    return wrong


def _is(message: dict[str, Any], expected: Any) -> bool:  # noqa: ANN401  a scenario's Expect
    ours = message["unmapped"]["camwarden"]
    types = message["finding_info"]["types"]
    operator = ours.get("verdict", {}).get("operator", "").lower()
    firmware = ours.get("firmware", {})
    return (
        message["device"]["name"] == expected.device
        and types[0] == expected.kind
        and set(expected.properties) <= set(types[1:])
        and ("verdict" in ours) == (expected.operator is not None)
        and (expected.operator or "").lower() in operator
        and ours.get("outcome") == expected.outcome
        and ours["attempts"] == expected.attempts
        and (expected.refused_by is None or ours.get("refused_by") == expected.refused_by)
        and (firmware.get("before"), firmware.get("after")) == (expected.firmware_before, expected.firmware_after)
        and set(ours.get("capability", ())) == set(expected.capabilities)
        and all(piece in message["message"] for piece in expected.says)
    )


def _span(path: Path) -> tuple[int, int]:
    """Times of the first and the last packet of a capture."""
    first = last = 0
    for block in Captures([path]).blocks():
        first = first or block.index[0]
        last = block.index[(block.count - 1) * 5]
    return first, last


def _scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=ARRIVAL_S) as answer:  # noqa: S310  our own endpoint on 127.0.0.1
        return str(answer.read().decode())


def _values(text: str, metric: str, label: str = "") -> list[float]:
    return [
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(metric + "{") and label in line
    ]
