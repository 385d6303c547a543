"""What tshark reads in a capture, by the names of ``camwarden observe``; and JA4 computed from its fields."""

from __future__ import annotations

import hashlib
import subprocess
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

GREASE: Final = {value << 8 | value for value in range(0x0A, 0x100, 0x10)}
"""RFC 8701."""
SNI, ALPN = 0x0000, 0x0010
"""Extensions that JA4 counts and does not hash."""
VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10"}


def rows(capture: Path, only: str, *fields: str) -> list[tuple[str, ...]]:
    """These fields of each packet that the filter lets pass; of a field that is there often, all, behind commas."""
    command = [
        "tshark",
        "-n",
        "-r",
        str(capture),
        "-Y",
        only,
        "-T",
        "fields",
        "-E",
        "occurrence=a",
        "-E",
        "aggregator=,",
    ]
    command += chain.from_iterable(("-e", field) for field in fields)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def fingerprints(capture: Path) -> list[tuple[str, str]]:
    """Server name and JA4 of each client hello over TCP (FoxIO's specification of JA4, 2023)."""
    fields = (
        "tls.handshake.extensions_server_name", "tls.handshake.ciphersuite", "tls.handshake.extension.type",
        "tls.handshake.extensions_alpn_str", "tls.handshake.extensions.supported_version", "tls.handshake.version",
        "tls.handshake.sig_hash_alg",
    )  # fmt: skip
    return [(row[0], _ja4(*row[1:])) for row in rows(capture, "tls.handshake.type == 1", *fields)]


def _ja4(ciphers: str, extensions: str, alpn: str, offered: str, version: str, algorithms: str) -> str:
    suites, kinds = _numbers(ciphers), _numbers(extensions)
    newest = max(_numbers(offered) or _numbers(version))
    first = alpn.split(",", maxsplit=1)[0]
    ends = first[0] + first[-1] if first else "00"
    hashed = sorted(kind for kind in kinds if kind not in (SNI, ALPN))
    signed = _hex(_numbers(algorithms))
    described = _hex(hashed) + (f"_{signed}" if signed else "")
    name = "d" if SNI in kinds else "i"
    return f"t{VERSIONS[newest]}{name}{len(suites):02d}{len(kinds):02d}{ends}_{_digest(_hex(sorted(suites)))}_{_digest(described)}"


def _numbers(cell: str) -> list[int]:
    return [number for number in (int(text, 0) for text in cell.split(",") if text) if number not in GREASE]


def _hex(numbers: list[int]) -> str:
    return ",".join(f"{number:04x}" for number in numbers)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
