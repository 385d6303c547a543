"""Sensor health: does it see what it should, does it keep up, does it tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.board import board
from dashboards.panels import (
    HIGH,
    RAISED,
    Column,
    Query,
    Words,
    bars,
    lines,
    number,
    ranking,
    table,
)
from dashboards.queries import INTERVAL, gained, of_devices, of_sensors, per_second, total
from monitor.sinks.families import (
    BUILD,
    BYTES,
    DEPTH,
    DUPLICATES,
    EVICTIONS,
    FLOWS,
    GEO_AGE,
    KERNEL_DROPS,
    LAG,
    LIMIT_CAPACITY,
    LIMIT_SIZE,
    LIMIT_TURNED_AWAY,
    MALFORMED,
    OLDEST,
    OPEN,
    PACKETS,
    PARKED,
    PASSED_OVER,
    SEEN_SECONDS,
    TCP_FOLLOWED,
    TCP_MISSED,
    UP,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

BLIND: Final = "no packets: is the target up, is anything mirrored?"
NO_SINK: Final = "no sink is configured"
NO_LAG: Final = "nothing is captured live"
NOT_FULL: Final = "nothing was turned away"
HERE: Final = ("sensor", "interface")
MONTH_S: Final = 30 * 86400


def dashboard() -> Dashboard:
    """Packets, drops, lag, evictions, outbox, seen-time, age of address data."""
    packets, dropped, copies = (
        total(per_second(of_sensors(each)), *HERE) for each in (PACKETS, KERNEL_DROPS, DUPLICATES)
    )
    followed, missed = (total(per_second(of_sensors(each)), "sensor") for each in (TCP_FOLLOWED, TCP_MISSED))
    lost, seen = total(gained(of_sensors(KERNEL_DROPS))), total(gained(of_sensors(PACKETS)))
    some, both = (of_devices(SEEN_SECONDS, directions=f'="{each}"') for each in ("any", "both"))
    size, capacity = of_sensors(LIMIT_SIZE), of_sensors(LIMIT_CAPACITY)
    blind = of_sensors(OPEN, kind='="sensor_blind"')
    full = f"{size} / ({capacity} > 0)"
    away = of_sensors(LIMIT_TURNED_AWAY)
    return board(
        "camwarden / Sensor health",
        "camwarden-sensor",
        "Does the sensor see what it should, does it keep up, does it tell?",
        {
            "Now": [
                number(
                    Words("Sensors", "Sensors that are scraped.", "none: is the target up?"),
                    f"count({of_sensors(BUILD)})",
                ),
                number(
                    Words("Blind", "Open `sensor_blind` incidents: the message says what is missing.", "0"),
                    f"{total(blind)} or 0 * {total(of_sensors(OPEN))}",
                    steps=((1, HIGH),),
                ),
                number(
                    Words("Lost", "Share of packets that the kernel dropped in the chosen time.", BLIND),
                    f"{lost} / ({lost} + {seen} > 0)",
                    unit="percentunit",
                    steps=((0.001, RAISED), (0.01, HIGH)),
                    decimals=2,
                ),
                number(
                    Words("Behind", "How far processing is behind the capture, the worst sensor.", NO_LAG),
                    f"max({of_sensors(LAG)})",
                    unit="s",
                    steps=((5, RAISED), (30, HIGH)),
                    decimals=1,
                ),
                number(
                    Words("Oldest message waiting", "How late the broker is told, the worst sink.", NO_SINK),
                    f"max({of_sensors(OLDEST)})",
                    unit="s",
                    steps=((60, RAISED), (600, HIGH)),
                    decimals=0,
                ),
                number(
                    Words("Oldest address data", "Countries and networks change; so must these.", "no address data"),
                    f"max({of_sensors(GEO_AGE)})",
                    unit="s",
                    steps=((2 * MONTH_S, RAISED), (6 * MONTH_S, HIGH)),
                    decimals=0,
                ),
            ],
            "What comes in": [
                lines(
                    Words("Packets", "Packets seen. A line at zero: a dead mirror port.", BLIND),
                    Query(packets, "{{sensor}} {{interface}}"),
                    unit="pps",
                ),
                lines(
                    Words("Traffic", "Frame bits seen, by their length on the wire.", BLIND),
                    Query(f"8 * {total(per_second(of_sensors(BYTES)), *HERE)}", "{{sensor}} {{interface}}"),
                    unit="bps",
                ),
                lines(
                    Words(
                        "Dropped by the kernel",
                        "Share of what arrived. Each negative claim is weakened by it; each message says by how much.",
                        BLIND,
                    ),
                    Query(f"{dropped} / ({packets} + {dropped} > 0)", "{{sensor}} {{interface}}"),
                    unit="percentunit",
                    steps=((0.01, HIGH),),
                    width=8,
                ),
                lines(
                    Words(
                        "Lost on the way here",
                        "Share of what TCP carried that was acknowledged by its receiver and never passed: the switch "
                        "mirrors more than the port can carry, or the sensor lost it.",
                        BLIND,
                    ),
                    Query(f"{missed} / ({missed} + {followed} > 0)", "{{sensor}}"),
                    unit="percentunit",
                    steps=((0.01, HIGH),),
                    width=8,
                ),
                lines(
                    Words(
                        "Copies", "Share of packets that the mirror showed twice; they are not counted twice.", BLIND
                    ),
                    Query(f"{copies} / ({packets} > 0)", "{{sensor}} {{interface}}"),
                    unit="percentunit",
                    width=8,
                ),
                bars(
                    Words(
                        "Malformed",
                        "Packets and messages that are not what their layer allows: damage, cut frames, or an attack.",
                        "none",
                    ),
                    Query(
                        f"{total(gained(of_sensors(MALFORMED), INTERVAL), 'sensor', 'layer')} > 0",
                        "{{sensor}} {{layer}}",
                        bars=True,
                    ),
                ),
                ranking(
                    Words(
                        "Seen in one direction only",
                        "Share of the seconds in which a device was seen that showed one direction. High for all: the "
                        "mirror is set to receive or transmit only.",
                        "no device was seen in this time",
                    ),
                    Query(
                        f"topk(15, 1 - sum by (sensor, device) ({gained(both)}) "
                        f"/ (sum by (sensor, device) ({gained(some)}) > 0))",
                        "{{device}}",
                    ),
                    unit="percentunit",
                    steps=((0.5, RAISED), (0.9, HIGH)),
                    width=12,
                ),
            ],
            "Does it keep up": [
                lines(
                    Words("Behind", "How far processing is behind the capture.", NO_LAG),
                    Query(of_sensors(LAG), "{{sensor}}"),
                    unit="s",
                    steps=((30, HIGH),),
                ),
                lines(
                    Words("Flows", "Flows in the table, and those of watched devices.", BLIND),
                    Query(of_sensors(FLOWS), "{{sensor}} {{state}}"),
                    unit="short",
                ),
                lines(
                    Words(
                        "Passed over and evicted",
                        "Packets of new flows of hosts that nobody watches, left out in a flood; flows that left the "
                        "full table before their end.",
                        BLIND,
                    ),
                    Query(per_second(of_sensors(PASSED_OVER)), "{{sensor}} passed over"),
                    Query(per_second(of_sensors(EVICTIONS)), "{{sensor}} evicted"),
                    unit="ops",
                ),
                lines(
                    Words("Turned away by full tables", "What did not fit into a bounded table, by table.", NOT_FULL),
                    Query(f"{total(per_second(away), 'sensor', 'limit')} > 0", "{{sensor}} {{limit}}"),
                    unit="ops",
                ),
                table(
                    Words(
                        "How full the tables are", "Each bound, what is taken of it, and what it turned away.", BLIND
                    ),
                    Query(f"max by (sensor, limit) ({full})", "taken"),
                    Query(f"max by (sensor, limit) ({size})", "size"),
                    Query(f"max by (sensor, limit) ({capacity})", "capacity"),
                    Query(total(gained(away), "sensor", "limit"), "turned away"),
                    columns={
                        "taken": Column(unit="percentunit", steps=((0.8, RAISED), (0.95, HIGH))),
                        "turned away": Column(steps=((1, RAISED),)),
                    },
                    sort="taken",
                    width=24,
                ),
            ],
            "Does it tell": [
                table(
                    Words("Sinks", "Is each connected, and what does it owe?", NO_SINK),
                    Query(f"min by (sensor, sink) ({of_sensors(UP)})", "connected"),
                    Query(f"max by (sensor, sink) ({of_sensors(DEPTH)})", "waiting"),
                    Query(f"max by (sensor, sink) ({of_sensors(OLDEST)})", "oldest"),
                    Query(f"max by (sensor, sink) ({of_sensors(PARKED)})", "parked"),
                    columns={
                        "connected": Column(unit="bool_yes_no"),
                        "oldest": Column(unit="s"),
                        "parked": Column(steps=((1, HIGH),)),
                    },
                    sort="waiting",
                ),
                lines(
                    Words(
                        "Messages waiting",
                        "They wait in the journal while a broker is away, and are sent later.",
                        NO_SINK,
                    ),
                    Query(of_sensors(DEPTH), "{{sensor}} {{sink}} waiting"),
                    Query(of_sensors(PARKED), "{{sensor}} {{sink}} parked"),
                    unit="short",
                ),
                table(
                    Words(
                        "Address data", "How old each database is. `deploy/` says how to renew them.", "no address data"
                    ),
                    Query(f"max by (sensor, database) ({of_sensors(GEO_AGE)})", "age"),
                    columns={"age": Column(unit="s", steps=((2 * MONTH_S, RAISED), (6 * MONTH_S, HIGH)))},
                    sort="age",
                ),
                table(
                    Words("Versions", "Which camwarden each sensor runs.", "no sensor is scraped"),
                    Query(f"count by (sensor, version) ({of_sensors(BUILD)})"),
                    columns={},
                    sort="version",
                ),
            ],
        },
        since="now-6h",
    )
