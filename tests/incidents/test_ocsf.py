"""Messages are valid OCSF, canonical, and bounded whatever a camera calls itself."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.incidents.ocsf import BODY_LIMIT, EVIDENCES, TITLES, render
from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, DeviceView, Evidence, Kind, Severity, Transition, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict

SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[1] / "data" / "ocsf-2004.schema.json").read_text())
)

DEVICE = DeviceView(
    key="gate-07",
    name="gate-07",
    label="gate-07",
    device_class="camera",
    ip="10.20.0.17",
    mac="44:19:b6:00:00:11",
    vendor="Hikvision",
    sticker="SafeEye",
    model="DS-2CD2146G2-ISU",
    firmware="V5.7.1 build 210702",
    group="gates",
)
VERDICT = Verdict(
    operator="CS2/PPPP",
    operator_key="p2p:pppp",
    kind=OperatorKind.P2P_CLOUD,
    location="SG",
    network=45102,
    organisation="Alibaba",
    organisation_country="CN",
    jurisdiction="CN",
    vendor=None,
    confidence=Confidence.HIGH,
    why="catalogue: p2p.pppp",
)
EVIDENCE = Evidence(
    device_ip="10.20.0.17",
    device_port=51234,
    remote_ip="47.88.59.209",
    remote_name=None,
    remote_port=32100,
    proto=17,
    country="SG",
    network=45102,
    organisation="Alibaba",
    community_id="1:myizsaA3vY85K2cZ3OGsH357bvk=",
)
TRANSITION = Transition(
    uid="3f0c9d5e8f6b4b1e9c7a2d14a6b0e5c1",
    incident="b1946ac92492d2347c6235b4d2611184",
    number=2,
    activity=Activity.UPDATE,
    time_ns=1_428_147_600_000_999_999,
    kind=Kind.P2P_CLOUD,
    properties=("foreign", "literal_address"),
    severity=Severity.HIGH,
    message="Camera gate-07 tried 4,812 times to reach 47.88.59.209",
    rule="group fixed: allow nothing outside GB",
    device=DEVICE,
    confidence=VERDICT.confidence,
    verdict=VERDICT,
    outcome=Outcome.ATTEMPTED,
    refused_by=None,
    attempts=4812,
    bytes_out=288720,
    bytes_in=0,
    foreign=True,
    first_ns=1_428_144_000_000_000_000,
    last_ns=1_428_147_600_000_000_000,
    evidences=(EVIDENCE,),
    visibility=Visibility(),
)


def body(transition: Transition) -> bytes:
    return render(transition, sensor="town-hall-1", epoch=7, seq=4711, version="0.1.0")


def test_a_transition_reads_as_the_agreed_example() -> None:
    """Every field has the place that the interface gives it; what is not known is not there."""
    assert json.loads(body(TRANSITION)) == {
        "class_uid": 2004,
        "category_uid": 2,
        "activity_id": 2,
        "type_uid": 200402,
        "severity_id": 4,
        "status_id": 2,
        "confidence_id": 3,
        "time": 1428147600000,
        "is_alert": True,
        "message": "Camera gate-07 tried 4,812 times to reach 47.88.59.209",
        "metadata": {
            "version": "1.8.0",
            "uid": "3f0c9d5e8f6b4b1e9c7a2d14a6b0e5c1",
            "product": {"name": "camwarden", "vendor_name": "camwarden", "version": "0.1.0"},
            "sequence": 4711,
            "profiles": ["host", "security_control"],
        },
        "finding_info": {
            "uid": "b1946ac92492d2347c6235b4d2611184",
            "title": "Contact outside the policy: camera peer-to-peer cloud",
            "types": ["p2p_cloud", "foreign", "literal_address"],
            "first_seen_time": 1428144000000,
            "last_seen_time": 1428147600000,
            "analytic": {"name": "p2p_cloud", "type_id": 1, "version": "1"},
        },
        "count": 4812,
        "start_time": 1428144000000,
        "end_time": 1428147600000,
        "device": {
            "type_id": 7,
            "type": "IOT",
            "name": "gate-07",
            "ip": "10.20.0.17",
            "mac": "44:19:b6:00:00:11",
            "vendor_name": "Hikvision",
            "model": "DS-2CD2146G2-ISU",
            "os": {"name": "firmware", "type_id": 99, "type": "Other", "version": "V5.7.1 build 210702"},
        },
        "evidences": [
            {
                "src_endpoint": {"ip": "10.20.0.17", "port": 51234},
                "dst_endpoint": {
                    "ip": "47.88.59.209",
                    "port": 32100,
                    "location": {"country": "SG"},
                    "autonomous_system": {"number": 45102, "name": "Alibaba"},
                },
                "connection_info": {
                    "direction_id": 2,
                    "protocol_num": 17,
                    "protocol_name": "udp",
                    "community_uid": "1:myizsaA3vY85K2cZ3OGsH357bvk=",
                },
            }
        ],
        "unmapped": {
            "camwarden": {
                "sensor": "town-hall-1",
                "epoch": 7,
                "seq": 4711,
                "outcome": "attempted",
                "attempts": 4812,
                "bytes_out": 288720,
                "bytes_in": 0,
                "foreign": True,
                "verdict": {
                    "location": "SG",
                    "network": 45102,
                    "organisation": "Alibaba",
                    "organisation_country": "CN",
                    "operator": "CS2/PPPP",
                    "jurisdiction": "CN",
                    "confidence": "high",
                    "why": "catalogue: p2p.pppp",
                },
                "rule": "group fixed: allow nothing outside GB",
                "device_class": "camera",
                "group": "gates",
                "label": "SafeEye",
                "visibility": {"loss_ppm": 0, "gaps_s": 0, "one_sided": False, "evictions": 0, "duplicates": 0},
            }
        },
    }


@pytest.mark.parametrize(("activity", "status"), [(Activity.NEW, 1), (Activity.UPDATE, 2), (Activity.END, 4)])
def test_status_follows_the_activity(activity: Activity, status: int) -> None:
    """1 new, 2 in progress, 4 resolved; type_uid is the class and the activity; an end may name its heir."""
    heir = "a" * 32 if activity is Activity.END else None
    finding = json.loads(body(msgspec.structs.replace(TRANSITION, activity=activity, merged_into=heir)))
    assert (finding["status_id"], finding["type_uid"]) == (status, 200400 + activity)
    assert finding["unmapped"]["camwarden"].get("merged_into") == heir


def test_a_name_that_was_only_asked_for_has_neither_address_nor_port() -> None:
    """The remote end of such an evidence is its name alone, and there is nothing to count."""
    asked = Evidence("10.20.0.17", 0, None, "p2p.example", 0, 0, None, None, None, None)
    transition = msgspec.structs.replace(
        TRANSITION, kind=Kind.NAME_LOOKUP, outcome=Outcome.ASKED, attempts=0, evidences=(asked,)
    )
    finding = json.loads(body(transition))
    assert finding["evidences"] == [
        {
            "src_endpoint": {"ip": "10.20.0.17"},
            "dst_endpoint": {"hostname": "p2p.example"},
            "connection_info": {"direction_id": 2},
        }
    ]
    assert "count" not in finding
    SCHEMA.validate(finding)


def test_every_kind_has_a_title() -> None:
    """A new kind without words for people fails here."""
    assert set(TITLES) == set(Kind)


def test_a_name_cannot_steer_a_terminal() -> None:
    """Escape sequences of a camera's name come out as replacement characters."""
    named = msgspec.structs.replace(TRANSITION, device=msgspec.structs.replace(DEVICE, name="a\x1b[2J\x9bb\ud800"))
    assert json.loads(body(named))["device"]["name"] == "a\ufffd[2J\ufffdb?"


hostile = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["\U0001f4f7" * 70_000, "\x00" * 70_000, '"\\' * 40_000, "\ud800", ""]
)
known = st.none() | hostile
country = st.none() | st.sampled_from(["SG", "CN", "GB"])
asn = st.none() | st.integers(0, 2**32 - 1)
count = st.integers(0, 2**62)
address = st.ip_addresses().map(str)
evidence = st.builds(
    Evidence,
    address,
    st.integers(0, 65535),
    st.none() | address,
    known,
    st.integers(0, 65535),
    st.integers(0, 255),
    country,
    asn,
    known,
    st.none() | st.just("1:myizsaA3vY85K2cZ3OGsH357bvk="),
)
device = st.builds(
    DeviceView,
    hostile,
    hostile.filter(bool),
    hostile,
    st.just("camera"),
    st.none() | address,
    st.none() | st.binary(min_size=6, max_size=6).map(lambda mac: mac.hex(":")),
    known,
    known,
    known,
    known,
    known,
)
verdict = st.builds(
    Verdict,
    hostile,
    hostile,
    st.sampled_from(OperatorKind),
    country,
    asn,
    known,
    country,
    country,
    known,
    st.sampled_from(Confidence),
    hostile,
)
uid = st.binary(min_size=16, max_size=16).map(bytes.hex)
transitions = st.builds(
    lambda *values: Transition(**dict(zip(Transition.__struct_fields__, values, strict=False))),
    uid,
    uid,
    st.integers(1, 9),
    st.sampled_from(Activity),
    count,
    st.sampled_from(Kind),
    st.lists(hostile, max_size=40).map(tuple),
    st.sampled_from(Severity),
    hostile,
    hostile,
    device,
    st.sampled_from(Confidence),
    st.none() | verdict,
    st.none() | st.sampled_from(Outcome),
    known,
    count,
    count,
    count,
    st.booleans(),
    count,
    count,
    st.lists(evidence, max_size=12).map(tuple),
    st.builds(Visibility, count, count, st.booleans(), count, count, count),
    st.none() | uid,
)


@settings(max_examples=150, deadline=None)
@given(transitions)
def test_whatever_is_said_the_message_is_valid_canonical_and_bounded(transition: Transition) -> None:
    """Valid OCSF, sorted and compact UTF-8 (RFC 8785), no nulls, at most 8 evidences and 64 KiB, equal each time."""
    first = body(transition)
    finding = json.loads(first)
    SCHEMA.validate(finding)
    assert first == body(transition)
    assert first == json.dumps(finding, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(first) <= BODY_LIMIT
    assert len(finding.get("evidences", [])) <= EVIDENCES
    assert b":null" not in first
    assert b"\n" not in first
