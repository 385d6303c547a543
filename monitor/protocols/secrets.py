"""Secrets are cut where they are parsed: user info in URIs, and values of secret-like parameters.

Strategy: rather a word too much than a password too little. Names are kept, values become ``***``.
A value ends at ``&`` only (and, in a path, at ``?``), for devices put ``/``, ``;``, ``#`` and ``_`` into
passwords unescaped. Names and values are judged as they read with percent-encoding undone.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

import cython

if not cython.compiled:
    from monitor.model.memo import Memo

MASK: Final = "***"
_DECODINGS: Final = 3
"""Rounds of percent-decoding: a URI inside a URI inside a URI."""

_SECRET_PARTS: Final = (
    "passw", "passphrase", "pwd", "psw", "token", "secret", "apikey", "accesskey", "signature", "credential",
    "session", "loginpas", "loginuse", "auth", "ticket", "cookie", "stok", "psk", "community", "readcommon",
    "writecommon", "verificationcode", "verifycode",
)  # fmt: skip
"""Anywhere in a name, separators and case ignored: ``X-Amz-Security-Token``, ``loginpass``, ``ONVIFAuth``."""
_SECRET_WORDS: Final = frozenset(
    {"pass", "pw", "key", "keys", "sid", "sig", "sign", "psk", "pin", "otp", "jwt", "hmac", "nonce", "usr"}
)
"""Whole words of a name: ``wpa_key``, ``userPass``; not ``keyframe`` or ``bypass``."""
_USER_NAMES: Final = frozenset({"user", "username", "usrname", "login", "loginname", "account", "uid", "usr"})
"""Cut as well where a secret stands in the same URI."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_BEFORE_NAME: Final = re.compile(r"[?&;/#,\s\"'{}()]")
_LONGEST_NAME: Final = 64
"""Characters before an equals sign that are looked at."""
REMEMBERED: Final = 1024
"""Names of parameters whose meaning is kept in memory, at most 64 characters each."""
_MOST_SIGNS: Final = 16
"""Equals signs in one parameter; with more it is cut at the first, unread."""
_USER_INFO: Final = re.compile(r"(//)[^/?#\s]*@")
_SLASHED_USER_INFO: Final = re.compile(r"(//)[^/?#@:\s]*:(?!\d{1,5}(?:[/?#]|$))[^/?#@\s]*[/?#]\S*@")
"""A password with a bare slash: what should be a port is none, and an at sign follows."""


def cut(text: str) -> str:
    """``text``, a URI or a header's value, without user info and without values of secret-like parameters."""
    if "@" in text and "//" in text:
        text = _USER_INFO.sub(rf"\1{MASK}@", text)
        text = _SLASHED_USER_INFO.sub(rf"\1{MASK}@", text)
    if "=" not in text and "%" not in text:
        return text
    path, mark, query = text.partition("?")
    parts = [path.split("&"), query.split("&")]
    for piece in (*parts[0], *parts[1]):
        if _secret_at(piece) is not None:
            break
    else:
        return text
    return "&".join(_pieces(parts[0])) + mark + "&".join(_pieces(parts[1]))


def _pieces(pieces: list[str]) -> list[str]:
    """The pieces of a text that holds a secret: with it, whose it is must not be seen either."""
    result = []
    after_secret = False
    for piece in pieces:
        at = _secret_at(piece, True)  # noqa: FBT003
        if at is not None:
            result.append(piece[:at] + MASK)
            after_secret = True
        elif after_secret and "=" not in piece:
            result.append(MASK)  # the rest of a value that holds an unescaped "&"
        else:
            result.append(piece)
            after_secret = False
    return result


def _secret_at(piece: str, users: bool = False) -> int | None:  # noqa: FBT001, FBT002  a compiled function takes no keywords
    """Where the first value begins that must not be seen, None if there is none."""
    at = piece.find("=")
    first = at + 1
    if piece.count("=") > _MOST_SIGNS:
        return first
    while at >= 0:
        name = _decoded(_name_before(piece, at))
        if is_secret(name) or (users and not _USER_NAMES.isdisjoint(_SEPARATORS.split(name.lower()))):
            return at + 1
        at = piece.find("=", at + 1)
    value = piece[first:]
    if not _hides(value):
        return None
    return first or piece.find("%")


def _hides(value: str) -> bool:
    """Whether a value holds user info or a secret of its own: JSON, or a URI inside the URI."""
    if "%" not in value and ":" not in value and "=" not in value:
        return False
    decoded = _decoded(value)
    if decoded != value and _USER_INFO.search(decoded):
        return True
    signs = [found.start() for found in re.finditer("[:=]", decoded)]
    return len(signs) > _MOST_SIGNS * 4 or any(is_secret(_name_before(decoded, at)) for at in signs)


def _name_before(text: str, at: int) -> str:
    """The name that the equals sign or colon at ``at`` ends."""
    return _BEFORE_NAME.split(text[max(0, at - _LONGEST_NAME) : at].rstrip(" \"'"))[-1]


def _decoded(text: str) -> str:
    for _ in range(_DECODINGS):
        if "%" not in text:
            break
        text = unquote_plus(text, encoding="latin-1")
    return text


def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds a secret."""
    secret: bool = _SECRETS.of(name)
    return secret


def _is_secret(name: str) -> bool:
    joined = _SEPARATORS.sub("", name.lower())
    if any(part in joined for part in _SECRET_PARTS):
        return True
    return any(word.lower() in _SECRET_WORDS for word in _WORD.findall(name))


_SECRETS: Final = Memo(_is_secret, REMEMBERED)
