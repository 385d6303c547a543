"""Firmware versions: what a text says, and which of two is the older one, where that is defined.

Strategy: each maker's spelling is one row of a table, and only spellings that were seen in sources are there. A
version has numbers where their order is defined, and a date where the text holds the build's date; each may be
missing. Two versions compare within one maker and one line of it, otherwise the answer is None: not known. Nothing is
guessed, for a wrong answer either hides a hole or cries wolf.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT: Final = 128
"""Characters of a version that are read; the longest seen has some 60."""


class Version(Struct, frozen=True):
    """What a version's text says."""

    vendor: str | None
    """Catalogue key of the maker by whose spelling it was read; None: the maker is not known, and so no order is."""
    line: str
    """Versions of one line have an order: the spelling, and a letter that keeps releases from other builds."""
    numbers: tuple[int, ...]
    """Without zeros at the end; empty: their order is not defined."""
    released: date | None
    """When it was built, as its text says."""
    rest: str = ""
    """What tells it from others of the same numbers and day, and has no order that is known."""


class Spelling(Struct, frozen=True):
    """How a maker writes its versions."""

    name: str
    pattern: re.Pattern[str]
    """Groups, each optional: ``numbers`` (digits between dots), ``line``, ``built`` and ``rest``."""
    day: Callable[[str], date | None]
    """Of the group ``built``."""


def parse(vendor: str | None, text: str) -> Version | None:
    """What this maker's version says; None if it is in no spelling that is known of it, or says nothing.

    Of an unknown maker only spellings that no other maker has are read, and those for their date.
    """
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        return None
    for spelling in UNMISTAKABLE if vendor is None else SPELLINGS.get(vendor, PLAIN):
        found = spelling.pattern.fullmatch(text)
        if found is None:
            continue
        groups = found.groupdict()
        built = groups.get("built")
        released = spelling.day(built) if built else None
        numbers = _numbers(groups.get("numbers"))
        if not numbers and released is None:
            return None
        line = f"{spelling.name} {(groups.get('line') or '').upper()}".strip()
        return Version(vendor, line, numbers, released, (groups.get("rest") or "").strip().lower())
    return None


def compare(one: Version, other: Version) -> int | None:
    """-1 if ``one`` is older than ``other``, 0 if they are the same, 1 if it is newer; None: not known."""
    if one.vendor is None or one.vendor != other.vendor or one.line != other.line:
        return None
    if not one.numbers or not other.numbers:
        return None
    if one.numbers != other.numbers:
        return -1 if one.numbers < other.numbers else 1
    if one.released == other.released:
        return 0 if one.rest == other.rest else None
    if one.released is None or other.released is None:
        return None
    return -1 if one.released < other.released else 1


def _numbers(text: str | None) -> tuple[int, ...]:
    """Numbers between dots; "9.80.0" is 9.80."""
    numbers = [int(part) for part in text.split(".")] if text else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _short_year(text: str) -> date | None:
    """YYMMDD, whatever stands behind it."""
    return _day(f"20{text[:2]}", text[2:4], text[4:6])


def _long_year(text: str) -> date | None:
    """YYYYMMDD or YYYY-MM-DD."""
    text = text.replace("-", "")
    return _day(text[:4], text[4:6], text[6:8])


def _either_year(text: str) -> date | None:
    """YYMMDD, YYYYMMDD or YYYY-MM-DD."""
    return _short_year(text) if len(text) == len("210630") else _long_year(text)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year >= FIRST_YEAR else None


FIRST_YEAR: Final = 1996
"""The first network camera was sold then (Axis NetEye 200); a date before it is no date of a build."""

_DOTTED: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,6}"

HIKVISION: Final = Spelling(
    "hikvision",
    re.compile(rf"V(?P<numbers>{_DOTTED}),?(?:\s*build\s*(?P<built>[0-9]{{6}}))?", re.IGNORECASE | re.ASCII),
    _short_year,
)
"""ISAPI and SADP: "V5.5.3 build 180710", "V5.3.0build 150513" (HIKNEXT fixtures; public text 60790350391)."""
DAHUA: Final = Spelling(
    "dahua",
    re.compile(
        rf"V?(?P<numbers>{_DOTTED})\.(?P<line>[A-Z])"
        r"(?:(?:\.|\s*,?\s*build\s*(?:date)?\s*:?\s*)(?P<built>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{6}))?",
        re.IGNORECASE | re.ASCII,
    ),
    _either_year,
)
"""magicBox and file names: "2.800.0000016.0.R,build:2020-06-05", "V2.620.0000002.0.R.170830" (RROLLER; Dahua's
advisory DHCC-SA-201711-003). The letter keeps releases (R) from other builds."""
DAHUA_CUSTOM: Final = Spelling(
    "dahua custom",
    re.compile(
        r"V?[0-9]+\.[0-9]+\.[0-9A-Z]{4,12}\.[0-9]+\.[A-Z]"
        r"(?:\.|\s*,?\s*build\s*(?:date)?\s*:?\s*)(?P<built>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{6})",
        re.IGNORECASE | re.ASCII,
    ),
    _either_year,
)
"""Letters in the third part are a customer's ("2.420.AC00.16.R"): only the date is read."""
REOLINK: Final = Spelling(
    "reolink",
    re.compile(
        rf"v(?P<numbers>{_DOTTED})(?:_(?P<built>[0-9]{{6}})(?P<rest>[0-9]{{2}}(?:_[0-9A-Za-z_.]{{1,40}})?))?", re.ASCII
    ),
    _short_year,
)
"""GetDevInfo: "v3.0.0.136_20121102", whose last eight digits are a date of six and a count of two (REOAIO)."""
HANWHA: Final = Spelling(
    "hanwha",
    re.compile(rf"(?P<numbers>{_DOTTED})(?:_(?P<built>[0-9]{{8}})(?P<rest>_[A-Z][0-9]{{1,6}})?)?", re.ASCII),
    _long_year,
)
"""SUNAPI deviceinfo: "1.41.02_20210506"."""
UNIVIEW: Final = Spelling(
    "uniview",
    re.compile(r"[A-Z]{2,6}[-_][A-Z][0-9]{3,5}(?:\.[0-9A-Z-]{1,16}){0,6}\.(?P<built>[0-9]{6})", re.ASCII),
    _short_year,
)
"""LAPI and ONVIF: "GIPC-B6215.1.68.NB.240617" (public texts 69411789977, 61664848371): only the date is read, for
nothing says how the rest is ordered."""
TP_LINK: Final = Spelling(
    "tp-link",
    re.compile(
        rf"(?P<numbers>{_DOTTED})(?:\s+Build\s+(?P<built>[0-9]{{6}})(?P<rest>\s+Rel\..{{1,32}})?)?", re.IGNORECASE
    ),
    _short_year,
)
"""Tapo: "1.1.18 Build 220518 Rel.61472n" (PYTAPO)."""
DOTTED: Final = Spelling("dotted", re.compile(rf"[vV]?(?P<numbers>{_DOTTED})", re.ASCII), _short_year)
"""Plain numbers, as Axis and most devices answer ONVIF's GetDeviceInformation: "9.80.1"."""

PLAIN: Final = (DOTTED,)
_DAHUA: Final = (DAHUA, DAHUA_CUSTOM)
SPELLINGS: Final[Mapping[str, tuple[Spelling, ...]]] = {
    "hikvision": (HIKVISION,),
    "ezviz": (HIKVISION,),
    "prama": (HIKVISION,),
    "dahua": _DAHUA,
    "imou": _DAHUA,
    "annke": (HIKVISION, *_DAHUA),
    "amcrest": _DAHUA,
    "lorex": _DAHUA,
    "reolink": (REOLINK,),
    "hanwha": (HANWHA,),
    "uniview": (UNIVIEW,),
    "tp-link": (TP_LINK,),
    "xiongmai": (),
}
"""By catalogue key; all others write plain numbers. Xiongmai's "V5.00.R02.00030747.10010.349f17.0000000" has no order
that a source defines, and its date stands elsewhere."""
UNMISTAKABLE: Final = (
    Spelling(HIKVISION.name, re.compile(r"V[0-9.]{3,24}\s*build\s*(?P<built>[0-9]{6})", re.IGNORECASE), _short_year),
    DAHUA_CUSTOM,
)
"""What says its date whoever made the device."""
