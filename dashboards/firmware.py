"""Firmware and capabilities: what runs, since when, what can it do, and what came with an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.board import board
from dashboards.panels import (
    HIGH,
    RAISED,
    STATES,
    TO_DEVICE,
    TO_DEVICE_OF_SERIES,
    Column,
    Query,
    Words,
    bars,
    lines,
    matrix,
    number,
    ranking,
    table,
)
from dashboards.queries import INTERVAL, RANGE, gained, of_devices, of_sensors, total
from monitor.sinks.families import CAPABILITIES, DEVICE, FIRMWARE, FIRMWARE_AGE, INCIDENTS

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

UNTOLD: Final = "no device has said which firmware it runs"
UNASKED: Final = "no ledger yet: nothing was polled, and no answer passed in the clear"
SINCE: Final = (
    "Time since the sensor first saw the device with this version: younger than the firmware itself, and never older "
    "than the sensor's journal."
)
OF_SENSOR: Final = "Of the chosen sensors; group and device do not narrow it."
YEAR_S: Final = 365 * 86400


def dashboard() -> Dashboard:
    """Versions, ages, updates, and the states of the ledger."""
    ages, versions, known = of_devices(FIRMWARE_AGE), of_devices(FIRMWARE), of_devices(DEVICE)
    can = of_devices(CAPABILITIES, state='=~"in_use|ready|dormant|hidden|contradicted"')
    grave = of_devices(CAPABILITIES, state='=~"dormant|hidden|contradicted"')
    updates = of_sensors(INCIDENTS, kind='=~"firmware_update|firmware_check|stale_firmware|known_vulnerable"')
    gains = of_sensors(INCIDENTS, kind='=~"capability_gained|dormant_function|contradiction"')
    more = f"sum by (sensor, device) ({can}) - sum by (sensor, device) ({can} offset {RANGE})"
    runs = f"count by (sensor, device) (last_over_time({versions}[{RANGE}]))"
    states = {state: Column(width=110) for state in STATES}
    alarming = {
        state: Column(width=110, steps=((1, colour),))
        for state, colour in STATES.items()
        if state in {"dormant", "hidden", "contradicted"}
    }
    return board(
        "camwarden / Firmware and capabilities",
        "camwarden-firmware",
        "What runs, since when, what can it do, and what came with an update?",
        {
            "Now": [
                number(
                    Words("Firmware known", "Devices that have said which version they run.", "0"), f"count({versions})"
                ),
                number(
                    Words(
                        "Firmware unknown",
                        "Devices of the inventory that have not: poll them, or see what passes in the clear.",
                        "no sensor has an inventory",
                    ),
                    f"count({known} unless on (sensor, device) {versions}) or 0 * count({known})",
                    steps=((1, RAISED),),
                ),
                number(
                    Words("Longest unchanged", SINCE, UNTOLD),
                    f"max({ages})",
                    unit="s",
                    steps=((2 * YEAR_S, RAISED),),
                    decimals=0,
                ),
                number(
                    Words("Changed in this time", "Devices that ran more than one version in the chosen time.", UNTOLD),
                    f"count({runs} > 1) or 0 * count({runs})",
                    steps=((1, RAISED),),
                ),
                number(
                    Words("Dormant functions", "They can, and can be switched on from afar.", UNASKED),
                    total(of_devices(CAPABILITIES, state='="dormant"')),
                    steps=((1, RAISED),),
                ),
                number(
                    Words("Hidden or contradicted", "They do what they never said, or say no and do.", UNASKED),
                    total(of_devices(CAPABILITIES, state='=~"hidden|contradicted"')),
                    steps=((1, HIGH),),
                ),
            ],
            "Firmware": [
                table(
                    Words("What runs where", SINCE, UNTOLD),
                    Query(
                        f"{ages} * on (sensor, device) group_left (version) {versions} "
                        f"* on (sensor, device) group_left (group, vendor, model) {known}",
                        "unchanged for",
                    ),
                    columns={
                        "device": Column(link=TO_DEVICE),
                        "unchanged for": Column(unit="s", steps=((2 * YEAR_S, RAISED), (4 * YEAR_S, HIGH))),
                    },
                    sort="unchanged for",
                    width=16,
                ),
                ranking(
                    Words("Devices by version", "One stray device on an old version stands out here.", UNTOLD),
                    Query(f"sort_desc(count by (version) ({versions}))", "{{version}}"),
                ),
                bars(
                    Words(
                        "Updates, checks, old and vulnerable firmware",
                        f"Incidents as they opened. {OF_SENSOR}",
                        "no such incident opened in this time",
                    ),
                    Query(f"{total(gained(updates, INTERVAL), 'kind')} > 0", "{{kind}}", bars=True),
                ),
                table(
                    Words(
                        "Changed in this time",
                        "Devices that ran more than one version in the chosen time.",
                        "every device kept its version, or has not said",
                    ),
                    Query(f"{runs} > 1", "versions"),
                    columns={"device": Column(link=TO_DEVICE)},
                    sort="versions",
                ),
            ],
            "Capabilities": [
                lines(
                    Words("Functions by state", "All chosen devices together. A step up is news.", UNASKED),
                    Query(total(of_devices(CAPABILITIES), "state"), "{{state}}"),
                    unit="short",
                    colours=STATES,
                ),
                bars(
                    Words(
                        "Gained after an update, woken, contradicted",
                        f"Incidents as they opened. {OF_SENSOR}",
                        "no such incident opened in this time",
                    ),
                    Query(f"{total(gained(gains, INTERVAL), 'kind')} > 0", "{{kind}}", bars=True),
                ),
                matrix(
                    Words(
                        "The ledger",
                        "How many functions of each device are in each state. `unknown` never means no; "
                        "`camwarden ledger` names each function, and who says so.",
                        UNASKED,
                    ),
                    Query(total(of_devices(CAPABILITIES), "device", "state")),
                    row="device",
                    column="state",
                    columns={"device": Column(link=TO_DEVICE), **states, **alarming},
                ),
                ranking(
                    Words(
                        "Dormant, hidden or contradicted",
                        "Devices with most functions that nobody expects. A click leads to the device.",
                        UNASKED,
                    ),
                    Query(f"topk(15, {total(grave, 'sensor', 'device')})", "{{device}}"),
                    to=TO_DEVICE_OF_SERIES,
                    width=12,
                ),
                table(
                    Words(
                        "Can more than before",
                        "How many more functions a device has than when this time began, and how many versions it ran "
                        "meanwhile: more than one means that an update explains it.",
                        "no device can more than before",
                    ),
                    Query(f"({more}) > 0", "more functions"),
                    Query(f"{runs} and on (sensor, device) ({more}) > 0", "versions"),
                    columns={"device": Column(link=TO_DEVICE)},
                    sort="more functions",
                ),
            ],
        },
        since="now-30d",
    )
