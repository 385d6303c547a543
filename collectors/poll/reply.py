"""Reply: what came of one question to one device, as bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of a question. The set is closed."""

    ANSWERED = "answered"
    """The device answered it with what was asked for."""
    UNSUPPORTED = "unsupported"
    """It said that it does not know the question (400, 404, 405, 501; a fault that says so)."""
    REFUSED = "refused"
    """It did not accept the credentials, or asked for them in a way that is not given in to."""
    FAILED = "failed"
    """No answer, or one that breaks a bound: nothing is known, which is not the same as no."""


class Reply(NamedTuple):
    """One question's end."""

    device: str
    """Inventory name."""
    api: str
    """isapi onvif dahua vapix reolink sunapi lapi"""
    question: str
    """Its key: an endpoint, a SOAP action, a command."""
    at_ns: int
    """Wall time, UTC."""
    outcome: Outcome
    status: int | None
    """Of HTTP; None where no response came."""
    content_type: str | None
    body: bytes
    """Empty unless answered; bounded by the client."""
    why: str
    """What went wrong, for people; empty where nothing did. No secrets."""
