"""What tshark sees in a capture, once for all tests of a session."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIELDS: Final = (
    "frame.time_epoch",
    "frame.protocols",
    "eth.src",
    "vlan.id",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "ip.id",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "tcp.seq_raw",
    "tcp.len",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "icmp.type",
    "icmp.code",
    "dns.qry.name",
    "dns.flags.response",
    "tls.handshake.extensions_server_name",
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "icmp.checksum.status",
    "icmpv6.checksum.status",
    "_ws.malformed",
    "_ws.expert.severity",
    "_ws.expert.message",
)
CHECKS: Final = ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE")
ERROR: Final = 0x800000
"""PI_ERROR of Wireshark's expert information."""


@dataclass(frozen=True, slots=True)
class Row:
    """One packet; of a field that comes more than once, the outermost."""

    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields[name]

    def number(self, name: str) -> int:
        """A field as an integer, in the way tshark prints it."""
        return int(self.fields[name], 0)

    @property
    def ns(self) -> int:
        """Capture time."""
        seconds, _, rest = self.fields["frame.time_epoch"].partition(".")
        return int(seconds) * 1_000_000_000 + int(rest.ljust(9, "0"))

    @property
    def source(self) -> str:
        """IPv4 or IPv6; empty if it is neither."""
        return self.fields["ip.src"] or self.fields["ipv6.src"]

    @property
    def destination(self) -> str:
        """Likewise."""
        return self.fields["ip.dst"] or self.fields["ipv6.dst"]

    @property
    def faults(self) -> list[str]:
        """Bad checksums, malformed layers and errors."""
        found = [name for name in self.fields if name.endswith("checksum.status") and self.fields[name] == "0"]
        if self.fields["_ws.malformed"]:
            found.append("malformed")
        if self.fields["_ws.expert.severity"] and self.number("_ws.expert.severity") >= ERROR:
            found.append(self.fields["_ws.expert.message"])
        return found


def read(path: Path, *options: str) -> list[Row]:
    """All packets of a capture as tshark dissects them."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f", "-E", "separator=/t"]
    command += [part for check in CHECKS for part in ("-o", check)]
    command += [part for name in FIELDS for part in ("-e", name)]
    done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    return [Row(dict(zip(FIELDS, line.split("\t"), strict=True))) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def dissected() -> Callable[[Path], list[Row]]:
    """Read a capture through tshark; asked again for the same one, it does not run again."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    return cache(read)
