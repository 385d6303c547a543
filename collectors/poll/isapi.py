"""Hikvision ISAPI: what is asked.

Sources: hikvision_next's fixtures, Hikvision's ISAPI guides; telnetd and
UPnP beside ssh in the web client of Hikvision cameras. Channel 1 stands for a camera; a recorder's own capability
document covers its channels. Nothing that makes the device look for an update is asked (onlineUpgrade/version).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.poll.question import Interface, Question, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response

ENDPOINTS: Final = (
    "System/deviceInfo",
    "System/capabilities",
    "System/Network/capabilities",
    "System/Network/EZVIZ",
    "System/Network/Ehome",
    "System/Network/ssh",
    "System/Network/telnetd",
    "System/Network/UPnP",
    "System/Network/ddns",
    "System/TwoWayAudio/channels",
    "System/Audio/capabilities",
    "System/onlineUpgrade/capabilities",
    "System/AlgorithmsInfo",
    "Security/adminAccesses",
    "Event/notification/httpHosts",
    "Event/notification/subscribeEventCap",
    "Event/triggers",
    "Smart/capabilities",
    "Intelligent/FDLib/capabilities",
    "ITC/capabilities",
    "Streaming/channels",
)
_UNKNOWN: Final = (b"notSupport", b"methodNotAllowed", b"invalidOperation")
"""subStatusCode of a ResponseStatus for what a device does not have; sent with 403 by some, with 200 by others."""
_HEAD: Final = 4096
"""Octets in which a ResponseStatus says it: it is a short document."""


def judge(response: Response) -> Verdict:
    """A ResponseStatus says more than the status."""
    head = response.body[:_HEAD]
    if b"ResponseStatus" in head:
        if any(b">" + code + b"<" in head for code in _UNKNOWN):
            return Verdict(Outcome.UNSUPPORTED, "not supported")
        if 200 <= response.status < 300 and b"<statusCode>1<" not in head:
            return Verdict(Outcome.FAILED, "an error in place of the answer")
    return by_status(response)


INTERFACE: Final = Interface(tuple(Question(endpoint, f"/ISAPI/{endpoint}") for endpoint in ENDPOINTS), judge)
