"""Keeping: the evidence folder and its spool, for as long as somebody watches or replays."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from monitor.evidence.folder import Folder
from monitor.evidence.spool import ImageSpool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor.evidence.config import EvidenceConfig
    from monitor.model.limits import Limit


class Kept(NamedTuple):
    """Where evidence goes; None: it is not kept."""

    folder: Folder | None = None
    spool: ImageSpool | None = None

    def limits(self) -> list[Limit]:
        """How much room there is, and how much of it is taken."""
        return [limit for each in (self.folder, self.spool) if each is not None for limit in each.limits()]


@contextmanager
def keeping(
    state: Path | None, config: EvidenceConfig, *, live: bool, tell: Callable[[str], None] | None = None
) -> Iterator[Kept]:
    """The folder beside the journal in ``state``, as configured; ``live``: nobody who watches waits for the disk.

    ``tell`` is given a line when nothing can be kept, and one when it can be again; it may come from any thread.
    """
    if state is None or not (config.packets or config.images):
        yield Kept()
        return
    folder = Folder(state, config, hurried=live, tell=tell)
    spool = ImageSpool(folder, threaded=live) if config.images else None
    try:
        yield Kept(folder, spool)
    finally:
        if spool is not None:
            spool.close()
