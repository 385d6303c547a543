"""Page: the report as one HTML file that needs nothing beside it and runs nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.model.contacts import Outcome
from monitor.report import plots
from monitor.report.chapter import chapter, incidents
from monitor.report.claims import Answer, outward, watched
from monitor.report.countries import country
from monitor.report.facts import Certainty
from monitor.report.markup import NOTHING, Html, element, joined, said, table
from monitor.report.style import POLICY, SHEET
from monitor.report.words import SECOND_NS, Clock, counted, duration, number, share

if TYPE_CHECKING:
    from monitor.report.facts import DeviceFacts, Losses, SiteFacts

ROWS: Final = 20_000
"""Rows of all tables of one kind together, so that the file of a thousand devices can still be opened."""
LEAST_ROOM: Final = 5
MOST_ROOM: Final = 100
"""Rows of one table."""
COUNTRIES: Final = 20
CAUTION: Final = (
    "The sensor sees what its mirror port shows. What goes by another way (a mobile modem, a second cable), or what "
    "devices do among themselves out of its sight, is not in here."
)


def render(facts: SiteFacts, made_ns: int) -> bytes:
    """The report as bytes of UTF-8. ``made_ns`` is when it is made, which is told once."""
    clock = Clock(facts.zone)
    room = min(MOST_ROOM, max(LEAST_ROOM, ROWS // max(1, len(facts.devices))))
    title = f"What the devices watched by {facts.sensor} did"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(SHEET)),
    )
    body = element(
        "body",
        element("header", element("h1", title), _range(facts, clock)),
        element("main", _summary(facts), _watching(facts, clock), _overview(facts), _devices(facts, clock, room)),
        _footer(facts, made_ns, clock),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'.encode()


def _range(facts: SiteFacts, clock: Clock) -> Html:
    if facts.span is None:
        return element("p", "The journal knows nothing of this time.")
    asked = [
        joined([f"It was asked for {word} ", clock.shown(time_ns), "; of more the journal knows nothing. "])
        for word, time_ns, known_ns in zip(
            ("from", "until"), facts.asked, (facts.span.begin_ns, facts.span.end_ns), strict=True
        )
        if time_ns is not None and time_ns != known_ns
    ]
    times = [clock.shown(facts.span.begin_ns), " to ", clock.shown(facts.span.end_ns)]
    return joined(
        [element("p", *times, f": {duration(facts.span.length_ns)}."), element("p", *asked) if asked else NOTHING]
    )


def _summary(facts: SiteFacts) -> Html:
    answers = Counter(outward(each).answer for each in facts.devices)
    ends = [end for device in facts.devices for end in device.ends if end.outbound and not end.core]
    opened = sum(each.open for device in facts.devices for each in device.incidents)
    opened += sum(each.open for each in facts.others)
    poor = sum(
        each.coverage.certainty is Certainty.WEAK and outward(each).answer is Answer.NO for each in facts.devices
    )
    parts = []
    if facts.devices:
        parts += [
            f"{counted(len(facts.devices), 'device')} {'is' if len(facts.devices) == 1 else 'are'} in this report.",
            f"{number(answers[Answer.YES])} tried to reach something outside the site;",
            f"{number(answers[Answer.NO])} did not, as far as each was watched;",
            f"of {number(answers[Answer.UNKNOWN])} it is not known.",
            f"Of {number(poor)} that did not this says little, for they were not watched well." if poor else "",
        ]
    else:
        parts.append("No device is in the journal: nothing is known of any, and so nothing is claimed.")
    if ends:
        through = sum(each.outcome >= Outcome.ANSWERED for each in ends)
        parts.append(
            f"Of {counted(len(ends), 'destination')} (by device, operator and country) {number(through)} answered "
            f"and {number(len(ends) - through)} did not, whether a firewall or nobody was there."
        )
    if facts.home:
        abroad = [device for device in facts.devices if any(each.outbound and each.foreign for each in device.ends)]
        home = ", ".join(country(each) for each in facts.home)
        parts.append(f"{counted(len(abroad), 'device')} tried to leave {home}, or to reach somebody under another law.")
    parts.append(f"{counted(opened, 'incident')} {'was' if opened == 1 else 'were'} open at the end.")
    words = " ".join(filter(None, parts))
    return joined([element("h2", "In short"), element("p", words), element("p", _caution(facts), class_="small")])


def _caution(facts: SiteFacts) -> str:
    parts = [CAUTION]
    if facts.damaged:
        parts.append(f"{counted(facts.damaged, 'row')} of the journal cannot be read, so that nothing is denied.")
    if facts.unlisted:
        parts.append(f"{counted(facts.unlisted, 'device')} beyond the first {len(facts.devices)} left out.")
    if facts.forgotten_ns is not None and facts.span is not None and facts.forgotten_ns >= facts.span.begin_ns:
        until = Clock(facts.zone).plain(facts.forgotten_ns)
        parts.append(
            f"Messages until {until} were deleted for their age (limits.journal_days): incidents that were over by "
            "then are not in here, and attempts of the others stand on the day of the oldest message that is left."
        )
    return " ".join(parts)


def _watching(facts: SiteFacts, clock: Clock) -> Html:
    losses = facts.losses
    rows = _lost(losses) if losses is not None else []
    words = "The journal does not say what the sensor missed, so that nothing can be denied." if losses is None else ""
    side = "While an incident was open the mirror showed one direction only." if facts.one_sided else ""
    return joined(
        [
            element("h2", "What was watched, and what was lost meanwhile"),
            element("p", words) if words else NOTHING,
            table(
                "Over all the time that the sensor has counted, not only that of this report",
                ("What", "How much"),
                rows,
            ),
            element("p", side) if side else NOTHING,
            incidents(facts.others, "Incidents of the sensor, and of devices that are known no more", clock, MOST_ROOM),
        ]
    )


def _lost(losses: Losses) -> list[tuple[str, str]]:
    if losses.live:
        first = [
            ("Packets that came", number(losses.arrived)),
            ("Of these, lost", f"{number(losses.lost)} ({number(losses.ppm)} of a million, rounded up)"),
            ("Time in which nothing could be seen, restarts included", duration(losses.gaps_ns)),
        ]
    else:
        first = [("Packets lost, and time in which nothing could be seen", "not known: this was read from files")]
    return [
        *first,
        ("Of a million octets of TCP that were acknowledged, never seen here", number(losses.tcp_ppm)),
        ("Packets that the mirror showed twice, counted once", number(losses.duplicates)),
        ("Connections that made room for others; their attempts are counted", number(losses.flow_evictions)),
        ("Contacts forgotten for want of room", number(losses.contacts_forgotten)),
        ("Devices forgotten for want of room", number(losses.devices_forgotten)),
        ("Times that a host like a camera was left out for want of room", number(losses.devices_unwatched)),
        ("Packets of hosts that nobody watches, passed over in a flood", number(losses.passed_over)),
        ("Times that the clock was set", number(losses.clock_steps)),
    ]


def _overview(facts: SiteFacts) -> Html:
    if facts.span is None or not facts.devices:
        return NOTHING
    clock = Clock(facts.zone)
    days = plots.by_day(facts.days, clock.day(facts.span.begin_ns), clock.day(facts.span.end_ns))
    note = (
        "Not by the day on which they were made: of an incident the journal tells when it begins, when something about "
        "it changes, and at 100, 1,000 and so on attempts. So those of earlier days may stand on a later one, and the "
        "colour is how far the incident had come by then. What the policy allows is not among them."
    )
    return joined(
        [
            element("h2", "Attempts, by the day they were told"),
            element("figure", days, element("figcaption", note)) if days else element("p", _no_attempts(facts)),
            element("h2", "Destinations by country and law"),
            _destinations(facts) or element("p", "None is on record."),
        ]
    )


def _no_attempts(facts: SiteFacts) -> str:
    return "No message of this time tells of an attempt." if facts.losses is not None else "Not known."


def _destinations(facts: SiteFacts) -> Html:
    attempts: Counter[tuple[str, str]] = Counter()
    devices: Counter[tuple[str, str]] = Counter()
    for device in facts.devices:
        places = set()
        for end in device.ends:
            if end.outbound and not end.core:
                place = country(end.country), country(end.jurisdiction)
                attempts[place] += end.attempts
                places.add(place)
        devices.update(places)
    order = sorted(attempts, key=lambda each: (-attempts[each], each))
    most = max(attempts.values(), default=0)
    rows = [
        (
            place,
            law,
            joined(
                [
                    plots.bar(attempts[place, law], most, "#0072b2", counted(attempts[place, law], "attempt")),
                    number(attempts[place, law]),
                ]
            ),
            number(devices[place, law]),
        )
        for place, law in order[:COUNTRIES]
    ]
    left = len(order) - COUNTRIES
    more = (
        element("p", f"{counted(left, 'more pair')} of country and law left out.", class_="small")
        if left > 0
        else NOTHING
    )
    caption = "Whom devices tried to reach: where the address is, and under whose law the operator is"
    return joined([table(caption, ("Country", "Law", "Attempts", "Devices"), rows), more])


def _devices(facts: SiteFacts, clock: Clock, room: int) -> Html:
    if not facts.devices:
        return NOTHING
    anchors = [f"device-{index}" for index in range(1, len(facts.devices) + 1)]
    rows = [_row(device, anchor) for device, anchor in zip(facts.devices, anchors, strict=True)]
    return joined(
        [
            element("h2", "The devices"),
            table(
                "Each with how long it was watched, and what it is known to have done",
                ("Device", "Seen", "Outside the site", "Functions", "Open incidents"),
                rows,
            ),
            plots.legend(list(plots.STATES.values())),
            *(
                chapter(each, anchor, facts.home, facts.known, clock, room)
                for each, anchor in zip(facts.devices, anchors, strict=True)
            ),
        ]
    )


def _row(device: DeviceFacts, anchor: str) -> tuple[str, ...]:
    coverage, main = device.coverage, outward(device)
    seen: str = "not known"
    if coverage.span is not None:
        length_ns = coverage.span.length_ns
        part = share(coverage.seen_s * SECOND_NS, length_ns)
        words = f"{part} of {duration(length_ns)}"
        seen = joined([plots.bar(coverage.seen_s, -(-length_ns // SECOND_NS), "#009e73", f"Seen in {words}"), words])
    counts = Counter(each.state for each in device.functions)
    functions = plots.states(
        counts, ", ".join(f"{counts[state]} {words}" for state, (_, words) in plots.STATES.items() if counts[state])
    )
    tried = {Answer.YES: "tried", Answer.NO: "attempted nothing", Answer.UNKNOWN: "not known"}[main.answer]
    if main.answer is Answer.NO:
        little = ", which says little" if coverage.certainty is Certainty.WEAK else ""
        tried += f" ({watched(coverage).lower()}{little})"
    name = element("a", said(device.name), href=f"#{anchor}")
    opened = sum(each.open for each in device.incidents)
    return (
        name,
        seen,
        tried,
        functions or "not known",
        number(opened),
    )


def _footer(facts: SiteFacts, made_ns: int, clock: Clock) -> Html:
    words = f"Made by camwarden {facts.version} from the journal of sensor {facts.sensor}, "
    return element("footer", element("p", words, clock.shown(made_ns), ".", class_="small"))
