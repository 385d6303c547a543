"""ONVIF: what is asked, as SOAP composed by hand (ONVIF Core 5, and the WSDLs of its services).

Strategy: GetServices says which services there are and where; only the path of an advertised address is used, on the
pinned address, since whoever answers chooses it. The few values that later questions need (paths, the device's clock,
a token) are looked for in the octets with bounded patterns: no tree is built, no entity is expanded.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape, unescape

from collectors.poll.client import Request
from collectors.poll.question import Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collectors.poll.client import Response

ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"


class Service(StrEnum):
    """Namespaces, each a service of its own."""

    DEVICE = "http://www.onvif.org/ver10/device/wsdl"
    MEDIA = "http://www.onvif.org/ver10/media/wsdl"
    MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
    ANALYTICS = "http://www.onvif.org/ver20/analytics/wsdl"
    EVENTS = "http://www.onvif.org/ver10/events/wsdl"
    UPLINK = "http://www.onvif.org/ver10/uplink/wsdl"
    APPMGMT = "http://www.onvif.org/ver10/appmgmt/wsdl"


DEVICE_PATH: Final = "/onvif/device_service"
"""ONVIF Core 5.1.1: the one address that is fixed."""


class Action(NamedTuple):
    name: str
    service: Service
    body: str = ""
    """Inside the action's element; {token} is an analytics configuration's."""
    open: bool = False
    """PRE_AUTH: asked without logging in (ONVIF Core 5.9.4.3, access classes)."""


DATE: Final = Action("GetSystemDateAndTime", Service.DEVICE, open=True)
SERVICES: Final = Action("GetServices", Service.DEVICE, "<IncludeCapability>true</IncludeCapability>", open=True)
CAPABILITIES: Final = Action("GetCapabilities", Service.DEVICE, "<Category>All</Category>", open=True)
PROFILES: Final = Action("GetProfiles", Service.MEDIA)
_TOKEN: Final = "<ConfigurationToken>{token}</ConfigurationToken>"  # noqa: S105  names a configuration
ACTIONS: Final = (
    DATE,
    Action("GetDeviceInformation", Service.DEVICE),
    SERVICES,
    CAPABILITIES,
    Action("GetScopes", Service.DEVICE),
    Action("GetNetworkProtocols", Service.DEVICE),
    Action("GetDynamicDNS", Service.DEVICE),
    Action("GetGeoLocation", Service.DEVICE),
    PROFILES,
    Action("GetAudioSources", Service.MEDIA),
    Action("GetAudioOutputs", Service.MEDIA),
    Action("GetAudioDecoderConfigurations", Service.MEDIA),
    Action("GetSupportedAnalyticsModules", Service.ANALYTICS, _TOKEN),
    Action("GetSupportedRules", Service.ANALYTICS, _TOKEN),
    Action("GetAnalyticsModules", Service.ANALYTICS, _TOKEN),
    Action("GetRules", Service.ANALYTICS, _TOKEN),
    Action("GetSupportedMetadata", Service.ANALYTICS),
    Action("GetEventProperties", Service.EVENTS),
    Action("GetUplinks", Service.UPLINK),
    Action("GetInstalledApps", Service.APPMGMT),
)

_PREFIX: Final = rb"(?:[\w.-]{1,64}:)?"
_SERVICE: Final = re.compile(
    rb"<" + _PREFIX + rb"Namespace\s*>\s*([^<\s]{1,256})\s*</[^>]{1,80}>\s*"
    rb"<" + _PREFIX + rb"XAddr\s*>\s*([^<\s]{1,1024})\s*<"
)
_CATEGORY: Final = re.compile(
    rb"<" + _PREFIX + rb"(Analytics|Device|Events|Media)(?:\s[^<>]{0,512})?>\s*"
    rb"<" + _PREFIX + rb"XAddr\s*>\s*([^<\s]{1,1024})\s*<"
)
_CATEGORIES: Final = {
    b"Analytics": Service.ANALYTICS,
    b"Device": Service.DEVICE,
    b"Events": Service.EVENTS,
    b"Media": Service.MEDIA,
}
_CONFIGURATION: Final = re.compile(
    rb"<" + _PREFIX + rb"VideoAnalyticsConfiguration\s[^<>]{0,512}?\btoken\s*=\s*[\"']([^\"'<>]{1,64})[\"']"
)
"""A ReferenceToken has at most 64 characters (ONVIF Core, onvif.xsd)."""
_PATH: Final = re.compile(r"https?://[^/?#]{1,255}(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,255})?", re.IGNORECASE)
_FAULT: Final = re.compile(rb"<" + _PREFIX + rb"Fault[\s>]")
_NOT_AUTHORIZED: Final = re.compile(rb"NotAuthorized|FailedAuthentication|FailedCheck|not authorized", re.IGNORECASE)
"""ter:NotAuthorized of ONVIF; the others of WS-Security 1.1, 12."""
_NOT_SUPPORTED: Final = re.compile(
    rb"ActionNotSupported|UnknownAction|OptionalActionNotImplemented|NoSuchService|NotImplemented|not implemented"
)
"""ter: subcodes of ONVIF Core 5.8.2; the last of gSOAP."""


def envelope(action: Action, path: str, *, security: str = "", token: str = "") -> Request:
    """The request for an action."""
    inner = action.body.replace("{token}", escape(token))
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}"><s:Header>{security}</s:Header>'
        f'<s:Body><{action.name} xmlns="{action.service}">{inner}</{action.name}></s:Body></s:Envelope>'
    )
    kind = f'application/soap+xml; charset=utf-8; action="{action.service}/{action.name}"'
    return Request("POST", path, body.encode(), kind)


def paths(body: bytes) -> dict[Service, str]:
    """Where the services are, from an answer to GetServices or, of older devices, to GetCapabilities."""
    found: dict[Service, str] = {}
    known = {service.value.encode(): service for service in Service}
    for name, address in _SERVICE.findall(body):
        _add(found, known.get(name), address)
    if not found:
        for name, address in _CATEGORY.findall(body):
            _add(found, _CATEGORIES[name], address)
    return found


def _add(found: dict[Service, str], service: Service | None, address: bytes) -> None:
    if service is None or service in found:
        return
    match = _PATH.fullmatch(unescape(address.decode("utf-8", "replace")))
    if match is not None:
        found[service] = match[1] or "/"


def configuration(body: bytes) -> str | None:
    """Token of the first analytics configuration in an answer to GetProfiles."""
    found = _CONFIGURATION.search(body)
    return unescape(found[1].decode("utf-8", "replace")) if found is not None else None


def missing(action: Action, where: Mapping[Service, str], *, listed: bool, token: str | None) -> str:
    """Why an action cannot be asked of this device; empty where it can."""
    if listed and action.service is not Service.DEVICE and action.service not in where:
        return "the device names no such service"
    if "{token}" in action.body and token is None:
        return "no profile has an analytics configuration"
    return ""


def not_authorized(response: Response) -> bool:
    """Whether a fault says that the token of the log-in was not taken, or not enough."""
    if response.status in {401, 403}:
        return True
    return _is_fault(response) and _NOT_AUTHORIZED.search(response.body) is not None


def judge(response: Response) -> Verdict:
    """A fault says more than the status."""
    if not_authorized(response):
        return Verdict(Outcome.REFUSED, "not authorized")
    if _is_fault(response):
        if _NOT_SUPPORTED.search(response.body):
            return Verdict(Outcome.UNSUPPORTED, "action not supported")
        if 200 <= response.status < 300 or response.status >= 500:
            return Verdict(Outcome.FAILED, "a fault")
    return by_status(response)


def _is_fault(response: Response) -> bool:
    return _FAULT.search(response.body[:4096]) is not None
