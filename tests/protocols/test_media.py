"""Media is attributed to the session that agreed on its ports, and to no other."""

from __future__ import annotations

import pytest

from monitor.model.address import Address, pack
from monitor.model.facts import MediaSetup, MediaStream
from monitor.protocols.conversation import Conversation
from monitor.protocols.media import MAX_AGE_NS, Expected
from monitor.protocols.registry import DATAGRAMS
from tests.protocols.test_rtp import SSRC, rtp

CLIENT, SERVER, OTHER, GROUP = (pack(text) for text in ("192.0.2.9", "192.0.2.7", "192.0.2.8", "239.1.1.1"))
SETUP = MediaSetup("video", "H264", "trackID=0", None, (5000, 5001), (6000, 6001))
NOW = 1_700_000_000_000_000_000


def expected(setup: MediaSetup = SETUP) -> Expected:
    table = Expected()
    table.expect(setup, CLIENT, SERVER, "1:abc", NOW)
    return table


@pytest.mark.parametrize(
    ("sport", "dport", "control"),
    [(6000, 5000, False), (6001, 5001, True), (40001, 5000, False), (6000, 40002, False)],
    ids=["as agreed", "RTCP", "another server port", "a translated client port"],
)
def test_either_port_is_enough(sport: int, dport: int, control: bool) -> None:
    """Both ways, whether both sides keep to what they said or one."""
    for ends in ((SERVER, sport, CLIENT, dport), (CLIENT, dport, SERVER, sport)):
        found = expected().claim(*ends, NOW + 1)
        assert found is not None
        assert (found.setup, found.session, found.source, found.control) == (SETUP, "1:abc", SERVER, control)


@pytest.mark.parametrize(
    ("source", "sport", "destination", "dport"),
    [
        (OTHER, 6000, CLIENT, 5000),
        (SERVER, 6000, OTHER, 5000),
        (SERVER, 6002, CLIENT, 5002),
        (SERVER, 5000, CLIENT, 6000),
    ],
    ids=["another server", "another client", "other ports", "the ports the wrong way round"],
)
def test_others_are_not_claimed(source: Address, sport: int, destination: Address, dport: int) -> None:
    """A port that is used again by somebody else is not this session's."""
    assert expected().claim(source, sport, destination, dport, NOW) is None


def test_hosts_that_the_answer_names() -> None:
    """Media to a group or from another host, and a translated device that names its own address."""
    group = MediaSetup(None, None, None, None, (5000, 5001), None, destination="239.1.1.1")
    assert expected(group).claim(SERVER, 1234, GROUP, 5000, NOW) is not None
    behind = MediaSetup(None, None, None, None, (5000, 5001), (6000, 6001), source="127.0.0.1")
    assert expected(behind).claim(SERVER, 6000, CLIENT, 5000, NOW) is not None


def test_interleaved_media_awaits_no_port() -> None:
    """Nor does a port of 0."""
    assert len(expected(MediaSetup(None, None, None, (0, 1), None, None))) == 0
    assert len(expected(MediaSetup(None, None, None, None, (0, 0), (0, 1)))) == 1


def test_attribution() -> None:
    """What the session said of its media outranks the payload type; what it did not say stays; strangers stay as they are."""
    stream = MediaStream("udp", SSRC, 0, "audio", "PCMU")
    ends = (SERVER, 6000, CLIENT, 5000)
    assert expected().attributed(stream, *ends, NOW) == MediaStream("udp", SSRC, 0, "video", "H264", "1:abc")
    silent = expected(MediaSetup(None, None, None, None, (5000, 5001), None))
    assert silent.attributed(stream, *ends, NOW) == MediaStream("udp", SSRC, 0, "audio", "PCMU", "1:abc")
    assert expected().attributed(stream, OTHER, 6000, CLIENT, 5000, NOW) is stream


def test_age() -> None:
    """Media keeps its session known; without any it is forgotten, and counted."""
    table = expected()
    ends = (SERVER, 6000, CLIENT, 5000)
    assert table.claim(*ends, NOW + MAX_AGE_NS) is not None
    assert table.claim(*ends, NOW + 2 * MAX_AGE_NS) is not None
    assert table.claim(*ends, NOW + 4 * MAX_AGE_NS) is None
    assert table.expired == 2


def test_another_session_makes_the_aged_ones_go() -> None:
    """Cameras that are set up anew each hour leave nothing behind."""
    table = expected()
    assert len(table) == 4
    table.expect(SETUP, pack("192.0.2.100"), SERVER, "1:later", NOW + MAX_AGE_NS)
    assert (len(table), table.expired) == (8, 0)
    table.expect(SETUP, pack("192.0.2.101"), SERVER, "1:latest", NOW + 2 * MAX_AGE_NS)
    assert (len(table), table.expired) == (8, 4)


def test_bounds() -> None:
    """The table is bounded; the oldest goes, and is counted."""
    table = Expected(capacity=8)
    for session in range(5):
        client = pack(f"192.0.2.{100 + session}")
        table.expect(SETUP, client, SERVER, f"1:{session}", NOW + session)
    assert (len(table), table.evicted) == (8, 12)
    assert table.claim(SERVER, 6000, pack("192.0.2.100"), 5000, NOW) is None
    assert table.claim(SERVER, 6000, pack("192.0.2.104"), 5000, NOW) is not None


def test_one_packet_in_the_announced_direction() -> None:
    """The other direction may carry noise against translators: synthetic, as GStreamer's client sends it."""
    conversation = Conversation(DATAGRAMS, 5000, 6000, stream=False)
    conversation.expect_media(1)
    assert conversation.feed(0, b"\x80\x12" + b"\x5b" * 198) == []
    assert conversation.feed(1, rtp(7, kind=40)) == [MediaStream("udp", SSRC, 40, None, None)]
