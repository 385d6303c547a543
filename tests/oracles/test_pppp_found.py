"""PPPP is found in every capture that has it and in no other.

That the list is whole was checked by hand: ``tshark -Y "udp.payload[0:1]==f1"`` over all captures, then magic, type and
length of what it shows. Besides those below it shows two kinds of datagram that are not claimed:

* DNS, SIP and others that happen to begin with F1; their length field does not fit;
* ``mudscope_foscam_wansview/outputs/ut-wansview-cam-exp3/*``: a Wansview camera's own dialect (F1 32 and F1 83 with
  bodies of 80 and 84 octets that begin with "ajy"), one broadcast to port 32106 from a new port each time and the
  quotes of ICMP errors. The framing is PPPP's, the bodies are not, and one datagram proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.oracles.running import every_capture, observed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

NKU = "nku_lifecycle/result_demo/traffic_demo/xiaobai_Y2camera_lifecycle/xiaobai_Y2camera"
HAVE_IT = {
    "intl_iot/model/yi_camera_sample.pcap": "Yi: logs in at three servers by key, streams to a phone on the LAN",
    f"{NKU}_setup.pcap": "the camera says hello, logs in, punches holes to the phone's two addresses",
    f"{NKU}_idle_local.pcap": "logs in every 20 s; one session is kept alive and closed",
    f"{NKU}_idle_remote.pcap": "logs in every 20 s",
    f"{NKU}_speak_local.pcap": "a running session: data and their acknowledgements only, off PPPP's ports",
    f"{NKU}_update.pcap": "logs in once, and reports a session",
    "smart_home_firewall/eval/latency/xiaomi-cam/no-firewall/wan.pcap": "logins, hole punching, video to a viewer abroad",
    "update_traffic_eufy/controlled/eufy/eufi_full_updated.pcapng": "logins at three servers, a running session",
}
WITHOUT = 60
"""How many of the other captures the normal suite looks at."""


@pytest.mark.parametrize("file", HAVE_IT)
def test_found(file: str, captures: Path, known: Knowledge) -> None:
    """Each capture that has PPPP shows it, and only PPPP's network is named."""
    rows = observed(known, captures / file, "p2p.contact")
    assert {row["network"] for row in rows} == {"pppp"}


def test_speak_remote_and_delete_have_none(captures: Path, known: Knowledge) -> None:
    """Two phases of the same camera go over TCP alone: to a relay on port 443, and to its cloud."""
    for phase in ("speak_remote", "delete"):
        assert observed(known, captures / f"{NKU}_{phase}.pcap", "p2p.contact") == []


@pytest.mark.parametrize("file", spread({*every_capture()} - {*HAVE_IT}, WITHOUT))
def test_not_found_elsewhere(file: str, captures: Path, known: Knowledge) -> None:
    """A sample of the other captures shows none."""
    assert observed(known, captures / file, "p2p.contact") == []


@pytest.mark.slow
def test_found_nowhere_else(captures: Path, known: Knowledge) -> None:
    """All captures: those listed show it, the other 1,249 do not."""
    found = {file for file in every_capture() if observed(known, captures / file, "p2p.contact")}
    assert found == {*HAVE_IT}
    assert len(every_capture()) == 1257
