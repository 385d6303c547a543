"""Making: from a journal to the file, in one step."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.policy.maintenance import time_zone
from monitor.report.gathering import gather
from monitor.report.page import render
from monitor.report.words import SECOND_NS

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.enrich.catalogue import Catalogue
    from monitor.policy.settings import SiteConfig


def make(
    directory: Path,
    site: SiteConfig,
    catalogue: Catalogue,
    since_ns: int | None = None,
    until_ns: int | None = None,
    *,
    made_ns: int,
) -> tuple[bytes, int]:
    """The report of a journal, and how many rows of it cannot be read.

    The same journal, times, catalogue and version give the same bytes.

    Raises:
        StoreError: there is no journal, or it cannot be read.
        ValueError: the time ends before it begins, or the site's time zone is none.

    """
    if since_ns is not None and until_ns is not None and since_ns >= until_ns:
        raise ValueError("--since must be before --until")
    facts = gather(directory, site, catalogue, since_ns, until_ns, __version__)
    return render(facts, made_ns), facts.damaged


def moment(text: str | None, site: SiteConfig, where: str) -> int | None:
    """A time as people write it (ISO 8601), by the site's clock if it does not say. ValueError names ``where``."""
    if text is None:
        return None
    zone = time_zone(site.time_zone, "site.time_zone")
    try:
        read = datetime.fromisoformat(text)
        seconds = (read if read.tzinfo is not None else read.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        msg = f"{where} {text}: a time such as 2026-11-01 or 2026-11-01T08:00 is wanted"
        raise ValueError(msg) from None
    return max(0, int(seconds)) * SECOND_NS
