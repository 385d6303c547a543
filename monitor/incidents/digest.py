"""Digest: ids that the same evidence always gives again."""

from __future__ import annotations

import hashlib


def digest(*parts: str | int | bytes) -> str:
    """32 hex digits that stand for ``parts``: the first half of their SHA-256."""
    joined = b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return hashlib.sha256(joined).hexdigest()[:32]
