"""Synthetic datagrams of each discovery protocol, built from its published facts; no device sent them."""

from __future__ import annotations

import json
import struct
from types import ModuleType
from typing import Final, NamedTuple

from monitor.protocols import (
    bosch_discovery,
    dahua_discovery,
    dhdiscover,
    foscam_discovery,
    hanwha_discovery,
    hikvision_tftp,
    panasonic_discovery,
    sadp,
    sony_discovery,
    ssdp,
    ubiquiti_discovery,
    vivotek_discovery,
    vstarcam_discovery,
    wsdiscovery,
    xm_discovery,
)

MAC: Final = "44:19:b6:01:02:03"
MAC_OCTETS: Final = bytes.fromhex("4419b6010203")
SECRET: Final = "Pa55-w0rd"
"""Stands where devices put passwords, salts and codes: it must not come out anywhere."""


def ssdp_message(start: str, **fields: str) -> bytes:
    lines = [start, *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


SSDP_SEARCH: Final = ssdp_message(
    "M-SEARCH * HTTP/1.1", HOST="239.255.255.250:1900", MAN='"ssdp:discover"', MX="3", ST="ssdp:all"
)
SSDP_ALIVE: Final = ssdp_message(
    "NOTIFY * HTTP/1.1",
    HOST="239.255.255.250:1900",
    NT="urn:axis-com:service:BasicService:1",
    NTS="ssdp:alive",
    USN="uuid:Upnp-BasicDevice-1_0-00408C010203::urn:axis-com:service:BasicService:1",
    LOCATION=f"http://admin:{SECRET}@192.0.2.1/desc.xml?password={SECRET}",
    SERVER="Linux/4.9, UPnP/1.1, CAM-7/2.4",
)
SSDP_ANSWER: Final = ssdp_message(
    "HTTP/1.1 200 OK", ST="upnp:rootdevice", USN="uuid:11-22::upnp:rootdevice", SERVER="a/1 UPnP/1.0 MiniUPnPd/2.1"
)

ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<s:Header><a:MessageID>urn:uuid:9</a:MessageID><a:ReplyTo><a:Address>http://anonymous</a:Address></a:ReplyTo></s:Header>"
    "<s:Body>{body}</s:Body></s:Envelope>"
)
PROBE: Final = ENVELOPE.format(body="<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>").encode()
SCOPES: Final = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/DS-2CD2142FWD-I"
    " onvif://www.onvif.org/name/Front%20gate%20%C3%9C1 onvif://www.onvif.org/MAC/44:19:b6:01:02:03 http://else/name/no"
)


def match(kind: str, number: int = 1, scopes: str = SCOPES) -> str:
    return (
        f"<d:{kind}><a:EndpointReference><a:Address>urn:uuid:{number}</a:Address></a:EndpointReference>"
        f"<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>{scopes}</d:Scopes>"
        "<d:XAddrs>http://192.0.2.7/onvif/device_service</d:XAddrs><d:MetadataVersion>10</d:MetadataVersion>"
        f"</d:{kind}>"
    )


HELLO: Final = ENVELOPE.format(body=match("Hello")).encode()
MATCHES: Final = ENVELOPE.format(
    body=f"<d:ProbeMatches>{match('ProbeMatch')}{match('ProbeMatch', 2)}</d:ProbeMatches>"
).encode()
BYE: Final = ENVELOPE.format(
    body="<d:Bye><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference></d:Bye>"
).encode()
RESOLVE: Final = ENVELOPE.format(
    body="<d:Resolve><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference></d:Resolve>"
).encode()

SADP_INQUIRY: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><Probe><Uuid>0A1B</Uuid><MAC>ff-ff-ff-ff-ff-ff</MAC>'
    b"<Types>inquiry_v32</Types></Probe>"
)
SADP_RESET: Final = f"<Probe><Uuid>0A1B</Uuid><Types>update</Types><Password>{SECRET}</Password></Probe>".encode()
SADP_MATCH: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n<ProbeMatch><Uuid>0A1B</Uuid>\r\n<Types>inquiry</Types>'
    "<DeviceType>141945</DeviceType><DeviceDescription>DS-2CD2385G1-I</DeviceDescription>"
    "<DeviceSN>DS-2CD2385G1-I20200414AAWRE00000001</DeviceSN><CommandPort>8000</CommandPort>"
    "<MAC>44-19-b6-01-02-03</MAC><IPv4Address>192.0.2.7</IPv4Address><DHCP>true</DHCP>"
    "<SoftwareVersion>V5.3.0build 150513</SoftwareVersion><DSPVersion>V7.3 build 190626</DSPVersion>"
    "<BootTime>2024-03-01 02:44:11</BootTime><Activated>false</Activated>"
    f"<Salt>{SECRET}</Salt><Code>{SECRET}</Code></ProbeMatch>"
).encode()


def dhip(body: object) -> bytes:
    text = json.dumps(body).encode() + b"\n"
    return struct.pack("<I4s8xI4xI4x", 32, b"DHIP", len(text), len(text)) + text


DH_SEARCH: Final = dhip({"method": "DHDiscover.search", "params": {"mac": "", "uni": 1}})
DH_ANSWER: Final = dhip(
    {
        "mac": MAC,
        "method": "client.notifyDevInfo",
        "params": {
            "deviceInfo": {
                "DeviceType": "IPC-HFW4431R",
                "HttpPort": 80,
                "IPv4Address": {"IPAddress": "192.0.2.7", "DhcpEnable": False},
                "Init": 166,
                "MachineName": "gate",
                "SerialNo": "3K00000PAG00001",
                "Vendor": "Private",
                "Version": "2.460.0000000.2.R",
                "Password": SECRET,
                "Find": [SECRET],
            }
        },
    }
)

DV1_SEARCH: Final = b"\xa3\x01\x00\x01" + bytes(12) + b"\x02" + bytes(15)
_LINES: Final = b"Name:Private\r\nDevice:IPC\r\nSerialNo:3K00000PAG00001\r\n\r\n"
_SECTION: Final = MAC.encode() + b"IPC-HFW2100"
DV1_ANSWER: Final = (
    struct.pack("<BxBxI8xIH10x8x16s", 0xB3, len(_SECTION), 0x58, 2, len(_LINES), b"gate")
    + bytes(64)
    + _SECTION
    + _LINES
)


def xm(message: int, body: bytes = b"", version: int = 0) -> bytes:
    return struct.pack("<BBHIIHHI", 0xFF, version, 0, 0, 0, 0, message, len(body)) + body


XM_SEARCH: Final = xm(1530)
XM_COMMON: Final = {
    "BuildDate": "2019-02-28 17:30:58",
    "DeviceType": 1,
    "HostIP": "0x6D0BA8C0",
    "HostName": "LocalHost",
    "MAC": MAC,
    "SN": "41e6853ada5e0001",
    "Version": "V4.02.R11.00030751",
    "Password": SECRET,
}
XM_ANSWER: Final = xm(1531, json.dumps({"NetWork.NetCommon": XM_COMMON, "Ret": 100}).encode() + b"\n\x00")
XM_SETTING: Final = xm(1532, json.dumps({"Username": "admin", "Password": SECRET}).encode())

HANWHA_SEARCH: Final = b"\x01" + bytes(0x105)
HANWHA_ANSWER: Final = (
    b"\x0b"
    + bytes(0x12)
    + struct.pack("18s16s16s16s", MAC.upper().encode(), b"192.0.2.7", b"255.255.255.0", b"192.0.2.1")
    + bytes(0x18)
    + struct.pack("10s", b"XNV-6080")
    + bytes(0x0E)
    + struct.pack("39s", b"http://192.0.2.7/home")
    + bytes(0x5A)
)

BOSCH_SEARCH: Final = bytes.fromhex("9939a427 01020304 ff0006de")
BOSCH_ANSWER: Final = bytes.fromhex("9939a427 01020304") + MAC_OCTETS + bytes(18)
BOSCH_XML: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><root xmlns="OEMExt00:device-1-0"><device>'
    "<friendlyName>FLEXIDOME IP 7000</friendlyName><unitName>gate</unitName><serialNumber>044000001</serialNumber>"
    f"<physAddress>44-19-b6-01-02-03</physAddress><sessionKey>{SECRET}</sessionKey>"
    "<unitIPAddress>192.0.2.7</unitIPAddress></device></root>"
).encode()


def foscam(operation: int, body: bytes, key: bytes = b"") -> bytes:
    masked = bytes(octet ^ key[at % 8] for at, octet in enumerate(body)) if key else body
    return struct.pack("<4sHB8sI4x", b"MO_I", operation, bool(key), key, len(body)) + masked


_FOSCAM_BODY: Final = struct.pack(
    "13s21s16x4x4B4B2s", b"00626E010203", b"gate", 11, 37, 2, 54, 2, 4, 10, 8, b"\x00\x50"
) + bytes(2)
FOSCAM_SEARCH: Final = foscam(0, b"\x00\x00\x00\x01")
FOSCAM_ANSWER: Final = foscam(1, _FOSCAM_BODY)
FOSCAM_MASKED: Final = foscam(1, _FOSCAM_BODY, b"keyed-up")


def vivotek(*values: tuple[int, bytes]) -> bytes:
    parts = [bytes((kind,)) + value if kind == 4 else bytes((kind, len(value))) + value for kind, value in values]
    return b"\x07\x4a\x5d\x8f\x1c" + b"".join(parts)


VIVOTEK_SEARCH: Final = vivotek()
VIVOTEK_ANSWER: Final = vivotek((1, b"gate"), (2, MAC_OCTETS), (3, b"\xc0\x00\x02\x07"), (4, b"\x1b"), (9, b"FD8166"))

SONY_SEARCH: Final = b"\x02ENQ:allinfo\xff\x03"
SONY_ANSWER: Final = (
    b"\x02"
    + b"".join(
        line + b"\xff"
        for line in (
            b"MAC:44-19-b6-01-02-03",
            b"MODEL:SNC-VB600",
            b"SERIAL:0000001",
            b"IPADR:192.0.2.7",
            b"SOFTVERSION:3.0.0",
        )
    )
    + b"\x03"
)


def panasonic(*values: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack(">HH", kind, len(value)) + value for kind, value in values)
    return b"\x00\x01" + struct.pack(">H", len(body)) + b"\x00\x0e" + MAC_OCTETS + bytes(41) + body


PANASONIC_SEARCH: Final = bytes.fromhex("00010000 000d0000 00000000") + bytes(40)
PANASONIC_ANSWER: Final = panasonic((0x20, b"\xc0\x00\x02\x07"), (0xA7, b"WV-S1131".ljust(16, b"\0")), (0xFFFF, b""))


def ubiquiti(*values: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack(">BH", kind, len(value)) + value for kind, value in values)
    return b"\x02\x06" + struct.pack(">H", len(body)) + body


UBIQUITI_SEARCH: Final = b"\x01\x00\x00\x00"
UBIQUITI_ANSWER: Final = ubiquiti(
    (2, MAC_OCTETS + b"\xc0\x00\x02\x07"),
    (10, bytes(4)),
    (12, b"UVC G3"),
    (3, b"UVC.S2L.v4.23.8"),
    (0x15, b"UVC-G3-LONG"),
)

VSTARCAM_SEARCH: Final = b"DH\x01\x01"
VSTARCAM_ANSWER: Final = (
    b"DH\x01\x08"
    + struct.pack("16s16s16s16s16s", b"192.0.2.7", b"255.255.255.0", b"192.0.2.1", b"", b"")
    + MAC_OCTETS
    + struct.pack(
        "<H32s32s48x16s16s32s32s", 81, b"VSTA000001ABCDE", b"gate", b"48.53.64.67", b"1.0", b"admin", SECRET.encode()
    )
    + bytes(24)
)


class Sample(NamedTuple):
    module: ModuleType
    data: bytes
    sport: int
    dport: int


SAMPLES: Final = (
    Sample(ssdp, SSDP_SEARCH, 50000, 1900),
    Sample(ssdp, SSDP_ALIVE, 50000, 1900),
    Sample(ssdp, SSDP_ANSWER, 50000, 50001),
    Sample(wsdiscovery, PROBE, 50000, 3702),
    Sample(wsdiscovery, HELLO, 50000, 3702),
    Sample(wsdiscovery, MATCHES, 50000, 50001),
    Sample(wsdiscovery, BYE, 3702, 3702),
    Sample(wsdiscovery, RESOLVE, 50000, 3702),
    Sample(sadp, SADP_INQUIRY, 37020, 37020),
    Sample(sadp, SADP_RESET, 37020, 37020),
    Sample(sadp, SADP_MATCH, 50000, 50001),
    Sample(dhdiscover, DH_SEARCH, 50000, 37810),
    Sample(dhdiscover, DH_ANSWER, 37810, 50000),
    Sample(dhdiscover, b"\xff", 50000, 37810),
    Sample(dahua_discovery, DV1_SEARCH, 50000, 5050),
    Sample(dahua_discovery, DV1_ANSWER, 5050, 50000),
    Sample(xm_discovery, XM_SEARCH, 34569, 34569),
    Sample(xm_discovery, XM_ANSWER, 34569, 34569),
    Sample(hanwha_discovery, HANWHA_SEARCH, 50000, 7701),
    Sample(hanwha_discovery, HANWHA_ANSWER, 7701, 7711),
    Sample(bosch_discovery, BOSCH_SEARCH, 1757, 1757),
    Sample(bosch_discovery, BOSCH_ANSWER, 1757, 1758),
    Sample(bosch_discovery, BOSCH_XML, 1757, 1758),
    Sample(foscam_discovery, FOSCAM_SEARCH, 50000, 10000),
    Sample(foscam_discovery, FOSCAM_ANSWER, 10000, 10000),
    Sample(foscam_discovery, FOSCAM_MASKED, 10000, 10000),
    Sample(vivotek_discovery, VIVOTEK_SEARCH, 50000, 10000),
    Sample(vivotek_discovery, VIVOTEK_ANSWER, 10000, 50000),
    Sample(sony_discovery, SONY_SEARCH, 50000, 2380),
    Sample(sony_discovery, SONY_ANSWER, 2380, 50000),
    Sample(panasonic_discovery, PANASONIC_SEARCH, 50000, 10670),
    Sample(panasonic_discovery, PANASONIC_ANSWER, 10670, 10669),
    Sample(ubiquiti_discovery, UBIQUITI_SEARCH, 50000, 10001),
    Sample(ubiquiti_discovery, UBIQUITI_ANSWER, 10001, 50000),
    Sample(vstarcam_discovery, VSTARCAM_SEARCH, 50000, 8600),
    Sample(vstarcam_discovery, VSTARCAM_ANSWER, 8600, 50000),
    Sample(hikvision_tftp, hikvision_tftp.HANDSHAKE, 9979, 9978),
)
