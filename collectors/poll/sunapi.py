"""Hanwha SUNAPI: what is asked.

Sources: Hanwha's SUNAPI documents (error 600: no such submenu, 608: not supported) and the web client of its cameras.
Only ``action=view`` reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.poll.question import Interface, Question, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response

VIEWS: Final = (
    ("system.cgi", "deviceinfo"),
    ("opensdk.cgi", "apps"),
    ("network.cgi", "upnpdiscovery"),
    ("network.cgi", "dynamicdns"),
    ("network.cgi", "snmp"),
    ("network.cgi", "portconf"),
    ("media.cgi", "audioinput"),
    ("media.cgi", "audiooutput"),
)
_ERROR: Final = re.compile(rb'(?:Error Code:\s*|"Code":\s*)(\d{3})\b')
_HEAD: Final = 512
NOT_SUPPORTED: Final = {b"600", b"608"}
"""Submenu not found, feature not implemented."""


def judge(response: Response) -> Verdict:
    """Errors come with status 200: as text that begins with NG, or as JSON whose Response is Fail."""
    head = response.body[:_HEAD]
    if head.startswith(b"NG") or b'"Fail"' in head:
        code = _ERROR.search(head)
        if code is not None and code[1] in NOT_SUPPORTED:
            return Verdict(Outcome.UNSUPPORTED, "not supported")
        return Verdict(Outcome.FAILED, "an error in place of the answer")
    return by_status(response)


INTERFACE: Final = Interface(
    (
        *(
            Question(f"{script} {submenu}", f"/stw-cgi/{script}?msubmenu={submenu}&action=view")
            for script, submenu in VIEWS
        ),
        Question("attributes.cgi attributes", "/stw-cgi/attributes.cgi/attributes"),
    ),
    judge,
)
