"""All targets by name. Those of conversations come from the registry of protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.fuzz import answers, conversations, parts, whole

if TYPE_CHECKING:
    from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = conversations.targets() | parts.targets() | answers.targets() | whole.targets()
