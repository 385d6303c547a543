"""Make the scenario captures: ``python -m pcaps.make [--check] [NAME...]``. The same bytes every time."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from typing import TYPE_CHECKING, Protocol, cast

from pcaps import savefile
from pcaps.scenarios import FOLDER, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pcaps.savefile import Frame

log = logging.getLogger("pcaps.make")


class Source(Protocol):
    """What the module of a scenario offers; one with ``describe() -> str`` writes its description too."""

    def frames(self) -> Iterable[Frame]:
        """All frames in time order."""


def outputs(name: str) -> dict[Path, bytes]:
    """The files that a scenario's module makes."""
    module = importlib.import_module(f"pcaps.{name}")
    made = {FOLDER / f"{name}.pcap": savefile.serialise(cast("Source", module).frames())}
    describe = getattr(module, "describe", None)
    if describe is not None:
        made[FOLDER / f"{name}.toml"] = describe().encode()
    return made


def differing(name: str) -> list[Path]:
    """Committed files that are not what would be made now."""
    return [path for path, data in outputs(name).items() if not path.is_file() or path.read_bytes() != data]


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done, or equal; 1: --check found a difference; 2: no such scenario."""
    parser = argparse.ArgumentParser(prog="python -m pcaps.make", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the files are up to date")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    result = 0
    for name in options.names or NAMES:
        if options.check:
            for path in differing(name):
                log.error("%s is not what pcaps/%s.py makes", path.name, name)
                result = 1
            continue
        for path, data in outputs(name).items():
            path.write_bytes(data)
            log.info("%s: %d bytes", path.name, len(data))
    return result


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    sys.exit(main())
