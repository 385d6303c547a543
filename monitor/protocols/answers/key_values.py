"""Answers of ``key=value`` lines, as CGIs of Dahua, VAPIX and SUNAPI give them.

Keys stay as the vendor spells them, with their dots and indexes: those are places in a table, not in the answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.model.facts import Malformed
from monitor.protocols.answers.bounds import LAYER, MAX_BODY, MAX_ELEMENTS, MAX_TEXT
from monitor.protocols.answers.tree import digest
from monitor.protocols.answers.volatile import is_volatile
from monitor.protocols.secrets import is_secret

if TYPE_CHECKING:
    from monitor.protocols.answers.statements import Statements

_PARTS: Final = re.compile(r"[./\[\]]+")
_KEY: Final = re.compile(r"[\w.\[\]:@/ -]{1,1024}")


def take(body: bytes, statements: Statements) -> None:
    """Each line that is one. Malformed if none is, or past a bound."""
    if len(body) > MAX_BODY:
        raise Malformed(LAYER, "document too long")
    if body.count(b"\n") > MAX_ELEMENTS:
        raise Malformed(LAYER, "too many lines")
    found = False
    for line in body.rstrip(b"\x00").decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals or key.startswith("#") or not _KEY.fullmatch(key):
            continue
        found = True
        parts = [part for part in _PARTS.split(key) if part]
        if not any(is_volatile(part) for part in parts):
            if len(key) > MAX_TEXT:
                key = f"~{digest(key)}.{parts[-1][-MAX_TEXT // 2 :] if parts else ''}"
            statements.add(key, value, secret=any(is_secret(part) for part in parts))
    if not found:
        raise Malformed(LAYER, "no statements")
