"""DNS over UDP and TCP."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import DnsAnswer, DnsQuery, Fact, Malformed, MalformedSeen, Want
from monitor.protocols.dns import Parser, StreamParser, sniff, sniff_stream
from monitor.protocols.names import PastEnd, read_name

QUERY = bytes.fromhex("1a2b01000001000000000000") + b"\x07LiteDev\x09ezvizlife\x03com\x00\x00\x01\x00\x01"
QUESTION = QUERY[12:]


def response(*records: bytes, flags: int = 0x8180, authority: int = 0, additional: int = 0) -> bytes:
    answers = len(records) - authority - additional
    counts = b"".join(count.to_bytes(2, "big") for count in (1, answers, authority, additional))
    return b"\x1a\x2b" + flags.to_bytes(2, "big") + counts + QUESTION + b"".join(records)


def record(owner: bytes, rtype: int, data: bytes, ttl: int = 60) -> bytes:
    fixed = rtype.to_bytes(2, "big") + b"\x00\x01" + ttl.to_bytes(4, "big")
    return owner + fixed + len(data).to_bytes(2, "big") + data


ASKED = b"\xc0\x0c"
ALIAS = record(ASKED, 5, b"\x02eu\x03CDN\xc0\x1e")  # eu.cdn.com: "com" of the question stands at 0x1e
A1 = record(b"\x02eu\x03cdn\xc0\x1e", 1, bytes([192, 0, 2, 1]), ttl=30)
AAAA = record(b"\x02eu\x03cdn\xc0\x1e", 28, bytes.fromhex("20010db8000000000000000000000001"), ttl=90)


def test_query_gives_its_name_in_lower_case() -> None:
    """A question becomes a DnsQuery, ASCII case folded."""
    assert Parser().feed(QUERY) == [DnsQuery("litedev.ezvizlife.com", "A")]


def test_answer_follows_aliases_to_addresses() -> None:
    """Addresses, the alias chain and the smallest TTL of the address records are one DnsAnswer."""
    assert Parser().feed(response(ALIAS, A1, AAAA)) == [
        DnsAnswer("litedev.ezvizlife.com", "A", "NOERROR", ("192.0.2.1", "2001:db8::1"), ("eu.cdn.com",), 30)
    ]


def test_addresses_of_unrelated_owners_are_not_answers() -> None:
    """An address of a name that the alias chain does not lead to is not told for the question."""
    stray = record(b"\x05other\x00", 1, bytes([192, 0, 2, 9]))
    assert Parser().feed(response(stray)) == [DnsAnswer("litedev.ezvizlife.com", "A", "NOERROR")]


def test_alias_loop_ends() -> None:
    """Two aliases that point to each other end the chain."""
    loop = [record(ASKED, 5, b"\x01a\x00"), record(b"\x01a\x00", 5, ASKED)]
    (answer,) = Parser().feed(response(*loop))
    assert isinstance(answer, DnsAnswer)
    assert answer.cname == ("a", "litedev.ezvizlife.com")


def test_service_binding_hints_only_without_address_records() -> None:
    """Hints of an HTTPS record stand in for addresses (RFC 9460, 7.3), and only then."""
    hints = b"\x00\x04\x00\x08" + bytes([192, 0, 2, 7, 192, 0, 2, 8])
    https = record(ASKED, 65, b"\x00\x01\x00" + hints)
    assert Parser().feed(response(https))[0].addresses == ("192.0.2.7", "192.0.2.8")  # type: ignore[attr-defined]
    told = Parser().feed(response(https, record(ASKED, 1, bytes([192, 0, 2, 1]))))[0]
    assert told.addresses == ("192.0.2.1",)  # type: ignore[attr-defined]


def test_service_target_address_of_the_additional_section() -> None:
    """The address of an SRV target comes with the answer about the service."""
    srv = record(ASKED, 33, bytes(6) + b"\x03sip\x00")
    told = Parser().feed(response(srv, record(b"\x03sip\x00", 1, bytes([192, 0, 2, 5])), additional=1))[0]
    assert told.addresses == ("192.0.2.5",)  # type: ignore[attr-defined]


def test_extended_rcode() -> None:
    """EDNS carries the upper bits of the rcode (RFC 6891, 6.1.3)."""
    opt = b"\x00\x00\x29\x04\xd0" + (1 << 24).to_bytes(4, "big") + b"\x00\x00"
    assert Parser().feed(response(opt, additional=1))[0].rcode == "BADVERS"  # type: ignore[attr-defined]


@pytest.mark.parametrize("flags", [0x8183, 0x8185])
def test_refusals_are_answers(flags: int) -> None:
    """NXDOMAIN and REFUSED are reported with the name that was asked for."""
    rcode = {3: "NXDOMAIN", 5: "REFUSED"}[flags & 15]
    assert Parser().feed(response(flags=flags)) == [DnsAnswer("litedev.ezvizlife.com", "A", rcode)]


def test_cut_capture_yields_what_is_there() -> None:
    """At whatever octet of its records a response is cut, the whole records before the cut are reported."""
    whole = response(record(ASKED, 1, bytes([192, 0, 2, 1])), record(ASKED, 1, bytes([192, 0, 2, 2])))
    first_end = len(whole) - 16
    for cut in range(12 + len(QUESTION), len(whole)):
        (answer,) = Parser().feed(whole[:cut])
        assert answer.addresses == (("192.0.2.1",) if cut >= first_end else ())  # type: ignore[attr-defined]


def test_damaged_record_keeps_what_came_before() -> None:
    """A pointer that leads forward in the second record leaves the first one's address, and is reported."""
    bad = record(b"\xc0\x0c", 5, b"\xff\xff")
    assert Parser().feed(response(record(ASKED, 1, bytes([192, 0, 2, 1])), bad)) == [
        DnsAnswer("litedev.ezvizlife.com", "A", "NOERROR", ("192.0.2.1",), (), 60),
        MalformedSeen("dns", "compression pointer leads forward, to itself or into the header"),
    ]


def test_root_and_foreign_octets_in_names() -> None:
    """The root is a dot; octets that are not graphic ASCII, dots and backslashes are escaped (RFC 4343, 2.1)."""
    header = QUERY[:12]
    assert Parser().feed(header + b"\x00\x00\x02\x00\x01") == [DnsQuery(".", "NS")]
    odd = header + b"\x05a.\\\xfc \x02DE\x00\xff\x00\x00\x01"
    assert Parser().feed(odd) == [DnsQuery(r"a\.\\\252\032.de", "TYPE65280")]


@pytest.mark.parametrize(
    "name",
    [b"\xc0\x0c", b"\x01a\xc0\x0c", b"\xc0\x20", b"\xc0\x00", b"\x40a\x00", b"\x3f" + b"a" * 63, b"\x3faaa", b"\x01"],
)
def test_names_that_break_the_rules(name: bytes) -> None:
    """Pointers to themselves, forward or into the header, unknown label types and missing ends are Malformed."""
    with pytest.raises(Malformed):
        read_name(bytes(12) + name, 12)


def test_name_of_255_octets_is_the_longest() -> None:
    """255 octets are allowed, 256 are not (RFC 1035, 3.1)."""
    longest = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\x00"
    assert len(longest) == 255
    assert read_name(bytes(12) + longest, 12)[1] == 12 + 255
    with pytest.raises(Malformed, match="longer"):
        read_name(bytes(12) + (b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\x00", 12)


def test_pointer_jumps_are_bounded() -> None:
    """A chain of backward pointers is followed sixteen times."""
    message = (
        bytes(12)
        + b"\x01a\x00\x00"
        + b"".join((0xC000 | target).to_bytes(2, "big") for target in [12, *range(16, 70, 2)])
    )
    assert read_name(message, 16 + 2 * 15)[0] == "a"
    with pytest.raises(Malformed, match="too many"):
        read_name(message, 16 + 2 * 16)


def test_sniff_by_port_and_by_content() -> None:
    """A sane header is enough on port 53; elsewhere the message must parse to its last octet."""
    assert sniff(QUERY, 40000, 53)
    assert sniff(QUERY, 40000, 5354)
    assert sniff(response(A1), 9953, 40000)
    assert not sniff(QUERY + b"\x00", 40000, 5354)
    assert not sniff(QUERY[:-1], 40000, 5354)
    assert not sniff(QUERY, 137, 137)
    assert not sniff(QUERY[:2] + b"\x29\x00" + QUERY[4:], 40000, 53)


def test_sniff_on_port_53_takes_a_question_behind_a_strange_header() -> None:
    """Counts and bits that make no sense hide no name there; off DNS's ports they do."""
    strange = QUERY[:2] + b"\x01\x50" + QUERY[4:10] + b"\x73\x73" + QUESTION
    assert sniff(strange, 40000, 53)
    assert Parser().feed(strange) == [DnsQuery("litedev.ezvizlife.com", "A")]
    assert not sniff(strange, 40000, 54)
    assert not sniff(strange[:-4] + b"\x73\x73\0\1", 40000, 53)
    assert not sniff(QUERY[:2] + b"\x21\0" + QUERY[4:], 40000, 53)


def test_a_response_to_several_questions() -> None:
    """Each is answered by its name; damage in a later one keeps what stood before it."""
    other = b"\x05other\0\x00\x1c\x00\x01"
    message = b"\x1a\x2b\x81\x80\0\2\0\1\0\0\0\0" + QUESTION + other + record(ASKED, 1, b"\xc0\0\2\7")
    assert Parser().feed(message) == [
        DnsAnswer("litedev.ezvizlife.com", "A", "NOERROR", ("192.0.2.7",), (), 60),
        DnsAnswer("other", "AAAA", "NOERROR"),
    ]
    damaged = message[: 12 + len(QUESTION)] + b"\x80" + message[13 + len(QUESTION) :]
    assert Parser().feed(damaged) == [
        DnsAnswer("litedev.ezvizlife.com", "A", "NOERROR"),
        MalformedSeen("dns", "unknown label type"),
    ]


def test_sniff_takes_no_random_payload() -> None:
    """Of 100,000 random datagrams with a third of DNS's constant octets right, none passes for DNS off its ports."""
    source = random.Random(53)
    hits = 0
    for _ in range(100_000):
        payload = bytearray(source.randbytes(source.randrange(12, 80)))
        if source.random() < 0.3:
            payload[2:12] = QUERY[2:12]
        hits += sniff(bytes(payload), 40000, 40001)
    assert hits == 0


def test_stream_of_messages_split_anywhere() -> None:
    """Wherever a TCP stream is split, its messages give the same facts."""
    messages = [QUERY, response(ALIAS, A1), QUERY]
    stream = b"".join(len(message).to_bytes(2, "big") + message for message in messages)
    whole = StreamParser().feed(stream)
    assert len(whole) == 3
    for cut in range(len(stream) + 1):
        parser = StreamParser()
        assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == whole
    octets = StreamParser()
    assert [fact for octet in stream for fact in octets.feed(bytes([octet]))] == whole


def test_stream_sniff() -> None:
    """A header is enough on port 53; off it a whole message is needed."""
    framed = len(QUERY).to_bytes(2, "big") + QUERY
    assert sniff_stream(framed[:14], 40000, 53)
    assert not sniff_stream(framed[:13], 40000, 53)
    assert not sniff_stream(b"GET / HTTP/1.1"[:2], 40000, 53)
    assert sniff_stream(framed, 40000, 8053)
    assert not sniff_stream(framed[:-1], 40000, 8053)
    assert not sniff_stream(b"GET / HTTP/1.1\r\n\r\n", 40000, 53)


def test_stream_stops_at_a_gap_and_at_damage() -> None:
    """Framing that is lost is not guessed; facts before the damage are kept."""
    parser = StreamParser()
    parser.gap()
    assert parser.want is Want.STOP
    parser = StreamParser()
    framed = len(QUERY).to_bytes(2, "big") + QUERY
    assert parser.feed(framed + b"\x00\x01\x00") == [
        DnsQuery("litedev.ezvizlife.com", "A"),
        MalformedSeen("dns", "shorter than a header"),
    ]
    assert parser.want is Want.STOP


def test_questions_are_bounded_and_counted() -> None:
    """Eight questions are reported, the others counted."""
    parser = Parser()
    message = QUERY[:4] + b"\x00\x0a" + QUERY[6:12] + QUESTION * 10
    assert len(parser.feed(message)) == 8
    assert parser.dropped == 2


@given(st.binary(max_size=200))
def test_random_input_is_a_fact_or_malformed(data: bytes) -> None:
    """Nothing but Malformed leaves the parser, from random octets behind a sane header."""
    for head in (b"", QUERY[:12], response(ALIAS, A1)[:12]):
        feed_or_malformed(head + data)


@given(st.data())
def test_mutated_input_is_a_fact_or_malformed(data: st.DataObject) -> None:
    """Nothing but Malformed leaves the parser, from messages with a few octets changed."""
    message = bytearray(response(ALIAS, A1, AAAA, record(ASKED, 65, b"\x00\x01\x00\x00\x04\x00\x04abcd")))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    feed_or_malformed(bytes(message))


def feed_or_malformed(message: bytes) -> list[Fact]:
    try:
        return Parser().feed(message)
    except Malformed as error:
        assert isinstance(error, PastEnd) or error.layer == "dns"
        return []
