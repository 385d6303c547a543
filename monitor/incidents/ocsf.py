"""A transition as an OCSF 1.8.0 Detection Finding (https://schema.ocsf.io/1.8.0/classes/detection_finding).

The bytes are canonical JSON as RFC 8785 has it (keys sorted, nothing between tokens, integers only), so that
equal transitions are equal bytes and a signature over them can be checked anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cython
import msgspec

from monitor.model.incidents import Activity, Kind
from monitor.model.verdicts import Confidence

if not cython.compiled:
    from monitor.model.memo import Memo
    from monitor.model.parts import is_graphic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.exhibits import Exhibit
    from monitor.model.incidents import DeviceView, Evidence, FirmwareChange, Transition
    from monitor.model.verdicts import Verdict

VERSION: Final = "1.8.0"
CATEGORY_FINDINGS: Final = 2
CLASS_DETECTION_FINDING: Final = 2004
STATUS: Final[Mapping[Activity, int]] = {Activity.NEW: 1, Activity.UPDATE: 2, Activity.END: 4}
"""status_id: New, In Progress, Resolved."""
CONFIDENCE: Final[Mapping[Confidence, int]] = {Confidence.LOW: 1, Confidence.MEDIUM: 2, Confidence.HIGH: 3}
"""confidence_id."""
ANALYTIC_RULE: Final = 1
DEVICE_IOT: Final = 7
DEVICE_OTHER: Final = 99
SENSOR: Final = "sensor"
"""Device class of the sensor itself."""
OS_OTHER: Final = 99
DIRECTION_INBOUND: Final = 1
DIRECTION_OUTBOUND: Final = 2
PROTOCOLS: Final[Mapping[int, str]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}
"""IANA protocol numbers by the names of OCSF's protocol_name: the keyword in lower case."""
TITLES: Final[Mapping[Kind, str]] = {
    Kind.ISOLATION_BROKEN: "An isolated camera network was left",
    Kind.CORE_CONTACT: "Contact with a core network",
    Kind.P2P_CLOUD: "Contact outside the policy: camera peer-to-peer cloud",
    Kind.VENDOR_CLOUD: "Contact outside the policy: camera maker's cloud",
    Kind.ENCRYPTED_DNS: "Names looked up out of sight: encrypted DNS",
    Kind.UNEXPECTED_CONTACT: "Contact outside the policy",
    Kind.INBOUND_VIEWER: "A device was reached from outside the site",
    Kind.NAME_LOOKUP: "A name outside the policy was looked up",
    Kind.FIRMWARE_UPDATE: "A device's firmware is being changed",
    Kind.FIRMWARE_CHECK: "A device asks for a newer firmware",
    Kind.STALE_FIRMWARE: "A device runs an old firmware",
    Kind.KNOWN_VULNERABLE: "A device runs a firmware that is known to be exploited",
    Kind.EXPLOIT_ATTEMPT: "A known attack on a device",
    Kind.CAPABILITY_GAINED: "A device can do more than before its update",
    Kind.DORMANT_FUNCTION: "A function was switched on without an update",
    Kind.CONTRADICTION: "A device does what it says it does not",
    Kind.DEVICE_SILENT: "A device is not seen any more",
    Kind.DEVICE_CHANGED: "A device is not what it was",
    Kind.SENSOR_BLIND: "The sensor does not see what it should",
    Kind.TEST: "A test of the ways out: nothing has happened",
}

EVIDENCES: Final = 8
"""Most evidences of one message."""
BODY_LIMIT: Final = 65536
"""Most bytes of one message. The limits below keep to it even at four UTF-8 bytes a character."""
NAME_LIMIT: Final = 255
"""Characters of a name; a domain name has no more (RFC 1035, 2.3.4)."""
TEXT_LIMIT: Final = 1024
"""Characters of a sentence."""
PROFILES: Final = ("host", "security_control")
TEST_LABELS: Final = ("test",)
"""metadata.labels of a message that is about nothing that was seen."""
PROPERTIES: Final = 16
"""Most properties of one message."""
CAPABILITIES: Final = 16
"""Most functions that one message names."""

UNPRINTABLE: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
"""C0 and C1 controls: what a camera calls itself must not steer a terminal."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object of the message: its fields stand in the order of their names, what is not known is left out."""


class _Location(_Table, frozen=True, kw_only=True):
    country: str


class _Network(_Table, frozen=True, kw_only=True):
    name: str | None = None
    number: int | None = None


class _Endpoint(_Table, frozen=True, kw_only=True):
    autonomous_system: _Network | None = None
    hostname: str | None = None
    ip: str | None = None
    location: _Location | None = None
    port: int | None = None


class _Connection(_Table, frozen=True, kw_only=True):
    community_uid: str | None = None
    direction_id: int
    protocol_name: str | None = None
    protocol_num: int | None = None


class _Evidence(_Table, frozen=True, kw_only=True):
    connection_info: _Connection
    dst_endpoint: _Endpoint | None = None
    src_endpoint: _Endpoint


class _System(_Table, frozen=True, kw_only=True):
    name: str
    type: str
    type_id: int
    version: str


class _Device(_Table, frozen=True, kw_only=True):
    ip: str | None = None
    mac: str | None = None
    model: str | None = None
    name: str | None = None
    os: _System | None = None
    type: str
    type_id: int
    vendor_name: str | None = None


class _Analytic(_Table, frozen=True, kw_only=True):
    name: str
    type_id: int
    version: str


class _FindingInfo(_Table, frozen=True, kw_only=True):
    analytic: _Analytic
    first_seen_time: int
    last_seen_time: int
    title: str
    types: list[str]
    uid: str


class _Product(_Table, frozen=True, kw_only=True):
    name: str
    vendor_name: str
    version: str


class _Metadata(_Table, frozen=True, kw_only=True):
    labels: tuple[str, ...] | None = None
    product: _Product
    profiles: tuple[str, ...]
    sequence: int
    uid: str
    version: str


class _Verdict(_Table, frozen=True, kw_only=True):
    confidence: str
    jurisdiction: str | None = None
    location: str | None = None
    network: int | None = None
    operator: str | None = None
    organisation: str | None = None
    organisation_country: str | None = None
    why: str


class _Visibility(_Table, frozen=True, kw_only=True):
    clock_steps: int = 0
    duplicates: int
    evictions: int
    gaps_s: int
    loss_ppm: int
    one_sided: bool
    passed_over: int = 0
    tcp_loss_ppm: int = 0


class _Firmware(_Table, frozen=True, kw_only=True):
    after: str | None = None
    before: str | None = None


class _Image(_Table, frozen=True, kw_only=True):
    bytes: int
    file: str
    sha256: str


class _Kept(_Table, frozen=True, kw_only=True):
    bytes: int | None = None
    image: _Image | None = None
    packets: int | None = None
    pcap: str | None = None
    sha256: str | None = None


class _Camwarden(_Table, frozen=True, kw_only=True):
    attempts: int
    bytes_in: int
    bytes_out: int
    capability: list[str] | None = None
    device_class: str
    epoch: int
    evidence: _Kept | None = None
    firmware: _Firmware | None = None
    foreign: bool
    group: str | None = None
    label: str | None = None
    merged_into: str | None = None
    outcome: str | None = None
    refused_by: str | None = None
    rule: str
    sensor: str
    seq: int
    verdict: msgspec.Raw | None = None
    visibility: _Visibility


class _Unmapped(_Table, frozen=True, kw_only=True):
    camwarden: _Camwarden


class _Finding(_Table, frozen=True, kw_only=True):
    activity_id: int
    category_uid: int
    class_uid: int
    confidence_id: int
    count: int | None = None
    device: msgspec.Raw
    end_time: int
    evidences: list[msgspec.Raw] | None = None
    finding_info: _FindingInfo
    is_alert: bool
    message: str
    metadata: _Metadata
    severity_id: int
    start_time: int
    status_id: int
    time: int
    type_uid: int
    unmapped: _Unmapped


_ENCODER: Final = msgspec.json.Encoder()
REMEMBERED: Final = 4096
"""Parts of each sort that are kept as JSON, some 500 bytes each: messages say the same of a device, an operator or a
remote end again and again."""


def render(
    transition: Transition, *, sensor: str, epoch: int, seq: int, version: str, exhibit: Exhibit | None = None
) -> bytes:
    """The message of ``transition``, at most 64 KiB; ``version`` is camwarden's own.

    ``exhibit`` is what there is of it in the evidence folder, on disk before it is named here.
    """
    start_ms, end_ms = transition.first_ns // 1_000_000, transition.last_ns // 1_000_000
    kind = str(transition.kind)
    return _ENCODER.encode(
        _Finding(
            class_uid=CLASS_DETECTION_FINDING,
            category_uid=CATEGORY_FINDINGS,
            activity_id=int(transition.activity),
            type_uid=CLASS_DETECTION_FINDING * 100 + transition.activity,
            severity_id=int(transition.severity),
            status_id=STATUS[transition.activity],
            confidence_id=CONFIDENCE[transition.confidence],
            time=transition.time_ns // 1_000_000,
            is_alert=True,
            message=_text(transition.message),
            metadata=_Metadata(
                labels=TEST_LABELS if transition.kind is Kind.TEST else None,
                version=VERSION,
                uid=transition.uid,
                product=_Product(name="camwarden", vendor_name="camwarden", version=version),
                sequence=seq,
                profiles=PROFILES,
            ),
            finding_info=_FindingInfo(
                uid=transition.incident,
                title=TITLES[transition.kind],
                types=[kind, *[_name(each) for each in transition.properties[:PROPERTIES]]],
                first_seen_time=start_ms,
                last_seen_time=end_ms,
                analytic=_Analytic(name=kind, type_id=ANALYTIC_RULE, version="1"),
            ),
            count=transition.attempts or None,
            start_time=start_ms,
            end_time=end_ms,
            device=_DEVICES.of(transition.device),
            evidences=[_EVIDENCES.of(evidence) for evidence in transition.evidences[:EVIDENCES]] or None,
            unmapped=_Unmapped(camwarden=_unmapped(transition, exhibit, sensor, epoch, seq)),
        )
    )


def _device(device: DeviceView) -> msgspec.Raw:
    firmware = _known(device.firmware)
    ours = device.device_class == SENSOR
    return _json(
        _Device(
            type_id=DEVICE_OTHER if ours else DEVICE_IOT,
            type="Sensor" if ours else "IOT",
            name=_known(device.name),
            ip=device.ip,
            mac=device.mac,
            vendor_name=_known(device.vendor),
            model=_known(device.model),
            os=_System(name="firmware", type_id=OS_OTHER, type="Other", version=firmware) if firmware else None,
        )
    )


def _evidence(evidence: Evidence) -> msgspec.Raw:
    return _json(
        _Evidence(
            src_endpoint=_Endpoint(ip=evidence.device_ip, port=evidence.device_port or None),
            dst_endpoint=_remote(evidence) if evidence.remote_ip or evidence.remote_name else None,
            connection_info=_Connection(
                direction_id=DIRECTION_INBOUND if evidence.inbound else DIRECTION_OUTBOUND,
                protocol_num=evidence.proto or None,
                protocol_name=PROTOCOLS.get(evidence.proto),
                community_uid=evidence.community_id,
            ),
        )
    )


def _remote(evidence: Evidence) -> _Endpoint:
    named = evidence.network is not None or evidence.organisation is not None
    return _Endpoint(
        ip=evidence.remote_ip,
        hostname=_known(evidence.remote_name),
        port=evidence.remote_port or None,
        location=_Location(country=evidence.country) if evidence.country else None,
        autonomous_system=_Network(number=evidence.network, name=_known(evidence.organisation)) if named else None,
    )


def _unmapped(transition: Transition, exhibit: Exhibit | None, sensor: str, epoch: int, seq: int) -> _Camwarden:
    visibility = transition.visibility
    return _Camwarden(
        sensor=sensor,
        epoch=epoch,
        seq=seq,
        outcome=transition.outcome.label if transition.outcome is not None else None,
        refused_by=_known(transition.refused_by),
        attempts=transition.attempts,
        bytes_out=transition.bytes_out,
        bytes_in=transition.bytes_in,
        foreign=transition.foreign,
        verdict=_VERDICTS.of(transition.verdict) if transition.verdict is not None else None,
        rule=_text(transition.rule),
        device_class=transition.device.device_class,
        group=_known(transition.device.group),
        label=_known(transition.device.sticker),
        visibility=_Visibility(
            loss_ppm=visibility.loss_ppm,
            gaps_s=visibility.gaps_s,
            one_sided=visibility.one_sided,
            evictions=visibility.evictions,
            duplicates=visibility.duplicates,
            clock_steps=visibility.clock_steps,
            passed_over=visibility.passed_over,
            tcp_loss_ppm=visibility.tcp_loss_ppm,
        ),
        merged_into=transition.merged_into,
        evidence=_kept(exhibit) if exhibit is not None else None,
        firmware=_firmware(transition.firmware) if transition.firmware is not None else None,
        capability=[_name(each) for each in transition.capabilities[:CAPABILITIES]] or None,
    )


def _kept(exhibit: Exhibit) -> _Kept:
    packets, image = exhibit.packets, exhibit.image
    return _Kept(
        pcap=packets.file if packets is not None else None,
        sha256=packets.sha256 if packets is not None else None,
        packets=packets.packets if packets is not None else None,
        bytes=packets.bytes if packets is not None else None,
        image=_Image(sha256=image.sha256, bytes=image.bytes, file=image.sha256) if image is not None else None,
    )


def _firmware(change: FirmwareChange) -> _Firmware:
    return _Firmware(before=_known(change.before), after=_known(change.after))


def _verdict(verdict: Verdict) -> msgspec.Raw:
    return _json(
        _Verdict(
            location=verdict.location,
            network=verdict.network,
            organisation=_known(verdict.organisation),
            organisation_country=verdict.organisation_country,
            operator=_known(verdict.operator),
            jurisdiction=verdict.jurisdiction,
            confidence=str(verdict.confidence),
            why=_text(verdict.why),
        )
    )


def _json(part: _Table) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(part))


def _known(text: str | None) -> str | None:
    return None if text is None else _name(text)


def _name(text: str) -> str:
    return _clean(text, NAME_LIMIT)


def _text(text: str) -> str:
    return _clean(text, TEXT_LIMIT)


def _clean(text: str, limit: int) -> str:
    """At most ``limit`` characters, none of them a control character or half of a surrogate pair."""
    if len(text) <= limit and is_graphic(text):
        return text
    cut = text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return cut.encode("utf-8", "replace").decode().translate(UNPRINTABLE)


_DEVICES: Final = Memo(_device, REMEMBERED)
_EVIDENCES: Final = Memo(_evidence, REMEMBERED)
_VERDICTS: Final = Memo(_verdict, REMEMBERED)
