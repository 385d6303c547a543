"""Device: everything about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dashboards.board import board
from dashboards.calls import COUNTED, ENDS, NOBODY, by_outcome, ended, table_by, unanswered
from dashboards.panels import (
    HIGH,
    OUTCOMES,
    RAISED,
    STATES,
    TO_CALLS_OF_COUNTRY,
    TO_CALLS_UNDER_LAW,
    Column,
    Query,
    Words,
    bars,
    lines,
    note,
    number,
    ranking,
    said,
    states,
    table,
)
from dashboards.queries import INTERVAL, of_devices, per_second, total
from monitor.sinks.families import (
    CAPABILITIES,
    DEVICE,
    FIRMWARE,
    FIRMWARE_AGE,
    REMOTE_BYTES,
    SEEN,
    SEEN_SECONDS,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

UNLISTED: Final = "not in the inventory"
UNTOLD: Final = "it has not said"
UNASKED: Final = "no ledger yet: it was not polled, and no answer passed in the clear"
UNSEEN: Final = "never seen"
MORE: Final = """Incidents are not counted by device; each names its own:

`camwarden incidents --state /var/lib/camwarden` and `camwarden ledger --state /var/lib/camwarden` on the sensor, \
or MQTT `camwarden/v1/<sensor>/incidents/#` and `.../devices/<device>`. `camwarden poll --config FILE <device>` asks \
it once, read-only."""


def dashboard() -> Dashboard:
    """What it is, whom it calls, what it can do, how well it is watched."""
    listed, seen = of_devices(DEVICE), of_devices(SEEN)
    some, both = (per_second(of_devices(SEEN_SECONDS, directions=f'="{each}"')) for each in ("any", "both"))
    sent, received = (
        total(per_second(of_devices(REMOTE_BYTES, direction=f'="{way}"')), "jurisdiction") for way in ("out", "in")
    )
    return board(
        "camwarden / Device",
        "camwarden-device",
        "Everything about one device.",
        {
            "What it is": [
                said(
                    Words("Model", "As it says itself, or as the catalogue knows it.", UNLISTED),
                    listed,
                    "{{vendor}} {{model}}",
                ),
                said(
                    Words("Group and class", "As configured; the class also as recognised.", UNLISTED),
                    listed,
                    "{{group}} {{class}}",
                ),
                said(
                    Words("Firmware", "The version that it last announced.", UNTOLD),
                    of_devices(FIRMWARE),
                    "{{version}}",
                ),
                number(
                    Words("Unchanged for", "Since the sensor first saw it with this version.", UNTOLD),
                    f"max({of_devices(FIRMWARE_AGE)})",
                    unit="s",
                    decimals=0,
                ),
                number(
                    Words("Last packet", "How long ago it last sent anything.", UNSEEN),
                    f"time() - max({seen})",
                    unit="s",
                    steps=((900, RAISED), (3600, HIGH)),
                    decimals=0,
                ),
                number(
                    Words("Unanswered", "How much of what it tries is blocked or lost.", NOBODY),
                    f"{unanswered()} / ({ended('attempted')} > 0)",
                    unit="percentunit",
                    decimals=1,
                ),
            ],
            "Whom it calls": [
                bars(
                    Words("Attempts by how they ended", f"Blocked beside succeeded. {COUNTED}", NOBODY),
                    *by_outcome(),
                    colours=OUTCOMES,
                ),
                bars(
                    Words(
                        "Attempts by country and law", "Where the address is / whom the operator answers to.", NOBODY
                    ),
                    Query(
                        f"{ended('attempted', 'country', 'jurisdiction', within=INTERVAL)} > 0",
                        "{{country}} / {{jurisdiction}}",
                        bars=True,
                    ),
                ),
                table(
                    Words("Where it tried to go", f"{COUNTED} Beyond five pairs it is `other`.", NOBODY),
                    *table_by("country", "jurisdiction"),
                    columns={
                        "country": Column(link=TO_CALLS_OF_COUNTRY),
                        "jurisdiction": Column(link=TO_CALLS_UNDER_LAW),
                        **ENDS,
                    },
                    sort="attempted",
                ),
                lines(
                    Words("Bytes exchanged", "Frame bytes with remote ends, by law and direction.", "none"),
                    Query(sent, "out, {{jurisdiction}}"),
                    Query(received, "in, {{jurisdiction}}"),
                    unit="Bps",
                ),
            ],
            "What it can do": [
                ranking(
                    Words("Functions by state", "`camwarden ledger` names each, and who says so.", UNASKED),
                    Query(f"sort_desc({total(of_devices(CAPABILITIES), 'state')})", "{{state}}"),
                    width=12,
                ),
                lines(
                    Words("Functions over time", "A step at an update is what it brought.", UNASKED),
                    Query(total(of_devices(CAPABILITIES), "state"), "{{state}}"),
                    unit="short",
                    colours=STATES,
                ),
                states(
                    Words("Firmware over time", "Each version as long as the device said that it runs it.", UNTOLD),
                    Query(f"max by (version) ({of_devices(FIRMWARE)})", "{{version}}"),
                ),
            ],
            "How well it is watched": [
                lines(
                    Words(
                        "Seen",
                        "Share of seconds in which packets from or to it were seen, and of both directions. `both` far "
                        "below `any` over a long time: the mirror shows one direction.",
                        UNSEEN,
                    ),
                    Query(f"max({some})", "any"),
                    Query(f"max({both})", "both"),
                    unit="percentunit",
                    most=1,
                ),
                note("Its incidents", MORE, width=12, height=9),
            ],
        },
        one_device=True,
    )
