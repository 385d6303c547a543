"""Who reads what devices answer to the questions of others, seen passing.

A stand-in: nobody does yet. ``monitor.protocols.answers`` has functions of these names and shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.model.facts import Fact


def question_of(
    method: str,  # noqa: ARG001  as of answers
    uri: str,  # noqa: ARG001
    soap_action: str | None,  # noqa: ARG001
    body_start: bytes,  # noqa: ARG001
) -> tuple[str, str] | None:
    """The interface and question that a request is, if its answer is to be read."""
    return None


def read(
    api: str,  # noqa: ARG001  as of answers
    question: str,  # noqa: ARG001
    body: bytes,  # noqa: ARG001
    content_type: str | None,  # noqa: ARG001
) -> list[Fact]:
    """What an answer says."""
    return []
