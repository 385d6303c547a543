"""Axis VAPIX: what is asked.

Sources: Kane610/axis. JSON methods that only read are POSTed, as VAPIX defines them;
param.cgi and applications/list.cgi are read with GET.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.poll.question import Interface, Question, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response

JSON: Final = "application/json"
METHODS: Final = (("basicdeviceinfo.cgi", "getAllProperties"), ("apidiscovery.cgi", "getApiList"))
GROUPS: Final = ("root.Properties", "root.Network", "root.RemoteService", "root.Audio")

_ERROR: Final = re.compile(rb'"error"\s*:\s*\{')
_UNKNOWN: Final = re.compile(rb'"code"\s*:\s*"?2004\b')
"""Method not supported."""
_HEAD: Final = 1024


def judge(response: Response) -> Verdict:
    """Errors come with status 200: as JSON that holds an error, of parameters as a comment."""
    verdict, head = by_status(response), response.body[:_HEAD]
    if verdict.outcome is Outcome.ANSWERED:
        if head.startswith(b"# Error"):
            return Verdict(Outcome.UNSUPPORTED, "no such parameters")
        if head.lstrip().startswith(b"{") and _ERROR.search(head):
            if _UNKNOWN.search(head):
                return Verdict(Outcome.UNSUPPORTED, "method not supported")
            return Verdict(Outcome.FAILED, "an error in place of the answer")
    return verdict


INTERFACE: Final = Interface(
    (
        *(
            Question(
                f"{script} {method}",
                f"/axis-cgi/{script}",
                "POST",
                f'{{"apiVersion":"1.0","context":"camwarden","method":"{method}"}}'.encode(),
                JSON,
            )
            for script, method in METHODS
        ),
        Question("applications/list.cgi", "/axis-cgi/applications/list.cgi"),
        *(Question(f"param.cgi {group}", f"/axis-cgi/param.cgi?action=list&group={group}") for group in GROUPS),
    ),
    judge,
)
