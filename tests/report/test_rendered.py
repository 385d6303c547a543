"""The report in a browser: it fits a desktop, a phone and paper, and loads nothing. Skipped without Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from monitor.enrich.catalogue import Catalogue
from monitor.policy.settings import SiteConfig
from monitor.report.making import make
from tests.report.full import month
from tests.report.journals import MADE

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (apt-get install chromium)")
PROBE = "<iframe src='report.html' style='border:0;width:{width}px;height:900px'></iframe>"
"""A phone is narrower than Chromium lets a window be."""
MEASURE = """<script>onload = () => {{ const page = document.querySelector('iframe').contentDocument.documentElement;
document.title = page.scrollWidth + ' ' + page.clientWidth + ' ' + page.querySelectorAll('section').length; }}</script>"""


def chromium(home: Path, *arguments: str) -> str:
    """What Chromium prints, within a minute, without a network."""
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--proxy-server=127.0.0.1:9",
            "--allow-file-access-from-files",
            f"--user-data-dir={home / 'profile'}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the month's report."""
    where = tmp_path_factory.mktemp("rendered")
    site = SiteConfig(home=("GB",), time_zone="Europe/London")
    page, _ = make(month(where / "state"), site, Catalogue.load(), made_ns=MADE)
    (where / "report.html").write_bytes(page)
    return where


@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_is_wider_than_the_screen(folder: Path, width: int) -> None:
    """Neither on a desktop nor on a phone must one scroll sideways."""
    probe = folder / f"probe-{width}.html"
    probe.write_text(f"<!DOCTYPE html>{PROBE.format(width=width)}{MEASURE.format()}")
    shown = chromium(folder, "--dump-dom", probe.as_uri())
    title = re.search(r"<title>(\d+) (\d+) (\d+)</title>", shown)
    assert title is not None, shown[:500]
    wide, room, devices = map(int, title.groups())
    assert wide <= room <= width
    assert devices == 5


def test_paper(folder: Path) -> None:
    """It prints, on some pages: the tables are not lost."""
    chromium(
        folder, f"--print-to-pdf={folder / 'report.pdf'}", "--no-pdf-header-footer", (folder / "report.html").as_uri()
    )
    printed = (folder / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type /Page\b", printed)) <= 12
