"""Runs fuzz targets under atheris, each in a process of its own: ``python -m tests.fuzz.run --help``.

What makes a target fail is kept in ``corpus/<target>/`` and replayed from then on by test_corpus.py, also after it is
mended. What only covers more is kept below ``build/fuzz/``, for the next run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from hashlib import sha1
from pathlib import Path
from typing import Final

from tests.builds import from_source

FOLDER: Final = Path(__file__).parent
REPOSITORY: Final = FOLDER.parents[1]
WORK: Final = REPOSITORY / "build" / "fuzz"
RUNS: Final = int(os.environ.get("CAMWARDEN_FUZZ_RUNS", "10000000"))
"""Executions of each target."""
SLOW_S: Final = 5
"""Seconds of one execution after which libFuzzer calls it a fault: instrumented Python is some ten times slower."""
MEMORY_MB: Final = 2048
LAST_LINES: Final = 60
"""Of what a target that failed said."""
INSTRUMENTED: Final = ["monitor", "collectors", "maxminddb", "tomllib"]


def main() -> int:
    """Exit 1 if a target failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--list", action="store_true", help="name the targets")
    options.add_argument("--target", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    options.add_argument("--runs", type=int, default=RUNS, help="executions of each target (CAMWARDEN_FUZZ_RUNS)")
    options.add_argument("--seconds", type=int, default=0, help="stop each target after so long")
    options.add_argument("--child", metavar="NAME", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        _fuzz(chosen.child, chosen.runs, chosen.seconds)
    names = _names()
    if chosen.list:
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    unknown = set(chosen.target) - set(names)
    if unknown:
        options.error(f"no such target: {', '.join(sorted(unknown))} (see --list)")
    failed = [name for name in chosen.target or names if not _run(name, chosen.runs, chosen.seconds)]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}; inputs are in {FOLDER / 'corpus'}\n")
    return bool(failed)


def _names() -> list[str]:
    from tests.fuzz.targets import TARGETS

    return list(TARGETS)


def _run(name: str, runs: int, seconds: int) -> bool:
    """One target in a child, for libFuzzer ends its process; what it said, in a line."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.run", "--child", name, "--runs", str(runs), "--seconds", str(seconds)]
    child = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, errors="replace", check=False)
    took = time.monotonic() - began
    stats = dict(line.split(": ", 1) for line in child.stderr.splitlines() if line.startswith("stat::"))
    done = int(stats.get("stat::number_of_executed_units", 0))
    rate = done / took
    verdict = "ok" if child.returncode == 0 else f"FAILED ({child.returncode})"
    sys.stdout.write(
        f"{name:24} {verdict:12} {done:>10} executions {rate:>8.0f}/s, 10^7 in {1e7 / max(rate, 1e-9) / 3600:5.1f} h, "
        f"peak {stats.get('stat::peak_rss_mb', '?').strip():>4} MiB\n"
    )
    sys.stdout.flush()
    if child.returncode:
        said = [line for line in child.stderr.splitlines() if not line.startswith("INFO: Instrumenting")]
        sys.stderr.write("\n".join(said[-LAST_LINES:]) + "\n")
    return child.returncode == 0


def _fuzz(name: str, runs: int, seconds: int) -> None:
    """Does not return."""
    import atheris

    from_source()
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    kept, found = FOLDER / "corpus" / name, WORK / name
    kept.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        if len(seed) <= target.longest:
            (found / sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    flags = []
    if words := sorted(target.words()):
        dictionary = WORK / f"{name}.dict"
        dictionary.write_text("".join('"' + "".join(rf"\x{octet:02x}" for octet in word) + '"\n' for word in words))
        flags.append(f"-dict={dictionary}")
    flags += [
        f"-runs={runs}", f"-max_len={target.longest}", f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MB}",
        "-print_final_stats=1", f"-artifact_prefix={kept}/", *([f"-max_total_time={seconds}"] if seconds else []),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags, str(found), str(kept)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
