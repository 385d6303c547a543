"""Question: one read-only request of an interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.poll.client import Response


class Question(NamedTuple):
    key: str
    """Its name in a Reply: an endpoint, a SOAP action, a command."""
    path: str
    """With its query."""
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""


class Verdict(NamedTuple):
    """What a response means."""

    outcome: Outcome
    why: str = ""


ANSWERED = Verdict(Outcome.ANSWERED)
UNSUPPORTED = frozenset({400, 404, 405, 501})
"""What devices answer to a question that they do not know (RFC 9110 15.5 and 15.6; Dahua's CGI says 400)."""
LOCKED = 423
"""RFC 4918 11.3; used for an account that is locked."""


def by_status(response: Response) -> Verdict:
    """What the status alone says."""
    status = response.status
    if 200 <= status < 300:
        return ANSWERED
    if status in UNSUPPORTED:
        return Verdict(Outcome.UNSUPPORTED, f"status {status}")
    if status in {401, 403, LOCKED}:
        return Verdict(Outcome.REFUSED, f"status {status}")
    return Verdict(Outcome.FAILED, f"status {status}")


class Interface(NamedTuple):
    """What an interface that is plain HTTP is asked, and how its answers are told apart."""

    questions: tuple[Question, ...]
    judge: Callable[[Response], Verdict] = by_status
