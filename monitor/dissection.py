"""Dissection: what Wireshark's dissectors see in the packets of an incident, in plain words, beside what we say of it.

Strategy: the journal says which file an incident's evidence is and what its hash is; only a file with that hash is
dissected. All text of the packets is from the wire, and is made harmless for a terminal where it is put into words.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from collectors.dissect import dissect
from monitor.evidence.folder import FOLDER, PACKETS_NAME
from monitor.model.address import is_address
from monitor.model.printable import printable
from monitor.store.reading import open_readonly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from collectors.dissect import Dissected

MOST_SHOWN: Final = 1200
"""Characters of a text that are shown: a message's sentence has at most 1,024."""
WANTED: Final = (
    "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
    "tcp.flags.syn", "tcp.flags.ack", "tcp.flags.reset", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code",
    "dns.flags.response", "dns.flags.rcode", "dns.qry.name", "dns.a", "dns.aaaa", "dns.count.answers", "dns.resp.type",
    "tls.handshake.type", "tls.handshake.extensions_server_name",
    "http.request.method", "http.request.uri", "http.request.full_uri", "http.response.code",
    "rtsp.method", "rtsp.url", "rtsp.status",
)  # fmt: skip
NOT_ARRIVED: Final = "says that a packet did not arrive"
ICMP_SAYS: Final = {
    ("icmp", "8"): "pings", ("icmp", "0"): "answers a ping",
    **{("icmp", kind): NOT_ARRIVED for kind in ("3", "4", "5", "11", "12")},
    ("icmpv6", "128"): "pings", ("icmpv6", "129"): "answers a ping",
    **{("icmpv6", kind): NOT_ARRIVED for kind in ("1", "2", "3", "4")},
}  # fmt: skip
"""RFC 792; RFC 4443, 2.1."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")
CLIENT_HELLO: Final = "1"
SERVER_HELLO: Final = "2"
RCODES: Final = {"3": "no such name", "2": "the server failed", "5": "refused"}
"""RFC 1035, 4.1.1."""


class NoEvidence(Exception):  # noqa: N818  it says what is missing
    """There is nothing to dissect; one line says why."""


class Found(NamedTuple):
    """An incident, and the newest evidence of it that is still there."""

    told: dict[str, Any]
    """Its last message."""
    path: Path
    packets: int


def find(directory: Path, incident: str) -> Found:
    """The incident with this id, or the only one that begins so.

    StoreError if the journal cannot be read, ValueError if there is no such incident or more than one, NoEvidence.
    """
    with open_readonly(directory) as reader:
        uid = reader.incident_named(incident)
        messages = [msgspec.json.decode(each.body) for each in reader.of_incident(uid)]
    if not messages:
        msg = f"{uid}: its messages were deleted"
        raise NoEvidence(msg)
    return _newest(directory / FOLDER, uid, messages)


def _newest(folder: Path, uid: str, messages: list[dict[str, Any]]) -> Found:
    """The newest file that a message names and that is what it was then."""
    named = changed = 0
    for told in reversed(messages):
        evidence = told["unmapped"]["camwarden"].get("evidence") or {}
        name = str(evidence.get("pcap", ""))
        if not PACKETS_NAME.fullmatch(name):
            continue
        named += 1
        try:
            data = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            msg = f"{folder / name}: {error.strerror}"
            raise NoEvidence(msg) from None
        if hashlib.sha256(data).hexdigest() == evidence.get("sha256"):
            return Found(messages[-1], folder / name, int(evidence.get("packets", 0)))
        changed += 1
    if not named:
        why = (
            "no packets of it were kept: evidence.packets is off, it is about no packets, or the disk did not take them"
        )
    elif changed:
        why = "its evidence is not what its messages say: the file was changed"
    else:
        why = "its evidence was removed to make room for newer (evidence.max_mib)"
    msg = f"{uid}: {why}"
    raise NoEvidence(msg)


def explain(found: Found) -> Iterator[str]:
    """Lines for people. DissectError if tshark is not there or not through in time."""
    told, seen = found.told, dissect(found.path, WANTED)
    camwarden = told["unmapped"]["camwarden"]
    yield f"Incident {told['finding_info']['uid']}"
    yield f"  camwarden says: {plain(told['message'])}"
    yield f"  decided by: {plain(camwarden['rule'])}"
    yield f"  packets: {len(seen)} in {found.path}"
    yield "Wireshark sees:"
    for packet in seen:
        yield f"  {packet.number:>3}  {words(packet)}"
    named = sorted({name for packet in seen for name in names(packet)})
    if named:
        yield f"Names in them: {', '.join(plain(each) for each in named)}"
    yield "Display filter:"
    yield f"  {display_filter(told, named)}"


def words(packet: Dissected) -> str:
    """One packet in a sentence."""
    ends = f"{_source(packet)} -> {_destination(packet)}"
    return f"{ends}: {_deed(packet)}"


def _deed(packet: Dissected) -> str:
    first = _first(packet)
    layers = [each for each in packet.layers if each != "frame" and not each.startswith("_")]
    if "dns" in layers:
        return _lookup(packet)
    for dialect in ("http", "rtsp"):
        method, uri = first(f"{dialect}.request.method") or first(f"{dialect}.method"), _uri(packet, dialect)
        status = first(f"{dialect}.response.code") or first(f"{dialect}.status")
        if method:
            return f"requests {plain(method)} {plain(uri)} ({dialect.upper()})"
        if status:
            return f"answers {plain(status)} ({dialect.upper()})"
    hello = packet.fields.get("tls.handshake.type", ())
    if CLIENT_HELLO in hello:
        name = first("tls.handshake.extensions_server_name")
        carrier = "QUIC" if "quic" in layers else "TLS"
        return (
            f"greets, and names the server {plain(name)} ({carrier})" if name else f"greets, naming nobody ({carrier})"
        )
    if SERVER_HELLO in hello:
        return "answers the greeting (TLS)"
    for errors in ("icmp", "icmpv6"):
        if first(f"{errors}.type"):
            kind, code = first(f"{errors}.type"), first(f"{errors}.code")
            said = ICMP_SAYS.get((errors, kind), "says")
            return f"{said} (ICMP type {plain(kind)}, code {plain(code)})"
    if "tcp" in layers and layers[-1] == "tcp":
        return _handshake(first("tcp.flags.syn"), first("tcp.flags.ack"), first("tcp.flags.reset"))
    return f"sends {layers[-1].upper() if layers else 'something'}"


def _lookup(packet: Dissected) -> str:
    first = _first(packet)
    name = plain(first("dns.qry.name") or "a name that is not there")
    if first("dns.flags.response") not in ("1", "True"):
        return f"asks where {name} is (DNS)"
    types = packet.fields.get("dns.resp.type", ())[: int(first("dns.count.answers") or 0)]
    answers = ((packet.fields.get("dns.a", ()), "1"), (packet.fields.get("dns.aaaa", ()), "28"))
    addresses = [each for found, kind in answers for each in found[: types.count(kind)]]  # name servers stand behind
    rcode = first("dns.flags.rcode") or "0"
    if rcode != "0":
        return f"answers for {name}: {RCODES.get(rcode, f'error {plain(rcode)}')} (DNS)"
    return f"answers that {name} is at {', '.join(plain(each) for each in addresses) or 'no address'} (DNS)"


def _handshake(syn: str, ack: str, reset: str) -> str:
    on = ("1", "True")
    if reset in on:
        return "refuses, or breaks off (TCP RST)"
    if syn in on:
        return "accepts the connection (TCP SYN, ACK)" if ack in on else "asks for a connection (TCP SYN)"
    return "goes on (TCP)"


def _uri(packet: Dissected, dialect: str) -> str:
    first = _first(packet)
    return first(f"{dialect}.request.full_uri") or first(f"{dialect}.request.uri") or first(f"{dialect}.url")


def _first(packet: Dissected) -> Callable[[str], str]:
    return lambda name: next(iter(packet.fields.get(name, ())), "")


def _source(packet: Dissected) -> str:
    return _end(packet, "src", "srcport")


def _destination(packet: Dissected) -> str:
    return _end(packet, "dst", "dstport")


def _end(packet: Dissected, side: str, port: str) -> str:
    """Address and port. The innermost address comes last where a tunnel carries another packet."""
    address = (packet.fields.get(f"ip.{side}") or packet.fields.get(f"ipv6.{side}") or ("?",))[0]
    number = _first(packet)(f"tcp.{port}") or _first(packet)(f"udp.{port}")
    shown = f"[{address}]" if ":" in address and number else address
    return plain(f"{shown}:{number}" if number else shown)


def names(packet: Dissected) -> tuple[str, ...]:
    """Names that were asked for or greeted."""
    return (*packet.fields.get("dns.qry.name", ()), *packet.fields.get("tls.handshake.extensions_server_name", ()))


def display_filter(told: dict[str, Any], named: Sequence[str]) -> str:
    """What to paste into Wireshark to see this incident's packets in a capture of your own.

    Built from addresses, port numbers and names of plain letters alone: nothing in it is spelled by the wire.
    """
    terms = []
    for evidence in told.get("evidences", ()):
        source, remote = evidence["src_endpoint"].get("ip", ""), (evidence.get("dst_endpoint") or {}).get("ip", "")
        if is_address(source) and is_address(remote):
            terms.append(f"({_of(source)} && {_of(remote)})")
    terms += [f'dns.qry.name == "{name}"' for name in named if _NAME.fullmatch(name)]
    terms += [f'tls.handshake.extensions_server_name == "{name}"' for name in named if _NAME.fullmatch(name)]
    return " || ".join(dict.fromkeys(terms)) or "frame"


def _of(address: str) -> str:
    return f"{'ipv6' if ':' in address else 'ip'}.addr == {address}"


def plain(text: object) -> str:
    """Text from the wire on one line, without what steers a terminal."""
    shown = printable(str(text))
    return shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + "\N{HORIZONTAL ELLIPSIS}"
