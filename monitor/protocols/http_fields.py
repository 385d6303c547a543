"""Header fields of HTTP/1: how they are split, and what is read from them (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from typing import Final

import cython

from monitor.protocols.names import MAX_TEXT

if not cython.compiled:
    from monitor.model.memo import Memo
    from monitor.protocols.names import spell
    from monitor.protocols.secrets import cut

MAX_FIELDS: Final = 128
"""Fields of a header section; Apache httpd's LimitRequestFields is 100."""
MAX_READ: Final = 2_048
"""Characters of a value or target that are looked at: more than are kept, to see a secret that straddles the cut."""

Fields = dict[bytes, list[bytes]]
"""Values in order by lower-case name."""

_PORT: Final = re.compile(r":\d*$")
REMEMBERED: Final = 1024
"""Short values kept in memory as they are spelled, at most 255 characters each."""
_REALM: Final = re.compile(rb'(?:^|[\s,])realm\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', re.IGNORECASE)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")


def split(section: bytes) -> tuple[Fields, int]:
    """The fields behind a start line, and how many lines were none or too many.

    Folded lines are joined by a blank (RFC 9112, 5.2); lines may end in LF alone (2.2).
    """
    fields: Fields = {}
    values: list[bytes] | None = None
    count = dropped = 0
    for line in section.split(b"\n"):
        if line and line[0] in b" \t":
            if values:
                values[-1] += b" " + line.strip()
            continue
        stripped = line.rstrip(b"\r")
        if not stripped:
            continue
        name, colon, value = stripped.partition(b":")
        count += 1
        if not colon or count > MAX_FIELDS:
            dropped += 1
            values = None
            continue
        values = fields.setdefault(name.strip().lower(), [])
        values.append(value.strip())
    return fields, dropped


def host_of(authority: str) -> str | None:
    """The host of an authority, lower case, without user info, port and brackets."""
    host = authority.rpartition("@")[2].strip()
    if host.startswith("[") or host.count(":") == 1:  # not a bare IPv6 address
        host = _PORT.sub("", host)
    return spell(host.removeprefix("[").removesuffix("]").lower().rstrip(".").encode("latin-1")) or None


def text_of(fields: Fields, name: bytes) -> str | None:
    """The first value of this name, secrets cut."""
    values = fields.get(name)
    return _spelled(values[0]) if values else None


def length_of(fields: Fields) -> int | None:
    """Content-Length; -1 if it is no number, or several that differ (RFC 9112, 6.3)."""
    values = {value.strip() for field in fields.get(b"content-length", []) for value in field.split(b",")}
    if not values:
        return None
    value = values.pop()
    return int(value) if not values and _DIGITS.fullmatch(value) else -1


def realm_of(fields: Fields) -> str | None:
    """The realm of the first challenge that has one (RFC 9110, 11.5)."""
    for challenge in fields.get(b"www-authenticate", []):
        found = _REALM.search(challenge[:MAX_READ])
        if found:
            return _spelled(_ESCAPED.sub(rb"\1", found[1] if found[1] is not None else found[2]))
    return None


def _spelled(value: bytes) -> str:
    if len(value) <= MAX_TEXT and b"=" not in value and b"@" not in value and b"%" not in value:
        spelled: str = _SPELLED.of(value)  # what no secret can be in: a server says the same of itself each time
        return spelled
    return spell(cut(value[:MAX_READ].decode("latin-1")).encode("latin-1"))


def _spell(value: bytes) -> str:
    return spell(value)


_SPELLED: Final = Memo(_spell, REMEMBERED)
