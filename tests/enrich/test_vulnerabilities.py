"""Known holes: certain where everything is decided, possible where it is not, nothing where nothing can be said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.enrich.catalogue import Catalogue, CatalogueError
from monitor.model.versions import parse

if TYPE_CHECKING:
    from pathlib import Path

HEAD = (
    '[sources]\nOWN = "seen on our own network"\n[[vulnerability]]\nkey = "CVE-2099-0001"\nname = "anybody can look"\n'
)
ROW = HEAD + 'vendor = "axis"\nseverity = "high"\nsource = "OWN"\n[[vulnerability.affected]]\nsource = "OWN"\n'


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def own(path: Path, text: str) -> Catalogue:
    (path / "own.toml").write_text(text)
    return Catalogue.load(path)


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "found"),
    [
        # By model, from the first to the last version, both with their builds.
        ("hikvision", "DS-2CD2142FWD-IS", "V5.4.1 build 160525", {"CVE-2017-7921": True, "CVE-2021-36260": False}),
        ("hikvision", "ds-2cd2032f-i", "V5.2.0 build 140721", {"CVE-2017-7921": True, "CVE-2021-36260": False}),
        ("hikvision", "DS-2CD2032F-I", "V5.4.0 build 160530", {"CVE-2017-7921": True, "CVE-2021-36260": False}),
        ("hikvision", "DS-2CD2032F-I", "V5.4.0 build 160531", {"CVE-2021-36260": False}),
        ("hikvision", "DS-2CD2032F-I", "V5.2.0 build 140720", {"CVE-2021-36260": False}),
        ("hikvision", "DS-2CD2132F-I", "V5.3.0", {"CVE-2017-7921": True}),
        ("hikvision", "DS-2CD2032F-I", "V5.4.0", {}),
        ("hikvision", "DS-2CD2385G1-I", "V5.4.1 build 160525", {"CVE-2021-36260": False}),
        ("hikvision", "DS-2CD2143G2-I", "V5.7.3 build 220112", {}),
        # Without its model a device may be one of those.
        ("hikvision", None, "V5.4.1 build 160525", {"CVE-2017-7921": False, "CVE-2021-36260": False}),
        # Daughters and sellers have the maker's firmware; a model of the maker's decides, another one does not.
        ("prama", "DS-2CD2142FWD-IS", "V5.4.1 build 160525", {"CVE-2017-7921": True, "CVE-2021-36260": False}),
        ("annke", "I51DD", "V5.4.1 build 160525", {"CVE-2017-7921": False, "CVE-2021-36260": False}),
        ("axis", "DS-2CD2142FWD-IS", "V5.4.1 build 160525", {}),
        # Branches that go on side by side are not compared.
        ("dahua", "IPC-HDW3841EM-AS", "2.800.0000000.8.R,build:2020-07-05", {"CVE-2021-33044": True}),
        ("dahua", "IPC-HDW3841EM-AS", "2.800.0000000.29.R,build:2021-06-30", {}),
        ("dahua", "IPC-HDW3841EM-AS", "2.622.0000000.30.R,build:2021-11-05", {}),
        ("dahua", "IPC-HDW3841EM-AS", "2.622.0000000.8.R,build:2021-01-05", {"CVE-2021-33044": False}),
        ("dahua", "IPC-HDW3841EM-AS", "2.800.0000000.8.T", {}),
        (
            "amcrest",
            "IP8M-2496E",
            "2.800.00AC000.0.R, Build Date 2020-03-05",
            {"CVE-2021-33044": False, "CVE-2021-33045": False},
        ),
        ("reolink", "RLC-410W", "v3.0.0.136_20121102", {"CVE-2021-40407": True}),
        ("reolink", "RLC-410W", "v3.0.0.136_20121103", {}),
        ("reolink", "RLC-810A", "v3.0.0.136_20121102", {}),
        ("nuuo", "NVRmini 2", "3.9.1", {"CVE-2018-14933": True, "CVE-2022-23227": True}),
        ("nuuo", "NVRmini 2", "03.11.0000.0016", {"CVE-2022-23227": True}),
        ("nuuo", "NVRmini 2", "03.11.0000.0017", {}),
        ("ptzoptics", "PT30X-NDI-GY-G3", "6.3.39", {"CVE-2024-8956": True, "CVE-2024-8957": True}),
        ("ptzoptics", "PT30X-NDI-GY-G3", "6.3.40", {}),
        # Every version: it need not be known.
        ("edimax", "IC-7100", None, {"CVE-2025-1316": True}),
        ("edimax", None, None, {"CVE-2025-1316": False}),
        ("edimax", "IC-3116W", "1.0", {}),
        # No order, no answer.
        ("xiongmai", "50X50-WG", "V5.00.R02.00030747.10010.349f17.0000000", {}),
        ("hikvision", "DS-2CD2142FWD-IS", "banana", {}),
        ("hikvision", "DS-2CD2142FWD-IS", None, {}),
        (None, "DS-2CD2142FWD-IS", "V5.4.1 build 160525", {}),
    ],
)
def test_holes_of(
    catalogue: Catalogue, vendor: str | None, model: str | None, firmware: str | None, found: dict[str, bool]
) -> None:
    """Which holes, and whether for certain."""
    assert {match.key: match.certain for match in catalogue.vulnerabilities_of(vendor, model, firmware)} == found


def test_the_surest_stands_first_and_says_why(catalogue: Catalogue) -> None:
    """A match has the range and its source in words, and since when it is known to be exploited."""
    first, second = catalogue.vulnerabilities_of("hikvision", "DS-2CD2142FWD-IS", "V5.4.1 build 160525")
    assert (first.key, first.why, first.source, str(first.kev), first.severity.label) == (
        "CVE-2017-7921",
        "affected: from V5.3.1 build 150410 to V5.4.4 build 161125",
        "NVD, CVE-2017-7921",
        "2026-03-05",
        "critical",
    )
    assert second.why == "affected: built before 2021-07-02, but the source does not name every model"


def test_every_bound_is_within_itself(catalogue: Catalogue) -> None:
    """No row is dead: the last version of each range, or the first, is found with the row's own model."""
    for row in catalogue.vulnerabilities.values():
        for part in row.affected:
            bound = part.last or part.first
            if bound is None or part.models[0].endswith("]*"):
                continue
            model = part.models[0].replace("[0-9]", "4").rstrip("*")
            keys = [match.key for match in catalogue.vulnerabilities_of(row.vendor, model, bound) if match.certain]
            assert row.key in keys, (row.key, part)
            assert parse(row.vendor, bound) is not None


def test_exploited_ones_are_known_by_their_date(catalogue: Catalogue) -> None:
    """What CISA lists has its date; what it does not list has none."""
    listed = {key for key, row in catalogue.vulnerabilities.items() if row.kev is not None}
    assert catalogue.vulnerabilities.keys() - listed == {
        "CVE-2018-10661",
        "tvt-nvms9000",
        "uniview-main-cgi",
        "xm-opentelnet",
    }
    assert str(catalogue.vulnerabilities["CVE-2021-36260"].kev) == "2022-01-10"


def test_a_row_of_ones_own(tmp_path: Path) -> None:
    """A site's own row counts like an embedded one."""
    found = own(tmp_path, ROW + 'models = ["M30*"]\nfixed = "9.80.3"\n').vulnerabilities_of("axis", "M3045-V", "9.80.2")
    assert [(match.key, match.certain, match.why) for match in found] == [
        ("CVE-2099-0001", True, "affected: before 9.80.3")
    ]


def test_unverified_rows_decide_nothing(tmp_path: Path) -> None:
    """A lead is kept on file and no more."""
    text = ROW + 'fixed = "9.80.3"\nverified = false\n'
    assert own(tmp_path, text).vulnerabilities_of("axis", "M3045-V", "9.80.2") == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW + 'fixed = "banana"', "fixed: 'banana' is no version of axis's whose order is known"),
        (ROW + 'from = "9.80.1"\nfixed = "9.80.1"', "nothing lies between '9.80.1' and '9.80.1'"),
        (ROW + 'from = "9.81"\nto = "9.80"', "nothing lies between '9.81' and '9.80'"),
        (ROW + 'to = "9.80"\nfixed = "9.81"', "to and fixed exclude each other"),
        (ROW.replace('"axis"', '"acsis"'), "there is no vendor 'acsis'"),
        (ROW.replace("CVE-2099-0001", "CVE-99-1"), "a key is a CVE id or a name in lower case"),
        (ROW.replace('"high"', '"dire"'), "Invalid enum value 'dire'"),
        (ROW + "fixd = 1", "(nearest known key: fixed)"),
        (ROW.replace('source = "OWN"\n[[', 'source = "X"\n[['), "source 'X' is not in any [sources] table"),
        (ROW + 'built_before = "soon"', "vulnerability 'CVE-2099-0001', affected[0], built_before: Invalid RFC3339"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, row: str, why: str) -> None:
    """One line names the file, the row and what is wrong."""
    with pytest.raises(CatalogueError) as refused:
        own(tmp_path, row)
    assert str(refused.value).startswith("own.toml: ")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
