"""What devices answer, asked by ourselves or by others in the clear: bytes in, facts out."""

from __future__ import annotations

from monitor.protocols.answers.events import EventStream
from monitor.protocols.answers.questions import question_of
from monitor.protocols.answers.reading import APIS, read

__all__ = ["APIS", "EventStream", "question_of", "read"]
