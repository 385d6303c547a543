"""No capture that anybody ever published makes the product fail: 1,257 files, damaged ones and crash reproducers too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Final

import pytest

from monitor.incidents import ocsf
from tests.oracles.running import Run, every_capture, observed, replayed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

SECONDS_MAX: Final = 20
"""For one file, observe and replay together."""
FLOWS: Final = 1024
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Every host there is taken for a camera, so that every contact is judged and told."""
ODD: Final = (
    "2ic80_dahua_rtsp/rtsp.pcapng",
    "arkime/80211http.pcap",
    "ndpi/pcap/ossfuzz_seed_fake_traces_1.pcapng",
    "suricata_verify/tests/bug-1450-05/tls_DER-incomplete-content.pcap",
    "tcpdump/hdlc_slarp.pcapng",
    "tcpdump/of13_ericsson.pcapng",
    "zeek/Traces/http/methods.pcap",
    "zeek/Traces/tls/tls13-ech.pcap",
)
LINE: Final = re.compile(r"camwarden: (warning: |no host was recognised|/)|  \S|  none")
"""What may stand on stderr: what is wrong with a file, or the hosts seen where no camera was recognised."""


def survives(known: Knowledge, capture: Path) -> Run:
    """Feed it twice, as observe and as replay do, and render every message. Little room, so that flows are evicted."""
    begin = perf_counter()
    observed(known, capture, flows=FLOWS)
    run = replayed(known, capture, cameras=PRIVATE, home=("GB",), flows=FLOWS)
    for seq, transition in enumerate(run.told):
        assert ocsf.render(transition, sensor="test", epoch=0, seq=seq, version="0")
    assert perf_counter() - begin < SECONDS_MAX, "slow"
    assert run.faults == []
    assert run.engine.counts.faults == 0
    return run


@pytest.mark.parametrize("file", sorted({*spread(every_capture(), 50), *(ODD if every_capture() else ())}))
def test_a_sample_survives(file: str, captures: Path, known: Knowledge) -> None:
    """Nothing is raised, no parser fails by a defect of ours, and it is quick."""
    survives(known, captures / file)


@pytest.mark.slow
def test_every_capture_survives(captures: Path, known: Knowledge) -> None:
    """All of them; the failures are told together."""
    failed = {}
    for file in every_capture():
        try:
            survives(known, captures / file)
        except Exception as error:  # noqa: BLE001  whatever it is, the others are to be tried too
            failed[file] = repr(error)
    assert failed == {}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "monitor.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, env=environment)


def check_command_line(capture: Path, verb: str) -> None:
    done = run(verb, str(capture))
    assert done.returncode in {0, 2}
    assert "Traceback" not in done.stdout + done.stderr
    assert "defect" not in done.stderr
    lines = done.stderr.splitlines()
    assert all(LINE.match(line) for line in lines), lines
    assert (done.returncode == 2) == any(str(capture) in line for line in lines)


@pytest.mark.parametrize("verb", ["observe", "replay"])
@pytest.mark.parametrize("file", ODD[:1])
def test_the_command_line_survives(file: str, verb: str, captures: Path) -> None:
    """Exit 0, or 2 with a warning that names the file; never a traceback."""
    check_command_line(captures / file, verb)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["observe", "replay"])
@pytest.mark.parametrize("file", sorted({*ODD, *spread(every_capture(), 40)} if every_capture() else ()))
def test_the_command_line_survives_more(file: str, verb: str, captures: Path) -> None:
    """The same of a wider sample."""
    check_command_line(captures / file, verb)
