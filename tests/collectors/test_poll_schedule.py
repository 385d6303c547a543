"""When devices are asked, and how many at a time."""

from __future__ import annotations

import asyncio
import random
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

import pytest

from collectors.poll.reply import Outcome, Reply
from collectors.poll.schedule import FIRST_S, JITTER, LONGEST_S, Polling, Schedule
from collectors.poll.target import Api, Target
from tests.collectors.poll_servers import SHORT, USER, Asked, DigestServer, password_file, response, serving

TARGETS = [Target(f"cam{n}", ip_address("10.0.0.1") + n, 80, (Api.ISAPI,), every_s=600.0) for n in range(50)]


def polls(schedule: Schedule, until: float, *, answered: bool = True) -> list[tuple[float, str]]:
    """Everything that is asked up to a time, each poll taking a second."""
    now, asked = 0.0, []
    while True:
        wait = schedule.wait(now)
        assert wait is not None
        now += wait
        if now > until:
            return asked
        target = schedule.take(now)
        assert target is not None
        asked.append((now, target.device))
        schedule.done(target.device, now + 1, answered=answered)


def test_an_interval_with_jitter() -> None:
    """The first polls are spread, and none comes outside its bounds; the same chance gives the same times."""
    asked = polls(Schedule(TARGETS, random.Random(7), 0.0), 36_000)
    assert asked == polls(Schedule(TARGETS, random.Random(7), 0.0), 36_000)
    assert asked != polls(Schedule(TARGETS, random.Random(8), 0.0), 36_000)
    for target in TARGETS:
        times = [when for when, device in asked if device == target.device]
        assert times[0] <= FIRST_S + 50
        gaps = [later - sooner - 1 for sooner, later in pairwise(times)]
        assert min(gaps) >= 600 * (1 - JITTER)
        assert max(gaps) <= 600 * (1 + JITTER) + 50
        assert len({round(gap, 3) for gap in gaps}) > len(gaps) // 2


def test_a_back_off_that_grows_and_ends() -> None:
    """Of a device that does not answer: doubled each time, a day at most; one answer ends it."""
    schedule = Schedule(TARGETS[:1], random.Random(1), 0.0)
    now, pauses = 400.0, []
    for _ in range(12):
        assert schedule.take(now) is not None
        due = schedule.done("cam0", now, answered=False)
        pauses.append(due - now)
        now = due
    assert pauses[0] < 700
    assert all(later > sooner * 1.5 for sooner, later in pairwise(pauses[:7]))
    assert max(pauses) <= LONGEST_S * (1 + JITTER)
    schedule.take(now)
    assert schedule.done("cam0", now, answered=True) - now < 700


def test_a_log_ins_back_off_is_kept() -> None:
    """Not before its end, however short the interval."""
    schedule = Schedule(TARGETS[:1], random.Random(1), 0.0)
    schedule.take(400.0)
    assert schedule.done("cam0", 400.0, answered=True, not_before=9000.0) == 9000.0
    assert schedule.take(8999.0) is None
    assert schedule.take(9000.0) is TARGETS[0]
    assert schedule.take(9000.0) is None
    assert schedule.wait(9000.0) is None


def test_hastening() -> None:
    """Brings a poll forward once; a device in back-off, being asked or unknown stays where it is."""
    schedule = Schedule(TARGETS[:2], random.Random(1), 0.0)
    for _ in range(2):
        taken = schedule.take(400.0)
        assert taken is not None
        schedule.done(taken.device, 400.0, answered=taken.device == "cam0")
    assert schedule.hasten("cam0", 410.0)
    assert not schedule.hasten("cam0", 411.0)
    assert not schedule.hasten("cam1", 410.0)
    assert not schedule.hasten("nobody", 410.0)
    taken = schedule.take(410.0)
    assert taken is not None
    assert taken.device == "cam0"
    assert not schedule.hasten("cam0", 411.0)
    for n in range(1000):
        schedule.done("cam0", 500.0 + n, answered=True)
        schedule.hasten("cam0", 600.0 + n)
    assert len(schedule._order) <= 10


async def test_some_at_a_time_and_each_in_its_turn(tmp_path: Path) -> None:
    """Sixteen devices, four at a time at most, every one polled again and again; a refused one is left alone."""
    inside, most = 0, 0

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> bytes:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.002)
        inside -= 1
        return response()

    server = DigestServer(("MD5",))
    replies: list[Reply] = []

    async def deliver(reply: Reply) -> None:
        replies.append(reply)

    async with serving(slow) as site, serving(server) as wrong:
        targets = [site.target(device=f"cam{n}", every_s=0.3) for n in range(15)]
        refused = wrong.target(device="refused", every_s=0.1, user=USER, password_file=password_file(tmp_path, "wrong"))
        polling = Polling([*targets, refused], deliver, random.Random(3), limits=SHORT)
        task = asyncio.create_task(polling.run())
        async with asyncio.timeout(10):
            while sum(reply.question == "System/deviceInfo" for reply in replies) <= 40:
                await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert most == 4
    polled = {reply.device for reply in replies if reply.question == "System/deviceInfo"}
    assert polled == {f"cam{n}" for n in range(15)} | {"refused"}
    assert {reply.outcome for reply in replies if reply.device == "refused"} == {Outcome.REFUSED}
    assert server.refused == 1
    assert polling.standings["refused"].refused == 1
