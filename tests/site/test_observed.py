"""``camwarden observe`` of what real programs said, beside tshark's reading of the same packets."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.site.conftest import CAMERA, CAMERA_MAC
from tests.site.dissected import fingerprints, rows
from tests.site.network import CHINA, IRELAND, SERVER, TENCENT, needs
from tests.site.servers import CLOUD

if TYPE_CHECKING:
    from tests.site.conftest import Day


@pytest.fixture(scope="module")
def said(day: Day) -> list[dict[str, Any]]:
    """All observations."""
    needs("tshark")
    return day.observed()


def of(said: list[dict[str, Any]], kind: str, *fields: str, **where: object) -> list[tuple[Any, ...]]:
    """These fields of each observation of a kind."""
    chosen = (each for each in said if each["kind"] == kind and all(each[key] == where[key] for key in where))
    return [tuple(each[field] for field in fields) for each in chosen]


def test_dhcp(day: Day, said: list[dict[str, Any]]) -> None:
    """Each message: client, message type, address, host name, vendor class and parameter list.

    The client is the device that it is about, also where its server speaks.
    """
    kinds = {"1": "discover", "2": "offer", "3": "request", "5": "ack"}
    theirs = [
        (
            macs.split(",")[0],
            kinds[message],
            {"3": wanted, "5": yours}.get(message) or None,
            name or None,
            vendor or None,
            listed or None,
        )
        for macs, message, wanted, yours, name, vendor, listed in rows(
            day.capture, "dhcp", "dhcp.hw.mac_addr", "dhcp.option.dhcp", "dhcp.option.requested_ip_address",
            "dhcp.ip.your", "dhcp.option.hostname", "dhcp.option.vendor_class_id", "dhcp.option.request_list_item",
        )
    ]  # fmt: skip
    fields = ("mac", "message", "address", "name", "vendor_class", "fingerprint")
    assert of(said, "device.announced", *fields, protocol="dhcp") == theirs
    assert all(device == mac for device, mac in of(said, "device.announced", "device", "mac", protocol="dhcp"))
    assert (CAMERA_MAC, "ack", day.addresses[CAMERA]) in of(said, "device.announced", "mac", "message", "address")


def test_arp(day: Day, said: list[dict[str, Any]]) -> None:
    """Who says to have which address; probes for an address that nobody has yet claim none."""
    theirs = rows(day.capture, "arp", "arp.src.hw_mac", "arp.src.proto_ipv4")
    claims = [row for row in theirs if row[1] != "0.0.0.0"]
    assert [row for row in of(said, "device.announced", "mac", "address", protocol="arp") if row in claims] == claims
    assert claims


def test_dns(day: Day, said: list[dict[str, Any]]) -> None:
    """Each question, and each answer with its code and addresses."""
    types, codes = {"1": "A", "28": "AAAA"}, {"0": "NOERROR", "5": "REFUSED"}
    fields = ("dns.qry.name", "dns.qry.type", "dns.flags.rcode", "dns.a", "dns.flags.response")
    theirs = rows(day.capture, "dns", *fields)
    questions = [(name, types[kind]) for name, kind, _, _, response in theirs if response == "0"]
    answers = [
        (name, types[kind], codes[code], [address] if address else [])
        for name, kind, code, address, response in theirs
        if response == "1"
    ]
    assert of(said, "dns.query", "name", "qtype") == questions
    assert of(said, "dns.answer", "name", "qtype", "rcode", "addresses") == answers
    assert (CLOUD, "A", "NOERROR", [IRELAND]) in answers


def test_hellos(day: Day, said: list[dict[str, Any]]) -> None:
    """Server name and JA4, computed here from tshark's fields; one client of TLS 1.2 and others of 1.3."""
    theirs = fingerprints(day.capture)
    assert of(said, "tls.client_hello", "sni", "ja4", dst=IRELAND) == [each for each in theirs if each[0]]
    assert of(said, "tls.client_hello", "version", dst=IRELAND) == [("1.2",), ("1.3",), ("1.3",)]


def test_certificate(day: Day, said: list[dict[str, Any]]) -> None:
    """That of the one connection in which it can be seen, as openssl reads the file."""
    command = ("openssl", "x509", "-in", str(day.certificate), "-noout")
    digest = subprocess.run((*command, "-fingerprint", "-sha256"), capture_output=True, text=True, check=True).stdout
    subject = subprocess.run(
        (*command, "-subject", "-nameopt", "RFC2253"), capture_output=True, text=True, check=True
    ).stdout
    expected = (
        subject.removeprefix("subject=").strip(),
        digest.partition("=")[2].strip().replace(":", "").lower(),
        IRELAND,
    )
    assert of(said, "tls.certificate", "subject", "sha256", "src") == [expected]


def test_http(day: Day, said: list[dict[str, Any]]) -> None:
    """Request and response; of the URI, tshark has the password."""
    ((method, host, uri, agent),) = rows(
        day.capture, "http.request", "http.request.method", "http.host", "http.request.uri", "http.user_agent"
    )
    ((status, server, kind, length),) = rows(
        day.capture, "http.response", "http.response.code", "http.server", "http.content_type", "http.content_length"
    )
    ((*asked, cut),) = of(said, "http.request", "method", "host", "user_agent", "uri")
    assert asked == [method, host.removesuffix(":8080"), agent]
    assert "hunter2" in uri
    assert cut.startswith("/online?user=")
    answered = of(said, "http.response", "status", "server", "content_type", "content_length", src=CHINA)
    assert answered == [(int(status), server, kind, int(length))]


def test_time(day: Day, said: list[dict[str, Any]]) -> None:
    """Each NTP packet of chrony: who asks and who knows, and how far from a clock that is."""
    needs("chronyd of chrony")
    modes = {"3": "client", "4": "server"}
    theirs = [
        (source, modes[mode], int(version), int(stratum))
        for source, mode, version, stratum in rows(
            day.capture, "ntp", "ip.src", "ntp.flags.mode", "ntp.flags.vn", "ntp.stratum"
        )
    ]
    assert of(said, "ntp", "src", "mode", "version", "stratum") == theirs
    assert (SERVER, "server", 4, 8) in theirs


def test_greetings(day: Day, said: list[dict[str, Any]]) -> None:
    """Both sides of SSH say dropbear; the camera greets a broker as a client of MQTT."""
    theirs = {
        (source, text.removeprefix("SSH-2.0-"))
        for source, text in rows(day.capture, "ssh.protocol", "ip.src", "ssh.protocol")
    }
    assert set(of(said, "service.banner", "src", "text", protocol="ssh")) == theirs
    assert {role for (role,) in of(said, "service.banner", "role", protocol="ssh")} == {"client", "server"}
    assert ("client", day.addresses[CAMERA]) in of(said, "service.banner", "role", "src", protocol="mqtt", dst=TENCENT)


def test_flows(day: Day, said: list[dict[str, Any]]) -> None:
    """Packets and frame bytes of all flows are those of all IP packets; nothing was called malformed."""
    sizes = [int(size) for (size,) in rows(day.capture, "ip", "frame.len")]
    flows = of(said, "flow.end", "packets_out", "packets_in", "bytes_out", "bytes_in")
    assert sum(out + into for out, into, _, _ in flows) == len(sizes)
    assert sum(out + into for _, _, out, into in flows) == sum(sizes)
    assert of(said, "malformed", "layer", "reason") == []


def test_no_secret_is_observed(said: list[dict[str, Any]]) -> None:
    """Passwords of HTTP and MQTT were on the wire, and are nowhere else."""
    assert "hunter2" not in str(said)
