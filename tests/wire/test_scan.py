"""What the scanner says of packets: attempts, answers, refusals, transfers, duplicates, and when it stops."""

from __future__ import annotations

import struct
from array import array
from random import Random
from typing import TYPE_CHECKING

import pytest

from collectors.captures import Captures
from monitor.wire import layout as at
from pcaps import packets, scenarios
from pcaps.packets import ACK, FIN, PSH, RST, SYN, Host, Segment
from pcaps.wire import Connection, Wire
from tests.wire.tap import COUNTED, MS, SECOND, START, Tap, fields
from tests.wire.test_flows import ages_in_order

if TYPE_CHECKING:
    from types import SimpleNamespace

ROUTER = Host.at("10.20.0.1", "00:00:0c:07:ac:01")
CAMERA = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
REMOTE = ROUTER.beyond("52.30.100.10")
PORT = 40000


def out(
    flags: int, seq: int = 100, ack: int = 0, payload: bytes = b"", *, sport: int = PORT, dport: int = 443
) -> bytes:
    """A segment from the camera."""
    return packets.frame(
        CAMERA, REMOTE, packets.tcp(CAMERA, REMOTE, Segment(sport, dport, seq, ack, flags, payload=payload))
    )


def back(
    flags: int, seq: int = 900, ack: int = 101, payload: bytes = b"", *, sport: int = 443, dport: int = PORT
) -> bytes:
    """A segment to the camera."""
    return packets.frame(
        REMOTE, CAMERA, packets.tcp(REMOTE, CAMERA, Segment(sport, dport, seq, ack, flags, payload=payload))
    )


def say(payload: bytes = b"hello there", *, sport: int = PORT, dport: int = 32100) -> bytes:
    """A datagram from the camera."""
    return packets.frame(CAMERA, REMOTE, packets.udp(CAMERA, REMOTE, sport, dport, payload))


def hear(payload: bytes = b"welcome", *, sport: int = 32100, dport: int = PORT) -> bytes:
    """A datagram to the camera."""
    return packets.frame(REMOTE, CAMERA, packets.udp(REMOTE, CAMERA, sport, dport, payload))


def script(tap: Tap, *frames: bytes, every: int = 10 * MS) -> list[set[str]]:
    """What is said of each frame, ``every`` so many nanoseconds."""
    return [
        set().union(*(seen.what for seen in tap.see(START + number * every, frame)))
        for number, frame in enumerate(frames)
    ]


def test_a_handshake_and_data() -> None:
    """Attempt, answer, then transfer once payload was acknowledged."""
    said = script(
        Tap(),
        out(SYN),
        back(SYN | ACK),
        out(ACK, 101, 901),
        out(ACK | PSH, 101, 901, b"hello"),
        back(ACK, 901, 106),
        back(ACK | PSH, 901, 106, b"world"),
        out(FIN | ACK, 106, 906),
        back(FIN | ACK, 906, 107),
    )
    assert said == [
        {"new", "attempt", "syn"},
        {"answer", "syn"},
        set(),
        {"payload"},
        {"transfer"},
        {"payload"},
        set(),
        set(),
    ]


def test_counts_of_a_conversation() -> None:
    """Packets, frame bytes as they passed and payload bytes, each way from the initiator's view."""
    tap = Tap()
    frames = [out(SYN), back(SYN | ACK), out(ACK | PSH, 101, 901, b"x" * 300), back(ACK | PSH, 901, 401, b"y" * 500)]
    script(tap, *frames)
    assert tap.flow() == {
        "attempts": 1,
        "flags": at.F_SYN | at.F_ANSWERED | at.F_TRANSFERRED | at.F_ACKED,
        "packets_out": 2,
        "packets_in": 2,
        "bytes_out": len(frames[0]) + len(frames[2]),
        "bytes_in": len(frames[1]) + len(frames[3]),
        "payload_out": 300,
        "payload_in": 500,
    }


def test_a_request_that_is_reset_is_refused() -> None:
    """By the responder, and only while nothing answered."""
    assert script(Tap(), out(SYN), back(RST | ACK, 0)) == [{"new", "attempt", "syn"}, {"refuse"}]
    assert script(Tap(), out(SYN), back(SYN | ACK), back(RST, 901))[2] == set()
    assert script(Tap(), out(SYN), out(RST, 101))[1] == set()


def test_a_retransmission_is_no_attempt() -> None:
    """The same sequence number again, however late, is the same attempt."""
    tap = Tap()
    assert script(tap, *(out(SYN) for _ in range(4)), every=20 * SECOND) == [
        {"new", "attempt", "syn"},
        set(),
        set(),
        set(),
    ]
    assert tap.flow()["attempts"] == 1
    assert tap.flow()["packets_out"] == 4


def test_a_new_sequence_number_is_a_new_attempt() -> None:
    """While the first was not answered it is the same flow; one that was answered or reset is over."""
    tap = Tap()
    assert script(tap, out(SYN, 100), out(SYN, 7777)) == [{"new", "attempt", "syn"}, {"attempt", "syn"}]
    assert tap.flow()["attempts"] == 2
    for answer in (back(SYN | ACK), back(RST | ACK, 0)):
        tap = Tap()
        said = script(tap, out(SYN, 100), answer, out(SYN, 7777))
        assert said[2] == {"reuse", "new", "attempt", "syn"}
        assert tap.gone == [("reuse", 1)]
        assert tap.flow()["attempts"] == 1


def test_a_sequence_number_of_zero_is_as_good_as_any() -> None:
    """A request with initial sequence number 0 is an attempt even where the flow was first seen without a request."""
    assert script(Tap(), out(SYN, 0))[0] == {"new", "attempt", "syn"}
    assert script(Tap(), out(ACK, 5, 5), out(SYN, 0))[1] == {"reuse", "new", "attempt", "syn"}


def test_ports_used_again_by_the_other_side_begin_another_flow() -> None:
    """A request from the side that did not begin the flow is never the flow's own."""
    tap = Tap()
    said = script(tap, out(SYN), back(SYN, 5, 0))
    assert said[1] == {"reuse", "new", "attempt", "syn"}


def test_on_a_one_sided_mirror_acknowledgements_tell() -> None:
    """The initiator's acknowledgement of a request proves an answer; one that advances by more than a FIN, payload."""
    said = script(
        Tap(),
        out(SYN),
        out(ACK, 101, 901),
        out(ACK | PSH, 101, 901, b"hello"),
        out(ACK, 106, 902),
        out(ACK, 106, 2000),
    )
    assert said == [{"new", "attempt", "syn"}, {"answer"}, {"payload"}, set(), {"transfer"}]


def test_an_upload_that_is_acknowledged_is_a_transfer(uncompiled: SimpleNamespace) -> None:
    """Payload needs no answer but the acknowledgement of some of it, whether the request was seen or not."""
    for made in (None, uncompiled):
        opening = [out(SYN), back(SYN | ACK), out(ACK, 101, 901)]
        upload = [out(ACK | PSH, 101, 901, b"x" * 900), back(ACK, 901, 101), back(ACK, 901, 501), back(ACK, 901, 1001)]
        assert [("transfer" in each) for each in script(Tap(made), *opening, *upload)] == [False] * 5 + [True, False]
        assert [("transfer" in each) for each in script(Tap(made), *upload)] == [False, False, True, False]
        wrap = [out(ACK | PSH, 2**32 - 100, 901, b"x" * 900), back(ACK, 901, 2**32 - 100), back(ACK, 901, 400)]
        assert [("transfer" in each) for each in script(Tap(made), *wrap)] == [False, False, True]


def test_a_download_that_is_acknowledged_is_a_transfer() -> None:
    """A server that greets, and a client that says nothing."""
    said = script(
        Tap(), out(SYN), back(SYN | ACK), out(ACK, 101, 901), back(ACK, 901, 101, b"220 hello"), out(ACK, 101, 910)
    )
    assert [("transfer" in each) for each in said] == [False] * 4 + [True]


def test_an_open_and_close_is_no_transfer() -> None:
    """Nor payload that nobody acknowledged, that was reset, or an octet of a keep-alive (RFC 9293, 3.8.4)."""
    opening = [out(SYN), back(SYN | ACK), out(ACK, 101, 901)]
    for rest in (
        [out(FIN | ACK, 101, 901), back(FIN | ACK, 901, 102), out(ACK, 102, 902)],
        [out(ACK | PSH, 101, 901, b"x" * 300), back(ACK, 901, 101), out(ACK | PSH, 101, 901, b"x" * 300)],
        [out(ACK | PSH, 101, 901, b"x" * 300), back(RST | ACK, 901, 401)],
        [out(ACK, 100, 901, b"x"), back(ACK, 901, 101), out(FIN | ACK, 101, 901), back(FIN | ACK, 901, 102)],
    ):
        said = script(Tap(), *opening, *rest)
        assert not any("transfer" in each for each in said), rest
    said = script(Tap(), out(ACK, 100, 901, b"x"), back(ACK, 901, 101), out(ACK, 100, 901, b"x"), back(ACK, 901, 101))
    assert not any("transfer" in each for each in said)


def test_a_one_sided_close_is_no_transfer() -> None:
    """The one number that a FIN takes was no payload, even across the wrap of sequence numbers."""
    said = script(
        Tap(), out(SYN), out(ACK, 101, 2**32 - 1), out(ACK | PSH, 101, 2**32 - 1, b"hello"), out(FIN | ACK, 106, 0)
    )
    assert "transfer" not in said[3]
    said = script(Tap(), out(SYN), out(ACK, 101, 2**32 - 1), out(ACK | PSH, 101, 2**32 - 1, b"hello"), out(ACK, 106, 1))
    assert said[3] == {"transfer"}


def test_an_old_acknowledgement_takes_nothing_back() -> None:
    """Acknowledgements that come late do not count as progress of four gigabytes."""
    said = script(Tap(), out(SYN), out(ACK, 101, 901), out(ACK | PSH, 101, 901, b"hello"), out(ACK, 106, 800))
    assert "transfer" not in said[3]


def test_in_the_middle_acknowledgements_must_advance() -> None:
    """Without its request a flow was answered once the acknowledgement moves; by more than a FIN, payload came."""
    said = script(Tap(), out(ACK, 101, 901), out(ACK, 101, 901), out(ACK, 101, 902), out(ACK, 101, 950))
    assert [set(each) for each in said] == [{"new"}, set(), {"answer"}, {"transfer"}]


@pytest.mark.parametrize(
    ("frame", "direction"),
    [
        (back(SYN | ACK), 1),
        (back(ACK, 5, 5), 1),
        (out(ACK, 5, 5), 0),
        (back(ACK, sport=8000, dport=50000), 1),
        (out(ACK, sport=50000, dport=8000), 0),
        (out(ACK, sport=8000, dport=9000), 0),
        (hear(sport=53), 1),
        (say(dport=53), 0),
        (say(sport=123, dport=123), 0),
        (say(sport=32100, dport=50000), 0),
    ],
)
def test_who_began_a_flow_that_is_seen_from_the_middle(frame: bytes, direction: int) -> None:
    """The side of a SYN-ACK or of a system port did not; over TCP nor did the one below the ephemeral range."""
    (seen,) = Tap().see(START, frame)
    assert "new" in seen.what
    assert seen.direction == direction


def test_a_flow_can_be_turned_round(uncompiled: SimpleNamespace) -> None:
    """Its first sender began it after all: what was counted for the other side is its own, and an attempt."""
    for made in (None, uncompiled):
        tap = Tap(made)
        first = say(sport=123, dport=40000)
        (seen,) = tap.see(START, first)
        assert seen.direction == 1
        tap.scanner.turn(seen.slot)
        assert tap.flow() == {
            "attempts": 1,
            "flags": 0,
            "packets_out": 1,
            "packets_in": 0,
            "bytes_out": len(first),
            "bytes_in": 0,
            "payload_out": 11,
            "payload_in": 0,
        }
        assert tap.scanner.direction == 0
        assert tap.one(START + SECOND, say(b"again, this", sport=123, dport=40000)) == {"attempt", "payload"}
        assert tap.one(START + 2 * SECOND, hear(sport=40000, dport=123)) == {"answer", "payload", "transfer"}
        assert ages_in_order(tap.table)


def test_a_retransmitted_acceptance_is_told_once() -> None:
    """A second SYN-ACK is no second opening of the stream."""
    said = script(Tap(), out(SYN), back(SYN | ACK), back(SYN | ACK))
    assert said[1:] == [{"answer", "syn"}, set()]


def test_datagrams_without_answer_are_one_attempt_a_second() -> None:
    """The first is one; of the rest those that come a second or more after the last one counted."""
    tap = Tap()
    said = script(tap, *(say(bytes([number]) * 9) for number in range(31)), every=100 * MS)
    assert [number for number, each in enumerate(said) if "attempt" in each] == [0, 10, 20, 30]
    assert tap.flow()["attempts"] == 4


def test_an_answered_datagram_flow_has_no_more_attempts() -> None:
    """Attempts are what nothing came back for."""
    tap = Tap()
    said = script(tap, say(), hear(), *(say(bytes([number]) * 9) for number in range(5)), every=2 * SECOND)
    assert said[:2] == [{"new", "attempt", "payload"}, {"answer", "payload", "transfer"}]
    assert tap.flow()["attempts"] == 1


def test_an_empty_datagram_is_an_attempt_without_payload() -> None:
    """A probe says that somebody is there."""
    assert script(Tap(), say(b"")) == [{"new", "attempt"}]


@pytest.mark.parametrize(("kind", "attempt"), [(8, True), (13, True), (0, False), (3, False), (11, False)])
def test_only_messages_that_ask_are_attempts(kind: int, attempt: bool) -> None:
    """An echo request is; a reply or an error is not."""
    frame = packets.frame(CAMERA, REMOTE, packets.ip(CAMERA, REMOTE, packets.ICMP, bytes([kind, 0]) + bytes(10)))
    assert ("attempt" in script(Tap(), frame)[0]) is attempt


def ping(identifier: int, number: int, *, reply: bool = False, kind: int = 8) -> bytes:
    """An echo request of the camera, or the reply to it (RFC 792); another ``kind`` of query has its answer behind it."""
    here, there = (REMOTE, CAMERA) if reply else (CAMERA, REMOTE)
    answer = 0 if kind == 8 else kind + 1
    body = struct.pack(">BBHHH", answer if reply else kind, 0, 0, identifier, number) + b"abcdefgh" * 7
    return packets.frame(here, there, packets.ip(here, there, packets.ICMP, body))


@pytest.mark.parametrize("kind", [8, 13])
def test_each_run_of_ping_is_an_attempt(kind: int, uncompiled: SimpleNamespace) -> None:
    """An identifier is that of one program's queries (RFC 792): another one is another attempt, answered or not."""
    for made in (None, uncompiled):
        tap = Tap(made)
        said = script(
            tap,
            ping(1020, 0, kind=kind),
            ping(1123, 0, kind=kind),
            ping(1123, 0, reply=True, kind=kind),
            ping(1123, 1, kind=kind),
            ping(1210, 0, kind=kind),
            ping(1438, 0, kind=kind),
            every=SECOND // 2,
        )
        assert [number for number, each in enumerate(said) if "attempt" in each] == [0, 1, 4, 5]
        assert tap.flow()["attempts"] == 4


def test_one_run_of_ping_without_an_answer_is_an_attempt_a_second() -> None:
    """As with any datagram; a query that the capture cut before its identifier counts so too."""
    tap = Tap()
    script(tap, *(ping(77, number) for number in range(31)), every=100 * MS)
    assert tap.flow()["attempts"] == 4
    tap = Tap()
    for number in range(4):
        frame = ping(number, 0)
        tap.see(START + number * SECOND // 2, frame[:38], wire=len(frame))
    assert tap.flow()["attempts"] == 2


def test_a_ping_that_comes_back_is_answered_and_no_transfer(uncompiled: SimpleNamespace) -> None:
    """The reply gives back what the request brought (RFC 792); over IPv6 as well (RFC 4443, 4.2)."""
    here, there = Host.at("2001:db8::c", "44:19:b6:20:00:0c"), Host.at("2001:db8:7::1", "00:00:0c:07:ac:01")
    body = struct.pack(">HH", 7, 1) + b"abcdefgh" * 7
    six = [
        packets.frame(here, there, packets.icmp6(here, there, 128, 0, body)),
        packets.frame(there, here, packets.icmp6(there, here, 129, 0, body)),
    ]
    for made in (None, uncompiled):
        for frames in ([ping(7, 1), ping(7, 1, reply=True)], six):
            tap = Tap(made)
            said = script(tap, *frames)
            assert [each - {"payload"} for each in said] == [{"new", "attempt"}, {"answer"}]
            assert tap.flow()["flags"] == at.F_ANSWERED


def test_other_protocols_are_attempts_too() -> None:
    """A tunnel is a way out as well."""
    frame = packets.frame(CAMERA, REMOTE, packets.ip(CAMERA, REMOTE, 47, bytes(20)))
    assert script(Tap(), frame)[0] == {"new", "attempt"}


@pytest.mark.parametrize(("kind", "code"), [(3, 13), (3, 4), (4, 0), (5, 1), (11, 0), (12, 0)])
def test_errors_are_told_with_what_they_quote(kind: int, code: int) -> None:
    """Every ICMP error, cared for or not, and again each time."""
    body = bytes([kind, code]) + bytes(6) + packets.tcp(CAMERA, REMOTE, Segment(PORT, 443, 1, 0, SYN))
    frames = [packets.frame(ROUTER, CAMERA, packets.ip(ROUTER, CAMERA, packets.ICMP, body)) for _ in range(2)]
    tap = Tap(care=False)
    assert ["error" in each for each in script(tap, *frames)] == [True, True]
    frame = tap.scanner.frame
    assert frame.payload_length == len(body) - 8


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_errors_over_ipv6(kind: int) -> None:
    """Unreachable, too big, time exceeded, parameter problem."""
    here, there = Host.at("2001:db8::1", "00:00:0c:07:ac:01"), Host.at("2001:db8::c", "44:19:b6:20:00:0c")
    frame = packets.frame(here, there, packets.icmp6(here, there, kind, 0, bytes(44)))
    assert "error" in script(Tap(), frame)[0]


def test_nobody_cares_nothing_is_told() -> None:
    """A flow that has no contact is told of at its beginning and for its payload, no more; it is counted all the same."""
    tap = Tap(care=False)
    said = script(
        tap, out(SYN), back(SYN | ACK), out(ACK | PSH, 101, 901, b"x"), back(ACK | PSH, 901, 102, b"y"), back(RST, 902)
    )
    assert said == [{"new", "attempt", "syn"}, {"syn"}, {"payload"}, {"payload"}, set()]
    assert tap.flow()["flags"] & at.F_TRANSFERRED
    assert tap.scanner.changed() == []


def test_payload_is_told_until_nobody_wants_it() -> None:
    """Each direction by itself; what comes after is counted only, and can be wanted again."""
    tap = Tap()
    tap.see(START, say(b"one payload"))
    slot = tap.scanner.slot
    tap.scanner.verdict(slot, 0, 1)
    assert tap.one(START + 10 * MS, say(b"two payload")) == frozenset()
    assert tap.one(START + 20 * MS, hear(b"payload one")) == {"answer", "payload", "transfer"}
    tap.scanner.verdict(slot, 0, 0)
    assert tap.one(START + 30 * MS, hear(b"payload two")) == frozenset()
    tap.scanner.verdict(slot, 1, 0)
    assert tap.one(START + 40 * MS, say(b"three payload")) == {"payload"}
    assert tap.flow()["payload_out"] == 11 + 11 + 13


def test_a_request_is_told_for_its_stream_only_while_that_is_wanted() -> None:
    """SYN opens a stream; where nobody reads there is none."""
    tap = Tap(wanted=False)
    assert script(tap, out(SYN), back(SYN | ACK)) == [{"new", "attempt", "syn"}, {"answer"}]


def test_changed_flows_are_listed_once() -> None:
    """Cared-for flows whose counts changed since the last question, in the order in which they changed."""
    tap = Tap()
    script(tap, say(sport=1111), say(sport=2222), say(b"more to say", sport=1111))
    numbers = [tap.table.field(slot, at.NUMBER) for slot in tap.scanner.changed()]
    assert numbers == [1, 2]
    assert tap.scanner.changed() == []
    tap.see(START + SECOND, say(b"again, this", sport=2222))
    assert [tap.table.field(slot, at.NUMBER) for slot in tap.scanner.changed()] == [2]


def test_a_released_flow_is_not_mistaken_for_its_successor() -> None:
    """The list of changed flows may still name a slot that has been given to a flow nobody cares for."""
    tap = Tap(capacity=1, window_ns=0)
    tap.see(START, say(sport=1111))
    tap.care = False
    tap.see(START + 1, say(sport=2222))
    assert tap.gone == [("evict", 1)]
    assert tap.scanner.changed() == []


def test_a_tick_comes_before_the_packet() -> None:
    """At or after ``due`` nothing is consumed until ``due`` has moved on."""
    tap = Tap()
    tap.scanner.due = START
    seen = tap.see(START, out(SYN))
    assert [each.what for each in seen] == [{"tick"}, {"new", "attempt", "syn"}]
    tap.scanner.due = START + 2
    assert [each.what for each in tap.see(START + 1, say())] == [{"new", "attempt", "payload"}]


def test_an_eviction_comes_before_the_packet() -> None:
    """The packet that needs room is taken afterwards, once; it is no duplicate of itself."""
    tap = Tap(capacity=2)
    script(tap, say(sport=40001), say(sport=40002))
    seen = tap.see(START + SECOND, say(sport=40003))
    assert [each.what for each in seen] == [{"evict"}, {"new", "attempt", "payload"}]
    assert (tap.scanner.packets, tap.scanner.duplicates, tap.table.evicted) == (3, 0, 1)


def test_a_position_can_be_taken_and_resumed() -> None:
    """Another block may be scanned in between; the first goes on where it was."""
    tap = Tap()
    whole = Tap()
    frames = [say(bytes([number]) * 20, sport=1000 + number) for number in range(4)]
    blocks = [(START + number, frame, at.LINK_ETHERNET, len(frame)) for number, frame in enumerate(frames)]
    whole.run(blocks)
    scanner = tap.scanner
    taken = False
    memory = b"".join(frames)
    index = array("q")
    for number, frame in enumerate(frames):
        index.extend((START + number, sum(map(len, frames[:number])), len(frame), len(frame), 0))
    scanner.begin(memory, index, 4, array("q", [at.LINK_ETHERNET]))
    while scanner.scan():
        scanner.care(scanner.slot)
        if not taken and tap.table.used == 2:
            taken = True
            position = scanner.position()
            tap.run([(START + 1, say(b"in between", sport=9), at.LINK_ETHERNET, 52)])
            scanner.resume(position)
    assert taken
    assert tap.table.used == 5
    assert whole.table.used == 4


def test_a_whole_stands_for_its_fragments_once() -> None:
    """The next packet counts as so many packets and bytes; the one after counts for itself."""
    tap = Tap()
    tap.scanner.whole(3000, 3)
    tap.see(START, say(b"x" * 100))
    tap.see(START + SECOND, say(b"y" * 100))
    flow = tap.flow()
    assert (flow["packets_out"], flow["bytes_out"]) == (4, 3000 + len(say(b"y" * 100)))
    assert (tap.scanner.packets, tap.scanner.octets) == (1, len(say(b"y" * 100)))


def other_mac(frame: bytes) -> bytes:
    return b"\x00\x00\x0c\x00\x00\x07" + b"\x00\x00\x0c\x00\x00\x08" + frame[12:]


def tagged(frame: bytes) -> bytes:
    return frame[:12] + b"\x81\x00\x00\x07" + frame[12:]


def routed(frame: bytes) -> bytes:
    return other_mac(frame)[:14] + packets.one_hop_on(frame[14:])


@pytest.mark.parametrize("change", [bytes, other_mac, tagged, routed], ids=["identical", "MAC", "tag", "routed"])
@pytest.mark.parametrize("frame", [out(SYN), out(ACK | PSH, 101, 901, b"data"), say(), say(b""), hear(b"1")])
def test_copies_of_a_packet_are_counted_as_duplicates(frame: bytes, change: type[bytes]) -> None:
    """Both copies of a mirror, with other MACs, a tag on one side, or a hop on: one packet and one duplicate."""
    tap = Tap()
    tap.see(START, frame)
    assert tap.one(START + 2 * MS, change(frame)) == frozenset()
    assert (tap.scanner.duplicates, tap.scanner.packets) == (1, 2)
    flow = tap.flow()
    assert flow["packets_out"] + flow["packets_in"] == 1


def test_a_copy_outside_the_window_is_a_packet() -> None:
    """Five milliseconds by default; 0 looks for none."""
    for window, gap, duplicates in ((5 * MS, 5 * MS, 1), (5 * MS, 5 * MS + 1, 0), (0, 1, 0), (1000, 1001, 0)):
        tap = Tap(window_ns=window)
        frame = say()
        tap.see(START, frame)
        tap.see(START + gap, frame)
        assert tap.scanner.duplicates == duplicates, (window, gap)


def test_a_retransmission_is_no_copy() -> None:
    """TCP sends the same segment again with a new identification; RTP and DNS differ in their first bytes."""
    tap = Tap()
    script(tap, out(ACK | PSH, 101, 901, b"data"), out(ACK | PSH, 101, 901, b"data"), every=MS)
    assert tap.scanner.duplicates == 0
    same = Host.at("10.20.0.12", "44:19:b6:20:00:0c")
    frames = []
    for number in range(2):
        same.ident = 77
        frames.append(
            packets.frame(
                same, REMOTE, packets.udp(same, REMOTE, PORT, 5004, struct.pack(">HHI", 0x8060, number, 1) + b"x")
            )
        )
    script(tap, *frames, every=MS)
    assert tap.scanner.duplicates == 0


def test_many_packets_between_copies() -> None:
    """4,096 packets are remembered: a copy is found behind a thousand others, and what is forgotten is counted twice, not lost."""
    tap = Tap(capacity=4096, care=False, wanted=False)
    first = say(b"the first one", sport=9)
    crowd = [say(struct.pack(">Q", number), sport=1000 + number) for number in range(1000)]
    run = [first, *crowd, first]
    tap.run([(START + number, frame, at.LINK_ETHERNET, len(frame)) for number, frame in enumerate(run)])
    assert tap.scanner.duplicates == 1


def test_a_broken_checksum_is_counted_as_any_other() -> None:
    """On a host with offloading every packet that it sends has one."""
    tap = Tap()
    broken = out(SYN)[:50] + b"\x00\x00" + out(SYN)[52:]
    assert tap.one(START, broken) == {"new", "attempt", "syn"}
    assert sum(tap.scanner.malformed()) == 0


def test_malformed_packets_are_told_only_if_asked_for() -> None:
    """They are counted by layer in any case."""
    tap = Tap()
    tap.scanner.tell_malformed = False
    assert tap.one(START, out(SYN)[:14] + b"\x55" + bytes(40)) == frozenset()
    assert tap.scanner.malformed()[at.AT_IPV4] == 1
    assert tap.scanner.packets == 1


def test_counters_of_the_whole_wire() -> None:
    """Every packet is counted, duplicates and cut ones too, with its bytes on the wire."""
    tap = Tap()
    frame = say(b"x" * 500)
    tap.see(START, frame[:100], wire=len(frame))
    tap.see(START + MS, frame[:100], wire=len(frame))
    tap.see(START + 2 * MS, b"\xff" * 14 + bytes(46))
    scanner = tap.scanner
    assert (scanner.packets, scanner.octets) == (3, 2 * len(frame) + 60)
    assert (scanner.truncated, scanner.duplicates, scanner.others) == (2, 1, 1)
    assert tap.flow()["payload_out"] == 500


def test_every_combination_of_flags_is_bounded() -> None:
    """No combination raises, counts twice, or makes an attempt of anything but a plain request."""
    for flags in range(256):
        tap = Tap()
        first = script(tap, out(flags))[0]
        assert ("attempt" in first) is (flags & (SYN | ACK | RST) == SYN)
        script(tap, back(flags))
        assert tap.scanner.packets >= 2


def replay(tap: Tap, name: str) -> list[tuple[object, ...]]:
    """Everything that is said about a scenario's capture, with the flow's columns and the frame's fields."""
    told: list[tuple[object, ...]] = []
    scanner, table = tap.scanner, tap.table
    scanner.due = 0
    for block in Captures([scenarios.load(name).capture]).blocks():
        links = array("q", (interface.link_type for interface in block.interfaces))
        scanner.begin(bytes(block.memory), block.index, block.count, links)
        while events := scanner.scan():
            slot = scanner.slot
            if events == at.TICK:
                told.append((events, scanner.ts, scanner.changed() and "changed"))
                scanner.due = scanner.ts + SECOND
                while (idle := table.idle(scanner.ts)) >= 0:
                    told.append(("idle", table.field(idle, at.NUMBER)))
                    table.release(idle)
                continue
            number = table.field(slot, at.NUMBER)
            if events & (at.EVICT | at.REUSE):
                told.append((events, number))
                (table.evict if events & at.EVICT else table.release)(slot)
                continue
            if events & at.NEW:
                scanner.care(slot)
            flow = () if events & (at.NEIGHBOUR | at.FRAGMENT | at.MALFORMED) else (number, scanner.direction)
            told.append((events, scanner.ts, flow, tuple(fields(scanner).values())))
            if flow and events & at.PAYLOAD and table.field(slot, at.PACKETS) > 6:
                scanner.verdict(slot, 0, 0)
    told += [("left", *(table.field(slot, column) for column in COUNTED)) for slot in table.slots()]
    return [*told, ("counted", scanner.packets, scanner.octets, scanner.duplicates, scanner.others)]


@pytest.mark.parametrize("name", [name for name in scenarios.NAMES if name != "quiet_site"])
def test_both_builds_say_the_same_of_the_scenarios(name: str, uncompiled: SimpleNamespace) -> None:
    """Compiled and uncompiled, with a roomy table and with one that is always full."""
    for capacity in (4096, 24):
        said = replay(Tap(capacity=capacity), name)
        assert said == replay(Tap(uncompiled, capacity=capacity), name)
        assert len(said) > 10


def noise(random: Random, count: int) -> list[tuple[int, bytes, int, int]]:
    """Conversations between few ends, in which one packet in four is damaged."""
    wire = Wire()
    ends = [Host.at(f"10.20.0.{number}", f"44:19:b6:20:00:{number:02x}") for number in range(11, 15)]
    servers = [ROUTER.beyond(f"52.30.100.{number}") for number in range(1, 4)]
    at_ns = START
    while len(wire.frames()) < count:
        at_ns += random.randrange(1, 400) * MS
        here, there = random.choice(ends), random.choice(servers)
        act = random.randrange(5)
        if act == 0:
            Connection(wire, here, there, 443, at=at_ns, rng=random).tls(random, "example.org")
        elif act == 1:
            Connection(wire, here, there, 443, at=at_ns, rng=random).reset()
        elif act == 2:
            Connection(wire, here, there, 443, at=at_ns, rng=random).prohibited(ROUTER)
        else:
            port = random.choice([53, 123, 32100])
            wire.udp(at_ns, here, random.choice([40000, 40001]), there, port, random.randbytes(random.randrange(40)))
            if act == 4:
                wire.udp(at_ns + MS, there, port, here, 40000, random.randbytes(20))
    made = []
    for ts, frame in wire.frames():
        data, length = bytearray(frame), len(frame)
        if random.random() < 0.25:
            for _ in range(random.randrange(1, 4)):
                data[random.randrange(12, len(data))] = random.randrange(256)
        if random.random() < 0.1:
            del data[random.randrange(len(data)) :]
        made.append((ts, bytes(data), at.LINK_ETHERNET, length))
        if random.random() < 0.1:
            made.append((ts + 1, bytes(data), at.LINK_ETHERNET, length))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_both_builds_say_the_same_of_damaged_traffic(seed: int, uncompiled: SimpleNamespace) -> None:
    """Events, directions, columns and counters after some two thousand packets, a quarter of them damaged."""
    run = noise(Random(seed), 2000)
    taps = [Tap(capacity=32, source_cap=8), Tap(uncompiled, capacity=32, source_cap=8)]
    for tap in taps:
        tap.scanner.due = 0
    said = [tap.run(run) for tap in taps]
    assert said[0] == said[1]
    assert taps[0].picture() == taps[1].picture()
    assert taps[0].gone == taps[1].gone
    counted = [
        (
            each.scanner.packets,
            each.scanner.octets,
            each.scanner.duplicates,
            each.scanner.truncated,
            each.scanner.malformed(),
        )
        for each in taps
    ]
    assert counted[0] == counted[1]
    assert counted[0][2] > 50
