"""Call-home: who tries to reach whom, since when, and does it get through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.board import board
from dashboards.calls import COUNTED, ENDS, NOBODY, by_outcome, ended, table_by, unanswered
from dashboards.panels import (
    HIGH,
    OUTCOMES,
    TO_CALLS_OF_COUNTRY,
    TO_CALLS_UNDER_LAW,
    TO_DEVICE,
    TO_DEVICE_OF_SERIES,
    Column,
    Query,
    Words,
    bars,
    lines,
    number,
    table,
)
from dashboards.queries import INTERVAL, RANGE, highest, of_devices, per_second, total
from monitor.sinks.families import ATTEMPTS, REMOTE_BYTES

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

LAW: Final = '=~"$jurisdiction"'
CHOSEN: Final = {"country": '=~"$country"', "jurisdiction": LAW}
MANY: Final = 10
"""Series in a plot that can still be told apart."""


def dashboard() -> Dashboard:
    """Attempts over time by device, country, jurisdiction and outcome; blocked beside succeeded."""
    attempts = of_devices(ATTEMPTS, outcome='="attempted"', **CHOSEN)
    pairs = ended("attempted", "country", "jurisdiction", **CHOSEN)
    same = f'label_replace({pairs}, "jurisdiction", "$1", "country", "(.*)")'
    bytes_out, bytes_in = (
        total(per_second(of_devices(REMOTE_BYTES, direction=f'="{way}"', jurisdiction=LAW)), "jurisdiction")
        for way in ("out", "in")
    )

    def busiest(label: str) -> str:
        """Over time, in each interval those that have most."""
        by = ("sensor", "device") if label == "device" else (label,)
        return highest(MANY, ended("attempted", *by, within=INTERVAL, **CHOSEN))

    return board(
        "camwarden / Call-home",
        "camwarden-call-home",
        "Who tries to reach whom, since when, and does it get through?",
        {
            "In this time": [
                number(
                    Words("Attempts", f"Blocked or not. {COUNTED}", NOBODY), ended("attempted", **CHOSEN), decimals=0
                ),
                number(
                    Words("Unanswered", "Blocked, refused or lost: nothing came back.", NOBODY),
                    unanswered(**CHOSEN),
                    decimals=0,
                ),
                number(
                    Words("Refused", "Told so: by a RST, or by a router's ICMP message.", NOBODY),
                    ended("refused", **CHOSEN),
                    decimals=0,
                ),
                number(
                    Words("Answered", "Something came back: the firewall let it out and in.", "0"),
                    ended("answered", **CHOSEN),
                    steps=((1, HIGH),),
                    decimals=0,
                ),
                number(
                    Words("Devices", "How many devices tried.", "none"),
                    f"count({ended('attempted', 'sensor', 'device', **CHOSEN)} > 0)",
                ),
                number(
                    Words("Countries", "Where the addresses are; `other` and `unknown` count as one each.", "none"),
                    f"count({ended('attempted', 'country', **CHOSEN)} > 0)",
                ),
            ],
            "Over time": [
                bars(
                    Words("Blocked beside succeeded", f"Did a change of the firewall work? {COUNTED}", NOBODY),
                    *by_outcome(**CHOSEN),
                    colours=OUTCOMES,
                ),
                bars(
                    Words(
                        "By country of the address",
                        f"In each interval the {MANY} with most attempts.",
                        NOBODY,
                    ),
                    Query(busiest("country"), "{{country}}", bars=True),
                ),
                bars(
                    Words(
                        "By device",
                        f"In each interval the {MANY} with most. A click leads to the device.",
                        NOBODY,
                    ),
                    Query(busiest("device"), "{{device}}", bars=True),
                    to=TO_DEVICE_OF_SERIES,
                ),
                bars(
                    Words("By jurisdiction", f"In each interval the {MANY} laws under which most is tried.", NOBODY),
                    Query(busiest("jurisdiction"), "{{jurisdiction}}", bars=True),
                ),
                lines(
                    Words(
                        "Bytes sent out",
                        "Frame bytes from devices to remote ends, by the law that these answer to: does it upload? "
                        "The country chosen above does not narrow it.",
                        "nothing was sent",
                    ),
                    Query(bytes_out, "{{jurisdiction}}"),
                    unit="Bps",
                ),
                lines(
                    Words(
                        "Bytes that came in",
                        "Frame bytes from remote ends: an update, or somebody who steers. The country chosen above "
                        "does not narrow it.",
                        "nothing came in",
                    ),
                    Query(bytes_in, "{{jurisdiction}}"),
                    unit="Bps",
                ),
            ],
            "In detail": [
                table(
                    Words("Who, where, under whose law", f"{COUNTED} Filter by any column.", NOBODY),
                    *table_by("sensor", "device", "country", "jurisdiction", **CHOSEN),
                    columns={
                        "device": Column(link=TO_DEVICE),
                        "country": Column(link=TO_CALLS_OF_COUNTRY),
                        "jurisdiction": Column(link=TO_CALLS_UNDER_LAW),
                        **ENDS,
                    },
                    sort="attempted",
                    width=24,
                ),
                table(
                    Words(
                        "Address here, law there",
                        "Where the address is in another country than the law: a foreign cloud on a domestic address.",
                        "in this time, place and law were the same everywhere",
                    ),
                    Query(f"{pairs} > 0 unless on (country, jurisdiction) {same}", "attempted"),
                    columns={
                        "country": Column(link=TO_CALLS_OF_COUNTRY),
                        "jurisdiction": Column(link=TO_CALLS_UNDER_LAW),
                    },
                    sort="attempted",
                ),
                table(
                    Words(
                        "New in this time",
                        "Device, country and law that Prometheus did not know when this time began. A sensor that was "
                        "down then has all of its own here.",
                        "nobody went anywhere new",
                    ),
                    Query(
                        f"{total(attempts, 'sensor', 'device', 'country', 'jurisdiction')} unless "
                        f"{total(f'{attempts} offset {RANGE}', 'sensor', 'device', 'country', 'jurisdiction')}",
                        "attempted ever",
                    ),
                    columns={
                        "device": Column(link=TO_DEVICE),
                        "country": Column(link=TO_CALLS_OF_COUNTRY),
                        "jurisdiction": Column(link=TO_CALLS_UNDER_LAW),
                    },
                    sort="attempted ever",
                ),
            ],
        },
        filters=("country", "jurisdiction"),
    )
