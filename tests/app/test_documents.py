"""What the documents point at is there: files, headings, pictures, commands, keys."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from monitor import __version__, manual
from tests.app.living import ROOT

DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "deploy/README.md",
        "dashboards/RUNBOOK.md",
    )
]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"`((?:monitor|collectors|tests|pcaps|deploy|dashboards)/[\w./*-]+)`")


def anchors(path: Path) -> set[str]:
    """What a heading is called in a link, by GitHub."""
    lines = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL).splitlines()
    heads = [line.lstrip("# ").lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_names_lead_somewhere(path: Path) -> None:
    text = path.read_text()
    for target, anchor in LINK.findall(text):
        there = (path.parent / target) if target else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), f"{target}#{anchor}"
    for name in NAMED.findall(text):
        assert list(ROOT.glob(name.rstrip("/"))), name


def test_the_pictures_are_real_ones_and_small() -> None:
    """Made by the script; nothing is fetched by whoever looks at them."""
    svg = (ROOT / "deploy/pictures/demo.svg").read_text()
    words = " ".join(re.sub(r"&#160;|<[^>]*>", " ", svg).split())
    assert "140 incidents" in words
    assert "1 incident, 4 attempts , as described" in words
    assert "not as described" not in words
    assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?https?:", svg)
    assert (ROOT / "deploy/pictures/report.webp").read_bytes()[8:12] == b"WEBP"
    for picture in (ROOT / "deploy/pictures").glob("*.*"):
        assert picture.stat().st_size < 200_000, picture


def test_one_version() -> None:
    """In the package, its metadata, the changelog and the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert f"## {__version__} - " in (ROOT / "CHANGELOG.md").read_text()
    assert f"camwarden:{__version__}" in (ROOT / "deploy/compose/compose.yaml").read_text()


def test_commands_in_the_documents_are_commands() -> None:
    """Each word after camwarden in a block that is typed."""
    known = {words.split()[0] for words in manual.EXAMPLES}
    for path in DOCUMENTS:
        for block in re.findall(r"```\n(.*?)```", path.read_text(), re.DOTALL):
            for word in re.findall(r"(?:^|bin/|sudo |\| )camwarden ([a-z-]+)", block, re.MULTILINE):
                assert word in known, (path, word)
