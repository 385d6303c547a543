"""How devices spell themselves: free text, fields of fixed size, leaves of small XML documents, and MAC addresses.

Strategy: what people read is cleaned here, and what is evidence to the octet (names, URIs) is escaped by
``names.spell``. Small documents have a wrong encoding or no root often enough, and single leaves are all that is wanted
of them: those are found by their tags, with no tree and no entities, nothing that can grow.
"""

from __future__ import annotations

import re
from typing import Final

from monitor.protocols.names import MAX_TEXT
from monitor.protocols.secrets import cut

MAX_LOOKED_AT: Final = 1_024
"""Octets or characters that are looked at: more than are kept, to see a secret that straddles the cut."""
_DECLARATION: Final = 128
"""Octets in which an XML declaration says its encoding."""

_MAC: Final = re.compile(r"[0-9a-f]{2}(?:([:-]?)[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}", re.IGNORECASE)


def plain(value: str | bytes | None, encoding: str = "utf-8") -> str | None:
    """The text without secrets, control characters and blanks around it, cut to 255; None if nothing is left."""
    if value is None:
        return None
    value = value[:MAX_LOOKED_AT]
    text = cut(value.decode(encoding, "replace") if isinstance(value, bytes) else value)
    if not text.isprintable():  # lone surrogates, which no encoder takes, are not printable either
        text = "".join(filter(str.isprintable, text))
    return text.strip()[:MAX_TEXT] or None


def field(octets: bytes) -> str | None:
    """The text of a field of fixed size, which a NUL may end early; None where there is none."""
    return plain(octets[:MAX_LOOKED_AT].partition(b"\x00")[0])


def leaf(document: bytes, name: bytes) -> str | None:
    """The text of the first element of this name that holds text alone; names are compared as written.

    GB2312, which GB/T 28181 and EHome declare, is read as GB 18030, its superset; all else as UTF-8.
    """
    start = document.find(b"<" + name + b">")
    if start < 0:
        return None
    start += len(name) + 2
    end = document.find(b"<", start, start + MAX_LOOKED_AT)
    if end < 0 or not document.startswith(b"</" + name, end):
        return None
    head = document[:_DECLARATION].lower()
    chinese = b"gb2312" in head or b"gbk" in head or b"gb18030" in head
    return plain(document[start:end], "gb18030" if chinese else "utf-8")


def mac_of(text: str | None) -> str | None:
    """A MAC with colons, dashes or bare digits, in lower case with colons; None if it is no host's."""
    if text is None or not _MAC.fullmatch(text.strip()):
        return None
    return mac_of_octets(bytes.fromhex(text.strip().replace(":", "").replace("-", "")))


def mac_of_octets(octets: bytes) -> str | None:
    """Six octets as text; None for a group's address (IEEE 802-2014, 8.2) and for all zeros."""
    if len(octets) != 6 or octets[0] & 1 or not any(octets):
        return None
    return octets.hex(":")
