"""The pictures of the README, from real runs: ``python deploy/pictures/make.py``.

demo.svg is what ``camwarden demo`` prints of five scenes. report.webp is a chapter of the assurance report on the
journal that a replay of one of them leaves, as Chromium shows it 1100 pixels wide. Without Chromium it stays.
"""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from monitor import demo
from monitor.logs import configure

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]
SCENES: Final = ("quiet_site", "irish_vendor_cloud", "audio_woken", "push_update", "airport_storm")
REPORTED: Final = "push_update"
COLUMNS: Final = 116
WIDTH: Final = 1100
HEIGHT: Final = 1640
"""Pixels: a desktop's width, and the chapter of one device down to what it can do."""
FRAME: Final = """<!DOCTYPE html><style>body { margin: 0; overflow: hidden }
iframe { border: 0; width: 100vw; height: 100vh }</style><iframe src="report.html"></iframe>
<script>onload = () => {
document.querySelector("iframe").contentDocument.getElementById("device-1").scrollIntoView(); }</script>"""
PACKED: Final = """<!DOCTYPE html><img src="report.png"><script>onload = () => {
const picture = document.querySelector("img"), canvas = document.createElement("canvas");
canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
canvas.getContext("2d").drawImage(picture, 0, 0);
document.body.textContent = canvas.toDataURL("image/webp", 0.8); }</script>"""
"""Chromium can make a WebP of what it has shown: a third of the size."""
FONT_FACES: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Rich names fonts on a server; whoever looks at a picture of ours is not to be seen there."""

log = logging.getLogger("pictures")


def terminal() -> str:
    """The demo's terminal as SVG."""
    configure(quiet=True)
    demo.ORDER = SCENES  # type: ignore[misc]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    if not asyncio.run(demo.Demo(once=True, paced=False, console=console).run()):
        sys.exit("the demo did not find what it should")
    return FONT_FACES.sub("", console.export_svg(title="camwarden demo --once"))


def report(chromium: str, out: Path) -> None:
    """The report of a journal as a picture."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        command = [sys.executable, "-m", "monitor.cli"]
        (folder / "site.toml").write_text(site())
        told_by = ["--config", folder / "site.toml", "--state", folder / "state"]
        replayed = [*command, "replay", *told_by, f"pcaps/{REPORTED}.pcap"]
        subprocess.run(replayed, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        subprocess.run([*command, "report", *told_by, "-o", folder / "report.html"], check=True, cwd=ROOT)
        (folder / "frame.html").write_text(FRAME)
        (folder / "packed.html").write_text(PACKED)
        program = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        program += [
            "--proxy-server=127.0.0.1:9",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={WIDTH},{HEIGHT}",
        ]
        program += ["--allow-file-access-from-files", "--virtual-time-budget=5000"]
        shot = [f"--screenshot={folder / 'report.png'}", (folder / "frame.html").as_uri()]
        subprocess.run([*program, *shot], check=True, capture_output=True, timeout=60)
        dump = ["--dump-dom", (folder / "packed.html").as_uri()]
        done = subprocess.run([*program, *dump], check=True, capture_output=True, text=True, timeout=60)
        found = re.search(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", done.stdout)
        if found is None:
            sys.exit("Chromium made no picture")
        out.write_bytes(base64.b64decode(found[1]))


def site() -> str:
    """The configuration of the scene: its description without the story and what is expected."""
    text = (ROOT / f"pcaps/{REPORTED}.toml").read_text()
    return text[text.index("[sensor]") : text.index("[[expect]]")]


def main() -> None:
    """Write both."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    (FOLDER / "demo.svg").write_text(terminal())
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        log.warning("no Chromium here: the report's picture stays")
        return
    report(chromium, FOLDER / "report.webp")


if __name__ == "__main__":
    main()
