"""QUIC: the hello out of Initial packets, however a client cuts, shuffles and repeats it."""

from __future__ import annotations

import struct
from operator import itemgetter
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.facts import Fact, Malformed, QuicClientHello, Want
from monitor.protocols import quic

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

V1, V2 = 0x00000001, 0x6B3343CF
SALTS = {
    V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    0xFF00001D: "afbfec289993d24c9e9786f19c6111e04390a899",
    int.from_bytes(b"Q050"): "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45",
    int.from_bytes(b"T050"): "7ff579e5acd072915580304c43a2367c60488310",
    int.from_bytes(b"T051"): "7a4edef4e7ccee5fa4506c19124fc8ccda6e033d",
    0x0A0A0A0A: "afbfec289993d24c9e9786f19c6111e04390a899",
    0x1ADA3AFA: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
}
DESTINATION = bytes.fromhex("8394c8f03e515708")
HELLO = bytes.fromhex(
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010"
    "000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000"
    "003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010"
    "000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ff"
    "ff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
"""The ClientHello of RFC 9001, A.2."""
EXPECTED = QuicClientHello(
    sni="example.com", alpn=("alpn",), ja4="q13d0211an_62ed6f6ca7ad_4d634acda6c0", version="1.3", ech=False
)


def number(value: int) -> bytes:
    """A variable-length integer in its shortest form (RFC 9000, 16)."""
    for bits, size in enumerate((1, 2, 4, 8)):
        if value < 1 << (8 * size - 2):
            return (value | bits << (8 * size - 2)).to_bytes(size)
    raise OverflowError


def crypto(offset: int, data: bytes) -> bytes:
    return b"\x06" + number(offset) + number(len(data)) + data


def keys(version: int, destination: bytes, side: bytes) -> list[bytes]:
    extract = hmac.HMAC(bytes.fromhex(SALTS[version]), hashes.SHA256())
    extract.update(destination)
    prefix = b"quicv2 " if version == V2 else b"quic "
    secret = extract.finalize()
    derived: list[bytes] = []
    for label, size in ((side, 32), (prefix + b"key", 16), (prefix + b"iv", 12), (prefix + b"hp", 16)):
        info = struct.pack(">HB", size, 6 + len(label)) + b"tls13 " + label + b"\0"
        derived.append(HKDFExpand(hashes.SHA256(), size, info).derive(derived[0] if derived else secret))
    return derived


def initial(
    frames: bytes,
    *,
    version: int = V1,
    destination: bytes = DESTINATION,
    keyed_by: bytes | None = None,
    source: bytes = b"",
    token: bytes = b"",
    packet_number: int = 0,
    number_size: int = 4,
    side: bytes = b"client in",
    size: int = 1162,
) -> bytes:
    """A sealed Initial packet, padded to ``size`` bytes of frames."""
    frames = frames.ljust(size, b"\0")
    _, key, iv, header_key = keys(version, destination if keyed_by is None else keyed_by, side)
    first = (0xD0 if version == V2 else 0xC0) | number_size - 1
    header = bytes((first,)) + version.to_bytes(4) + bytes((len(destination),)) + destination
    header += bytes((len(source),)) + source + number(len(token)) + token
    header += (0x4000 | number_size + len(frames) + 16).to_bytes(2) + packet_number.to_bytes(number_size)
    nonce = (int.from_bytes(iv) ^ packet_number).to_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, frames, header)
    sample = sealed[4 - number_size : 20 - number_size]
    mask = Cipher(AES(header_key), ECB()).encryptor().update(sample)
    covered = bytes(a ^ b for a, b in zip(header[-number_size:], mask[1:], strict=False))
    return bytes((first ^ mask[0] & 0x0F,)) + header[1:-number_size] + covered + sealed


def feed(datagrams: Iterable[bytes]) -> tuple[list[Fact], Want]:
    parser = quic.Parser()
    return [fact for datagram in datagrams for fact in parser.feed(datagram)], parser.want


@pytest.mark.parametrize(
    ("version", "begins", "ends"),
    [
        (
            V1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            V2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
            "a18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ],
    ids=["RFC 9001, A.2", "RFC 9369, A.2"],
)
def test_sample_packets_of_the_rfcs(version: int, begins: str, ends: str) -> None:
    """The sealed packet is that of the RFC (its authentication tag says so), and it is opened."""
    packet = initial(crypto(0, HELLO), version=version, packet_number=2)
    assert len(packet) == 1200
    assert packet.hex().startswith(begins)
    assert packet.hex().endswith(ends)
    assert quic.sniff(packet, 50000, 443)
    assert feed([packet]) == ([EXPECTED], Want.STOP)


def test_keys_of_rfc_9001() -> None:
    """The key schedule used to seal the other tests' packets is that of RFC 9001, A.1."""
    secret, key, iv, header_key = keys(V1, DESTINATION, b"client in")
    assert secret.hex() == "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"
    assert key.hex() == "1f369613dd76d5467730efcbe3b1a22d"
    assert iv.hex() == "fa044b2f42a3fd3b46fb255c"
    assert header_key.hex() == "9f50449e04a0e810283a1e9933adedd2"


def test_draft_29() -> None:
    """Drafts differ in their salt."""
    assert feed([initial(crypto(0, HELLO), version=0xFF00001D)]) == ([EXPECTED], Want.STOP)


@pytest.mark.parametrize("number_size", [1, 2, 3, 4])
def test_packet_number_of_any_length(number_size: int) -> None:
    """The sample's place does not depend on the packet number's length."""
    assert feed([initial(crypto(0, HELLO), packet_number=9, number_size=number_size)])[0] == [EXPECTED]


def test_hello_over_two_datagrams_in_any_order() -> None:
    """A hello with a post-quantum key share fills two Initials; the second may come first, and twice."""
    one = initial(crypto(0, HELLO[:100]))
    two = initial(crypto(100, HELLO[100:]), packet_number=1)
    assert feed([one, two])[0] == [EXPECTED]
    assert feed([two, one])[0] == [EXPECTED]
    assert feed([one, one, two])[0] == [EXPECTED]
    assert feed([one]) == ([], Want.MORE)


def test_coalesced_packets() -> None:
    """Several Initials in one datagram, with padding behind the last (RFC 9000, 12.2)."""
    one = initial(crypto(0, HELLO[:9]), size=40)
    two = initial(crypto(9, HELLO[9:]), packet_number=1, size=0)
    assert feed([one + two + bytes(600)])[0] == [EXPECTED]


@pytest.mark.parametrize(("version", "first"), [(V1, 0xD0), (V2, 0xE0)])
def test_zero_rtt_before_the_initial(version: int, first: int) -> None:
    """Early data that overtook the Initial is passed over."""
    early = bytes((first,)) + version.to_bytes(4) + b"\x08" + DESTINATION + b"\0" + number(64) + bytes(64)
    assert feed([early, initial(crypto(0, HELLO), version=version)])[0] == [EXPECTED]


def test_retry_changes_the_keys() -> None:
    """After a Retry the client starts anew with the server's connection id and a token (RFC 9001, 5.2)."""
    before = initial(crypto(0, HELLO[:20] + bytes(30)))
    again = [
        initial(crypto(0, HELLO[:60]), destination=b"retry-it", token=b"token", packet_number=1),
        initial(crypto(60, HELLO[60:]), destination=b"retry-it", token=b"token", packet_number=2),
    ]
    assert feed([before, *again])[0] == [EXPECTED]


def test_destination_changes_and_the_keys_stay() -> None:
    """After the server's first packet the client uses its connection id, of any length, and the old keys."""
    for destination in (b"", b"serv", b"server-id"):
        later = initial(crypto(60, HELLO[60:]), destination=destination, keyed_by=DESTINATION, packet_number=1)
        assert feed([initial(crypto(0, HELLO[:60])), later])[0] == [EXPECTED]


def test_both_directions_do_no_harm() -> None:
    """Datagrams of the server between those of the client are passed over."""
    server = initial(
        b"\x02\0\0\0\0", destination=b"client-id", keyed_by=DESTINATION, source=b"server-i", side=b"server in"
    )
    one, two = initial(crypto(0, HELLO[:60])), initial(crypto(60, HELLO[60:]), packet_number=1)
    assert feed([one, server, server, two])[0] == [EXPECTED]


def test_other_frames_are_skipped() -> None:
    """PADDING, PING and ACK with and without ECN counts stand between CRYPTO frames."""
    ack = b"\x02" + number(70000) + number(3) + number(1) + number(0) + number(1) + number(1)
    ecn = b"\x03" + number(7) + number(0) + number(0) + number(0) + number(1) * 3
    frames = b"\0\0\1" + ack + crypto(0, HELLO[:30]) + b"\1\0\1" + ecn + crypto(30, b"") + crypto(30, HELLO[30:])
    assert feed([initial(frames)])[0] == [EXPECTED]


def test_a_server_direction_stops_in_silence() -> None:
    """A server's Initials open with no key made from their own connection id; an empty one ends it at once."""

    def reply(destination: bytes) -> bytes:
        return initial(crypto(0, HELLO), destination=destination, keyed_by=DESTINATION, side=b"server in")

    assert feed([reply(b"")]) == ([], Want.STOP)
    assert feed([reply(b"client-id")]) == ([], Want.MORE)
    assert feed([reply(b"client-id")] * quic.UNOPENED_MAX) == ([], Want.STOP)


@pytest.mark.parametrize(
    "datagram",
    [
        b"\xe0" + V1.to_bytes(4) + b"\x08" + DESTINATION + b"\0" + number(64) + bytes(64),
        b"\xf0" + V1.to_bytes(4) + b"\0\x08" + DESTINATION + bytes(40),
        b"\x80\0\0\0\0\0\x08" + DESTINATION + V1.to_bytes(4),
        b"\x43" + bytes(60),
        initial(crypto(0, HELLO))[:300],
        b"",
    ],
    ids=["handshake", "retry", "version negotiation", "short header", "cut by the capture", "empty"],
)
def test_mid_capture_stops_in_silence(datagram: bytes) -> None:
    """Where no client's Initial begins the flow there is nothing to learn, and nothing is wrong."""
    assert feed([datagram]) == ([], Want.STOP)


def test_attempts_are_bounded() -> None:
    """After PACKETS_MAX packets without a whole hello the flow is given up."""
    part = initial(crypto(0, HELLO[:100]))
    assert feed([part] * (quic.PACKETS_MAX - 1)) == ([], Want.MORE)
    assert feed([part] * quic.PACKETS_MAX) == ([], Want.STOP)


def test_connection_close_stops() -> None:
    """A client that gives up sends no more of its hello."""
    assert feed([initial(b"\x1c\0\0\0")]) == ([], Want.STOP)


@pytest.mark.parametrize(
    ("frames", "layer", "reason"),
    [
        (crypto(0, HELLO[:60]) + crypto(59, b"\xee"), "quic", "CRYPTO data sent twice with different content"),
        (crypto(quic.CRYPTO_LIMIT, b"x"), "quic", "CRYPTO data beyond 16 KiB"),
        (crypto((1 << 62) - 1, b"x"), "quic", "CRYPTO data beyond 16 KiB"),
        (b"\x06\0" + number(5000), "quic", "CRYPTO frame longer than its packet"),
        (b"\x08", "quic", "frame not allowed in an Initial packet"),
        (b"\x02\0\0" + number((1 << 62) - 1), "quic", "frame ends early"),
        (crypto(0, b"\x02\0\0\0"), "quic", "CRYPTO stream begins with no ClientHello"),
        (crypto(0, b"\x01\x01\0\0"), "tls", "hello over 16 KiB"),
        (crypto(0, b"\x01\0\0\x02\3\3"), "tls", "ClientHello ends early"),
        (crypto(9, b"x") * (quic.FRAMES_MAX + 1), "quic", "too many frames before the ClientHello is whole"),
    ],
)
def test_malformed(frames: bytes, layer: str, reason: str) -> None:
    """What a client sealed itself is its own fault, and the parser stops."""
    parser = quic.Parser()
    with pytest.raises(Malformed) as raised:
        parser.feed(initial(frames))
    assert (raised.value.layer, raised.value.reason) == (layer, reason)
    assert parser.want is Want.STOP
    assert parser.feed(initial(crypto(0, HELLO))) == []


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xc0\0\0\0\1",
        b"\xc3Q046\x50" + bytes(30),
        b"\x80\0\0\0\1\x08" + bytes(30),
        b"\x43\0\0\0\1\x08" + bytes(30),
        b"\xc3\0\0\0\0\x08" + bytes(30),
        b"\xc3\0\0\0\1\x15" + bytes(30),
        b"\xc3\0\0\0\1\x00\x15" + bytes(30),
        b"\x16\xfe\xfd" + bytes(30),
        bytes(1200),
        b"\xff" * 1200,
    ],
)
def test_sniff_refuses_others(head: bytes) -> None:
    """Google's versions, version negotiation, no fixed bit, overlong connection ids, DTLS and noise on udp/443."""
    assert not quic.sniff(head, 50000, 443)


@given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(1, 4))
def test_shuffled_overlapping_pieces(chance: random.Random, pieces: int, packets: int) -> None:
    """Pieces in any order, overlapping, spread over several packets, make the same hello."""
    cuts = sorted(chance.sample(range(1, len(HELLO)), min(pieces, len(HELLO) - 1)))
    frames = []
    for start, end in zip([0, *cuts], [*cuts, len(HELLO)], strict=True):
        low, high = max(0, start - chance.randrange(6)), min(len(HELLO), end + chance.randrange(6))
        frames.append(crypto(low, HELLO[low:high]) + chance.choice([b"", b"\0", b"\1\0\1"]))
    chance.shuffle(frames)
    share = -(-len(frames) // packets)
    datagrams = [initial(b"".join(frames[i : i + share]), packet_number=i) for i in range(0, len(frames), share)]
    assert feed(datagrams) == ([EXPECTED], Want.STOP)


@given(st.binary(max_size=300))
def test_any_frames_raise_only_malformed(frames: bytes) -> None:
    """Whatever a client seals, the parser reads it, stops, or says Malformed."""
    try:
        feed([initial(frames, size=32)])
    except Malformed as error:
        assert error.layer in ("quic", "tls")


@given(
    st.lists(st.tuples(st.integers(0, 1199), st.integers(1, 255)), min_size=1, max_size=3, unique_by=itemgetter(0)),
    st.integers(0, 1200),
)
def test_damaged_datagrams_are_silent(flips: list[tuple[int, int]], size: int) -> None:
    """A datagram that no key opens, because of one bit or a cut, raises nothing."""
    datagram = bytearray(initial(crypto(0, HELLO)))
    for at, mask in flips:
        datagram[at] ^= mask
    facts, _ = feed([bytes(datagram[:size])])
    assert facts == []


@given(st.lists(st.binary(max_size=80).map(lambda tail: b"\xc0\0\0\0\1" + tail), max_size=20))
def test_noise_behind_a_version_is_silent(datagrams: list[bytes]) -> None:
    """Noise that begins like QUIC raises nothing."""
    assert feed(datagrams)[0] == []


def test_work_is_bounded() -> None:
    """The worst a client can seal: jumbo packets full of one-byte frames, as often as they are looked at."""
    worst = [
        initial(b"".join(crypto(2 * i, b"x") for i in range(50 * n, 50 * n + 50)) + b"\1" * 9000, size=0)
        for n in range(1, quic.PACKETS_MAX + 1)
    ]
    begin = perf_counter()
    feed(worst)
    assert perf_counter() - begin < 1


@pytest.mark.parametrize("version", [0x0A0A0A0A, 0x1ADA3AFA])
def test_a_reserved_version_is_sealed_as_another(version: int) -> None:
    """A client that forces a negotiation seals its Initial as in a version that it speaks (RFC 9000, 15)."""
    datagram = initial(crypto(0, HELLO), version=version)
    assert quic.sniff(datagram, 1, 443)
    assert quic.Parser().feed(datagram) == [EXPECTED]


@pytest.mark.parametrize("version", [b"T050", b"T051"])
def test_google_versions_with_tls(version: bytes) -> None:
    """Their CRYPTO frames have a type of their own; what stands behind them in other frames is left alone."""
    frames = b"\x08" + crypto(0, HELLO)[1:] + b"\x40\x01\x10\x8c\x01"
    datagram = initial(frames, version=int.from_bytes(version))
    assert quic.sniff(datagram, 1, 443)
    assert quic.Parser().feed(datagram) == [EXPECTED]


def test_google_version_with_its_own_hello() -> None:
    """Q050 seals as QUIC does and says hello as its forerunners did."""
    message = struct.pack("<4sHH4sI", b"CHLO", 1, 0, b"SNI\0", 11) + b"cam.example"
    datagram = initial(b"\x08" + crypto(0, message)[1:], version=int.from_bytes(b"Q050"))
    (fact,) = quic.Parser().feed(datagram)
    assert isinstance(fact, QuicClientHello)
    assert (fact.sni, fact.ja4, fact.version) == ("cam.example", "", "unknown")
