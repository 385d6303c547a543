"""Opening files that may be something else."""

from __future__ import annotations

import os


def unwaiting(path: str, flags: int) -> int:
    """Open a file without waiting for a FIFO's writer."""
    return os.open(path, flags | os.O_NONBLOCK)
