"""What is said of a device whose firmware has a known hole."""

from __future__ import annotations

from datetime import date

import pytest

from monitor.detectors.known_vulnerable import detect
from monitor.enrich.catalogue import Catalogue
from monitor.model.incidents import Kind, Severity
from monitor.model.verdicts import Confidence
from monitor.model.vulnerabilities import Match


def match(key: str = "CVE-2099-1", *, certain: bool = True, kev: date | None = None) -> Match:
    return Match(key, "anybody can log in", certain, "affected: before 9.9", "the maker", Severity.HIGH, kev)


LISTED = date(2022, 1, 10)


@pytest.mark.parametrize(
    ("matches", "severity", "confidence", "properties"),
    [
        ([match()], Severity.HIGH, Confidence.HIGH, ()),
        ([match(kev=LISTED)], Severity.CRITICAL, Confidence.HIGH, ("known_exploited",)),
        ([match(kev=LISTED, certain=False)], Severity.HIGH, Confidence.LOW, ("known_exploited",)),
        ([match(), match("CVE-2099-2", kev=LISTED, certain=False)], Severity.HIGH, Confidence.HIGH, ()),
        ([match(), match("CVE-2099-2", kev=LISTED)], Severity.CRITICAL, Confidence.HIGH, ("known_exploited",)),
    ],
)
def test_how_grave_it_is(
    matches: list[Match], severity: Severity, confidence: Confidence, properties: tuple[str, ...]
) -> None:
    """Critical is what is certain and known to be exploited, both of the same hole or set of holes."""
    found = detect("cam-1", "Acme", "X1", "9.8", matches)
    assert found is not None
    assert (found.kind, found.severity, found.confidence, found.properties) == (
        Kind.KNOWN_VULNERABLE,
        severity,
        confidence,
        properties,
    )


def test_no_hole_no_notice() -> None:
    """Of a firmware of which nothing is known nothing is said."""
    assert detect("cam-1", "Acme", "X1", "9.8", []) is None


def test_words_from_the_catalogue() -> None:
    """The device, the holes, the range, who says so and since when it is exploited; what is possible stands behind."""
    matches = Catalogue.load().vulnerabilities_of("hikvision", "DS-2CD2142FWD-IS", "V5.4.1 build 160525")
    found = detect("cam-1", "Hikvision", "DS-2CD2142FWD-IS", "V5.4.1 build 160525", matches)
    assert found is not None
    assert found.message == (
        "Device cam-1 runs Hikvision DS-2CD2142FWD-IS V5.4.1 build 160525, which has CVE-2017-7921 (anybody can log in "
        "as its administrator); affected: from V5.3.1 build 150410 to V5.4.4 build 161125 (NVD, CVE-2017-7921); "
        "CISA has listed it as exploited since 2026-03-05; and 1 more: CVE-2021-36260"
    )
    assert found.rule == "catalogue: CVE-2017-7921, CVE-2021-36260"
    assert found.news == ("CVE-2017-7921", "CVE-2021-36260 possible")


def test_what_is_only_possible_says_so() -> None:
    """It may have the hole, and why that is not sure is told."""
    found = detect("cam-1", None, None, "9.8", [match(certain=False)])
    assert found is not None
    assert found.message == (
        "Device cam-1 runs 9.8, which may have CVE-2099-1 (anybody can log in); affected: before 9.9 (the maker)"
    )
    assert found.news == ("CVE-2099-1 possible",)
