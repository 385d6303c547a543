"""Overview: is anything wrong, whom do the devices call, and where is that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.board import board
from dashboards.calls import COUNTED, ENDS, NOBODY, by_outcome, ended, table_by, unanswered
from dashboards.panels import (
    HIGH,
    OUTCOMES,
    RAISED,
    SEVERITIES,
    TO_CALLS_OF_COUNTRY,
    TO_CALLS_UNDER_LAW,
    TO_DEVICE,
    TO_HEALTH,
    Column,
    Query,
    Words,
    bars,
    link,
    number,
    table,
    world,
)
from dashboards.queries import INTERVAL, gained, highest, of_devices, of_sensors, per_second, total
from monitor.sinks.families import (
    ATTEMPTS,
    BUILD,
    DEVICE,
    INCIDENTS,
    KERNEL_DROPS,
    LAG,
    OPEN,
    PACKETS,
    SEEN,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

CALLS = link("Call-home", "camwarden-call-home")
ALL_OF_SENSOR = "Of the chosen sensors; group and device do not narrow it, since this metric has no device."


def dashboard() -> Dashboard:
    """The first one to open."""
    seen, chosen = of_devices(SEEN), of_devices(DEVICE, group='=~"$group"')
    grave = of_sensors(OPEN, severity='=~"critical|high"')
    grown = gained(of_sensors(INCIDENTS), INTERVAL)
    groups = f"on (sensor, device) group_left (group) {chosen}"
    wanted = gained(of_devices(ATTEMPTS, outcome='="attempted"'))
    got = gained(of_devices(ATTEMPTS, outcome='="answered"'))
    return board(
        "camwarden / Overview",
        "camwarden-overview",
        "Is anything wrong, whom do the devices call, and where is that?",
        {
            "Now": [
                number(
                    Words(
                        "Devices watched",
                        "Devices of the inventory. Hosts that were only recognised are not in it.",
                        "no sensor has an inventory",
                    ),
                    f"count({chosen})",
                ),
                number(
                    Words(
                        "Not seen for an hour",
                        "Devices whose last packet is older than an hour. All at once: look at the sensor first.",
                        "none was ever seen",
                    ),
                    f"count(time() - {seen} > 3600) or 0 * count({seen})",
                    steps=((1, RAISED),),
                ),
                number(
                    Words("Open incidents", f"Incidents that have not ended. {ALL_OF_SENSOR}", "0"),
                    total(of_sensors(OPEN)),
                    steps=((1, RAISED),),
                ),
                number(
                    Words(
                        "Open, critical or high",
                        f"These first: `camwarden incidents` names device and destination. {ALL_OF_SENSOR}",
                        "0",
                    ),
                    f"{total(grave)} or 0 * {total(of_sensors(OPEN))}",
                    steps=((1, HIGH),),
                ),
                number(
                    Words("Attempts", f"Attempts to reach a remote end, blocked or not. {COUNTED}", NOBODY),
                    ended("attempted"),
                    to=CALLS,
                    decimals=0,
                ),
                number(
                    Words(
                        "Unanswered",
                        "How much of what the devices try is blocked or lost. Low: the firewall lets them out.",
                        NOBODY,
                    ),
                    f"{unanswered()} / ({ended('attempted')} > 0)",
                    unit="percentunit",
                    to=CALLS,
                    decimals=1,
                ),
            ],
            "Incidents": [
                table(
                    Words(
                        "Open incidents", f"What is open now, by kind and severity. {ALL_OF_SENSOR}", "nothing is open"
                    ),
                    Query(f"{total(of_sensors(OPEN), 'sensor', 'kind', 'severity')} > 0", "open"),
                    columns={
                        "severity": Column(width=120, colours=SEVERITIES),
                        "open": Column(width=80),
                        "sensor": Column(link=TO_HEALTH),
                    },
                    sort="open",
                ),
                bars(
                    Words(
                        "New incidents",
                        f"Incidents as they opened, by kind. {ALL_OF_SENSOR}",
                        "no incident opened in this time",
                    ),
                    Query(f"{total(grown, 'kind')} > 0", "{{kind}}", bars=True),
                ),
            ],
            "Where to": [
                world(
                    Words(
                        "Destinations",
                        "Where the addresses are that devices tried to reach. The country of an anycast address says "
                        "little; `other` and `unknown` are on no map.",
                        NOBODY,
                    ),
                    Query(f"{ended('attempted', 'country')} > 0", "attempts"),
                    to=TO_CALLS_OF_COUNTRY,
                ),
                bars(
                    Words("Attempts by how they ended", f"Blocked beside succeeded. {COUNTED}", NOBODY),
                    *by_outcome(),
                    colours=OUTCOMES,
                    to=CALLS,
                ),
                table(
                    Words("By country of the address", f"Where is that? {COUNTED}", NOBODY),
                    *table_by("country"),
                    columns={"country": Column(link=TO_CALLS_OF_COUNTRY), **ENDS},
                    sort="attempted",
                ),
                table(
                    Words("By jurisdiction", f"Whose law does the operator answer to? {COUNTED}", NOBODY),
                    *table_by("jurisdiction"),
                    columns={"jurisdiction": Column(link=TO_CALLS_UNDER_LAW), **ENDS},
                    sort="attempted",
                ),
            ],
            "Who": [
                table(
                    Words(
                        "Devices that try most",
                        "The twenty with most attempts. `other`: hosts that are not in the inventory.",
                        NOBODY,
                    ),
                    Query(highest(20, ended("attempted", "sensor", "device")), "attempted"),
                    columns={"device": Column(link=TO_DEVICE), "attempted": Column(width=110)},
                    sort="attempted",
                    width=8,
                ),
                table(
                    Words(
                        "Groups",
                        "Which part of the site it comes from. Devices in no group have an empty name.",
                        "no sensor has an inventory",
                    ),
                    Query(f"count by (group) ({chosen})", "devices"),
                    Query(f"sum by (group) (sum by (sensor, device) ({wanted}) * {groups})", "attempted"),
                    Query(f"sum by (group) (sum by (sensor, device) ({got}) * {groups})", "answered"),
                    columns={"answered": ENDS["answered"]},
                    sort="attempted",
                    width=8,
                ),
                table(
                    Words(
                        "Sensors",
                        "Do they see what they should? Packets a second, and the share that the kernel dropped.",
                        "no sensor is scraped: is the target up?",
                    ),
                    Query(f"count by (sensor, version) ({of_sensors(BUILD)})"),
                    Query(total(per_second(of_sensors(PACKETS)), "sensor"), "packets/s"),
                    Query(
                        f"{total(per_second(of_sensors(KERNEL_DROPS)), 'sensor')} / "
                        f"({total(per_second(of_sensors(PACKETS)), 'sensor')} > 0)",
                        "dropped",
                    ),
                    Query(f"max by (sensor) ({of_sensors(LAG)})", "behind"),
                    columns={
                        "sensor": Column(link=TO_HEALTH),
                        "packets/s": Column(unit="pps"),
                        "dropped": Column(unit="percentunit", steps=((0.001, RAISED), (0.01, HIGH))),
                        "behind": Column(unit="s", steps=((5, RAISED), (30, HIGH))),
                    },
                    sort="packets/s",
                    width=8,
                    decimals=None,
                ),
            ],
        },
    )
