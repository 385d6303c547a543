"""STUN, TFTP, FTP, Telnet, SSH, SMB, RDP, MQTT and port mappings are found in the flows in which tshark sees them.

Not compared are what tshark sees and this product does not look for: inside tunnels (GRE, Geneve, MPLS) and IP over
InfiniBand, SMB without a session (browser announcements to UDP 138, IPX), and the ports between which TFTP transfers
what was asked for on port 69. All other differences are in MISSED and MORE.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.oracles.running import every_capture, observed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

Flow = tuple[str, frozenset[tuple[str, str]]]
"""Protocol, and the addresses and ports of both ends."""

DISSECTORS: Final = {
    "stun": "stun", "classicstun": "stun", "tftp": "tftp", "ftp": "ftp", "telnet": "telnet", "ssh": "ssh",
    "smb": "smb", "smb2": "smb", "rdp": "rdp", "mqtt": "mqtt", "vnc": "vnc", "nat-pmp": "portmap",
    "portcontrol": "portmap",
}  # fmt: skip
PROTOCOLS: Final = frozenset(DISSECTORS.values())
NOT_COMPARED: Final = frozenset({"gre", "geneve", "mpls", "ipoib", "nbdgm", "ipx"})
FIELDS: Final = (
    "frame.protocols", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.srcport", "tcp.srcport", "udp.dstport",
    "tcp.dstport",
)  # fmt: skip
KINDS: Final = ("stun", "service.banner", "file.request", "port.mapping")

MISSED: Final = {
    # Flows of a fuzzer: pieces of a server's greeting under addresses and ports that it changed.
    ("ndpi/pcap/fuzz-2006-06-26-2594.pcap", "ftp"): 4,
    # A connection under way, encrypted: port 22 is all that says SSH.
    ("tcpdump/kday3.pcap", "ssh"): 1,
    ("tcpdump/mptcp-v0.pcap", "ssh"): 1,
    # The server's CONNACK alone: four octets, two of them zero.
    ("suricata_verify/tests/mqtt-events-missing-connect/input.pcap", "mqtt"): 1,
}
MORE: Final = {
    # On ports where tshark expects another protocol, or none.
    ("arkime/turn.pcap", "stun"): 1,  # TURN over TCP port 80
    ("arkime/smb-port80.pcap", "smb"): 1,
    ("arkime/tcp_handshake_synthetic.pcap", "ssh"): 1,
    ("ndpi/pcap/custom_categories.pcapng", "ssh"): 1,
    ("ndpi/pcap/ssh.pcap", "ssh"): 1,
    ("zeek/Traces/globus-url-copy-bad-encoding.pcap", "ftp"): 1,  # GridFTP on port 2811
}
SAMPLE: Final = (
    "arkime/arkime_synthetic.pcap",
    "arkime/smbtorture-ntlmssp.pcap",
    "arkime/stun.pcap",
    "arkime/turn.pcap",
    "arkime/v6.pcap",
    "iot_sentinel/EdnetCam1/Setup-A-1-STA.pcap",
    "iot_sentinel/WeMoLink/Setup-C-1-STA.pcap",
    "mercury/unit_tests/pcaps/ftp.pcap",
    "ndpi/pcap/fuzz-2006-06-26-2594.pcap",
    "ndpi/pcap/gnutella.pcap",
    "ndpi/pcap/iphone.pcap",
    "ndpi/pcap/stun_wa_call.pcapng",
    "ndpi/pcap/telnet.pcap",
    "tcpdump/mptcp-v0.pcap",
    "zeek/Traces/globus-url-copy-bad-encoding.pcap",
    "zeek/Traces/netbios/netbios-split-session-msg.pcap",
)
SPREAD: Final = 10
"""How many of all captures the normal suite looks at beside them."""


def dissected(capture: Path) -> set[Flow]:
    """What tshark sees."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark")
    command = [tshark, "-n", "-r", str(capture), "-Y", " || ".join(DISSECTORS), "-T", "fields", "-E", "occurrence=l"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    flows: set[Flow] = set()
    for line in done.stdout.splitlines():
        stack, *values = line.split("\t")
        layers = stack.split(":")
        # One of each two is empty: IPv4 or IPv6, UDP or TCP.
        src, dst, sport, dport = (a or b for a, b in zip(values[::2], values[1::2], strict=True))
        for protocol in {DISSECTORS[layer] for layer in layers if layer in DISSECTORS}:
            if NOT_COMPARED.isdisjoint(layers) and (protocol != "tftp" or "69" in {sport, dport}):
                flows.add((protocol, frozenset({(src, sport), (dst, dport)})))
    return flows


def found(known: Knowledge, capture: Path) -> set[Flow]:
    """What the product sees."""
    flows: set[Flow] = set()
    for row in observed(known, capture, *KINDS):
        protocol = {"stun": "stun", "port.mapping": "portmap"}.get(row["kind"]) or row["protocol"]
        if protocol in PROTOCOLS:
            flows.add((protocol, frozenset({(row["src"], str(row["sport"])), (row["dst"], str(row["dport"]))})))
    return flows


def differences(known: Knowledge, captures: Path, file: str) -> tuple[dict[tuple[str, str], int], ...]:
    """Flows that only tshark, and that only the product sees, by protocol."""
    theirs, ours = dissected(captures / file), found(known, captures / file)
    counted: tuple[dict[tuple[str, str], int], ...] = ({}, {})
    for count, flows in zip(counted, (theirs - ours, ours - theirs), strict=True):
        for protocol, _ in flows:
            count[file, protocol] = count.get((file, protocol), 0) + 1
    return counted


def of(table: dict[tuple[str, str], int], file: str) -> dict[tuple[str, str], int]:
    return {key: count for key, count in table.items() if key[0] == file}


@pytest.mark.parametrize("file", SAMPLE)
def test_found_where_tshark_sees_it(file: str, captures: Path, known: Knowledge) -> None:
    """Flow by flow, but for the differences that are explained."""
    assert found(known, captures / file)
    assert differences(known, captures, file) == (of(MISSED, file), of(MORE, file))


@pytest.mark.parametrize("file", spread(every_capture(), SPREAD))
def test_a_spread_of_all(file: str, captures: Path, known: Knowledge) -> None:
    """In captures of every kind, most of which have none of these protocols."""
    assert differences(known, captures, file) == (of(MISSED, file), of(MORE, file))


@pytest.mark.slow
def test_all(captures: Path, known: Knowledge) -> None:
    """All captures: no other differences than those listed."""
    missed: dict[tuple[str, str], int] = {}
    more: dict[tuple[str, str], int] = {}
    for file in every_capture():
        only_theirs, only_ours = differences(known, captures, file)
        missed |= only_theirs
        more |= only_ours
    assert (missed, more) == (MISSED, MORE)


def told(known: Knowledge, capture: Path, kind: str, *fields: str) -> set[tuple[object, ...]]:
    return {tuple(row[field] for field in fields) for row in observed(known, capture, kind)}


def test_a_camera_asks_for_its_update(captures: Path, known: Knowledge) -> None:
    """The Ednet camera reads /update.sh by TFTP from its router, at each set-up."""
    rows = told(
        known, captures / "iot_sentinel/EdnetCam1/Setup-A-1-STA.pcap", "file.request", "operation", "name", "mode"
    )
    assert rows == {("read", "/update.sh", "octet")}


def test_a_camera_holds_a_relay_open(captures: Path, known: Knowledge) -> None:
    """A camera keeps its TURN allocation alive; server and realm say whose it is."""
    folder = captures / "mudscope_foscam_wansview/outputs/tue-foscam-cam-exp2/trimmed"
    capture = folder / "tue_exp2_trim_wansview_tplink_00010_20211118161820-rejected.pcap"
    rows = told(known, capture, "stun", "method", "message_class", "software", "realm")
    assert ("Refresh", "request", "pjnath-2.3.3", "mycompany.org") in rows
    assert {row[0] for row in rows} == {"Refresh"}


def test_a_relay_is_borrowed(captures: Path, known: Knowledge) -> None:
    """A video call through TURN: the address lent, and the peer that it is to reach."""
    rows = observed(known, captures / "ndpi/pcap/telegram_videocall.pcapng", "stun")
    assert "91.108.17.2 45408" in {row["relayed"] for row in rows}
    assert "91.108.9.35 65410" in {row["peer"] for row in rows}
    assert not any("***" in str(row["realm"]) for row in rows)


def test_files_and_no_passwords(captures: Path, known: Knowledge) -> None:
    """An FTP session reads and writes; its user and password are nowhere."""
    rows = observed(known, captures / "mercury/unit_tests/pcaps/ftp.pcap", "file.request", "service.banner")
    assert {(row["operation"], row["name"]) for row in rows if row["kind"] == "file.request"} == {
        ("list", ""), ("read", "resume.doc"), ("write", "README"),
    }  # fmt: skip
    (banner,) = (row["text"] for row in rows if row["kind"] == "service.banner" and row["role"] == "server")
    assert banner.startswith("ProFTPD 1.3.0a")


def test_a_greeting_ends_at_its_prompt(captures: Path, known: Knowledge) -> None:
    """OpenBSD's telnet greets; what is typed behind the prompt is not told."""
    rows = told(known, captures / "ndpi/pcap/telnet.pcap", "service.banner", "role", "text")
    assert rows == {("client", None), ("server", None), ("server", "OpenBSD/i386 (oof) (ttyp2) login:")}
