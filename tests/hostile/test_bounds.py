"""Every container that lives as long as the engine has a bound, and keeps it.

Threat models C3 and C5. The list below is complete: a container that traffic can reach and that it does not name fails
the test, with the way that leads to it.
"""

from __future__ import annotations

import re
from array import array
from functools import cache
from itertools import product
from random import Random
from typing import Final

from collectors.blocks import Block, Interface
from collectors.captures import Captures
from monitor import sight, traces
from monitor.app import build_engine, knowledge
from monitor.contacts import contacts, lookups
from monitor.enrich import claims, holders, names, site
from monitor.incidents import incident
from monitor.inspection import searches
from monitor.ledger import firmware, ledger, rows, updates
from monitor.model.address import pack
from monitor.model.contacts import Outcome
from monitor.model.facts import (
    CapabilityStated,
    DeviceAnnounced,
    ExploitAttempt,
    FirmwareCall,
    RtspRequest,
    SdpTrack,
    ServiceBanner,
)
from monitor.model.flows import Flow
from monitor.model.limits import Limit, Room
from monitor.protocols import conversation, http_bodies
from monitor.wire import fragments, layout, streams
from pcaps import messages, packets, scenarios
from pcaps.wire import MS
from tests.engine.played import Played, configured, engine
from tests.hostile import floods
from tests.hostile.containers import Found, walk
from tests.hostile.measure import MIB, apart, resident
from tests.hostile.mutants import mutants

FLOWS: Final = 256
CONTACTS: Final = 64
DEVICES: Final = 16
INVENTORY: Final = 2
STRANGER: Final = packets.Host.at("10.20.0.99", "02:00:00:00:00:99")
SCENARIOS: Final = ("irish_vendor_cloud", "hardcoded_p2p", "ipv6_abroad")
WAITING: Final = 4096
"""For what is emptied at each packet or tick, and has no bound of its own: no more than the packets of one block."""
COUNTRIES: Final = 251
"""ISO 3166-1 has 249; none, and ``other``."""

MARKS: Final = 8
"""Kinds of marks: banner, ja4, described, track, boot, unsupported; and two more."""

ROOMS: Final[dict[str, tuple[Room, ...]]] = {
    "engine.alarms._by_uid": (Room.ALARMS,),
    "engine.alarms._held": (Room.ALARMS,),
    "engine.alarms._open": (Room.ALARMS,),
    "engine._flows": (Room.FLOWS,),
    "engine._settling": (Room.SETTLING,),
    "engine.attribution._counted": (Room.CONTACTS, Room.FLOWS),
    "engine.attribution._touched": (Room.CONTACTS, Room.LOOKUPS),
    "engine.attribution.contacts._all": (Room.CONTACTS,),
    "engine.attribution.devices._all": (Room.DEVICES,),
    "engine.attribution.devices._by_mac": (Room.DEVICES,),
    "engine.attribution.devices._carried": (Room.CARRIERS,),
    "engine.attribution.devices._claims._changes": (Room.CHANGES,),
    "engine.attribution.devices._claims._open": (Room.CLAIMS,),
    "engine.attribution.devices._named": (Room.DEVICES,),
    "engine.attribution.devices._recognised": (Room.DEVICES,),
    "engine.attribution.devices._routers": (Room.ROUTERS,),
    "engine.attribution.devices._strangers": (Room.DEVICES,),
    "engine.attribution.devices._watched": (Room.RECOGNISED,),
    "engine.attribution.lookups._open": (Room.LOOKUPS,),
    "engine.attribution.lookups._answers": (Room.ANSWERS,),
    "engine.attribution.names._told": (Room.NAMES,),
    "engine.attribution.site._called": (Room.CALLED_ADDRESSES,),
    "engine.attribution._mapped": (Room.MAPPED_ADDRESSES,),
    "engine.attribution.site._known": (Room.REACHES,),
    "engine.attribution.site._learnt": (Room.PREFIXES,),
    "engine.attribution.site._own": (Room.OWN_ADDRESSES,),
    "engine.attribution._operators._remembered.<dict>": (Room.VERDICTS,),
    "engine.attribution._operators._same": (Room.VERDICTS,),
    "engine.book._by_device": (Room.INCIDENTS,),
    "engine.book._by_uid": (Room.INCIDENTS,),
    "engine.book._moved": (Room.INCIDENTS,),
    "engine.book._open": (Room.INCIDENTS,),
    "engine.book._unnamed": (Room.INCIDENTS,),
    "engine._noticed": (Room.NOTICES,),
    "engine.hearing.awaited._flows": (Room.ANNOUNCED_FLOWS,),
    "engine.hearing.expected._awaited": (Room.MEDIA_PORTS,),
    "engine.hearing._listeners": (Room.FLOWS,),
    "engine.inspection._described": (Room.DESCRIPTIONS,),
    "engine.inspection._searches._tries": (Room.SEARCHES,),
    "engine.inspection._telling._waiting": (Room.NOTICES,),
    "engine.inspection._updates._greeted": (Room.GREETINGS,),
    "engine.inspection._updates._signs._under_way": (Room.DEVICES,),
    "engine.inspection._updates._signs.clocks._clocks": (Room.CLOCKS,),
    "engine.inspection._updates.due": (Room.DEVICES,),
    "engine.inspection._volumes._windows": (Room.VOLUMES,),
    "engine.inspection._weaknesses._attacked": (Room.ATTACKED,),
    "engine.inspection.ledger._pages": (Room.PAGES,),
    "engine.inspection.ledger._pages[].answers[]": (Room.STATEMENTS,),
    "engine.inspection.ledger._pages[].overheard[]": (Room.STATEMENTS,),
    "engine.scanner.dirty": (Room.FLOWS,),
    "engine.traces._names[]": (Room.TRACED_NAMES,),
    "engine.traces._pairs[]": (Room.TRACES,),
}
"""What a limit bounds; of several it is their sum."""
OF_THE_DAEMON: Final = {
    Room.HANDOVER, Room.HANDOVER_PACKETS, Room.SPOOL, Room.EVIDENCE, Room.EVIDENCE_IMAGES,
    Room.CALLERS,
    Room.RETAINED,
}  # fmt: skip
"""Rooms that no engine has: each is tested where it is."""
CAPS: Final[dict[str, int]] = {
    # Of a limit that is counted otherwise: addresses of devices, parts of datagrams.
    "engine.attribution.devices._by_address": (DEVICES + 1) * (holders.MAX_ADDRESSES + 1),
    "engine.attribution.devices._carried[]": holders.CARRIES,
    "engine.attribution.names._told[]": names.MAX_NAMES,
    "engine.fragments._open": fragments.MAX_BYTES // fragments.OVERHEAD,
    "engine.fragments._open[].parts": fragments.MAX_PARTS,
    "engine.traces._hellos": traces.HELLOS,
    "engine.traces._names[][]": traces.PER_DEVICE,
    "engine.traces._pairs[][]": traces.PER_PAIR,
    # Configuration.
    "engine.attribution.devices._cameras": 1,
    "engine.attribution.devices._claims._due": claims.MAX_DUE,
    "engine.attribution.devices._earlier": DEVICES,  # filled from a journal, before the first packet
    "engine.attribution.devices._pinned": INVENTORY,
    "engine.attribution.devices._pinned_macs": INVENTORY,
    "engine.attribution.devices._sightings": (DEVICES + 1) * (holders.MAX_ADDRESSES + 1),
    "engine.attribution.site._core": 0,
    "engine.attribution.site._networks": 32,
    "engine.attribution.site._rows[]": 64 + site.MAX_LEARNT,
    "engine.policy._ages": 1,
    "engine.policy._groups": 2,
    "engine.policy._maintenance._windows": 1,
    "engine.sight._sides": 1,
    "engine.policy._refusals": 8 * (2 + 1),
    # Of each device that tries others in vain.
    "engine.inspection._searches._tries[].hosts": searches.MAX_GROUPS,
    "engine.inspection._searches._tries[].hosts[]": searches.HOSTS,
    "engine.inspection._searches._tries[].ports": searches.MAX_GROUPS,
    "engine.inspection._searches._tries[].ports[]": searches.PORTS,
    # Of each page of the ledger; beyond, nothing is noted.
    "engine.inspection.ledger._pages[].answers": ledger.MAX_ANSWERS,
    "engine.inspection.ledger._pages[].firmware.by_source": firmware.MAX_SOURCES,
    "engine.inspection.ledger._pages[].firmware.history": firmware.MAX_HISTORY,
    "engine.inspection.ledger._pages[].marks": MARKS,
    "engine.inspection.ledger._pages[].marks[]": ledger.MAX_MARKS,
    "engine.inspection.ledger._pages[].overheard": ledger.MAX_ANSWERS // 2,
    "engine.inspection.ledger._pages[].rows": ledger.MAX_ROWS,
    "engine.inspection.ledger._pages[].rows[].said": rows.MAX_SAID,
    "engine.inspection.ledger._pages[].updates": ledger.MAX_UPDATES,
    # Labels of closed sets.
    "engine.attribution.moved": (INVENTORY + 1) * COUNTRIES * 2,
    "engine.attribution.reached": (INVENTORY + 1) * COUNTRIES * COUNTRIES * len(Outcome),
    "engine.counts.malformed": 64,
    # The last minute.
    "engine.sight._turns": sight.WINDOW_NS // sight.STEP_NS + 1,
    # Fixed: orders of use, and the block that is scanned.
    "engine.attribution.contacts._newest": contacts.ORDERS,
    "engine.attribution.contacts._oldest": contacts.ORDERS,
    "engine.scanner.index": WAITING * 5,
    "engine.scanner.links": WAITING,
    "engine.scanner.malformed_counts": 8,
    "engine.scanner.precedence.due": 4 * (DEVICES + 1) * (holders.MAX_ADDRESSES + 1),
    "engine.scanner.precedence.keys": 8 * (DEVICES + 1) * (holders.MAX_ADDRESSES + 1),
    "engine.scanner.recent": 2 * layout.RECENT_SETS * layout.RECENT_WAYS,
    "engine.scanner.table.heads": 2 * FLOWS,
    "engine.scanner.table.keys": layout.KEY_WORDS * FLOWS,
    "engine.scanner.table.list_head": layout.LISTS,
    "engine.scanner.table.list_tail": layout.LISTS,
    "engine.scanner.table.rows": layout.WIDTH * FLOWS,
    "engine.scanner.table.source_heads": 2 * FLOWS + 1,
    "engine.scanner.table.source_keys": 2 * FLOWS,
    "engine.scanner.table.source_rows": layout.SOURCE_WIDTH * FLOWS,
}
"""Exceptions, each with its reason: they have no limit of their own."""
BEGINNINGS: Final = re.compile(r"engine\.hearing\._listeners\[\]\.conversation\._(first|second)\.held")
PATTERNS: Final = (
    (re.compile(r".*\.addresses"), max(holders.MAX_ADDRESSES + 1, lookups.MAX_ADDRESSES)),
    (re.compile(r".*\.evidences"), incident.MAX_EVIDENCES),
    (re.compile(r"engine\.inspection\..*\.gained"), updates.MAX_GAINS),
    (re.compile(r"engine\.inspection\..*\.gained_in"), updates.MAX_EVIDENCES),
    (re.compile(r"engine\.inspection\..*\.signs"), len(updates.Sign)),
    (re.compile(r"engine\.hearing\._listeners\[\]\.(first|second)\.waiting"), streams.MAX_SEGMENTS),
    (BEGINNINGS, conversation.HEAD - 1),
)
IN_PARSERS: Final = re.compile(r"engine\.hearing\._listeners\[\]\..*")
PARSER_BYTES: Final = http_bodies.MAX_TEXT
"""The answer of a device's interface is the most that a parser keeps; a leaf certificate has a quarter of that."""
PARSER_ITEMS: Final = 1024
FIXED: Final = re.compile(r".*(\._extract\b|\.__annotations__|<closure>|_remembered\.__|inspection\._vocabulary\.)")
"""The public suffix list, the catalogue's vocabulary, and what belongs to the code."""


def cap_of(found: Found, limits: dict[Room, int]) -> int | None:
    if found.path in ROOMS:
        return sum(limits[room] for room in ROOMS[found.path])
    if found.path in CAPS:
        return CAPS[found.path]
    for pattern, cap in PATTERNS:
        if pattern.fullmatch(found.path):
            return cap
    if IN_PARSERS.fullmatch(found.path):
        return PARSER_BYTES if found.kind == "bytearray" else PARSER_ITEMS
    return None


def busy() -> tuple[list[Found], list[Limit]]:
    """What an engine with little room holds that has seen scenarios, floods and damage."""
    config = configured(limits={"flows": FLOWS, "contacts": CONTACTS, "devices": DEVICES})
    with knowledge(config) as known:
        played = engine(known, config, observer=lambda *_: None, keeps=True)
        for name in SCENARIOS:
            played.feed(Captures([scenarios.load(name).capture]).blocks())
        now = played.engine.now_ns
        for flood in (floods.stations, floods.names, floods.destinations, floods.hellos, floods.beginnings):
            played.feed(flood(2 * FLOWS, step=MS, now=now))
            now = played.engine.scanner.ts
        question = messages.dns_query(7, floods.HELLO_NAME)
        played.feed([floods.one(now + MS, floods.datagram(STRANGER, floods.RESOLVER, 40000, 53, question))])
        for frame, link, wire in mutants(Random(1), 1000):
            now += MS
            played.feed([Block(frame, array("q", (now, 0, len(frame), wire, 0)), 1, (Interface("capture", link),))])
        tell_the_ledger(played)
        return walk(played.engine, beside=(known.catalogue, known.geo)), list(played.engine.limits())


def tell_the_ledger(played: Played) -> None:
    """More of everything than the ledger keeps of one device: versions, questions, statements, banners, updates."""
    inspection, now = played.engine.inspection, played.engine.now_ns
    device = next(each for each in played.engine.attribution.devices if each.watched)
    peer, host = pack("10.20.0.90"), device.addresses[0]
    for number in range(2 * ledger.MAX_ANSWERS):
        now += updates.JOIN_NS // 16
        inspection.announced(device, DeviceAnnounced("sadp", firmware=f"V{number}"), now)
        source = DeviceAnnounced("isapi", firmware=f"V{number}", boot_time=str(number), fingerprint=str(number))
        inspection.announced(device, source, now, number + 1)
        flow = Flow(0, peer, host, 1024 + number, 554, 6, (), None, None, now)
        statements = tuple((f"a{number}/isSupport{each}", "true") for each in range(64 * (1 + number % 2)))
        for asked in (f"System/{number}", "System/one"):
            stated = CapabilityStated("isapi", asked, (*statements, ("isSupportEZVIZ", "true")))
            inspection.stated(device, stated, now)
            inspection.fact(flow, 1, stated, now)
        inspection.fact(flow, 0, RtspRequest("DESCRIBE", f"rtsp://gate/{number}", None), now)
        inspection.fact(flow, 1, SdpTrack("audio", "PCMU", None, None), now)
        inspection.fact(flow, 1, ServiceBanner(f"kind{number}", "server", f"software {number}"), now)
        inspection.fact(flow, 0, FirmwareCall("isapi", "upload", f"/ISAPI/{number}"), now)
        inspection.fact(flow, 0, ExploitAttempt(f"CVE-{number}", None), now)
        inspection.take()


@cache
def played_busy() -> tuple[list[Found], list[Limit]]:
    """That, in a process that has no compiled module: those hide what they hold."""
    result: tuple[list[Found], list[Limit]] = apart(busy, source=True)
    return result


def test_every_container_is_known_and_bounded() -> None:
    """What the engine refers to, directly or not, has a limit, or a reason to have none, and stays within it."""
    found, told = played_busy()
    limits = {limit.name: limit.capacity for limit in told}
    moving = [(each, cap_of(each, limits)) for each in found if not FIXED.match(each.path)]
    assert [each for each, cap in moving if cap is None] == []
    assert [(each, cap) for each, cap in moving if cap is not None and each.most > cap] == []
    assert (ROOMS.keys() | CAPS.keys()) - {each.path for each in found} == set()


def test_beginnings_are_held_to_their_bound() -> None:
    """Of connections that say less than a recogniser needs, as much as they may say is held, and no more."""
    found, _ = played_busy()
    assert max(each.most for each in found if BEGINNINGS.fullmatch(each.path)) == conversation.HEAD - 1


def test_limits_are_kept_and_each_is_told_once() -> None:
    """Every room of the closed set says how large it is; what it holds is no more, and what it refused is counted."""
    _, told = played_busy()
    assert sorted(limit.name for limit in told) == sorted(set(Room) - OF_THE_DAEMON)
    assert [limit for limit in told if limit.size > limit.capacity or limit.capacity < 1] == []
    assert {Room.FLOWS, Room.DEVICES, Room.CONTACTS} <= {limit.name for limit in told if limit.turned_away}


def test_a_walk_finds_what_is_there() -> None:
    """Containers behind slots, closures, methods and other containers, each once."""

    class Slotted:
        __slots__ = ("inner",)

        def __init__(self) -> None:
            self.inner = {"key": [bytearray(b"abc")]}

    class Plain:
        def __init__(self) -> None:
            held = {1, 2}
            self.slotted = (Slotted(), Slotted())
            self.act = lambda: held

    assert {(each.path, each.kind, each.most, each.many) for each in walk(Plain())} == {
        ("engine.slotted[].inner", "dict", 1, 2),
        ("engine.slotted[].inner[]", "list", 1, 2),
        ("engine.slotted[].inner[][]", "bytearray", 3, 2),
        ("engine.act.<closure>", "set", 2, 1),
    }


def still_clock(count: int) -> int:
    """Contacts that wait to say more when ``count`` calls have one time."""
    config = configured()
    with knowledge(config) as loaded:
        loaded.operators.prepare()
        running = build_engine(config, loaded)
        for block in floods.destinations(count, step=0):
            running.feed(block)
        return len(running._settling)


def test_what_waits_to_say_more_is_bounded() -> None:
    """A capture in which time stands still holds no more contacts than there may be."""
    assert apart(still_clock, 2 * contacts.MAX_PER_DEVICE, source=True) <= contacts.MAX_PER_DEVICE


AROUND: Final = 8 * MIB
"""Eight hundred flows themselves, and verdicts on the first remote ends."""


def held_back(flows: int, segments: int) -> int:
    """Bytes by which the process grows when ``flows`` connections each have ``segments`` waiting for their first."""
    config = configured()
    with knowledge(config) as loaded:
        loaded.operators.prepare()
        running = build_engine(config, loaded)
        now, base = floods.START, resident()
        for flow, segment in product(range(flows), range(segments + 1)):
            now += 1000
            if not segment:
                frame = floods.syn(floods.GATE, floods.ELSEWHERE, 1024 + flow, 443, 100)
            else:
                body = packets.Segment(1024 + flow, 443, 102 + segment * 1000, 1, packets.ACK, payload=b"\x16" * 1000)
                frame = packets.frame(floods.GATE, floods.ELSEWHERE, packets.tcp(floods.GATE, floods.ELSEWHERE, body))
            running.feed(floods.one(now, frame))
        return resident() - base


def test_what_waits_in_all_streams_is_bounded() -> None:
    """MAX_WAITING in all, however many connections leave a hole at their beginning."""
    assert apart(held_back, 800, 60) <= streams.MAX_WAITING + AROUND
