"""Logging in: what is answered, what is declined, and how often."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import re
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collectors.credentials import Secret, read_secret
from collectors.poll.asking import World, ask
from collectors.poll.digest import Declined, answer, challenges, strongest
from collectors.poll.reply import Outcome
from collectors.poll.standing import WINDOW_NS, Known, Standing
from collectors.poll.target import Api, Tls, Verification
from collectors.poll.usernametoken import clock_offset
from tests.collectors.poll_servers import (
    PASSWORD,
    SHORT,
    USER,
    Asked,
    DigestServer,
    TokenServer,
    password_file,
    poll,
    response,
    serving,
)


@pytest.fixture
def known(tmp_path: Path) -> dict[str, str]:
    return {"user": USER, "password_file": password_file(tmp_path)}


class Certificate:
    """A self-signed certificate for 127.0.0.1 in files."""

    def __init__(self, folder: Path, name: str) -> None:
        import ipaddress

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        pem = serialization.Encoding.PEM
        keys = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.file.write_bytes(made.public_bytes(pem) + keys)
        self.pin = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).digest()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.file)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "camera")


@pytest.mark.parametrize("algorithms", [("MD5",), ("SHA-256",), ("MD5", "SHA-256"), ("SHA-512-256", "MD5")])
async def test_digest_with_the_strongest_hash_that_both_know(
    known: dict[str, str], algorithms: tuple[str, ...]
) -> None:
    """Every question is answered, one nonce serves the poll, and its counter never repeats."""
    server = DigestServer(algorithms)
    async with serving(server) as site:
        replies = await poll(site.target(**known))
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    assert len(replies) > 15
    assert server.refused == 0
    answers = [asked for asked in site.asked if asked.authorization]
    best = "SHA-256" if "SHA-256" in algorithms else "MD5"
    assert {asked.field("algorithm") for asked in answers} == {best}
    assert [int(asked.field("nc"), 16) for asked in answers] == list(range(1, len(answers) + 1))
    assert len({asked.field("cnonce") for asked in answers}) == len(answers)
    assert len(site.asked) == len(answers) + 1


async def test_a_hashed_user_name(known: dict[str, str]) -> None:
    """userhash=true: the name does not pass (RFC 7616 3.4.4)."""
    server = DigestServer(("SHA-256",))
    server.userhash = True
    async with serving(server) as site:
        replies = await poll(site.target(**known))
    assert replies[0].outcome is Outcome.ANSWERED
    assert USER.encode() not in site.octets


async def test_a_device_that_takes_each_nonce_once(known: dict[str, str]) -> None:
    """One 401 more, then a fresh nonce for every question, and no refused log-in."""
    server = DigestServer(("MD5",), once=True)
    async with serving(server) as site:
        replies = await poll(site.target(**known))
    assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
    assert server.refused == 0


def test_the_example_of_the_standard() -> None:
    """RFC 7616 3.9.1, both hashes."""
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        value = (
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )
        digest = strongest(challenges([value]))
        assert digest is not None
        given = answer(
            digest, "Mufasa", Secret("Circle of Life"), "GET", "/dir/index.html",
            count=1, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )  # fmt: skip
        assert f'response="{expected}"' in given


def test_challenges_of_all_shapes() -> None:
    """Several in one header, several headers, escapes, spaces, no commas."""
    read = challenges(
        ['Basic realm="a, b", Digest realm="c\\"d" , nonce=n,qop="auth",', "Negotiate", 'Bearer error="x"']
    )
    assert [challenge.scheme for challenge in read] == ["basic", "digest", "negotiate", "bearer"]
    assert read[0].get("realm") == "a, b"
    assert read[1].get("realm") == 'c"d'
    assert challenges(["", ",,,", '"', "="]) == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ('Digest realm="r", nonce="n"', "qop"),
        ('Digest realm="r", nonce="n", qop="auth-int"', "qop"),
        ('Digest realm="r", nonce="n", qop=auth, algorithm=SHA-1', "algorithm"),
        ('Digest realm="r", nonce="n", nonce="m", qop=auth', "twice"),
        ('Digest nonce="n", qop=auth', "without realm"),
        ('Digest realm="r", nonce="", qop=auth', "nonce"),
        (f'Digest realm="{"r" * 256}", nonce="n", qop=auth', "too long"),
        (f'Digest realm="r", nonce="{"n" * 1025}", qop=auth', "too long"),
        ('Digest realm="r\x07", nonce="n", qop=auth', "not text"),
        ('Digest realm="r\udcff", nonce="n", qop=auth', "not text"),
        ("Digest " + ", ".join(f"p{number}=1" for number in range(20)), "too many"),
        (", ".join(["Digest a=1"] * 20), "too many"),
    ],
)
def test_declined_challenges(value: str, why: str) -> None:
    """What would weaken an answer, or is too large to repeat."""
    with pytest.raises(Declined, match=why):
        strongest(challenges([value]))


async def test_a_wrong_password_is_tried_once_and_not_again_in_the_window(tmp_path: Path) -> None:
    """Also by the next poll, and the windows grow; a clock that goes on opens the next."""
    now = [1_000]
    world = World(steady_ns=lambda: now[0])
    server, standing = DigestServer(("MD5",)), Standing()
    wrong = {"user": USER, "password_file": password_file(tmp_path, "wrong")}

    async def once() -> list[str]:
        return [reply.why async for reply in ask(site.target(**wrong), standing, limits=SHORT, world=world)]

    async with serving(server) as site:
        first = await once()
        assert len(first) == 1
        assert "does not take" in first[0]
        assert server.refused == 1
        for _ in range(5):
            await once()
        assert server.refused == 2
        now[0] += WINDOW_NS + 1
        for _ in range(5):
            await once()
        assert server.refused == 4
        now[0] += WINDOW_NS + 1
        await once()
        assert server.refused == 4
        now[0] += WINDOW_NS
        await once()
        assert server.refused == 5


async def test_a_device_that_calls_every_nonce_stale(known: dict[str, str]) -> None:
    """Believed once; then it is a refusal."""
    server = DigestServer(("MD5",))

    def stale(asked: Asked, _: asyncio.StreamWriter) -> bytes:
        return server.challenge(stale=True)

    async with serving(stale) as site:
        standing = Standing()
        replies = await poll(site.target(**known), standing)
    assert [reply.outcome for reply in replies] == [Outcome.REFUSED]
    assert sum(bool(asked.authorization) for asked in site.asked) == 2
    assert standing.refused == 1


async def test_the_realm_that_worked_is_the_only_one(known: dict[str, str]) -> None:
    """Another realm gets no answer, and is named; so does one that is not the configured."""
    server, standing = DigestServer(("MD5",), realm="IP Camera(1)"), Standing()
    async with serving(server) as site:
        await poll(site.target(**known), standing)
        server.realm = "IP Camera(2)"
        before = len(site.asked)
        (reply,) = await poll(site.target(**known), standing)
        assert reply.outcome is Outcome.REFUSED
        assert "'IP Camera(2)'" in reply.why
        assert not any(asked.authorization for asked in site.asked[before:])
        assert (await poll(site.target(**known, realm="IP Camera(2)"), standing))[0].outcome is Outcome.ANSWERED
        before = len(site.asked)
        (reply,) = await poll(site.target(**known, realm="other"), Standing())
        assert reply.outcome is Outcome.REFUSED
        assert not any(asked.authorization for asked in site.asked[before:])


async def test_a_weaker_hash_than_before_is_declined(known: dict[str, str]) -> None:
    """SHA-256 worked: MD5 is no offer any more, nor is Basic."""
    standing = Standing(known={"isapi": Known("DS-2CD2146", 2)})
    async with serving(DigestServer(("MD5",))) as site:
        (reply,) = await poll(site.target(**known), standing)
    assert "weaker" in reply.why
    assert not any(asked.authorization for asked in site.asked)


BASIC = 'WWW-Authenticate: Basic realm="camera"'


async def test_basic_never_in_the_clear(known: dict[str, str]) -> None:
    """The refusal says why, and nothing that opens the device has passed."""
    async with serving(lambda *_: response(401, b"", BASIC)) as site:
        (reply,) = await poll(site.target(**known))
    assert reply.outcome is Outcome.REFUSED
    assert "Basic" in reply.why
    assert b"authorization" not in site.octets.lower()


async def test_basic_only_to_a_verified_peer(known: dict[str, str], certificate: Certificate) -> None:
    """With a pin and with a CA it is given; over TLS to anybody it is not."""

    def basic(asked: Asked, _: asyncio.StreamWriter) -> bytes:
        return response() if asked.authorization else response(401, b"", BASIC)

    async with serving(basic, certificate.context) as site:
        for tls in (Tls(Verification.PIN, pin=certificate.pin), Tls(Verification.CA, ca=str(certificate.file))):
            replies = await poll(site.target(**known, tls=tls))
            assert {reply.outcome for reply in replies} == {Outcome.ANSWERED}
        site.octets.clear()
        (reply,) = await poll(site.target(**known, tls=Tls(Verification.NONE)))
        assert reply.outcome is Outcome.REFUSED
        assert b"authorization" not in site.octets.lower()


async def test_another_certificate_gets_no_request(
    known: dict[str, str], certificate: Certificate, tmp_path: Path
) -> None:
    """Neither with a pin nor with a CA nor for another name does an octet of HTTP pass."""
    other = Certificate(tmp_path, "other")
    async with serving(DigestServer(), other.context) as site:
        for tls, why in (
            (Tls(Verification.PIN, pin=certificate.pin), other.pin.hex()),
            (Tls(Verification.CA, ca=str(certificate.file)), "does not verify"),
            (Tls(Verification.CA, ca=str(other.file), name="cam.example"), "does not verify"),
            (Tls(Verification.CA, ca=str(tmp_path / "none.pem")), "no such file"),
        ):
            replies = await poll(site.target(**known, tls=tls))
            assert {reply.outcome for reply in replies} == {Outcome.FAILED}
            assert why in replies[0].why.lower()
        assert site.octets == b""
        assert (await poll(site.target(**known, tls=Tls(Verification.PIN, pin=other.pin))))[
            0
        ].outcome is Outcome.ANSWERED


@pytest.mark.parametrize("ahead", [0, -3600 * 24 * 365 * 20, 7200])
async def test_a_username_token_in_the_devices_own_time(known: dict[str, str], ahead: int) -> None:
    """Whose clock stopped in the past, or is in another zone; advertised hosts are not asked, their paths are."""
    server = TokenServer(ahead_s=ahead)
    async with serving(server) as site:
        replies = {reply.question: reply for reply in await poll(site.target(**known, apis=(Api.ONVIF,)))}
    assert replies["GetDeviceInformation"].outcome is Outcome.ANSWERED
    assert replies["GetEventProperties"].outcome is Outcome.ANSWERED
    assert replies["GetGeoLocation"].outcome is Outcome.UNSUPPORTED
    assert replies["GetUplinks"].outcome is Outcome.UNSUPPORTED
    assert server.refused == 0
    paths = {asked.path for asked in site.asked}
    assert paths == {f"/onvif/{name}?x=1" for name in server.names.values()} | {"/onvif/device_service"}
    assert b"<ConfigurationToken>VAC&amp;1</ConfigurationToken>" in site.octets
    assert PASSWORD.encode() not in site.octets


async def test_a_refused_token_ends_the_poll(tmp_path: Path) -> None:
    """A wrong password is sent once; the device's clock, which needs none, was answered."""
    server = TokenServer()
    async with serving(server) as site:
        target = site.target(user=USER, password_file=password_file(tmp_path, "wrong"), apis=(Api.ONVIF,))
        replies = await poll(target)
    assert [reply.outcome for reply in replies][-1] is Outcome.REFUSED
    assert server.refused == 1
    assert replies[0].outcome is Outcome.ANSWERED


async def test_digest_where_a_device_answers_401_to_the_token(known: dict[str, str]) -> None:
    """As some Hikvision do: one token refused, then HTTP's Digest for the rest."""
    http = DigestServer(("MD5",))
    standing = Standing()
    async with serving(TokenServer(http=http)) as site:
        replies = {reply.question: reply for reply in await poll(site.target(**known, apis=(Api.ONVIF,)), standing)}
    assert replies["GetDeviceInformation"].outcome is Outcome.ANSWERED
    assert http.refused == 0
    assert sum(b"UsernameToken" in asked.body for asked in site.asked) == 1
    assert standing.refused == 0


def test_a_clock_far_ahead_collects_no_tokens_for_later() -> None:
    """A day and two hours is the most that a wrong time zone explains."""
    now = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)

    def said(year: int, day: int) -> bytes:
        return (
            f"<a:UTCDateTime><a:Time><a:Hour>0</a:Hour><a:Minute>0</a:Minute><a:Second>0</a:Second></a:Time>"
            f"<a:Date><a:Year>{year}</a:Year><a:Month>1</a:Month><a:Day>{day}</a:Day></a:Date></a:UTCDateTime>"
        ).encode()

    assert clock_offset(said(2031, 1), now) == datetime.timedelta()
    assert clock_offset(said(2030, 2), now) == datetime.timedelta(days=1)
    assert clock_offset(said(1970, 1), now) < datetime.timedelta(days=-20000)
    assert clock_offset(said(2030, 99), now) == datetime.timedelta()
    assert clock_offset(b"<UTCDateTime>", now) == datetime.timedelta()


REOLINK = b'[{"cmd":"X","code":0,"value":{"Token":{"leaseTime":3600,"name":"a1b2&c"},"DevInfo":{"firmVer":"v3"}}}]'


async def test_reolink_logs_in_over_verified_tls_only(known: dict[str, str], certificate: Certificate) -> None:
    """And out again; the token goes with each question and into no reply."""

    def device(asked: Asked, _: asyncio.StreamWriter) -> bytes:
        if "GetAiCfg" in asked.path:
            return response(200, b'[{"cmd":"GetAiCfg","code":1,"error":{"detail":"not support","rspCode":-9}}]')
        return response(200, REOLINK, kind="application/json")

    async with serving(device, certificate.context) as site:
        reolink = {**known, "apis": (Api.REOLINK,)}
        for tls in (None, Tls(Verification.NONE)):
            (reply,) = await poll(site.target(**reolink, tls=tls))
            assert reply.outcome is Outcome.REFUSED
            assert "onvif" in reply.why
        assert site.octets == b""
        replies = await poll(site.target(**reolink, tls=Tls(Verification.PIN, pin=certificate.pin)))
    outcomes = {reply.question: reply.outcome for reply in replies}
    assert outcomes["GetDevInfo"] is Outcome.ANSWERED
    assert outcomes["GetAiCfg"] is Outcome.UNSUPPORTED
    assert site.asked[-1].path.startswith("/cgi-bin/api.cgi?cmd=Logout&token=a1b2%26c")
    assert not any("a1b2" in reply.why + reply.question for reply in replies)


async def test_without_a_user_nothing_is_refused_but_the_question(tmp_path: Path) -> None:
    """A device that wants a log-in for one thing may answer another."""

    def page(asked: Asked, _: asyncio.StreamWriter) -> bytes:
        return response() if asked.path.endswith("deviceInfo") else response(401, b"", BASIC)

    async with serving(page) as site:
        replies = await poll(site.target())
    assert replies[0].outcome is Outcome.ANSWERED
    assert {reply.outcome for reply in replies[1:]} == {Outcome.REFUSED}
    assert len(replies) > 15


def test_a_secret_shows_itself_to_nobody(tmp_path: Path) -> None:
    """Not in a repr, a text, a format, a container or a pickle."""
    import pickle

    secret = read_secret(password_file(tmp_path))
    assert secret.reveal() == PASSWORD
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr(SimpleNamespace(a=[secret]))):
        assert PASSWORD not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)


async def test_a_password_that_everybody_may_read_is_not_used(tmp_path: Path) -> None:
    """Nor an empty one, nor none: the reply says what is wrong with the file, and nothing is asked."""
    path = Path(password_file(tmp_path))
    async with serving(DigestServer()) as site:
        target = site.target(user=USER, password_file=str(path))
        path.chmod(0o644)
        (reply,) = await poll(target)
        assert "chmod" in reply.why
        path.write_text("\n")
        path.chmod(0o600)
        (reply,) = await poll(target)
        assert "empty" in reply.why
        path.unlink()
        (reply,) = await poll(target)
        assert "No such file" in reply.why
    assert site.connections == 0


def test_a_basic_challenge_is_no_digest() -> None:
    assert strongest(challenges(['Basic realm="x"'])) is None
    assert re.fullmatch(r"Secret\(\.\.\.\)", repr(Secret("x")))
