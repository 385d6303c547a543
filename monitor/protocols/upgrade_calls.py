"""Which requests ask a device to take a firmware, to say how far it is or to restart, and which ask for a newer one.

Tables with their sources; requests are matched by method, path, query, SOAP action and the beginning of their body.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

UPLOAD: Final = "upload"
FETCH: Final = "fetch"
CHECK: Final = "check"
"""No FirmwareCall, but a FirmwareCheck: a device is told to ask."""


class Call(NamedTuple):
    """What a request asks for."""

    via: str
    operation: str


class Row(NamedTuple):
    """One call of one interface."""

    methods: str
    """Separated by blanks; empty: any."""
    path: str
    """Regular expression for all of it; letters of either case."""
    query: str
    """Regular expression that is found in the query, or empty."""
    call: Call


ROWS: Final = (
    # Hikvision ISAPI, Core Protocol: System/updateFirmware, upgradeStatus, reboot; onlineUpgrade as web pages call it.
    Row("PUT POST", r"/ISAPI/System/updateFirmware(?:/.*)?", "", Call("isapi", UPLOAD)),
    Row("GET", r"/ISAPI/System/(?:upgradeStatus|upgradeFlag)", "", Call("isapi", "status")),
    Row("GET", r"/ISAPI/System/onlineUpgrade/version", r"\bcheck=true\b", Call("isapi", CHECK)),
    Row("GET", r"/ISAPI/System/onlineUpgrade/(?:status|downloadPackage/status)", "", Call("isapi", "status")),
    Row("PUT POST", r"/ISAPI/System/onlineUpgrade/downloadPackage", "", Call("isapi", FETCH)),
    Row("PUT POST", r"/ISAPI/System/onlineUpgrade/upgrade(?:WithoutDownload)?", "", Call("isapi", "install")),
    Row("PUT POST", r"/ISAPI/System/onlineUpgrade/CancelUpgrade", "", Call("isapi", "cancel")),
    Row("PUT POST", r"/ISAPI/System/upgradeEhome", "", Call("isapi", FETCH)),
    Row("PUT POST", r"/ISAPI/System/reboot", "", Call("isapi", "reboot")),
    # Dahua HTTP API 3.26, 4.12 (upgrader.cgi, CloudUpgrader) and magicBox.cgi.
    Row("POST", r"/cgi-bin/upgrader\.cgi", r"\baction=uploadFirmware\b", Call("cgi", UPLOAD)),
    Row("", r"/cgi-bin/upgrader\.cgi", r"\baction=updateFirmwareByUrl\b", Call("cgi", FETCH)),
    Row("", r"/cgi-bin/upgrader\.cgi", r"\baction=getState\b", Call("cgi", "status")),
    Row("", r"/cgi-bin/upgrader\.cgi", r"\baction=cancel\b", Call("cgi", "cancel")),
    Row("", r"/cgi-bin/api/CloudUpgrader/check", "", Call("cgi", CHECK)),
    Row("", r"/cgi-bin/api/CloudUpgrader/execute", "", Call("cgi", FETCH)),
    Row("", r"/cgi-bin/api/CloudUpgrader/cancel", "", Call("cgi", "cancel")),
    Row("", r"/cgi-bin/magicBox\.cgi", r"\baction=reboot\b", Call("cgi", "reboot")),
    # Axis VAPIX, before firmwaremanagement.cgi, which says its method in its body.
    Row("POST", r"/axis-cgi/firmwareupgrade\.cgi", "", Call("vapix", UPLOAD)),
    # Reolink: starkillerOG/reolink_aio (MIT).
    Row("POST", r"/(?:cgi-bin/)?api\.cgi", r"\bcmd=Upgrade(?:Prepare)?(?:&|$)", Call("reolink", UPLOAD)),
    Row("", r"/(?:cgi-bin/)?api\.cgi", r"\bcmd=UpgradeOnline\b", Call("reolink", FETCH)),
    Row("", r"/(?:cgi-bin/)?api\.cgi", r"\bcmd=UpgradeStatus\b", Call("reolink", "status")),
    Row("", r"/(?:cgi-bin/)?api\.cgi", r"\bcmd=CheckFirmware\b", Call("reolink", CHECK)),
    Row("", r"/(?:cgi-bin/)?api\.cgi", r"\bcmd=Reboot\b", Call("reolink", "reboot")),
    # Hanwha SUNAPI, system.cgi.
    Row("POST", r"/stw-cgi/system\.cgi", r"\bmsubmenu=firmwareupdate\b", Call("sunapi", UPLOAD)),
    # Uniview LAPI, System.
    Row("POST PUT", r"/LAPI/V1\.0/System/UploadFirmware", "", Call("lapi", UPLOAD)),
    Row("POST PUT", r"/LAPI/V1\.0/System/Upgrade(?:Uboot)?", "", Call("lapi", "install")),
    Row("GET", r"/LAPI/V1\.0/System/UpdateStatus", "", Call("lapi", "status")),
    Row("PUT POST", r"/LAPI/V1\.0/System/Reboot", "", Call("lapi", "reboot")),
)

_COMPILED: Final = tuple(
    (
        frozenset(row.methods.split()),
        re.compile(row.path, re.IGNORECASE),
        re.compile(row.query, re.IGNORECASE) if row.query else None,
        row.call,
    )
    for row in ROWS
)
_API: Final = re.compile(r"/(?:ISAPI|cgi-bin|axis-cgi|api\.cgi|stw-cgi|LAPI)\b", re.IGNORECASE)
"""What one of them begins with."""

SPOKEN: Final = re.compile(
    r"/(?:RPC2(?:_Login)?|axis-cgi/firmwaremanagement\.cgi|(?:cgi-bin/)?api\.cgi|onvif/[^?]*)", re.IGNORECASE
)
"""Paths whose requests say in their body what they ask for."""
SOAP_TYPES: Final = (b"application/soap+xml", b"multipart/related", b"text/xml")

# ONVIF devicemgmt.wsdl.
_ONVIF: Final = {
    b"UpgradeSystemFirmware": Call("onvif", UPLOAD),
    b"StartFirmwareUpgrade": Call("onvif", UPLOAD),
    b"StartCloudFirmwareUpgrade": Call("onvif", FETCH),
    b"SystemReboot": Call("onvif", "reboot"),
}
_ONVIF_ACTION: Final = re.compile(rb"http://www\.onvif\.org/ver10/device/wsdl/(\w{1,40})")
_ONVIF_BODY: Final = re.compile(
    rb"<(?:[\w.-]{1,32}:)?(UpgradeSystemFirmware|StartFirmwareUpgrade|StartCloudFirmwareUpgrade|SystemReboot)[\s/>]"
)
_SOAP: Final = re.compile(rb"<(?:[\w.-]{1,32}:)?Envelope[\s>]")
# Dahua RPC2 (mcw0/DahuaConsole, and clients of the same handlers).
RPC: Final = {
    b"upgrader.prepare": Call("rpc", UPLOAD),
    b"upgrader.execute": Call("rpc", "install"),
    b"upgrader.getState": Call("rpc", "status"),
    b"upgrader.cancel": Call("rpc", "cancel"),
    b"magicBox.reboot": Call("rpc", "reboot"),
}
# VAPIX, Firmware management API.
_VAPIX: Final = {
    b"upgrade": Call("vapix", UPLOAD),
    b"status": Call("vapix", "status"),
    b"reboot": Call("vapix", "reboot"),
    b"rollback": Call("vapix", "install"),
}
_REOLINK: Final = {
    b"UpgradePrepare": Call("reolink", UPLOAD),
    b"UpgradeOnline": Call("reolink", FETCH),
    b"UpgradeStatus": Call("reolink", "status"),
    b"CheckFirmware": Call("reolink", CHECK),
    b"Reboot": Call("reolink", "reboot"),
}
_METHOD: Final = re.compile(rb'"method"\s*:\s*"([\w.]{1,64})"')
_COMMAND: Final = re.compile(rb'"cmd"\s*:\s*"(\w{1,64})"')

UPLOAD_URI: Final = re.compile(rb"<(?:[\w.-]{1,32}:)?UploadUri[^<>]{0,200}>\s*([^<\s]{1,1024})\s*</")
"""Of StartFirmwareUpgradeResponse."""

FIRMWARE_NAME: Final = re.compile(
    # Words: D-Link's update servers (captures), TP-Link's and Reolink's download pages, OpenWrt's sysupgrade.
    r"firmware|sysupgrade|(?<![a-z])(?:upgrade|fota|ota)(?![a-z])"
    # Files: Hikvision, Reolink, Bosch, SWUpdate; Dahua, XM and TP-Link by the shapes of their names.
    r"|digicap|\.(?:dav|paks?|fw|swu)$"
    r"|(?:^|/)dh_[^/]*\.bin$|(?:^|/)general_[^/]*\.bin$|_up_boot[^/]*\.bin$",
    re.IGNORECASE,
)
"""Paths and file names that stand for a firmware."""
TFTP_NAME: Final = re.compile(
    FIRMWARE_NAME.pattern + r"|update|kernel|rootfs|uimage|vmlinu|\.(?:bin|img|rom|ubi|squashfs)$", re.IGNORECASE
)
"""The same of TFTP, by which boot loaders fetch what they write to flash."""
_ASKS: Final = re.compile(
    r"(?<![a-z])(?:query|check|version|latest|newest)(?![a-z])|checkupdate|checkfirmware", re.IGNORECASE
)
_AGENT: Final = re.compile(r"/agent/upgrade", re.IGNORECASE)
"""What D-Link's sensors ask before they fetch an agent (Aalto's set-up captures)."""
_MENTIONS: Final = re.compile(r"firmware|upgrade|(?<![a-z])f?ota(?![a-z])", re.IGNORECASE)
_SAYS_VERSION: Final = re.compile(
    rb'(?:(?:firmware|fw|software|new|latest|current)[ _-]?ver(?:sion)?|"version)"?\s*[=:>]\s*"?'
    rb"([0-9A-Za-z][0-9A-Za-z._ -]{0,63})",
    re.IGNORECASE,
)


def call_of(method: str, path: str, query: str) -> Call | None:
    """What a request asks of a device, as far as its line says."""
    if _API.search(path) is None:
        return None
    for methods, pattern, asked, call in _COMPILED:
        if (
            (not methods or method in methods)
            and pattern.fullmatch(path)
            and (asked is None or asked.search(query) is not None)
        ):
            return call
    return None


def action_call_of(action: bytes) -> Call | None:
    """What a SOAP request asks for, by its action."""
    found = _ONVIF_ACTION.search(action)
    return _ONVIF.get(found[1]) if found else None


def body_call_of(path: str, start: bytes) -> Call | None:
    """What a request asks for that says so in its body, of which this is the beginning."""
    if _SOAP.search(start):
        soap = _ONVIF_BODY.search(start)
        return _ONVIF[soap[1]] if soap else None
    lowered = path.lower()
    if lowered.endswith("firmwaremanagement.cgi"):
        table, found = _VAPIX, _METHOD.search(start)
    elif lowered.startswith("/rpc2"):
        table, found = RPC, _METHOD.search(start)
    elif lowered.endswith("api.cgi"):
        table, found = _REOLINK, _COMMAND.search(start)
    else:
        return None
    return table.get(found[1]) if found else None


def names_firmware(path: str) -> bool:
    """Whether a path stands for a firmware."""
    return FIRMWARE_NAME.search(path) is not None


def asks_version(path: str, query: str) -> bool:
    """Whether a request asks a server for the version that there is."""
    if _AGENT.fullmatch(path):
        return True
    return _MENTIONS.search(path) is not None and (_ASKS.search(path) or _ASKS.search(query)) is not None


def version_in(text: bytes) -> str | None:
    """The first version that an answer or a query speaks of."""
    found = _SAYS_VERSION.search(text)
    return found[1].decode("ascii").strip() if found else None


def file_name(path: str) -> str | None:
    """The last part of a path."""
    return unquote(path.rpartition("/")[2], "latin-1") or None
