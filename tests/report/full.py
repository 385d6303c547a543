"""A month of a small site, with something of everything that a report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.ledger.firmware import Firmware, Version
from monitor.ledger.ledger import Page
from monitor.ledger.rows import Row
from monitor.ledger.updates import Update
from monitor.model.capabilities import Claim, Grade
from monitor.model.contacts import DeviceClass, Outcome
from monitor.model.incidents import Activity, DeviceView, Kind, Severity, Visibility
from monitor.model.verdicts import Confidence, OperatorKind, Verdict
from tests.report.journals import BEGIN, DAY, HOUR, SECOND, contact, device, run, transition, write

if TYPE_CHECKING:
    from pathlib import Path

TIME = Verdict(
    "NTP Pool", "service:ntp", OperatorKind.SERVICE, "GB", 786, "Jisc", "GB", "GB", None, Confidence.HIGH, ""
)
RELAY = Verdict(
    "Kalay", "p2p:kalay", OperatorKind.P2P_CLOUD, "HK", 45102, "Alibaba", "CN", "TW", None, Confidence.HIGH, ""
)


def claim(value: bool, source: str, firmware: str | None = None) -> Claim:
    return Claim(value, source, BEGIN + HOUR, BEGIN + 29 * DAY, firmware)


def page() -> Page:
    """A camera that does more than it says."""
    said, seen = "isapi System/capabilities: isSupportFaceDetect", "RTP audio G.711"
    return Page(
        "gate-07",
        rows={
            "face.recognise": Row(claim(True, said), claim(False, said)),
            "audio.listen": Row(exercised=claim(True, seen)),
            "service.telnet": Row(claim(False, "isapi System/Network"), None, claim(True, "a Telnet greeting")),
            "video.stream": Row(claim(True, "SDP"), claim(True, "SDP"), claim(True, "RTP video H264")),
            "motion.detect": Row(claim(True, said), claim(True, said)),
            "ptz.move": Row(claim(False, said)),
        },
        firmware=Firmware(
            history=[
                Version("V5.5.0 build 170725", Grade.CERTAIN, "isapi", BEGIN, BEGIN + 12 * DAY),
                Version("V5.5.800 build 210628", Grade.CERTAIN, "isapi", BEGIN + 12 * DAY, BEGIN + 30 * DAY),
            ]
        ),
        updates=[
            Update(
                BEGIN + 12 * DAY,
                BEGIN + 12 * DAY + HOUR,
                12 * DAY,
                signs={
                    "call": "PUT /ISAPI/System/updateFirmware",
                    "image": "digicap.dav, 28 MB",
                    "restart": "after 94 s",
                },
                certain=True,
                before="V5.5.0 build 170725",
                after="V5.5.800 build 210628",
                gained={"face.recognise": "recognises faces (supported)", "Kalay": "calls Kalay (HK)"},
            )
        ],
    )


def month(directory: Path) -> Path:
    """Four cameras and a recorder."""
    quiet = device(
        "yard-03",
        mac=bytes.fromhex("4419b6000013"),
        addresses=(),
        seen=(9_000, 9_000, BEGIN + 30 * DAY),
        vendor_name=None,
    )
    devices = [
        device(model="DS-2CD2385", mac=bytes.fromhex("4419b6000011")),
        device("hall-09", seen=(2_591_000, 2_590_000, BEGIN + 30 * DAY), vendor_name="Axis", model="P3265"),
        quiet,
        device("cell-01", first_ns=0, last_ns=0, seen=(0, 0, 0)),
        device("recorder-1", device_class=DeviceClass.RECORDER, vendor_name="Dahua"),
    ]
    contacts = [
        contact(incident="a" * 32, counts=(40, 2400, 0, 0)),
        contact(
            remote="47.88.59.210",
            counts=(7, 42_000, 1_200_000, 0),
            outcome=Outcome.TRANSFERRED,
            verdict=RELAY,
            incident="b" * 32,
            first_ns=BEGIN + 12 * DAY,
            last_ns=BEGIN + 28 * DAY,
            names=(),
            services=((17, 10001),),
        ),
        contact(
            remote="192.0.2.123",
            verdict=TIME,
            outcome=Outcome.TRANSFERRED,
            counts=(720, 64_800, 64_800, 0),
            names=("pool.ntp.org",),
            services=((17, 123),),
            first_ns=BEGIN,
            last_ns=BEGIN + 30 * DAY,
        ),
        contact(
            "recorder-1",
            None,
            names=("update.dahuasecurity.com",),
            outcome=Outcome.ASKED,
            counts=(0, 0, 0, 3),
            outbound=False,
        ),
    ]
    view = DeviceView(
        "gate-07", "gate-07", "gate-07", "camera", None, "44:19:b6:00:00:11", None, None, None, None, None
    )
    blind = DeviceView("town-hall", "town-hall", "other", "sensor", None, None, None, None, None, None, None)
    told = [
        transition(
            number, time_ns=BEGIN + number * DAY, attempts=number * 10, device=view, last_ns=BEGIN + number * DAY
        )
        for number in range(1, 5)
    ]
    told += [
        transition(
            number,
            incident="b" * 32,
            time_ns=BEGIN + (11 + number) * DAY,
            attempts=number,
            kind=Kind.P2P_CLOUD,
            verdict=RELAY,
            outcome=Outcome.TRANSFERRED,
            device=view,
            message="Camera gate-07 spoke Kalay with 47.88.59.210",
            first_ns=BEGIN + 12 * DAY,
            last_ns=BEGIN + (11 + number) * DAY,
            activity=Activity.END if number == 7 else Activity.UPDATE,
        )
        for number in range(1, 8)
    ]
    told.append(
        transition(
            incident="c" * 32,
            time_ns=BEGIN + 20 * DAY,
            kind=Kind.SENSOR_BLIND,
            verdict=None,
            outcome=None,
            attempts=0,
            device=blind,
            message="Nothing comes from eth1: the mirror port is down",
            severity=Severity.HIGH,
            first_ns=BEGIN + 20 * DAY,
            last_ns=BEGIN + 20 * DAY + 2580 * SECOND,
            activity=Activity.END,
            visibility=Visibility(loss_ppm=12, gaps_s=2580, one_sided=True, evictions=3),
        )
    )
    return write(directory, devices, contacts, [page()], told, run(gaps_ns=2580 * SECOND, lost=12))
