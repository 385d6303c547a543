"""The gate: right answers are let in once per count, stale nonces are told so, and everything else is wrong."""

from __future__ import annotations

from hashlib import md5, sha256
from typing import Any

import pytest

from tests.cameras.digest import FIELD, DigestGate, Verdict
from tests.cameras.life import Life

TARGET = "/cgi-bin/magicBox.cgi?action=getVendor"
WORDING = {
    each: f'Digest realm="{{realm}}", nonce="{{nonce}}", qop="auth", algorithm={each}, stale={{stale}}'
    for each in ("SHA-256", "MD5")
}


def gate_of(life: Life | None = None, **more: Any) -> DigestGate:
    return DigestGate(life or Life(), "Login to SIM", WORDING, **more)


def answered(
    gate: DigestGate, password: str = Life().password, count: int = 1, target: str = TARGET, **said: str
) -> str:
    """By RFC 7616, 3.4, for the first challenge; or for the nonce and algorithm given."""
    nonce = said.get("nonce") or next(
        quoted for key, quoted, _ in FIELD.findall(gate.challenges(stale=False)[0]) if key == "nonce"
    )
    algorithm = said.get("algorithm", "SHA-256")

    def hashed(*parts: str) -> str:
        return {"MD5": md5, "SHA-256": sha256}[algorithm](":".join(parts).encode()).hexdigest()

    realm, user = said.get("realm", gate.realm), said.get("user", "admin")
    inner = (hashed(user, realm, password), nonce, f"{count:08x}", "c0", "auth", hashed("GET", target))
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{target}", qop=auth, nc={count:08x}, '
        f'cnonce="c0", algorithm={algorithm}, response="{hashed(*inner)}"'
    )


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_right_is_right(algorithm: str) -> None:
    gate = gate_of()
    assert gate.check("GET", TARGET, answered(gate, algorithm=algorithm)) is Verdict.ADMITTED


@pytest.mark.parametrize("change", [{"password": "x"}, {"user": "root"}, {"realm": "Other"}, {"target": "/other"}])
def test_wrong_is_wrong(change: dict[str, str]) -> None:
    gate = gate_of()
    assert gate.check("GET", TARGET, answered(gate, **change)) is Verdict.WRONG  # type: ignore[arg-type]
    assert gate.failures == 1


def test_the_address_is_part_of_the_answer() -> None:
    """What is right for one address is wrong for another, even if only the header names that one."""
    gate = gate_of()
    assert gate.check("GET", "/elsewhere", answered(gate)) is Verdict.WRONG
    assert gate.check("GET", TARGET, answered(gate).replace("getVendor", "getSerialNo")) is Verdict.WRONG


def test_an_example_of_the_rfc() -> None:
    """RFC 7616, 3.9.1, both hashes: Mufasa's answers are taken as right, though their nonce was never given."""
    life = Life(user="Mufasa", password="Circle of Life")
    gate = DigestGate(life, "http-auth@example.org", WORDING)
    said = (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", '
        'qop=auth, response="{}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        assert gate.check("GET", "/dir/index.html", said.format(algorithm, response)) is Verdict.STALE
        assert gate.check("GET", "/dir/index.html", said.format(algorithm, response[::-1])) is Verdict.WRONG


def test_a_count_is_good_once() -> None:
    """The same header again is stale, the next count is not; and a nonce wears out."""
    gate = gate_of(uses=3)
    first = answered(gate)
    nonce = next(quoted for key, quoted, _ in FIELD.findall(first) if key == "nonce")
    verdicts = [
        gate.check("GET", TARGET, header)
        for header in (first, first, *(answered(gate, count=count, nonce=nonce) for count in (2, 3, 4)))
    ]
    assert verdicts == [Verdict.ADMITTED, Verdict.STALE, Verdict.ADMITTED, Verdict.ADMITTED, Verdict.STALE]
    assert gate.failures == 0


def test_a_reboot_makes_nonces_stale() -> None:
    gate = gate_of()
    header = answered(gate)
    gate.forget()
    assert gate.check("GET", TARGET, header) is Verdict.STALE


def test_the_door_locks() -> None:
    """Seven wrong answers in a row, and nobody is let in until it forgets; Basic and nothing are no answers."""
    gate = gate_of()
    for _ in range(6):
        gate.check("GET", TARGET, answered(gate, password="x"))
    assert gate.check("GET", TARGET, "Basic YWRtaW46eA==") is Verdict.NOTHING
    assert not gate.locked
    gate.check("GET", TARGET, answered(gate, password="x"))
    assert gate.check("GET", TARGET, answered(gate)) is Verdict.LOCKED
    gate.forget()
    assert gate.check("GET", TARGET, answered(gate)) is Verdict.ADMITTED


def test_basic_where_it_is_offered() -> None:
    """Older devices take it, and it is told apart."""
    gate = gate_of(basic=True)
    assert gate.challenges(stale=False)[-1] == 'Basic realm="Login to SIM"'
    assert gate.check("GET", TARGET, "Basic YWRtaW46Y29ycmVjdCBob3JzZSAx") is Verdict.BASIC
