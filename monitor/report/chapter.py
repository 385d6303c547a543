"""Chapter: what the report says of one device."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.detectors.firmware_update import GRADES, versions
from monitor.model.capabilities import Sensitivity, State
from monitor.model.contacts import Outcome
from monitor.report import plots
from monitor.report.claims import Answer, meanwhile, negative, outward, questions, watched, worth
from monitor.report.countries import country
from monitor.report.facts import Certainty
from monitor.report.markup import NOTHING, Html, element, joined, listed, said, table
from monitor.report.words import SECOND_NS, Clock, counted, duration, number, octets, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.ledger.updates import Update
    from monitor.report.facts import DeviceFacts, End, Function, Incident, Known, Missed

HOW: Final[Mapping[Outcome, str]] = {
    Outcome.ASKED: "only the name was looked up",
    Outcome.ATTEMPTED: "stopped: no answer",
    Outcome.REFUSED: "stopped: refused",
    Outcome.ANSWERED: "the other end answered",
    Outcome.TRANSFERRED: "data was transferred",
}
MEANINGS: Final[Mapping[State, str]] = {
    State.CONTRADICTED: "It says no, and does it",
    State.HIDDEN: "It does it, and has never said that it can",
    State.DORMANT: "It can, and it is off: can be switched on from afar",
    State.IN_USE: "It says so, and does it",
    State.READY: "It is switched on, and was not seen at work",
    State.ABSENT: "It says that it cannot",
    State.UNKNOWN: "Not known",
}
PROTOCOLS: Final[Mapping[int, str]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}
PINGS: Final[Mapping[tuple[int, int], str]] = {(1, 0): "ping", (58, 129): "ping (IPv6)"}
"""Echo requests (RFC 792, RFC 4443)."""
FEW: Final = 4
"""Addresses, names and services of one end that are written out."""


def chapter(device: DeviceFacts, anchor: str, home: tuple[str, ...], known: Known, clock: Clock, room: int) -> Html:
    """Everything about one device; of each table at most ``room`` rows."""
    main = outward(device)
    return element(
        "section",
        element("h3", said(device.name), id=anchor),
        element("p", main.words, class_=f"verdict {_colour(main.answer, device.coverage.certainty)}"),
        _card(device, clock),
        _ends(device, clock, room),
        element("h4", "What else was asked"),
        table(
            worth(device.coverage),
            ("Question", "Answer"),
            [(claim.question, claim.words) for claim in questions(device, home, known)],
        ),
        _functions(device, clock, room),
        _updates(device, clock),
        incidents(device.incidents, "Incidents", clock, room),
    )


def _colour(answer: Answer, certainty: Certainty) -> str:
    """Class of the style sheet: what says little is not shown as good news."""
    if answer is Answer.YES:
        return "yes"
    return "no" if answer is Answer.NO and certainty is Certainty.GOOD else "unknown"


def _card(device: DeviceFacts, clock: Clock) -> Html:
    coverage = device.coverage
    facts: list[tuple[str, str]] = [
        ("What it is", f"{device.device_class}" + (f" ({device.recognised_by})" if device.recognised_by else "")),
        ("Made by", said(device.made_by) if device.made_by else "not known"),
        ("Firmware", said(device.firmware) if device.firmware else "not known"),
        ("Addresses", ", ".join((*device.addresses[:FEW], *((device.mac,) if device.mac else ()))) or "not known"),
    ]
    if coverage.span is not None:
        seen, both = coverage.seen_s * SECOND_NS, coverage.both_s * SECOND_NS
        length = coverage.span.length_ns
        words = f"at least {share(seen, length)} of the seconds, in both directions in {share(both, length)}"
        picture = plots.bar(coverage.seen_s, -(-length // SECOND_NS), "#009e73", f"Seen in {words}")
        facts += [
            ("First seen", clock.shown(device.first_ns)),
            ("Last seen", clock.shown(device.last_ns)),
            ("Seen", joined([picture, words])),
        ]
        live = coverage.listened_ns is not None
        only = "only while it was seen: this was read from files, and nobody knows what they lack"
        facts.append(("Watched", f"{watched(coverage)[8:]}. {meanwhile(coverage)}" if live else only))
    return element(
        "dl",
        *(element(kind, each) for pair in facts for kind, each in zip(("dt", "dd"), pair, strict=True)),
        class_="facts",
    )


def _ends(device: DeviceFacts, clock: Clock, room: int) -> Html:
    if not device.ends:
        return NOTHING
    rows = [_end(each, clock) for each in device.ends[:room]]
    partial = any(not each.whole for each in device.ends[:room])
    return joined(
        [
            element("h4", "Whom it had to do with outside"),
            table(
                "By operator, country and law; what it began itself comes first",
                ("Who", "Where", "Under whose law", "What came of it", "How often", "Policy", "When"),
                rows,
            ),
            element("p", f"{counted(len(device.ends) - room, 'more row')} left out.", class_="small")
            if len(device.ends) > room
            else NOTHING,
            element("p", "* Some of this was before or after the time of this report.", class_="small")
            if partial
            else NOTHING,
        ]
    )


def _service(proto: int, port: int) -> str:
    """A service in words. Pings have no port; in its place stands the type of their answer (Community ID)."""
    return PINGS.get((proto, port)) or f"{PROTOCOLS.get(proto, f'protocol {proto}')}/{port}"


def _end(end: End, clock: Clock) -> tuple[str, ...]:
    called = _some([each for each in (*end.names, *end.addresses) if each != end.operator])
    ports = _some([_service(proto, port) for proto, port in end.services])
    network = f"AS{end.network} {end.organisation or ''}" if end.network is not None else ""
    where = "on the site, off limits" if end.core else country(end.country)
    star = "" if end.whole else " *"
    if end.outcome is Outcome.ASKED:
        often = f"asked {counted(end.asked, 'time')}{star}"
    else:
        often = f"{counted(end.attempts, 'attempt')}, {octets(end.bytes_out)} out, {octets(end.bytes_in)} in{star}"
    how = HOW[end.outcome]
    if end.outcome is Outcome.REFUSED and end.refused_by is not None:
        how += " by the other end" if end.refused_by == "peer" else f" by {end.refused_by}"
    if not end.outbound and end.addresses:
        how = "it was reached from there" if end.invited else f"who began is not known; {how}"
    judged = "an incident" if end.told else "no incident"
    return (
        joined([said(end.operator), _line(called), _line(ports)]),
        joined([where, _line(network)]),
        country(end.jurisdiction),
        how,
        often,
        judged,
        joined([clock.shown(end.first_ns), " to ", clock.shown(end.last_ns)]),
    )


def _some(items: list[str]) -> str:
    more = f" and {len(items) - FEW} more" if len(items) > FEW else ""
    return ", ".join(items[:FEW]) + more


def _line(words: str) -> Html:
    return joined([element("br"), element("span", words.strip(), class_="small")]) if words.strip() else NOTHING


def _functions(device: DeviceFacts, clock: Clock, room: int) -> Html:
    head = element("h4", "What it can do and does")
    if not device.functions:
        words = "Not known: it was not heard to say what it can do, and nothing that it did shows it."
        return joined([head, element("p", words)])
    counts = Counter(each.state for each in device.functions)
    title = ", ".join(f"{counts[state]} {words}" for state, (_, words) in plots.STATES.items() if counts[state])
    told = [each for each in device.functions if each.state not in (State.ABSENT, State.UNKNOWN)]
    absent = [each.name for each in device.functions if each.state is State.ABSENT]
    more = f"{counted(len(told) - room, 'more function')} left out." if len(told) > room else ""
    return joined(
        [
            head,
            element("p", plots.states(counts, title), title),
            table(
                "Sensitive functions are marked; a function that is not listed is not known",
                ("Function", "State", "Who says so, since when"),
                [_function(each, clock) for each in told[:room]],
            ),
            element("p", f"It says that it cannot: {', '.join(absent)}.") if absent else NOTHING,
            element("p", more, class_="small") if more else NOTHING,
        ]
    )


def _function(function: Function, clock: Clock) -> tuple[str, ...]:
    grave = " (sensitive)" if function.sensitivity is Sensitivity.SENSITIVE else ""
    claims = [
        joined([f"{column}: {'yes' if claim.value else 'no'}, ", said(claim.source), ", ", clock.shown(claim.first_ns)])
        for column, claim in function.claims
    ]
    state = joined([element("b", plots.STATES[function.state][1]), _line(MEANINGS[function.state])])
    return joined([function.name, grave]), state, joined(claims, "; ")


def _updates(device: DeviceFacts, clock: Clock) -> Html:
    head = element("h4", "Firmware and updates")
    ran = [
        joined([said(each.text), " since ", clock.shown(each.first_ns), f", as {each.source} says"])
        for each in device.versions
    ]
    if not device.updates:
        answer, words = negative(device.coverage, "no update was seen")
        if answer is Answer.NO:
            words += " One that came encrypted and in small parts may not be noticed."
        return joined([head, listed(ran), element("p", words)])
    return joined([head, listed(ran), *(_update(each, clock) for each in device.updates)])


def _update(update: Update, clock: Clock) -> Html:
    gained = [said(words) for words in update.gained.values()]
    return joined(
        [
            element(
                "p",
                element("b", f"Update ({GRADES[update.grade]})"),
                said(versions(update)),
                ", ",
                clock.shown(update.started_ns),
            ),
            listed([joined([f"{sign}: ", said(words)]) for sign, words in update.signs.items()]),
            element("p", "What it added:") if gained else element("p", "What it added: nothing that is known."),
            listed(gained),
        ]
    )


def incidents(told: tuple[Incident, ...], title: str, clock: Clock, room: int) -> Html:
    """A table of incidents; a sentence where there is none."""
    head = element("h4", title)
    if not told:
        return joined([head, element("p", "None is on record.")])
    opened = sum(each.open for each in told)
    left = f"{counted(len(told) - room, 'more incident')} left out." if len(told) > room else ""
    rows = [
        (
            joined([each.title, _line(f"{each.severity.label}, {'open' if each.open else 'over'}")]),
            said(each.message),
            joined([clock.shown(each.first_ns), " to ", clock.shown(each.last_ns)]),
            missed(each.missed),
        )
        for each in told[:room]
    ]
    caption = f"{number(len(told))} in all, {number(opened)} open"
    shown = table(caption, ("What", "In words", "When", "Lost meanwhile"), rows)
    return joined([head, shown, element("p", left, class_="small") if left else NOTHING])


def missed(lost: Missed) -> str:
    """What was not seen while an incident was open."""
    parts = [
        f"{number(lost.loss_ppm)} of a million packets" if lost.loss_ppm else "",
        f"{number(lost.tcp_loss_ppm)} of a million octets of TCP never passed here" if lost.tcp_loss_ppm else "",
        f"{duration(lost.gaps_s * SECOND_NS)} in which nothing could be seen" if lost.gaps_s else "",
        "one direction was not shown" if lost.one_sided else "",
        f"{counted(lost.evictions, 'connection')} forgotten early" if lost.evictions else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing that is known"
