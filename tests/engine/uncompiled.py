"""Replays scenarios in a process that has no compiled module: a digest of what it says of each, as JSON.

python -m tests.engine.uncompiled SCENARIO...
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.builds import from_source

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(names: Sequence[str]) -> None:
    from_source()
    from monitor import engine
    from monitor.app import knowledge
    from tests.engine.played import configured
    from tests.engine.test_scenarios import digest, replayed

    assert engine.__file__.endswith(".py")
    with knowledge(configured()) as known:
        sys.stdout.write(json.dumps({name: digest(replayed(known, name, packets=333).rendered()) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1:])
