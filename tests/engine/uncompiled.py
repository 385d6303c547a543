"""Replays scenarios in a process that has no compiled module: a digest of what it says of each, as JSON.

python tests/engine/uncompiled.py SCENARIO...
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOT = Path(__file__).parents[2]
TYPED = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("*/**/*.pxd")}
"""Modules with C types beside them: those that are compiled."""


class FromSource:
    """Finds those modules as the ordinary Python that they are too."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in TYPED:
            return None
        return importlib.util.spec_from_file_location(name, ROOT.joinpath(*name.split(".")).with_suffix(".py"))


def main(names: Sequence[str]) -> None:
    sys.meta_path.insert(0, FromSource)
    sys.path.insert(0, str(ROOT))
    from monitor import engine
    from monitor.app import knowledge
    from tests.engine.played import configured
    from tests.engine.test_scenarios import digest, replayed

    assert engine.__file__.endswith(".py")
    with knowledge(configured()) as known:
        sys.stdout.write(json.dumps({name: digest(replayed(known, name, packets=333).rendered()) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1:])
