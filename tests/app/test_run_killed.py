"""The daemon is killed, or stopped, and started again: what it told stands, and it goes on from there."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING

from monitor.incidents.digest import digest
from tests.app.living import Daemon, Site, wait_until
from tests.app.planted import ENOUGH_FOR_NEWS, OPERATORS, attempt, configured

if TYPE_CHECKING:
    from tests.app.living import Message

KILLS = int(os.environ.get("CAMWARDEN_KILLS", "10"))
CAMERAS = 250
PAUSE_S = 0.004


class Traffic(threading.Thread):
    """Cameras that try one operator after the other, without end."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._socket = site.open_socket("send")
        self._over = threading.Event()
        self._random = Random(11)
        self.sent = 0

    def run(self) -> None:
        while not self._over.is_set():
            number, operator = self._random.randrange(CAMERAS), self._random.choice(OPERATORS)
            self._socket.send(attempt(number, f"{operator}.{self._random.randrange(60, 63)}"))
            self.sent += 1
            time.sleep(PAUSE_S)

    def stop(self) -> None:
        self._over.set()
        self.join()
        self._socket.close()


def by_incident(messages: list[Message]) -> dict[str, list[Message]]:
    found = defaultdict(list)
    for message in messages:
        found[message["finding_info"]["uid"]].append(message)
    return found


def attempts(messages: list[Message]) -> int:
    """Of all incidents, by the last message of each."""
    return sum(told[-1]["unmapped"]["camwarden"]["attempts"] for told in by_incident(messages).values())


def check_story(messages: list[Message]) -> None:
    """Each message once, in the order of its numbers, with counts that only grow."""
    assert [each["unmapped"]["camwarden"]["seq"] for each in messages] == list(range(1, len(messages) + 1))
    for uid, told in by_incident(messages).items():
        assert [each["metadata"]["uid"] for each in told] == [digest(uid, 1 + n) for n in range(len(told))]
        assert [each["activity_id"] for each in told] == [1] + [2] * (len(told) - 1)
        counts = [each["unmapped"]["camwarden"]["attempts"] for each in told]
        assert counts == sorted(counts), told[-1]["message"]


def test_killed_again_and_again(site: Site) -> None:
    """Under traffic, at any moment: nothing that was committed is lost, nothing is told twice, all goes on."""
    daemon, chance = Daemon(site, configured(CAMERAS)), Random(5)
    traffic, committed = Traffic(site), list[str]()
    traffic.start()
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.02, 0.4))
            daemon.kill()
            journal = [each["metadata"]["uid"] for each in daemon.journal()]
            assert journal[: len(committed)] == committed
            committed = journal
            daemon.start()
            assert daemon.says("resumed")
    finally:
        traffic.stop()
    wait_until(lambda: daemon.metric("outbox_depth") == 0, "nothing is owed")
    site.send(*(attempt(0, f"{OPERATORS[0]}.60") for _ in range(ENOUGH_FOR_NEWS)))
    time.sleep(1.5)
    daemon.stop()
    messages = daemon.journal()
    check_story(messages)
    assert len(by_incident(messages)) > CAMERAS
    told = [body for _, body in site.received()]
    assert sorted(each["unmapped"]["camwarden"]["seq"] for each in told) == list(range(1, len(messages) + 1))
    assert told == messages
    assert attempts(messages) <= traffic.sent + ENOUGH_FOR_NEWS
    asleep = [each for each in messages if each["unmapped"]["camwarden"]["visibility"]["gaps_s"] >= KILLS // 2]
    assert asleep, "the time in which nothing ran is in what was open"


def test_no_counter_goes_backwards_over_a_kill(site: Site) -> None:
    """Prometheus would take it for one that began anew, and count all of it once more.

    But for what a full table turned away: some tables are the process's own, and begin with it.
    """
    daemon = Daemon(site, configured(CAMERAS))
    traffic = Traffic(site)
    traffic.start()
    before: dict[str, float] = {}
    try:
        for _ in range(4):
            deadline = time.monotonic() + 6.5  # a save, and something after it
            while time.monotonic() < deadline:
                now = daemon.counters()
                assert {each: (now[each], was) for each, was in before.items() if now.get(each, was) < was} == {}
                before |= {each: count for each, count in now.items() if "limit_turned_away" not in each}
                time.sleep(0.3)
            daemon.kill()
            daemon.start()
            assert daemon.says("resumed")
    finally:
        traffic.stop()
    assert before['camwarden_packets_total{interface="hear",sensor="here"}'] > 0
    wait_until(lambda: daemon.metric("packets_total") > 0, "the next save", 15)
    daemon.stop()


def test_stopped_and_started_again(site: Site) -> None:
    """Nothing is lost but what passed meanwhile, which shows as a gap."""
    daemon = Daemon(site, configured(CAMERAS))
    traffic = Traffic(site)
    traffic.start()
    time.sleep(1)
    traffic.stop()
    wait_until(lambda: daemon.health()["packets"] == traffic.sent, "all packets")
    daemon.stop()
    check_story(daemon.journal())
    assert attempts(daemon.journal()) == traffic.sent
    opened = len(by_incident(daemon.journal()))

    time.sleep(1)
    daemon.start()
    assert daemon.says("resumed")
    wait_until(lambda: daemon.metric("packets_total") == traffic.sent, "the packets of both runs")
    octets = daemon.metric("bytes_total")
    time.sleep(1.2)
    assert daemon.metric("bytes_total") == octets == traffic.sent * len(attempt(0))
    assert daemon.health()["incidents_open"] == opened
    assert daemon.metric("incidents_open") == opened
    again = Traffic(site)
    again.start()
    time.sleep(0.7)
    again.stop()
    daemon.stop()  # at once: what still lies in the ring is seen too
    (last,) = daemon.says("stopped")
    assert last["packets"] == traffic.sent + again.sent
    messages = daemon.journal()
    check_story(messages)
    assert attempts(messages) == traffic.sent + again.sent
    assert [body for _, body in site.received()] == messages
    updated = [each for each in messages[opened:] if each["activity_id"] == 2]
    assert updated
    assert any(each["unmapped"]["camwarden"]["visibility"]["gaps_s"] >= 2 for each in updated)
