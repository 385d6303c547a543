"""Mirror: what to think of a survey. Each finding says what it means and what to do next.

Strategy: red is what would have camwarden miss things, amber what costs certainty or room. A threshold is where what
is ordinary ends, or where another tool's guide draws the line; each says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.live import LinkState
from monitor.doctor.finding import Finding, amber, green, red, some
from monitor.enrich.holders import CARRIES
from monitor.model.address import mac_text, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.doctor.survey import Survey

FEW: Final = 0.01
"""Of all packets: a loss at which whole names and hellos go missing every minute."""
REPEATED: Final = 0.05
"""Of all packets: an access point repeats the multicasts of its clients, 1.4 % of a camera's first minutes
(IoT Sentinel's captures); a mirror of both sides copies half."""
EDGES: Final = 0.05
"""Of all conversations: those that begin before the first packet or end after the last are seen in part."""
ENOUGH: Final = 5
"""Conversations, or look-ups, from which anything can be concluded."""
HALF: Final = 0.5
HOPS: Final = (32, 64, 128, 255)
"""What hosts send with (RFC 1700 and common practice)."""


def mirror(survey: Survey) -> Iterator[Finding]:
    """All that can be said, the gravest questions first."""
    if not survey.engine.scanner.packets:
        yield red("packets", "none came: is the cable in, is the mirror on, is it this interface?")
        yield from loss(survey)
        return
    yield packets(survey)
    yield passing(survey)
    yield from devices(survey)
    yield conversations(survey)
    yield from loss(survey)
    yield duplicates(survey)
    yield truncated(survey)
    yield merged(survey)
    yield readable(survey)
    yield vlans(survey)
    yield neighbours(survey)
    yield leases(survey)
    yield names(survey)
    yield encrypted(survey)
    yield routed(survey)
    yield translated(survey)
    if survey.steps_back or survey.gaps or survey.clock_suspects:
        yield times(survey)


def packets(survey: Survey) -> Finding:
    """How much there is."""
    scanner, seconds = survey.engine.scanner, survey.seconds
    amount = f"{scanner.packets:,} packets, {scanner.octets / 1e6:,.1f} MB"
    if not seconds:
        return green("packets", amount)
    rates = f"{scanner.packets / seconds:,.0f} packets/s, {scanner.octets * 8 / seconds / 1e6:,.2f} Mbit/s"
    return green("packets", f"{amount} in {seconds:,.0f} s: {rates}")


def passing(survey: Survey) -> Finding:
    """Whether it is a mirror at all."""
    if survey.passing:
        return green("mirror", f"{survey.passing:,} of {survey.flows:,} flows are between other hosts")
    return red(
        "mirror",
        "only broadcasts, multicasts and this machine's own traffic: an ordinary switch port; set the mirror up "
        "with this port as its destination",
    )


def devices(survey: Survey) -> Iterator[Finding]:
    """Which of the devices are there."""
    known = list(survey.engine.attribution.devices)
    seen = survey.senders
    recognised = [device for device in known if device.watched and device.key in seen]
    absent = [device.name for device in known if device.configured and device.watched and device.key not in seen]
    if not recognised:
        hosts = [device.name for device in known if device.key in seen]
        among = f"among {len(hosts):,} local hosts ({some(hosts)})" if hosts else "and no local host"
        advice = "mirror the cameras' ports or VLAN, or name them with [[device]] or --cameras"
        yield red("devices", f"no camera, recorder or viewer {among}: {advice}")
    else:
        configured = sum(1 for device in recognised if device.configured)
        shown = some([device.name for device in recognised])
        yield green("devices", f"{len(recognised):,} recognised, {configured:,} of them configured: {shown}")
    if absent:
        light = red if not recognised else amber
        yield light(
            "absent", f"{len(absent):,} configured and not seen: {some(absent)}; are they on, are their ports mirrored?"
        )


def conversations(survey: Survey) -> Finding:
    """Whether both directions come."""
    lacking_to, lacking_from = survey.only_from, survey.only_to
    one_sided = lacking_to + lacking_from + survey.unclear
    total = survey.two_sided + one_sided
    if total < ENOUGH:
        return amber(
            "conversations", f"only {total} TCP conversations: too few to tell both directions; look for longer"
        )
    share = one_sided / total
    if share <= EDGES:
        return green("conversations", f"{survey.two_sided:,} of {total:,} seen in both directions")
    missing = _missing(lacking_to, lacking_from, survey.unclear)
    told = f"{one_sided:,} of {total:,} seen in one direction, {missing}"
    if share > HALF:
        return red("conversations", f"{told}: the mirror is one-sided; mirror both, received and transmitted")
    partly = [key for key, each in survey.sides.items() if each.only_from + each.only_to > each.both]
    whose = f" ({some(partly)})" if partly else ""
    return amber(
        "conversations", f"{told}{whose}: a second path, or a port mirrored one way; mirror that too, both ways"
    )


def _missing(to_devices: int, from_devices: int, unclear: int) -> str:
    """Which direction is not there."""
    if to_devices > max(from_devices, unclear):
        return "what is sent to the devices is missing"
    if from_devices > max(to_devices, unclear):
        return "what the devices send is missing"
    return "some of either"


def loss(survey: Survey) -> Iterator[Finding]:
    """What the kernel and the interface lost, and whether the account is exact."""
    for ledger in survey.ledgers:
        told = f"{ledger.interface}: {ledger.dropped:,} of {ledger.arrived:,} packets dropped by the kernel"
        if not ledger.exact:
            yield red("loss", f"{ledger.interface}: the account of {ledger.arrived:,} packets is not exact: a defect")
        elif ledger.dropped > FEW * ledger.arrived:
            yield red("loss", f"{told}: this machine is too slow for this mirror; more ring, or less video mirrored")
        elif ledger.dropped:
            yield amber("loss", f"{told}: bursts are too long for the ring; give it more")
        else:
            yield green("loss", f"{told}, and every one is accounted for")
        if ledger.missed:
            yield amber(
                "loss",
                f"{ledger.interface}: the card lost {ledger.missed:,} more; give it more descriptors (ethtool -G)",
            )
    for event in survey.events:
        if event.state is not LinkState.UP:
            reason = f" ({event.reason})" if event.reason else ""
            yield amber(
                "link", f"{event.interface} was {event.state}{reason}: nothing was seen meanwhile; see the cable"
            )


def duplicates(survey: Survey) -> Finding:
    """Whether the mirror copies packets twice."""
    scanner = survey.engine.scanner
    share = scanner.duplicates / scanner.packets
    told = f"{scanner.duplicates:,} of {scanner.packets:,} packets ({share:.1%}) are copies"
    if share <= REPEATED:
        return green("duplicates", told)
    return amber(
        "duplicates",
        f"{told}: they pass two mirrored ports; each counts once, and costs twice: mirror one side of the switch only",
    )


def truncated(survey: Survey) -> Finding:
    """Whether whole frames come."""
    scanner = survey.engine.scanner
    if not scanner.truncated:
        return green("whole", "no frame was cut")
    share = scanner.truncated / scanner.packets
    told = f"{scanner.truncated:,} of {scanner.packets:,} frames ({share:.1%}) were cut"
    return amber("whole", f"{told}: names and firmware in them are lost; capture whole frames (snaplen 0, no slicing)")


def merged(survey: Survey) -> Finding:
    """Whether frames are as they were on the wire."""
    if not survey.merged:
        return green("frames", f"none larger than {survey.largest:,} bytes")
    return amber(
        "frames",
        f"{survey.merged:,} larger than the wire carries (up to {survey.largest:,} bytes): merged by the card or the "
        "kernel, so that counts are too small; ethtool -K IF gro off lro off, or a larger MTU for jumbo frames",
    )


def readable(survey: Survey) -> Finding:
    """Whether it is IP."""
    scanner = survey.engine.scanner
    malformed = sum(scanner.malformed())
    if scanner.others > HALF * scanner.packets:
        return red(
            "protocols",
            f"{scanner.others:,} of {scanner.packets:,} packets are no IP that can be read: an encapsulation that "
            "camwarden does not know, or encrypted wireless",
        )
    if malformed > FEW * scanner.packets:
        return amber("protocols", f"{malformed:,} packets are malformed: a mirror that cuts, or a faulty port")
    return green("protocols", f"{malformed:,} malformed, {scanner.others:,} neither IP nor ARP")


def vlans(survey: Survey) -> Finding:
    """Which VLANs there are."""
    seen = sorted({vlan for tags in survey.vlans for vlan in tags})
    if not seen:
        return green("vlans", "no tags: one VLAN, or a mirror that takes them off")
    return green("vlans", f"{len(seen)} tagged: {some([str(vlan) for vlan in seen], 16)}")


def neighbours(survey: Survey) -> Finding:
    """Whether ARP or neighbour discovery is there: who has which address."""
    count = survey.announced["neighbour"]
    if count:
        return green("arp", f"{count:,} messages of ARP or neighbour discovery")
    return amber(
        "arp",
        "no ARP and no neighbour discovery: MACs cannot be told apart from a router's; mirror on the cameras' side",
    )


def leases(survey: Survey) -> Finding:
    """Whether DHCP is there."""
    count = survey.announced["lease"]
    if count:
        return green("dhcp", f"{count:,} messages")
    return green("dhcp", "none seen, which says little: leases last for hours, and addresses may be fixed")


def names(survey: Survey) -> Finding:
    """Whether DNS is there, and so names."""
    share = f"{survey.named:,} of {survey.leaving:,} flows to the outside have a name"
    if survey.queries >= ENOUGH and not survey.answers:
        return red(
            "dns", f"{survey.queries:,} queries and no answer: {share}; mirror the way back from the resolver too"
        )
    if survey.answers >= ENOUGH and not survey.queries:
        return amber("dns", f"{survey.answers:,} answers and no query: {share}; mirror the way to the resolver too")
    if not survey.queries and not survey.leaving:
        return green("dns", "none, and nothing went outside")
    if not survey.queries:
        return amber("dns", f"none: {share}; mirror the port of the resolver that the cameras ask")
    return green("dns", f"{survey.queries:,} queries, {survey.answers:,} answers; {share}")


def encrypted(survey: Survey) -> Finding:
    """Whether names are hidden."""
    hiding = sorted(device.name for device in survey.engine.attribution.devices if device.hides_names)
    if hiding:
        return amber(
            "hidden names", f"{some(hiding)} asked by encrypted DNS: block it at the firewall, or names stay unknown"
        )
    if survey.hidden_names:
        return amber(
            "hidden names", f"{survey.hidden_names:,} hellos hide the name (ECH): only addresses are known of those"
        )
    return green("hidden names", "no encrypted DNS, no encrypted hello")


def routed(survey: Survey) -> Finding:
    """Whether the cameras' own MACs are seen."""
    routers = {mac: addresses for mac, addresses in survey.behind.items() if len(addresses) >= CARRIES}
    everybody = set().union(*survey.behind.values()) if survey.behind else set()
    direct = (
        set().union(*(each for mac, each in survey.behind.items() if mac not in routers)) if survey.behind else set()
    )
    behind = len(everybody - direct)
    if not everybody:
        return amber("macs", "no local host sent with a MAC: devices are known by their addresses alone")
    if not behind:
        return green("macs", f"{len(everybody):,} local hosts, each with a MAC of its own")
    worst = max(routers, key=lambda mac: len(routers[mac]))
    told = f"{behind:,} of {len(everybody):,} local hosts send with {mac_text(worst)}" + (
        f" and {len(routers) - 1} more MACs" if len(routers) > 1 else ""
    )
    return amber(
        "macs", f"{told}: a router stands between; a replaced camera cannot be told: mirror on the cameras' side of it"
    )


def translated(survey: Survey) -> Finding:
    """Whether several hosts share an address."""
    copied = survey.engine.scanner.duplicates > 0  # a routed copy has one hop less
    shared = sorted(
        text(address)
        for address, ttls in survey.ttls.items()
        if len({_initial(ttl) for ttl in ttls}) > 1 or (len(ttls) > 1 and not copied)
    )
    if not shared:
        return green("nat", "no sign of hosts that share an address")
    return amber(
        "nat",
        f"{some(shared)}: packets came from different distances, so several hosts may share the address (NAT) and "
        "cannot be told apart; mirror before the translation",
    )


def times(survey: Survey) -> Finding:
    """Whether the packets' clock is steady."""
    told = f"{survey.clock_suspects:,} packets have a time of their own, {survey.gaps:,} times it jumps by hours"
    if survey.steps_back or survey.clock_suspects:
        return amber("times", f"set back {survey.steps_back:,} times, {told}: synchronise the clock of what captures")
    return amber("times", f"{told}: silence, gaps in the capture, or a clock that was set; see which")


def _initial(ttl: int) -> int:
    """What the sender set it to."""
    return next(each for each in HOPS if ttl <= each)
