"""Uniview LAPI: what is asked.

Sources: Uniview's own web clients, spelled as there
("NetWork", "UNP"). An answer says in ResponseCode whether it is one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.poll.question import Interface, Question, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response

ENDPOINTS: Final = (
    "System/DeviceInfo",
    "System/Capabilities",
    "Channel/0/NetWork/Telnet",
    "NetWork/Port",
    "NetWork/DDNS",
    "NetWork/UNP",
    "NetWork/SNMP",
    "NetWork/RegistInfo",
    "Network/Cloud",
    "Channel/0/NetWork/PortMap",
    "Media/Audio/Input",
    "System/ManageServer",
)
_CODE: Final = re.compile(rb'"ResponseCode"\s*:\s*(\d{1,9})')
_HEAD: Final = 1024


def judge(response: Response) -> Verdict:
    """A ResponseCode other than 0 is an error, whatever the status."""
    verdict = by_status(response)
    if verdict.outcome is Outcome.ANSWERED:
        code = _CODE.search(response.body[:_HEAD])
        if code is not None and int(code[1]) != 0:
            if b"not support" in response.body[:_HEAD].lower():
                return Verdict(Outcome.UNSUPPORTED, "not supported")
            return Verdict(Outcome.FAILED, f"an error in place of the answer ({int(code[1])})")
    return verdict


INTERFACE: Final = Interface(tuple(Question(endpoint, f"/LAPI/V1.0/{endpoint}") for endpoint in ENDPOINTS), judge)
