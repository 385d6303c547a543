"""Polling once: devices are asked what they are and can do, and what is different from the last time is shown."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from collectors.poll.asking import ask
from collectors.poll.reply import Outcome
from collectors.poll.standing import Standing
from monitor.app import build_engine, knowledge, renderer
from monitor.config import polled
from monitor.continuity.pages import page_rows, resume_pages
from monitor.ledger.ledger import Page
from monitor.store.journal import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collectors.poll.reply import Reply
    from collectors.poll.target import Target
    from monitor.config import Config
    from monitor.engine import Engine
    from monitor.model.incidents import Transition

SHOWN: Final = 20
"""Statements without a name in the catalogue that are shown of one device; the rest is counted."""


class Polled(NamedTuple):
    """What came of asking one device."""

    device: str
    replies: list[Reply]
    changes: list[str]
    """What is different from the last answers, for people."""
    transitions: list[Transition]

    @property
    def answered(self) -> bool:
        """Whether it answered anything."""
        return any(reply.outcome is Outcome.ANSWERED for reply in self.replies)


def poll(config: Config, name: str | None, state: Path | None) -> Iterator[Polled]:
    """Ask one device, or all that the configuration says are to be asked, and keep the answers if there is a journal.

    ValueError: no such device is to be asked. StoreError: the journal cannot be used, as while the daemon writes it.
    """
    targets = [each for each in polled(config) if name in (None, each.device)]
    if not targets:
        raise ValueError(f"device {name}: not in the configuration, or without poll" if name else "no device has poll")
    with contextlib.ExitStack() as stack:
        known = stack.enter_context(knowledge(config))
        engine = build_engine(config, known)
        engine.begin(time.time_ns())
        store = None
        if state is not None:
            store = stack.enter_context(contextlib.closing(Store.open(state, sensor=config.sensor.name, sinks=[])))
            resume_pages(store, engine)
        for target in targets:
            result = _ask(engine, target)
            if store is not None:
                store.append(result.transitions, renderer(config.sensor.name), page_rows(engine, target.device))
            yield result


def _ask(engine: Engine, target: Target) -> Polled:
    ledger = engine.inspection.ledger
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(ledger.page(target.device)), type=Page)
    replies = asyncio.run(_replies(target))
    told: list[Transition] = []
    for reply in replies:
        told += engine.reply(reply, reply.at_ns)
    told += engine.tick(time.time_ns())
    return Polled(target.device, replies, list(_changes(before, ledger.page(target.device))), told)


async def _replies(target: Target) -> list[Reply]:
    return [reply async for reply in ask(target, Standing())]


def _changes(before: Page, after: Page) -> Iterator[str]:
    was, now = before.firmware.current, after.firmware.current
    if now is not None and (was is None or was.text != now.text):
        yield f"firmware {now.text}" + (f", before {was.text}" if was is not None else "")
    for key, row in sorted(after.rows.items()):
        old = before.rows.get(key)
        if old is None or old.state() is not row.state():
            yield f"{key} is {row.state()}" + (f", before {old.state()}" if old is not None else "")
    news = []
    for question, statements in sorted(after.answers.items()):
        known = before.answers.get(question)
        if not known:  # never asked, or not known to the device
            news += [f"{question}: {len(statements)} statements, answered for the first time"] if statements else []
            continue
        news += [f"{question}: {path} = {value}" for path, value in statements.items() if known.get(path) != value]
        news += [f"{question}: {path} is not mentioned any more" for path in known if path not in statements]
    yield from news[:SHOWN]
    if len(news) > SHOWN:
        yield f"and {len(news) - SHOWN} more statements"
