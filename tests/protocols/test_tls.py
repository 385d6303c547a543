"""TLS over TCP: hellos and certificates out of streams cut anywhere."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import pairwise
from time import perf_counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, Malformed, TlsCertificate, TlsClientHello, Want
from monitor.protocols import tls

ALERT_UNRECOGNIZED_NAME = bytes.fromhex("15 0303 0002 01 70")
CHANGE_CIPHER_SPEC = bytes.fromhex("14 0303 0001 01")
APPLICATION_DATA = bytes.fromhex("17 0303 0028") + b"\xc3" * 40


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def extension(kind: int, data: bytes) -> bytes:
    return u16(kind, len(data)) + data


def server_name(name: bytes) -> bytes:
    return extension(0, u16(len(name) + 3) + b"\0" + u16(len(name)) + name)


def alpn(*names: bytes) -> bytes:
    listed = b"".join(bytes((len(name),)) + name for name in names)
    return extension(16, u16(len(listed)) + listed)


def versions(*offered: int) -> bytes:
    return extension(43, bytes((2 * len(offered),)) + u16(*offered))


def message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3) + body


def hello(*extensions: bytes, version: int = 0x0303, ciphers: tuple[int, ...] = (0x1301, 0xC02B)) -> bytes:
    head = u16(version) + bytes(range(32)) + b"\x20" + bytes(32) + u16(2 * len(ciphers), *ciphers) + b"\1\0"
    listed = b"".join(extensions)
    return message(1, head + u16(len(listed)) + listed)


def server_hello(cipher: int = 0xC02B) -> bytes:
    return message(2, u16(0x0303) + bytes(32) + b"\0" + u16(cipher) + b"\0")


def records(handshake: bytes, size: int = 1 << 14, version: int = 0x0301) -> bytes:
    parts = [handshake[at : at + size] for at in range(0, len(handshake), size)]
    return b"".join(b"\x16" + u16(version, len(part)) + part for part in parts)


def chain(*certificates: bytes) -> bytes:
    listed = b"".join(len(der).to_bytes(3) + der for der in certificates)
    return message(11, len(listed).to_bytes(3) + listed)


@cache
def certificate() -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    name = x509.Name.from_rfc4514_string("CN=cloud.example,O=Example")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=9))
        .sign(key, None)
        .public_bytes(Encoding.DER)
    )


def feed(*chunks: bytes) -> tuple[list[Fact], tls.Parser]:
    parser = tls.Parser()
    return [fact for chunk in chunks for fact in parser.feed(chunk)], parser


def only_hello(*chunks: bytes) -> TlsClientHello:
    """The one hello in these chunks; the next record, being no other, ends the parser."""
    (fact,), parser = feed(*chunks)
    assert isinstance(fact, TlsClientHello)
    assert parser.feed(APPLICATION_DATA) == []
    assert parser.want is Want.STOP
    return fact


FULL = hello(server_name(b"Cam.Example."), alpn(b"h2", b"http/1.1"), versions(0x2A2A, 0x0304, 0x0303))
EXPECTED = TlsClientHello(
    sni="cam.example",
    alpn=("h2", "http/1.1"),
    ja4=only_hello(records(FULL)).ja4,
    version="1.3",
    ech=False,
)


def test_reads_a_hello_in_one_piece() -> None:
    """Name in lower case without a final dot, ALPN in order, GREASE versions ignored."""
    fact = only_hello(records(FULL))
    assert fact == EXPECTED
    assert fact.ja4.startswith("t13d0203h2_")


def test_a_hello_may_be_cut_at_every_byte() -> None:
    """Segment borders make no difference, wherever they fall."""
    stream = records(FULL)
    for cut in range(len(stream)):
        assert only_hello(stream[:cut], stream[cut:]) == EXPECTED
    assert only_hello(*(stream[i : i + 1] for i in range(len(stream)))) == EXPECTED


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 40, 100, len(FULL) - 1, len(FULL)])
def test_a_hello_may_span_records(size: int) -> None:
    """One handshake message in many records is one message (RFC 8446, 5.1)."""
    stream = records(FULL, size)
    assert only_hello(stream) == EXPECTED
    assert only_hello(*(stream[i : i + 7] for i in range(0, len(stream), 7))) == EXPECTED


@pytest.mark.parametrize("size", [1, 4, 64, 1 << 14])
def test_certificate_follows_the_server_hello(size: int) -> None:
    """The leaf is reported, whether messages share a record or are spread over many."""
    der = certificate()
    handshake = server_hello() + chain(der, b"\x30\x00") + message(14, b"")
    (fact,), parser = feed(records(handshake, size, 0x0303))
    assert fact == TlsCertificate("CN=cloud.example,O=Example", "CN=cloud.example,O=Example", sha256(der).hexdigest())
    assert parser.want is Want.STOP


def test_leaf_is_enough() -> None:
    """Nothing after the leaf is waited for."""
    der = certificate()
    stream = records(server_hello() + chain(der, bytes(9000)))
    facts, parser = feed(stream[: -9000 - 3])
    assert len(facts) == 1
    assert parser.want is Want.STOP


@pytest.mark.parametrize(
    "stream",
    [
        records(server_hello(0x1301)),
        records(server_hello()) + CHANGE_CIPHER_SPEC,
        records(server_hello() + message(4, bytes(6))),
        records(server_hello() + message(12, bytes(6))),
        bytes.fromhex("15 0301 0002 02 28"),
        ALERT_UNRECOGNIZED_NAME * (tls.WARNINGS_MAX + 1),
        bytes.fromhex("16 0303 0028") + b"\xc3" * 40,
        bytes.fromhex("17 0303 0028") + b"\xc3" * 40,
        b"HTTP/1.1 200 OK\r\n\r\n",
        bytes.fromhex("16 0303 0000"),
        bytes.fromhex("8040 01 0303 0001 0000 0010"),
    ],
    ids=[
        "tls13", "resumption", "ticket", "no certificate", "fatal", "warnings", "encrypted", "data", "http", "empty",
        "not ssl2",
    ],
)  # fmt: skip
def test_stops_without_noise(stream: bytes) -> None:
    """A server that shows no certificate, a stream met in its middle, or another protocol: no facts, no Malformed."""
    facts, parser = feed(stream)
    assert facts == []
    assert parser.want is Want.STOP


def test_warning_before_the_server_hello_is_passed_over() -> None:
    """Servers warn of an unknown name and carry on."""
    facts, _ = feed(ALERT_UNRECOGNIZED_NAME + records(server_hello() + chain(certificate())))
    assert len(facts) == 1


SECOND = hello(server_name(b"Cam.Example."), versions(0x0304))
"""A hello that answers a HelloRetryRequest has other extensions than the first (RFC 8446, 4.1.2)."""


@pytest.mark.parametrize("between", [b"", CHANGE_CIPHER_SPEC], ids=["at once", "behind change_cipher_spec"])
@pytest.mark.parametrize("size", [1, 40, 1 << 14])
def test_second_hello_after_a_retry_request_is_reported(between: bytes, size: int) -> None:
    """A client that is asked for another hello has two fingerprints, however records and segments are cut."""
    stream = records(FULL) + between + records(SECOND, size, 0x0303)
    for cut in (len(stream), 1, 7):
        facts, parser = feed(*(stream[i : i + cut] for i in range(0, len(stream), cut)))
        assert [fact.version for fact in facts if isinstance(fact, TlsClientHello)] == ["1.3", "1.3"]
        assert facts == [EXPECTED, only_hello(records(SECOND))]
        assert parser.want is Want.STOP


@pytest.mark.parametrize(
    "behind",
    [
        APPLICATION_DATA,
        CHANGE_CIPHER_SPEC + APPLICATION_DATA,
        CHANGE_CIPHER_SPEC * 2,
        CHANGE_CIPHER_SPEC + bytes.fromhex("16 0303 0028") + b"\0" * 40,
        CHANGE_CIPHER_SPEC + bytes.fromhex("16 0303 0028 01 000024") + b"\xc3" * 36,
        CHANGE_CIPHER_SPEC + bytes.fromhex("16 0303 0028 01 c3c3c3") + b"\xc3" * 36,
        bytes.fromhex("14 0303 0002 0101"),
        records(message(16, bytes(66))),
        records(message(11, bytes(3))),
        records(server_hello()),
        bytes.fromhex("15 0303 0002 02 28"),
        bytes.fromhex("16 0303 0000"),
        b"GET / HTTP/1.1\r\n",
    ],
    ids=[
        "data", "finished", "two changes", "resumption", "like a hello", "too long", "odd change", "key exchange",
        "certificate", "server hello", "alert", "empty", "other protocol",
    ],
)  # fmt: skip
def test_what_is_no_second_hello_ends_it_without_noise(behind: bytes) -> None:
    """After the first hello a client's records are mostly encrypted: what does not fit is not Malformed."""
    facts, parser = feed(records(FULL), behind)
    assert facts == [EXPECTED]
    assert parser.want is Want.STOP


def test_no_third_hello() -> None:
    """A client answers at most one HelloRetryRequest (RFC 8446, 4.1.4)."""
    facts, parser = feed(records(FULL) + CHANGE_CIPHER_SPEC + records(SECOND), records(FULL))
    assert len(facts) == 2
    assert parser.want is Want.STOP


def test_gap_ends_it() -> None:
    """After lost bytes nothing more is read."""
    parser = tls.Parser()
    stream = records(FULL)
    assert parser.feed(stream[:20]) == []
    parser.gap()
    assert parser.want is Want.STOP
    assert parser.feed(stream[20:]) == []


@pytest.mark.parametrize(
    ("version", "offered", "label"),
    [
        (0x0300, (), "ssl3"),
        (0x0301, (), "1.0"),
        (0x0302, (), "1.1"),
        (0x0303, (), "1.2"),
        (0x0303, (0x0304, 0x0303), "1.3"),
        (0x0303, (0x7F1C, 0x0303), "1.3"),
        (0x0303, (0x0301, 0x0302), "1.1"),
        (0x0303, (0x9A9A,), "unknown"),
    ],
)
def test_highest_version(version: int, offered: tuple[int, ...], label: str) -> None:
    """supported_versions decides where it is sent, legacy_version where it is not."""
    extensions = [versions(*offered)] if offered else []
    assert only_hello(records(hello(*extensions, version=version))).version == label


def test_hello_without_extensions() -> None:
    """TLS 1.0 devices send none: the message ends after the compression methods."""
    body = u16(0x0301) + bytes(32) + b"\0" + u16(2, 0x002F) + b"\1\0"
    fact = only_hello(records(message(1, body)))
    assert (fact.sni, fact.alpn, fact.version, fact.ech) == (None, (), "1.0", False)
    assert fact.ja4.startswith("t10i010000_")
    assert fact.ja4.endswith("_000000000000")


@pytest.mark.parametrize("kind", [0xFE0D, 0xFFCE])
def test_encrypted_client_hello_is_flagged(kind: int) -> None:
    """ECH and its ancestor ESNI are visible as extensions."""
    assert only_hello(records(hello(extension(kind, b"\0" * 9)))).ech


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"EXAMPLE.com", "example.com"),
        (b"_dash-1.example", "_dash-1.example"),
        (b"a\0.evil", "a\\000.evil"),
        (b"[::1]\n", "\\091\\058\\0581\\093\\010"),
        (b"", None),
        (b".", None),
        (b"a" * 255, "a" * 255),
    ],
)
def test_server_name_is_harmless(raw: bytes, shown: str | None) -> None:
    r"""Bytes that no host name has are shown as ``\DDD``; an empty name is none."""
    assert only_hello(records(hello(server_name(raw)))).sni == shown


def test_odd_alpn_is_escaped() -> None:
    """ALPN names are bytes; what is not printable is escaped."""
    assert only_hello(records(hello(alpn(b"\n\n", b"h2")))).alpn == ("\\010\\010", "h2")


def test_hello_in_ssl2_format() -> None:
    """Old clients wrap TLS 1.0 in the SSL 2.0 form, which has no extensions (RFC 5246, E.2)."""
    specs = bytes.fromhex("00002f 010080 000035")
    body = b"\1" + u16(0x0301, len(specs), 0, 16) + specs + bytes(16)
    stream = u16(0x8000 | len(body)) + body
    assert tls.sniff(stream, 1, 443)
    for cut in range(len(stream)):
        fact = only_hello(stream[:cut], stream[cut:])
        assert (fact.sni, fact.version) == (None, "1.0")
        assert fact.ja4.startswith("t10i020000_")


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (records(message(1, bytes(40))), "ClientHello of an unknown version"),
        (records(message(1, b"\3\3" + bytes(32) + b"\x21")), "session id over 32 bytes"),
        (records(message(1, b"\3\3" + bytes(10))), "ClientHello ends early"),
        (records(message(1, FULL[4:-1])), "extensions and ClientHello disagree in length"),
        (records(hello(server_name(b"a"), server_name(b"b"))), "extension sent twice"),
        (records(hello(u16(99, 1))), "extension longer than the ClientHello"),
        (records(hello(b"\0")), "ClientHello ends early"),
        (records(hello(extension(0, b"\0\x09\0\0\1a"))), "server name list of the wrong length"),
        (records(hello(extension(0, b"\0\4\0\0\2a"))), "server name longer than its list"),
        (records(hello(extension(16, b"\0\2\5h"))), "ALPN name longer than its list"),
        (records(hello(extension(43, b"\3\3\4\3"))), "list of 16-bit numbers has an odd length"),
        (records(hello(extension(13, b"\0\4\4\3"))), "list of an extension has the wrong length"),
        (records(hello(server_name(b"a" * 256))), "server name over 255 characters"),
        (records(hello(server_name(b"\n" * 64))), "server name over 255 characters"),
        (records(b"\1\0\x80\0\3\3"), "hello over 16 KiB"),
        (records(FULL[:50]) + ALERT_UNRECOGNIZED_NAME, "handshake message interrupted by another record"),
        (records(FULL[:50]) + b"\x16\3\1\0\0", "handshake record of a forbidden length"),
        (records(FULL[:50]) + b"GET /", "not a record header"),
        (records(message(2, bytes(20))), "ServerHello ends early"),
        (records(server_hello() + message(11, b"\0\0\0")), "certificate list is empty"),
        (records(server_hello() + message(11, b"\0\0\5\0\0\5ab")), "certificate list of the wrong length"),
        (records(server_hello() + message(11, b"\1\0\4\1\0\1" + bytes(0x10001))), "certificate over 64 KiB"),
    ],
)
def test_malformed(stream: bytes, reason: str) -> None:
    """What contradicts itself is named, and the parser stops."""
    parser = tls.Parser()
    with pytest.raises(Malformed) as raised:
        parser.feed(stream)
    assert (raised.value.layer, raised.value.reason) == ("tls", reason)
    assert parser.want is Want.STOP
    assert parser.feed(records(FULL)) == []


def test_unreadable_certificate_is_malformed_x509() -> None:
    """The certificate's own fault is told from that of TLS."""
    with pytest.raises(Malformed) as raised:
        feed(records(server_hello() + chain(b"\x30\x03\x02\x01\x01")))
    assert raised.value.layer == "x509"


@pytest.mark.parametrize(
    "head",
    [records(FULL), records(FULL, 1), records(server_hello()), ALERT_UNRECOGNIZED_NAME],
    ids=["client", "one byte a record", "server", "alert"],
)
def test_sniff_accepts_every_beginning(head: bytes) -> None:
    """However little of a TLS stream is there, it may be TLS."""
    assert all(tls.sniff(head[:size], 40000, 443) for size in range(1, len(head)))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1",
        b"\x16\xfe\xff\x00\x00",
        b"\x16\x03\x05",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x03\x00\x28\xc3",
        b"\x15\x03\x03\x00\x1a",
        b"\x17\x03\x03\x00\x28",
        b"\x80\x2e\x02",
        b"\x80\x2e\x01\x04\x00",
        b"SSH-2.0-",
    ],
)
def test_sniff_refuses_others(head: bytes) -> None:
    """Other protocols, DTLS, and TLS that is already encrypted."""
    assert not tls.sniff(head, 40000, 443)


def outcome(chunks: list[bytes]) -> tuple[list[Fact], str | None, Want]:
    parser = tls.Parser()
    facts: list[Fact] = []
    try:
        for chunk in chunks:
            facts += parser.feed(chunk)
    except Malformed as error:
        return facts, str(error), parser.want
    return facts, None, parser.want


SAMPLES = [
    records(FULL),
    records(FULL, 9),
    records(FULL) + CHANGE_CIPHER_SPEC + records(SECOND, 60) + APPLICATION_DATA,
    records(server_hello() + chain(certificate()), 50),
    ALERT_UNRECOGNIZED_NAME + records(server_hello() + chain(certificate())),
    bytes.fromhex("8026 01 0301 000c 0000 0010 00002f000035010080000005") + bytes(17),
]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A sample with a few bytes overwritten, inserted or cut off, or plain noise."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


@given(st.one_of(streams(), st.binary(max_size=200)), st.lists(st.integers(0, 400), max_size=6))
def test_any_bytes_in_any_pieces(stream: bytes, cuts: list[int]) -> None:
    """Only Malformed is raised, and where the stream is cut changes nothing."""
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert outcome(pieces) == outcome([stream])


def test_work_is_bounded() -> None:
    """The longest hello, in one-byte records and one-byte segments, costs no more than its bytes."""
    stream = records(hello(extension(0x1234, bytes(16_000))), 1)
    begin = perf_counter()
    only_hello(*(stream[i : i + 1] for i in range(len(stream))))
    assert perf_counter() - begin < 5
