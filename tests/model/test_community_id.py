"""Community ID 1.0."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from monitor.model.address import pack
from monitor.model.community_id import community_id

CAPTURES = Path(os.environ.get("CAMWARDEN_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))
BASELINE = CAPTURES / "community_id" / "baseline"

# From the specification's baseline/README.md (corelight/community-id-spec, BSD-3-Clause).
V4 = ("1.2.3.4", "5.6.7.8")
V6 = ("fe80:1:203:405:607:809:a0b:c0d", "fe80:1011:1213:1415:1617:1819:1a1b:1c1d")
VECTORS = [
    (V4, 1122, 3344, 6, "1:wCb3OG7yAFWelaUydu0D+125CLM="),
    (V4[::-1], 3344, 1122, 6, "1:wCb3OG7yAFWelaUydu0D+125CLM="),
    (V4, 1122, 3344, 17, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="),
    (V4, 1122, 3344, 132, "1:EKt4MsxuyaE6mL+hmrEkQ9csDD8="),
    (V4, 8, 0, 1, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0="),
    (V4[::-1], 0, 0, 1, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0="),
    (V4, 11, 0, 1, "1:f/YiSyWqczrTgfUCZlBUnvHRcPk="),
    (V6, 128, 0, 58, "1:0bf7hyMJUwt3fMED7z8LIfRpBeo="),
    (V6[::-1], 129, 0, 58, "1:0bf7hyMJUwt3fMED7z8LIfRpBeo="),
    (V6, 146, 0, 58, "1:fYC8+pz24E+EhANP1EZhpX0Dw10="),
    (V4, 0, 0, 46, "1:ikv3kmf89luf73WPz1jOs49S768="),
    (V6[::-1], 0, 0, 46, "1:wQ/2mwrnXP4lmJcHdGL5ePjR+e0="),
]


@pytest.mark.parametrize(("ends", "sport", "dport", "proto", "expected"), VECTORS)
def test_vectors_of_the_specification(ends: tuple[str, str], sport: int, dport: int, proto: int, expected: str) -> None:
    """Both directions, both address families and every protocol class give the published identifiers."""
    assert community_id(pack(ends[0]), pack(ends[1]), sport, dport, proto) == expected


def test_seed_and_hexadecimal() -> None:
    """A seed changes the hash, and without base64 the digest is spelled in hexadecimal."""
    ends = pack(V4[0]), pack(V4[1])
    assert community_id(*ends, 1122, 3344, 6, seed=1) == "1:HhA1B+6CoLbiKPEs5nhNYN4XWfk="
    assert community_id(*ends, 1122, 3344, 6, base64=False) == "1:c026f7386ef200559e95a53276ed03fb5db908b3"


def test_one_host_talking_to_itself_orders_by_port() -> None:
    """Where the addresses are equal the ports decide which end comes first."""
    own = pack("127.0.0.1")
    assert community_id(own, own, 5000, 80, 6) == community_id(own, own, 80, 5000, 6)


@pytest.mark.skipif(not BASELINE.is_dir(), reason=f"no captures at {CAPTURES} (CAMWARDEN_CAPTURES)")
@pytest.mark.parametrize(("name", "seed", "base64"), [("deflt", 0, True), ("seed1", 1, True), ("nob64", 0, False)])
def test_whole_baseline(name: str, seed: int, base64: bool) -> None:
    """Every flow of the specification's captures has the identifier of the reference implementation."""
    rows = json.loads((BASELINE / f"baseline_{name}.json").read_text())
    ours = [
        community_id(
            pack(row["saddr"]), pack(row["daddr"]), row.get("sport") or 0, row.get("dport") or 0, row["proto"],
            seed=seed, base64=base64,
        )
        for row in rows
    ]  # fmt: skip
    assert ours == [row["communityid"] for row in rows]
    assert len(rows) > 20
