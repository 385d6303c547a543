"""HTTP authentication: challenges read, and Digest answered (RFC 9110 11.6, RFC 7616). Sans-I/O.

Strategy: a challenge comes from whoever sits at the address, so each field is bounded and printable before it is
given back, and what would weaken an answer is declined: no qop (the server alone would choose what is hashed, so
tables could be made beforehand), only auth-int, an algorithm that is not known.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from collectors.credentials import Secret

CHALLENGES: Final = 8
PARAMETERS: Final = 16
"""Of one challenge: RFC 7616 names nine."""
REALM: Final = 255
FIELD: Final = 1024
"""Of a nonce or opaque: devices send at most some hundred characters."""
ALGORITHMS: Final[dict[str, tuple[int, Callable[[bytes], hashlib._Hash]]]] = {
    "SHA-256": (2, hashlib.sha256),
    "SHA-256-SESS": (2, hashlib.sha256),
    "MD5": (1, lambda octets: hashlib.md5(octets, usedforsecurity=False)),
    "MD5-SESS": (1, lambda octets: hashlib.md5(octets, usedforsecurity=False)),
}
"""Strength, and the hash. MD5 because most cameras have no other."""
_TOKEN: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105  RFC 9110 5.6.2
_PARAMETER: Final = re.compile(rf'[\s,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME: Final = re.compile(rf"[\s,]*({_TOKEN})(?=[\s,]|$)")


class Declined(Exception):  # noqa: N818  it is said, not made
    """A challenge that is not given in to, and why."""


class Challenge(NamedTuple):
    """One way of logging in that a server offers."""

    scheme: str
    """Lower case."""
    parameters: tuple[tuple[str, str], ...]
    """Names in lower case, quotes and escapes gone."""

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.parameters if key == name), None)


class Digest(NamedTuple):
    """A Digest challenge that can be answered."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    """As the server wrote it; empty where it named none, which means MD5."""
    strength: int
    stale: bool
    userhash: bool


def challenges(values: Iterable[str]) -> list[Challenge]:
    """What WWW-Authenticate offers, as far as it can be read; Declined where it passes a bound."""
    found: list[Challenge] = []
    for value in values:
        scheme, parameters, at = "", [], 0
        while True:
            if scheme and (match := _PARAMETER.match(value, at)):
                quoted = match[2]
                parameters.append(
                    (match[1].lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match[3])
                )
            elif match := _SCHEME.match(value, at):
                if scheme:
                    found.append(Challenge(scheme, tuple(parameters)))
                scheme, parameters = match[1].lower(), []
            else:
                break
            at = match.end()
            if len(parameters) > PARAMETERS or len(found) >= CHALLENGES:
                raise Declined("too many challenges, or parameters of one")
        if scheme:
            found.append(Challenge(scheme, tuple(parameters)))
    return found


def strongest(offered: Iterable[Challenge]) -> Digest | None:
    """The best Digest that can be answered; None where none is offered. Declined: those that are cannot be."""
    best, why = None, ""
    for challenge in offered:
        if challenge.scheme != "digest":
            continue
        try:
            digest = _checked(challenge)
        except Declined as declined:
            why = str(declined)
            continue
        if best is None or digest.strength > best.strength:
            best = digest
    if best is None and why:
        raise Declined(why)
    return best


def _checked(challenge: Challenge) -> Digest:
    names = [name for name, _ in challenge.parameters]
    if len(set(names)) < len(names):
        raise Declined("a Digest challenge with a field twice")
    realm, nonce, opaque = (challenge.get(name) for name in ("realm", "nonce", "opaque"))
    if realm is None or not nonce:
        raise Declined("a Digest challenge without realm or nonce")
    for text, most in ((realm, REALM), (nonce, FIELD), (opaque or "", FIELD)):
        if len(text) > most or not text.isprintable():
            raise Declined("a Digest challenge with a field that is too long or not text")
    algorithm = challenge.get("algorithm") or ""
    known = ALGORITHMS.get(algorithm.upper() or "MD5")
    if known is None:
        raise Declined("a Digest challenge with an algorithm that is not known")
    qop = challenge.get("qop")
    if qop is None or "auth" not in {kind.strip().lower() for kind in qop.split(",")}:
        raise Declined("a Digest challenge without qop=auth")
    return Digest(
        realm,
        nonce,
        opaque,
        algorithm,
        known[0],
        (challenge.get("stale") or "").lower() == "true",
        (challenge.get("userhash") or "").lower() == "true",
    )


def answer(digest: Digest, user: str, password: Secret, method: str, uri: str, *, count: int, cnonce: str) -> str:
    """The value of Authorization (RFC 7616 3.4), in UTF-8, the one charset that it knows.

    ``count`` is how often this nonce has been used, with this time.
    """
    algorithm = digest.algorithm.upper() or "MD5"
    _, function = ALGORITHMS[algorithm]

    def hashed(*parts: str) -> str:
        return function(":".join(parts).encode()).hexdigest()

    first = hashed(user, digest.realm, password.reveal())
    if algorithm.endswith("-SESS"):
        first = hashed(first, digest.nonce, cnonce)
    uses = f"{count:08x}"
    response = hashed(first, digest.nonce, uses, cnonce, "auth", hashed(method, uri))
    shown = hashed(user, digest.realm) if digest.userhash else user
    fields = [
        f"username={_quoted(shown)}",
        f"realm={_quoted(digest.realm)}",
        f"nonce={_quoted(digest.nonce)}",
        f"uri={_quoted(uri)}",
        f'response="{response}"',
        "qop=auth",
        f"nc={uses}",
        f'cnonce="{cnonce}"',
    ]
    if digest.algorithm:
        fields.append(f"algorithm={digest.algorithm}")
    if digest.opaque is not None:
        fields.append(f"opaque={_quoted(digest.opaque)}")
    if digest.userhash:
        fields.append("userhash=true")
    return "Digest " + ", ".join(fields)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
