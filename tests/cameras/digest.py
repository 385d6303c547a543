"""HTTP Digest as a server asks and checks it (RFC 7616): MD5 and SHA-256, qop "auth", nonces that grow stale."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from enum import StrEnum
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cameras.life import Life

HASHES: Final = {"MD5": md5, "SHA-256": sha256}
FIELD: Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
REMEMBERED: Final = 256
"""Nonces given out and still good; the oldest goes first."""


class Verdict(StrEnum):
    ADMITTED = "digest"
    BASIC = "basic"
    """Admitted, by a password in the clear."""
    NOTHING = "none"
    STALE = "stale"
    """The password is right, the nonce is not (any more)."""
    WRONG = "wrong"
    LOCKED = "locked"


class DigestGate:
    """One realm. `wording` has a challenge for each algorithm, strongest first, as this maker words it."""

    def __init__(
        self, life: Life, realm: str, wording: Mapping[str, str], *, uses: int = 1000, basic: bool = False
    ) -> None:
        self.realm = realm
        self.failures = 0
        """Wrong passwords in a row."""
        self._life = life
        self._wording = wording
        self._uses = uses
        """Answers that one nonce is good for."""
        self._basic = basic
        self._given = 0
        self._nonces: dict[str, int] = {}
        """Nonce to the highest count seen with it."""

    @property
    def locked(self) -> bool:
        return self.failures >= self._life.lock_after

    def forget(self) -> None:
        """After a reboot no nonce is known and nobody is locked out."""
        self._nonces.clear()
        self.failures = 0

    def challenges(self, *, stale: bool) -> list[str]:
        """The values of WWW-Authenticate."""
        nonce = self._nonce()
        asked = [
            text.format(realm=self.realm, nonce=nonce, stale=str(stale).lower(), STALE=str(stale).upper())
            for text in self._wording.values()
        ]
        return [*asked, f'Basic realm="{self.realm}"'] if self._basic else asked

    def check(self, method: str, target: str, header: str | None) -> Verdict:
        if self.locked:
            return Verdict.LOCKED
        if not header:
            return Verdict.NOTHING
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "basic" and self._basic:
            good = hmac.compare_digest(b64decode(rest), f"{self._life.user}:{self._life.password}".encode())
            return self._counted(Verdict.BASIC if good else Verdict.WRONG)
        if scheme.lower() != "digest":
            return Verdict.NOTHING
        return self._counted(
            self._judged(method, target, {key: quoted or bare for key, quoted, bare in FIELD.findall(rest)})
        )

    def _judged(self, method: str, target: str, said: Mapping[str, str]) -> Verdict:
        algorithm = said.get("algorithm", "MD5").upper()
        if said.get("uri") != target or said.get("realm") != self.realm or algorithm not in self._wording:
            return Verdict.WRONG
        if said.get("username") != self._life.user or said.get("qop") != "auth":
            return Verdict.WRONG

        def hashed(*parts: str) -> str:
            return HASHES[algorithm](":".join(parts).encode()).hexdigest()

        secret = hashed(self._life.user, self.realm, self._life.password)
        nonce, count = said.get("nonce", ""), said.get("nc", "")
        expected = hashed(secret, nonce, count, said.get("cnonce", ""), "auth", hashed(method, target))
        if not re.fullmatch("[0-9a-f]{8}", count) or not hmac.compare_digest(expected, said.get("response", "")):
            return Verdict.WRONG
        if nonce not in self._nonces or not self._nonces[nonce] < int(count, 16) <= self._uses:
            return Verdict.STALE
        self._nonces[nonce] = int(count, 16)
        return Verdict.ADMITTED

    def _counted(self, verdict: Verdict) -> Verdict:
        if verdict is Verdict.WRONG:
            self.failures += 1
        elif verdict is not Verdict.STALE:
            self.failures = 0
        return verdict

    def _nonce(self) -> str:
        self._given += 1
        nonce = sha256(f"{self._life.seed}/{self._life.boots}/{self._given}".encode()).hexdigest()[:32]
        self._nonces[nonce] = 0
        while len(self._nonces) > REMEMBERED:
            del self._nonces[next(iter(self._nonces))]
        return nonce
