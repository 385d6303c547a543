"""One spelling of a firmware's version, so that the same firmware reads equal from every source that names it.

Hikvision: SADP says "V5.5.3build 180710", EHome and ONVIF "V5.5.3 build 180710", ISAPI gives both parts apart. Dahua:
CGI says "2.800.0000016.0.R,build:2020-06-05", RPC2 gives both parts apart, DHDiscover and DVRIP the version alone. The
build stays, since many an update of Dahua's changes nothing else.
"""

from __future__ import annotations

import re
from typing import Final

_BUILD: Final = re.compile(r"(V\d+(?:\.\d+)+)[\s_]*build[\s_]*(\d{6})", re.IGNORECASE)
"""Hikvision's version, and the day of its build."""
_DAHUA: Final = re.compile(r"(\d\.\d{3}\.[\w.]{4,40}?)(?:\s*,\s*build\s*:?\s*(\d{4}-\d\d-\d\d))?", re.IGNORECASE)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def spelled(version: str | None, released: str | None = None) -> str | None:
    """The version, with the date of its release where the maker writes both as one."""
    if version is None:
        return None
    if released and "build" not in version.lower() and "build" in released.lower():
        version = f"{version} {released}"
    if found := _BUILD.fullmatch(version):
        return f"{found[1]} build {found[2]}"
    if found := _DAHUA.fullmatch(version):
        built = found[2] or (released if released and _DAY.fullmatch(released) else None)
        return f"{found[1]},build:{built}" if built else found[1]
    return version
