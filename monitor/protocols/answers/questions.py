"""What a request that passes asks of a device: which interface, and the key of the question.

Keys are those by which devices are polled, so that an answer is the same whoever asked for it:

=========  ==========================================================================================
isapi      the path behind /ISAPI/: ``System/deviceInfo``
onvif      the action: ``GetDeviceInformation``; with its service where several have it:
           ``GetServiceCapabilities media2``
dahua      CGI, action and the name of a configuration: ``configManager.cgi getConfig T2UServer``, with the channel
           where one is asked for: ``devVideoAnalyse.cgi getCaps 1``; ``RPC2 configManager.getConfig Telnet``
vapix      CGI with its method: ``basicdeviceinfo.cgi getAllProperties``, or group: ``param.cgi root.Network``
reolink    the command: ``GetDevInfo``
sunapi     CGI and submenu: ``system.cgi deviceinfo``
lapi       the path behind /LAPI/V1.0/: ``System/DeviceInfo``
=========  ==========================================================================================

Only what reads is a question: a request that sets something is answered with a status.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote

from monitor.protocols.device_text import plain

MAX_URI: Final = 2_048
"""Characters that are looked at."""
MAX_START: Final = 4_096
"""Octets of the body that are looked at: a WS-Security header of some 1,000 stands before a SOAP body."""
MAX_FIELDS: Final = 32
"""Parameters of a query."""
_READS: Final = frozenset({"GET", "POST"})

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_ONVIF_ACTION: Final = re.compile(
    r"https?://(?:www\.onvif\.org/(ver\d\d)/([a-z]+)/wsdl|docs\.oasis-open\.org/wsn/[\w-]+)/(?:\w+/)?([A-Z]\w{2,60})"
)
_SOAP_BODY: Final = re.compile(
    rb"<(?:[\w.-]{1,32}:)?Body\b[^<>]{0,1024}>\s{0,64}<(?:([\w.-]{1,32}):)?([A-Z]\w{2,60})\b([^<>]{0,1024})"
)
_NAMESPACE: Final = re.compile(rb"https?://www\.onvif\.org/(ver\d\d)/([a-z]+)/wsdl")
_METHOD: Final = re.compile(rb"\"(?:method|cmd)\"\s{0,8}:\s{0,8}\"([\w.]{1,64})\"")
_CONFIG: Final = re.compile(rb"\"name\"\s{0,8}:\s{0,8}\"([\w.]{1,64})\"")
_SHARED: Final = frozenset(
    {"GetServiceCapabilities", "GetProfiles", "GetVideoSources", "GetAudioSources", "GetAudioOutputs"}
)
"""Actions that several services have, each with an answer of its own (ONVIF's device, media, media2, deviceio ...)."""
_NOT_READING: Final = frozenset({"PullMessages", "Notify"})
"""Actions that read, or tell, by another name than Get."""
_EVENTS: Final = frozenset({"attach"})
"""Actions of Dahua's CGIs that read, by another name than get."""


def question_of(method: str, uri: str, soap_action: str | None, body_start: bytes) -> tuple[str, str] | None:
    """Interface and question; None if it is none that is known, or one that changes something."""
    if method not in _READS:
        return None
    target = _ORIGIN.sub("", uri[:MAX_URI], count=1)
    path, _, query = target.partition("#")[0].partition("?")
    path = unquote(path, errors="replace")
    start = body_start[:MAX_START]
    found = _by_path(method, path, query, start) or _onvif(method, path, soap_action, start)
    if found is None:
        return None
    question = plain(found[1])
    return (found[0], question) if question else None


def _by_path(method: str, path: str, query: str, start: bytes) -> tuple[str, str] | None:
    lowered = path.lower()
    if lowered.startswith("/isapi/"):
        return ("isapi", path[7:].rstrip("/")) if method == "GET" else None
    if lowered.startswith("/lapi/v1.0/"):
        return ("lapi", path[11:].rstrip("/")) if method == "GET" else None
    script = path.rpartition("/")[2]
    if lowered.startswith("/axis-cgi/"):
        return _vapix(path[10:], _fields(query), start)
    if lowered.startswith("/stw-cgi/"):
        fields = _fields(query)
        if fields.get("action", "view") != "view":
            return None
        return "sunapi", " ".join(each for each in (path[9:].rstrip("/"), fields.get("msubmenu")) if each)
    if script in {"api.cgi", "cgi.cgi"} and lowered.startswith(("/cgi-bin/", "/api.cgi")):
        return _reolink(_fields(query), start)
    if lowered == "/rpc2":
        return _rpc2(start)
    if lowered.startswith("/cgi-bin/") and script.endswith(".cgi"):
        return _dahua(method, script, _fields(query))
    return None


def _vapix(script: str, fields: dict[str, str], start: bytes) -> tuple[str, str] | None:
    if script == "param.cgi":
        if fields.get("action") != "list":
            return None
        group = fields.get("group", "root")
        return "vapix", f"{script} {group if group.startswith('root') else f'root.{group}'}"
    if script == "applications/list.cgi":
        return "vapix", script
    found = _METHOD.search(start)
    if found is None or not found[1].startswith(b"get"):
        return None
    return "vapix", f"{script} {found[1].decode()}"


def _reolink(fields: dict[str, str], start: bytes) -> tuple[str, str] | None:
    found = _METHOD.search(start)
    command = fields.get("cmd") or (found[1].decode() if found is not None else "")
    return ("reolink", command) if command.startswith("Get") else None


def _rpc2(start: bytes) -> tuple[str, str] | None:
    found = _METHOD.search(start)
    if found is None or not found[1].rpartition(b".")[2].startswith((b"get", b"list")):
        return None
    name = _CONFIG.search(start) if found[1].endswith(b".getConfig") else None
    return "dahua", f"RPC2 {found[1].decode()}" + (f" {name[1].decode()}" if name is not None else "")


def _dahua(method: str, script: str, fields: dict[str, str]) -> tuple[str, str] | None:
    action = fields.get("action", "")
    if method != "GET" or not (action.startswith("get") or action in _EVENTS):
        return None
    asked = [script, action]
    if action == "getConfig":
        asked.append(fields.get("name", ""))
    elif "channel" in fields:
        asked.append(fields["channel"])
    return "dahua", " ".join(each for each in asked if each)


def _onvif(method: str, path: str, soap_action: str | None, start: bytes) -> tuple[str, str] | None:
    """By the action's URI, else by the first element of the SOAP body, whose namespace tells the service."""
    if method != "POST":
        return None
    service = ""
    found = _ONVIF_ACTION.search(soap_action[:MAX_URI]) if soap_action else None
    if found is not None:
        action = found[3].removesuffix("Request")
        service = _service(found[1], found[2]) if found[2] else ""
    else:
        inner = _SOAP_BODY.search(start)
        if inner is None or (b"onvif.org" not in start and "onvif" not in path.lower()):
            return None
        action = inner[2].decode()
        bound = _NAMESPACE.search(inner[3]) or (_NAMESPACE.search(_declaration(start, inner[1])) if inner[1] else None)
        service = _service(bound[1].decode(), bound[2].decode()) if bound is not None else ""
    if not action.startswith("Get") and action not in _NOT_READING:
        return None
    return "onvif", f"{action} {service}" if action in _SHARED and service else action


def _declaration(start: bytes, prefix: bytes) -> bytes:
    at = start.find(b"xmlns:" + prefix + b"=")
    return start[at : at + 128] if at >= 0 else b""


def _service(version: str, name: str) -> str:
    return f"{name}2" if version == "ver20" and name == "media" else name


def _fields(query: str) -> dict[str, str]:
    """The first value of each parameter; past MAX_FIELDS none are read."""
    found: dict[str, str] = {}
    for name, value in parse_qsl("&".join(query.split("&")[:MAX_FIELDS]), keep_blank_values=True, errors="replace"):
        found.setdefault(name, value)
    return found
