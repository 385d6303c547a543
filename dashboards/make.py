"""Make Grafana's dashboards: ``python -m dashboards.make [--check]``. The same bytes every time."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import call_home, device, firmware, overview, sensor_health

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER: Final = Path(__file__).parent / "grafana"
DASHBOARDS: Final = (overview, call_home, firmware, device, sensor_health)

log = logging.getLogger("dashboards.make")


def outputs() -> dict[Path, str]:
    """What the files of all dashboards should be."""
    made = {}
    for module in DASHBOARDS:
        board = module.dashboard().build()
        for ident, panel in enumerate(board.panels or (), start=1):
            panel.id_val = ident
        for variable in board.templating.list_val or ():
            # The SDK gives every variable what only those of intervals have.
            variable.auto = variable.auto_min = variable.auto_count = None
        text = json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
        made[FOLDER / f"{module.__name__.rpartition('.')[2]}.json"] = text + "\n"
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done, or equal; 1: --check found a difference."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.make", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the files are up to date")
    options = parser.parse_args(arguments)
    made = outputs()
    left = sorted(set(FOLDER.glob("*.json")) - made.keys())
    if options.check:
        differing = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
        for path in (*differing, *left):
            log.error("%s is not what python -m dashboards.make makes", path.name)
        return 1 if differing or left else 0
    for path in left:
        path.unlink()
        log.info("%s: removed", path.name)
    for path, text in made.items():
        path.write_text(text, "utf-8")
        log.info("%s: %d bytes", path.name, len(text))
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    sys.exit(main())
