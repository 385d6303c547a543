"""TCP that passed and was lost on its way to us (threat model, T24): two hosts, a network between, and a tap."""

from __future__ import annotations

from random import Random

import pytest

from pcaps.packets import ACK, FIN, PSH, SYN, Host, Segment, frame, tcp
from pcaps.wire import MS
from tests.wire.tap import START, Tap

CAMERA = Host.at("10.20.0.11", "44:19:b6:20:00:0b")
RECORDER = Host.at("10.20.0.5", "00:14:22:5a:10:05")
SIZE = 1448
"""Octets of a full segment with timestamps on Ethernet."""
MODULUS = 1 << 32


class Path:
    """A bulk transfer as the tap is shown it: (time, which way, segment), in the order in which it passed."""

    def __init__(self, seed: int, isn: int = 5_000) -> None:
        self.random = Random(seed)
        self.isn = isn
        self.shown: list[tuple[int, bool, Segment]] = []
        self.now = START
        self.sent = 0
        self._say(True, SYN, isn, 0)
        self._say(False, SYN | ACK, 900, isn + 1)
        self._say(True, ACK, isn + 1, 901)

    def _say(self, out: bool, flags: int, seq: int, ack: int, payload: bytes = b"", late: int = 0) -> None:
        ports = (554, 40_000) if out else (40_000, 554)
        segment = Segment(*ports, seq % MODULUS, ack % MODULUS, flags, payload=payload)
        self.shown.append((self.now + late, out, segment))
        self.now += MS // 20

    def data(self, at: int, late: int = 0) -> None:
        self._say(True, ACK | PSH, self.isn + 1 + at, 901, bytes(SIZE), late)

    def acknowledge(self, upto: int) -> None:
        self._say(False, ACK, 901, self.isn + 1 + upto)

    def bulk(self, segments: int, *, dropped: float = 0.0, lag: int = 20) -> None:
        """Data with acknowledgements ``lag`` segments behind; ``dropped`` on the network, and sent again."""
        first, due = self.sent, list[int]()
        for number in range(segments):
            at = first + number * SIZE
            if self.random.random() < dropped:
                due.append(at)  # it never got so far as the tap: the receiver asks for it
            else:
                self.data(at)
            behind = at - lag * SIZE
            while due and due[0] <= behind + SIZE:
                self.data(due.pop(0))
            if number % 2 and behind > first:
                self.acknowledge(min([behind, *due]))
        for at in due:
            self.data(at)
        self.sent = first + segments * SIZE
        self.acknowledge(self.sent)

    def close(self) -> None:
        self._say(True, FIN | ACK, self.isn + 1 + self.sent, 901)
        self._say(False, FIN | ACK, 901, self.isn + 2 + self.sent)
        self._say(True, ACK, self.isn + 2 + self.sent, 902)


def read(shown: list[tuple[int, bool, Segment]]) -> tuple[int, int]:
    """(octets followed, missed)."""
    tap = Tap(window_ns=0)
    for at, out, segment in sorted(shown, key=lambda each: each[0]):
        here, there = (CAMERA, RECORDER) if out else (RECORDER, CAMERA)
        tap.see(at, frame(here, there, tcp(here, there, segment)))
    return tap.scanner.followed, tap.scanner.missed


@pytest.mark.parametrize("isn", [5_000, MODULUS - 700_000], ids=["", "round the end"])
@pytest.mark.parametrize("dropped", [0.0, 0.01, 0.05])
def test_what_is_lost_between_the_hosts_is_no_loss_of_ours(dropped: float, isn: int) -> None:
    """It is sent again, and seen."""
    path = Path(1, isn)
    path.bulk(2_000, dropped=dropped)
    path.close()
    followed, missed = read(path.shown)
    assert missed == 0
    assert followed >= 0.3 * path.sent


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("dropped", [0.0, 0.01])
def test_what_the_mirror_leaves_out_is_estimated(share: float, dropped: float) -> None:
    """Within a fifth of what it is (threat model, T24)."""
    path = Path(2)
    for _ in range(10):
        path.bulk(2_000, dropped=dropped)
    path.close()
    random = Random(3)
    shown = [each for each in path.shown if not each[2].payload or random.random() >= share]
    followed, missed = read(shown)
    assert missed / (followed + missed) == pytest.approx(share, rel=0.2)


def test_a_thousandth_is_seen_too() -> None:
    """As an order of magnitude: there are few of them."""
    path = Path(2)
    for _ in range(20):
        path.bulk(2_000)
    random = Random(3)
    followed, missed = read([each for each in path.shown if not each[2].payload or random.random() >= 0.001])
    assert missed / (followed + missed) == pytest.approx(0.001, rel=0.5)


def test_late_packets_are_not_lost() -> None:
    """Reordered on the way, or acknowledged a moment before they are seen, as where two taps see a direction each."""
    path, random = Path(4), Random(5)
    path.bulk(3_000)
    path.close()
    shown = [(at + random.randrange(MS // 2), out, segment) for at, out, segment in path.shown[3:]]
    ahead = [(at - (0 if out else MS // 2), out, segment) for at, out, segment in path.shown[3:]]
    for order in (shown, ahead):
        followed, missed = read(path.shown[:3] + order)
        assert missed <= 0.005 * (followed + missed)


@pytest.mark.parametrize("out", [True, False], ids=["data alone", "acknowledgements alone"])
def test_one_direction_alone_says_nothing(*, out: bool) -> None:
    path = Path(6)
    path.bulk(500)
    assert read([each for each in path.shown[3:] if each[1] is out])[1] == 0


def test_a_connection_that_is_under_way_is_followed_from_there() -> None:
    path = Path(7)
    path.bulk(1_000)
    path.close()
    followed, missed = read(path.shown[500:])
    assert missed <= 3 * SIZE
    assert followed > 0.5 * path.sent


def test_what_jumps_further_than_any_window_is_no_loss() -> None:
    """Numbers that somebody made up."""
    path = Path(8)
    for number in range(100):
        path.data(number * 50_000_000)
        path.acknowledge(number * 50_000_000 + 25_000_000)
    assert read(path.shown)[1] == 0
