"""What the sensor could see, and devices that fell silent."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from collectors.live import Ledger, LinkEvent, LinkState
from monitor.app import knowledge
from monitor.detectors import sensor_blind
from monitor.model.facts import DeviceAnnounced
from monitor.model.incidents import Activity, Kind, Severity
from monitor.sight import Sight
from pcaps.packets import ACK, PSH, Host, Segment, tcp
from pcaps.wire import Connection
from tests.engine.played import START, Site, blocks, configured, engine, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor.app import Knowledge

T: Final = 1_700_000_000_000_000_000
SECOND: Final = 1_000_000_000


def ledger(arrived: int, dropped: int = 0, interface: str = "eth1") -> Ledger:
    return Ledger(interface, arrived, dropped, arrived - dropped, 0)


def causes(sight: Sight, now_ns: int) -> set[str]:
    return {notice.about for look in sight.looks(now_ns) for notice in sensor_blind.detect(look)}


def minute(sight: Sight, begin: int, step: object) -> Iterator[tuple[int, set[str]]]:
    """Sixty seconds of a ledger that ``step`` gives for each."""
    for second in range(begin, begin + 61):
        sight.take([step(second)], [], T + second * SECOND)  # type: ignore[operator]
        yield second, causes(sight, T + second * SECOND)


def test_a_dead_mirror_is_told_within_a_minute() -> None:
    """Thirty seconds after the last packet, and no more once one comes."""
    sight = Sight()
    told = dict(minute(sight, 0, lambda second: ledger(min(second, 10) * 100)))
    assert min(second for second, found in told.items() if found) == 40
    assert told[60] == {"eth1 dead"}
    sight.take([ledger(1001)], [], T + 61 * SECOND)
    assert causes(sight, T + 61 * SECOND) == set()


def test_heavy_loss_is_told_and_ends() -> None:
    """One packet in a hundred of the last minute; what was lost before that is no news."""
    sight = Sight()
    assert dict(minute(sight, 0, lambda second: ledger(second * 1000, second * 9)))[60] == set()
    assert dict(minute(sight, 61, lambda second: ledger(second * 1000, second * 9 + (second - 60) * 10)))[121] == {
        "eth1 loss"
    }
    lost = 121 * 9 + 610
    assert dict(minute(sight, 122, lambda second: ledger(second * 1000, lost)))[182] == set()


def test_a_link_that_is_down_is_a_gap() -> None:
    """From when it is told down until it is told up, to the second."""
    sight = Sight()
    sight.take([ledger(10)], [], T)
    sight.take([ledger(10)], [LinkEvent(T, "eth1", LinkState.DOWN, "no carrier")], T + SECOND)
    assert causes(sight, T + SECOND) == {"eth1 link"}
    for second in range(2, 12):
        sight.take([ledger(10)], [], T + second * SECOND)
    sight.take([ledger(10)], [LinkEvent(T, "eth1", LinkState.UP)], T + 12 * SECOND)
    sight.take([ledger(11)], [], T + 13 * SECOND)
    assert causes(sight, T + 13 * SECOND) == set()
    assert sight.gaps_ns == 11 * SECOND


def test_a_mirror_that_loses_packets_before_they_come(known: Knowledge) -> None:
    """A camera's upload of which the mirror leaves out every fifth segment: told, and in the message about the upload."""
    site = Site()
    connection = Connection(site.wire, site.gate, site.remote("115.231.97.60"), 443, at=START, rng=site.rng)
    connection.open()
    for _ in range(1_500):
        connection.say(bytes(1_400))
    connection.close()
    full = [number for number, each in enumerate(site.wire.frames()) if len(each.data) > 1_400]
    left = [each for number, each in enumerate(site.wire.frames()) if number not in set(full[2::5])]
    played = engine(known).feed(blocks(left)).finish()
    loss = played.of("gate")[-1].visibility.tcp_loss_ppm
    assert loss == pytest.approx(200_000, rel=0.2)
    sight = Sight()
    for second in range(61):
        scanner = played.engine.scanner
        sight.followed, sight.missed = scanner.followed * second // 60, scanner.missed * second // 60
        sight.take([ledger(second * 1000)], [], T + second * SECOND)
    assert causes(sight, T + 60 * SECOND) == {"mirror loss"}


def missing(sight: Sight, seconds: range, ledgers: Callable[[int], Ledger], *events: LinkEvent) -> set[str]:
    """What is told while a fifth of what TCP carries is missing in each of these seconds."""
    told = set()
    for second in seconds:
        sight.followed += 800_000
        sight.missed += 200_000
        sight.take([ledgers(second)], events if second == seconds[0] else (), T + second * SECOND)
        told |= causes(sight, T + second * SECOND)
    return told


def test_what_a_known_gap_explains_is_not_told_twice() -> None:
    """A cable that was out, a mirror that was dead and packets that were lost here are each told alone."""
    cut = LinkEvent(T, "eth1", LinkState.DOWN)
    back = LinkEvent(T, "eth1", LinkState.UP)
    sight = Sight()
    assert missing(sight, range(1), lambda _: ledger(0)) == set()
    assert missing(sight, range(1, 21), lambda _: ledger(10), cut) == {"eth1 link"}
    assert missing(sight, range(21, 26), lambda second: ledger(second), back) == set()
    assert missing(sight, range(26, 80), lambda second: ledger(second)) == {"mirror loss"}, "it goes on without a cause"

    sight = Sight()
    sight.take([ledger(10)], [], T)
    sight.take([ledger(10)], [], T + 40 * SECOND)
    assert causes(sight, T + 40 * SECOND) == {"eth1 dead"}
    assert missing(sight, range(41, 46), lambda second: ledger(second)) == set()

    sight = Sight()
    assert missing(sight, range(70), lambda second: ledger(second * 1000, second * 200)) == {"eth1 loss"}


def test_totals_are_of_all_interfaces() -> None:
    """What the interfaces lost before any socket counts as lost."""
    sight = Sight()
    sight.take([ledger(100, 5), Ledger("eth2", 50, 0, 50, 0, missed=7)], [], T)
    assert (sight.arrived, sight.lost) == (157, 12)


@pytest.mark.parametrize("answers", [True, False])
def test_a_one_sided_mirror(answers: bool) -> None:
    """Twelve cameras talk over TCP for a minute; where no answer is ever seen the sensor says so, once."""
    site = Site()
    for second, host in product(range(70), range(12)):
        camera = Host.at(f"10.20.0.{host + 100}", f"44:19:b6:20:00:{host + 100:02x}")
        at = START + second * SECOND + host
        said = Segment(40000, 554, 100 + second, 900 + second, PSH | ACK, payload=b"x")
        heard = Segment(554, 40000, 900 + second, 101 + second, ACK)
        site.wire.send(at, camera, site.server, tcp(camera, site.server, said))
        if answers:
            site.wire.send(at + 1, site.server, camera, tcp(site.server, camera, heard))
    frames = site.wire.frames()
    with knowledge(configured()) as known:
        played = engine(known)
        for second in range(70):
            played.engine.sight.take([ledger(second * 12)], [], START + second * SECOND)
            now = START + second * SECOND
            played.feed(blocks([frame for frame in frames if now <= frame.ts_ns < now + SECOND]))
    told = [each.kind for each in played.told]
    assert told == ([] if answers else [Kind.SENSOR_BLIND])


def test_a_camera_that_always_streamed_falls_silent_and_comes_back() -> None:
    """It is told after ten minutes, while others are heard; a capture that pauses tells nobody silent."""
    site = Site()

    def stream(seconds: range, *cameras: Host) -> None:
        for second, camera in product(seconds, cameras):
            site.wire.udp(START + second * SECOND, camera, 5000, site.server, 6000, b"x" * 20)

    stream(range(700), site.gate, site.hall)
    stream(range(700, 1400), site.hall)
    stream(range(1400, 1420), site.gate, site.hall)
    stream(range(9000, 9020), site.gate, site.hall)
    with knowledge(configured()) as known:
        told = play(known, site).told
    assert [(each.activity, each.kind, each.device.name) for each in told] == [
        (Activity.NEW, Kind.DEVICE_SILENT, "gate"),
        (Activity.END, Kind.DEVICE_SILENT, "gate"),
    ]
    assert (told[0].time_ns - START) // SECOND in range(1300, 1312)
    assert (told[1].time_ns - START) // SECOND in range(1400, 1412)


def test_a_camera_that_falls_silent_after_its_update() -> None:
    """That is graver than silence alone."""
    site = Site()
    for second, camera in product(range(1400), (site.gate, site.hall)):
        if camera is site.hall or second < 700:
            site.wire.udp(START + second * SECOND, camera, 5000, site.server, 6000, b"x" * 20)
    frames = site.wire.frames()
    with knowledge(configured()) as known:
        played = engine(known)
        played.feed(blocks([frame for frame in frames if frame.ts_ns < START + 690 * SECOND]))
        device = played.engine.attribution.devices.named("gate")
        assert device is not None
        for minute, version in enumerate(("V5.5.0", "V5.7.0"), start=10):
            fact = DeviceAnnounced("sadp", firmware=version)
            played.engine.inspection.announced(device, fact, START + minute * 60 * SECOND)
        played.feed(blocks([frame for frame in frames if frame.ts_ns >= START + 690 * SECOND]))
    silent = next(each for each in played.told if each.kind is Kind.DEVICE_SILENT)
    assert silent.severity is Severity.HIGH
    assert silent.properties == ("after_update",)


def test_seconds_in_which_a_device_was_seen() -> None:
    """In any direction, and in both: seen from either end of a conversation within the site."""
    site = Site()
    for second in range(20):
        site.wire.udp(START + second * SECOND, site.gate, 5000, site.hall, 6000, b"x" * 20)
        if second < 5:
            site.wire.udp(START + second * SECOND + 1, site.hall, 6000, site.gate, 5000, b"x" * 20)
    site.wire.udp(START + 30 * SECOND, site.server, 5000, site.server, 6000, b"x")
    with knowledge(configured()) as known:
        devices = {each.name: each for each in play(known, site).engine.attribution.devices}
    assert [(devices[name].seen_s, devices[name].both_s) for name in ("gate", "hall")] == [(20, 5), (20, 5)]


def test_what_earlier_runs_missed_is_not_of_this_minute() -> None:
    """After a restart the totals go on; a look is at what came since, a real loss included."""
    sight = Sight()
    sight.followed, sight.missed = 98_000_000, 2_000_000
    assert dict(minute(sight, 0, lambda second: ledger(second * 1000)))[1] == set()
    sight.followed, sight.missed = 198_000_000, 12_000_000
    sight.take([ledger(61_000)], [], T + 61 * SECOND)
    assert causes(sight, T + 61 * SECOND) == {"mirror loss"}
