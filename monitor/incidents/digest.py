"""Digest: ids that the same evidence always gives again."""

from __future__ import annotations

import hashlib
from typing import Final

_SHA256: Final = hashlib.sha256()
"""Copied, which costs half of what a new one does."""


def digest(*parts: str | int | bytes) -> str:
    """32 hex digits that stand for ``parts``: the first half of their SHA-256."""
    joined = b"\0".join([part if isinstance(part, bytes) else str(part).encode() for part in parts])
    whole = _SHA256.copy()
    whole.update(joined)
    return whole.hexdigest()[:32]
