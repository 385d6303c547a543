"""Discovery on the LAN is found where tshark finds it, message by message, and nowhere else.

How it differs from tshark 4.0, over all captures:

* ``iot_sentinel/D-LinkCam/Setup-C-2-STA.pcap`` and ``mercury/unit_tests/pcaps/capture2.pcap``: the sender says each
  thing twice at once. The second of two equal frames counts as a mirror's copy before it reaches any parser.
* ``ndpi/pcap/anyconnect-vpn.pcap``: five answers to a search come from ports other than 1900; tshark calls them
  data, here their USN proves them.
* ``ndpi/pcap/ssdp-m-search.pcap``: the start line of a search alone, to Plex's port 32412.
* tshark has no dissector for WS-Discovery and for Ubiquiti's discovery; their payloads are counted instead.

Of the vendors' own protocols only Ubiquiti's is in a capture. That the lists are whole was checked by hand, by
``tshark -Y "ssdp || udp.port in {1900, 3702, 37020, 37810, 5050, 34569, ...}"`` over all captures. What else it shows is
not claimed: QUIC and Gnutella from and to port 10000, BitTorrent's DHT to 34569, a datagram inside VXLAN.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.oracles.running import every_capture, observed, spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.app import Knowledge

KINDS: Final = ("discovery.query", "device.announced")
PROTOCOLS: Final = frozenset(
    {
        "ssdp", "wsdiscovery", "sadp", "dhdiscover", "dahua_v1", "xm", "hanwha", "bosch", "foscam", "vivotek", "sony",
        "panasonic", "ubiquiti", "vstarcam", "hikvision-tftp",
    }
)  # fmt: skip
SSDP: Final = (
    *(f"iot_sentinel/D-LinkCam/Setup-A-{number}-STA.pcap" for number in range(1, 6)),
    *(f"iot_sentinel/D-LinkCam/Setup-B-{number}-STA.pcap" for number in range(1, 6)),
    *(f"iot_sentinel/D-LinkCam/Setup-C-{number}-STA.pcap" for number in range(1, 11)),
    *(f"iot_sentinel/EdimaxCam1/Setup-A-{number}-STA.pcap" for number in range(1, 8)),
    *(f"iot_sentinel/EdimaxCam1/Setup-C-{number}-STA.pcap" for number in range(1, 6)),
    *(
        f"iot_sentinel/{device}/Setup-{run}-STA.pcap"
        for device in ("HueBridge", "WeMoLink")
        for run in ("A-1", "A-2", "C-1")
    ),
    "mercury/unit_tests/pcaps/capture2.pcap",
    *(f"ndpi/pcap/{name}.pcap" for name in ("anyconnect-vpn", "gnutella", "iphone", "telegram", "wa_voice")),
)
WSDISCOVERY: Final = "ndpi/pcap/gnutella.pcap"
UBIQUITI: Final = "ndpi/pcap/ubntac2.pcap"
BARE: Final = "ndpi/pcap/ssdp-m-search.pcap"
HAVE_ANY: Final = frozenset({*SSDP, WSDISCOVERY, UBIQUITI, BARE})
COPIES: Final = {"iot_sentinel/D-LinkCam/Setup-C-2-STA.pcap": 10, "mercury/unit_tests/pcaps/capture2.pcap": 2}
"""Frames that count as a mirror's copy of the one just before them."""
OFF_PORT: Final = {"ndpi/pcap/anyconnect-vpn.pcap": 5}
"""Answers that tshark does not dissect."""
COMPARED: Final = (SSDP[0], SSDP[12], SSDP[20], SSDP[34], *SSDP[-6:-3])
WITHOUT: Final = 40
"""How many of the other captures the normal suite looks at."""

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def tshark(capture: Path, display_filter: str, *fields: str) -> Iterator[list[str]]:
    """The fields of each packet that the filter shows."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", display_filter, "-T", "fields", "-E", "separator=|"]
    command += ["-E", "aggregator=~", *(part for field in fields for part in ("-e", field))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (line.split("|") for line in done.stdout.splitlines())


def said_by_tshark(capture: Path) -> Counter[tuple[object, ...]]:
    """Time, ports, kind, target or type, and unique name of each message of SSDP."""
    found: Counter[tuple[object, ...]] = Counter()
    fields = (
        "frame.time_epoch",
        "udp.srcport",
        "udp.dstport",
        "http.request.method",
        "http.notification",
        "udp.payload",
    )
    for time, sport, dport, method, notice, payload in tshark(capture, "ssdp && !icmp", *fields):
        headers: dict[str, str] = {}
        for line in bytes.fromhex(payload).decode().splitlines()[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().upper(), value.strip())
        seconds, _, fraction = time.partition(".")
        where = (int(seconds) * 10**9 + int(fraction), int(sport), int(dport))
        usn = re.match(r"uuid:[^:\s]+", headers.get("USN", ""))
        kind = "query" if method == "M-SEARCH" else headers["NTS"].partition(":")[2] if notice else "response"
        found[(*where, kind, headers.get("NT") or headers.get("ST"), usn[0] if usn else None)] += 1
    return found


def as_tshark(row: dict[str, Any]) -> tuple[object, ...]:
    """The same of one of ours."""
    where = (row["ts_ns"], row["sport"], row["dport"])
    if row["kind"] == "discovery.query":
        return (*where, "query", row["target"], None)
    return (*where, row["message"], row["services"][0] if row["services"] else None, row["serial"])


def found(known: Knowledge, capture: Path, *protocols: str) -> list[dict[str, Any]]:
    return [row for row in observed(known, capture, *KINDS) if row["protocol"] in protocols]


def check_ssdp(known: Knowledge, captures: Path, file: str) -> None:
    ours = Counter(as_tshark(row) for row in found(known, captures / file, "ssdp"))
    theirs = said_by_tshark(captures / file)
    assert ours.total()
    missing, more = theirs - ours, ours - theirs
    assert missing.total() == COPIES.get(file, 0)
    without_time = Counter(message[1:] for message in ours)
    assert all(message[1:] in without_time for message in missing)
    assert more.total() == OFF_PORT.get(file, 0)
    assert all(1900 not in message[1:3] and message[3] == "response" for message in more)


@needs_tshark
@pytest.mark.parametrize("file", COMPARED)
def test_ssdp_is_what_tshark_says(file: str, captures: Path, known: Knowledge) -> None:
    """Every message: when, between which ports, of what kind, about which type, by whom."""
    check_ssdp(known, captures, file)


@pytest.mark.slow
@needs_tshark
def test_all_ssdp_is_what_tshark_says(captures: Path, known: Knowledge) -> None:
    """The same of every capture that has any."""
    for file in SSDP:
        check_ssdp(known, captures, file)


@needs_tshark
def test_ws_discovery_is_what_the_payloads_say(captures: Path, known: Knowledge) -> None:
    """Each envelope on port 3702, by its action, and by the endpoint or the type that it names."""
    theirs: Counter[tuple[str, ...]] = Counter()
    for sport, payload in tshark(captures / WSDISCOVERY, "udp.port == 3702 && !icmp", "udp.srcport", "udp.payload"):
        text = bytes.fromhex(payload).decode()
        action = re.search(r"<wsa:Action>[^<]*/(\w+)</wsa:Action>", text)
        endpoint = re.search(r"<wsa:EndpointReference><wsa:Address>([^<]*)<", text)
        types = re.search(r"<wsd:Types>\w+:(\w+)", text)
        assert action is not None
        said = types if action[1] == "Probe" else endpoint
        theirs[sport, action[1].lower(), said[1] if said else ""] += 1
    ours = Counter(
        (str(row["sport"]), row.get("message") or "probe", row.get("target") or row["serial"])
        for row in found(known, captures / WSDISCOVERY, "wsdiscovery")
    )
    assert ours == theirs
    assert {kind: sum(n for key, n in ours.items() if key[1] == kind) for kind in ("hello", "bye", "probe")} == {
        "hello": 24, "bye": 3, "probe": 14,
    }  # fmt: skip


def test_ubiquiti_announces_itself(captures: Path, known: Knowledge) -> None:
    """A gateway's own broadcasts: MAC, model and firmware as they stand in the payload, eight times."""
    rows = found(known, captures / UBIQUITI, "ubiquiti")
    assert len(rows) == 8
    assert {(row["mac"], row["model"], row["firmware"]) for row in rows} == {
        ("80:2a:a8:8d:69:2b", "UGW3", "UniFiSecurityGateway.ER-e120.v4.3.33.4936086.161203.2031")
    }


def test_a_camera_says_its_model(captures: Path, known: Knowledge) -> None:
    """D-Link's DCS-935L has its model in SERVER; what Edimax's camera and WeMo say there is none."""
    models = {
        file: {row.get("model") for row in found(known, captures / file, "ssdp")}
        for file in (SSDP[0], SSDP[20], SSDP[35])
    }
    assert models == {SSDP[0]: {None, "DCS-935L"}, SSDP[20]: {None}, SSDP[35]: {None}}


@pytest.mark.parametrize(
    ("name", "service", "vendor"),
    [
        ("HIKVISION DS-2CD2385G1-I", None, "hikvision"),
        ("AXIS M2036-LE", None, "axis"),
        (None, "urn:axis-com:service:BasicService:1", "axis"),
        ("axiscope", "upnp:rootdevice", None),
        ("Front gate", "NetworkVideoTransmitter", None),
    ],
)
def test_synthetic_names_and_types_tell_the_vendor(
    name: str | None, service: str | None, vendor: str | None, known: Knowledge
) -> None:
    """Names in ONVIF's scopes and types of SSDP that only one maker has; what others may say too tells nobody."""
    found = known.catalogue.vendor_of_dhcp(None, name)
    if found is None and service is not None:
        found = known.catalogue.vendor_of_service(service)
    assert (found.key if found else None) == vendor


@pytest.mark.parametrize("file", spread({*every_capture()} - HAVE_ANY, WITHOUT))
def test_not_found_elsewhere(file: str, captures: Path, known: Knowledge) -> None:
    """A sample of the other captures shows none."""
    assert found(known, captures / file, *PROTOCOLS) == []


@pytest.mark.slow
def test_found_nowhere_else(captures: Path, known: Knowledge) -> None:
    """All captures: those listed show it, each the protocol it has, and no datagram of another is claimed."""
    kinds = (*KINDS, "service.banner", "malformed")
    shown = {}
    for file in every_capture():
        rows = observed(known, captures / file, *kinds)
        protocols = {row.get("protocol", row.get("layer")) for row in rows} & PROTOCOLS
        if protocols:
            assert not [row for row in rows if row["kind"] == "malformed" and row["layer"] in PROTOCOLS], file
            shown[file] = protocols
    expected = {file: {"ssdp"} for file in (*SSDP, BARE)}
    expected[WSDISCOVERY] = {"ssdp", "wsdiscovery"}
    expected[UBIQUITI] = {"ubiquiti"}
    assert shown == expected
