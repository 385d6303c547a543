"""A process that polls whatever it is told to, for a real engine, and tells what that cost: python -m tests.app.exposed.

It reads lines of JSON, each a list of a name, an interface, a port and a password file; it answers each with a line:
seconds, octets of memory beyond what it had before, where it connected, outcomes, and what the engine made of it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.poll.asking import ask
from collectors.poll.standing import Standing
from collectors.poll.target import Api, Limits, Target
from monitor.app import knowledge
from monitor.config import Config
from pcaps.wire import START
from tests.engine.played import configured
from tests.engine.played import engine as played_engine

if TYPE_CHECKING:
    from monitor.engine import Engine

LIMITS = Limits(question_s=0.2, poll_s=0.4, silent=2)
USER = "watcher"
PLACES = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})


def memory(field: str) -> int:
    """Octets, of VmRSS or VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


async def polled(engine: Engine, api: str, port: int, secret: str) -> dict[str, int]:
    """Outcomes of one poll, all of whose replies the engine has."""
    outcomes: dict[str, int] = {}
    target = Target(
        "gate", ip_address("127.0.0.1"), port, (Api(api),), user=USER, password_file=secret, special=True
    )  # fmt: skip
    async for reply in ask(target, Standing(), limits=LIMITS):
        engine.reply(reply, START)
        outcomes[reply.outcome] = outcomes.get(reply.outcome, 0) + 1
    return outcomes


def main() -> None:
    seen: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in PLACES:
            seen.add(str(arguments[1] if event == "socket.connect" else arguments[0]))

    with knowledge(Config()) as known:
        engine = played_engine(known, configured()).engine
        engine.begin(START)
        sys.addaudithook(hook)
        for line in sys.stdin:
            name, api, port, secret = json.loads(line)
            gc.collect()
            Path("/proc/self/clear_refs").write_text("5")
            base = memory("VmRSS")
            seen.clear()
            begun = time.monotonic()
            outcomes = asyncio.run(polled(engine, api, port, secret))
            took = time.monotonic() - begun
            answer = {
                "name": name, "took": took, "peak": memory("VmHWM") - base, "seen": sorted(seen), "outcomes": outcomes,
                "faults": engine.counts.faults, "malformed": sum(engine.hearing.counts.malformed.values()),
            }  # fmt: skip
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
