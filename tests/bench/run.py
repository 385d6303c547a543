"""Speed beside other tools, in one run: whole processes, the same captures, medians of paired rounds.

    python -m tests.bench.run [--packets N] [--rounds N] [--keep DIR]

Two sizes of each capture are read, N and 4 N packets; the slope between them is the cost of a packet without
the start of the process. Every tool reads from the page cache.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[sensor]
name = "bench"
[site]
home = ["GB"]
"""


@dataclass
class Tool:
    """One way to read a capture, as a whole process."""

    name: str
    command: list[str]
    """With FILE where the capture's path goes."""
    most: int | None = None
    """Packets it is given at most: the slow ones read a slice."""
    seconds: dict[int, list[float]] = field(default_factory=dict)
    cpu: dict[int, list[float]] = field(default_factory=dict)
    peak_mib: float = 0.0


def tools(state: Path) -> list[Tool]:
    camwarden = [sys.executable, "-m", "monitor.cli", "replay", "--config", str(state / "bench.toml"),
                 "--cameras", "10.0.0.0/8", "--format", "jsonl", "FILE"]  # fmt: skip
    found = [Tool("cat", ["cat", "FILE"]), Tool("camwarden", camwarden)]
    if shutil.which("ndpiReader"):
        found.append(Tool("ndpiReader", ["ndpiReader", "-q", "-i", "FILE"]))
    if shutil.which("tshark"):
        fields = ["-T", "fields", "-e", "ip.src", "-e", "dns.qry.name", "-e", "tls.handshake.extensions_server_name"]
        found.append(Tool("tshark", ["tshark", "-r", "FILE", *fields], most=100_000))
    if importlib.util.find_spec("nfstream"):
        script = "import sys, nfstream\nfor _ in nfstream.NFStreamer(source=sys.argv[1]): pass"
        found.append(Tool("NFStream", [sys.executable, "-c", script, "FILE"], most=400_000))
    if importlib.util.find_spec("pyshark"):
        script = "import sys, pyshark\nfor _ in pyshark.FileCapture(sys.argv[1], keep_packets=False): pass"
        found.append(Tool("pyshark", [sys.executable, "-c", script, "FILE"], most=4_000))
    return found


def timed(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MiB of one process."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make(kind: str, packets: int, path: Path) -> None:
    if not path.exists():
        subprocess.run(
            [sys.executable, "-m", "tests.bench.make_captures", kind, "--packets", str(packets), "--out", str(path)],
            check=True,
            cwd=ROOT,
        )


def warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def measure(kind: str, sizes: tuple[int, int], rounds: int, folder: Path) -> list[Tool]:
    running = tools(folder)
    slices = sorted({*sizes, *(tool.most // part for tool in running if tool.most for part in (1, 4))})
    for size in slices:
        make(kind, size, folder / f"{kind}-{size}.pcap")
    for tool in running:
        tool_sizes = (tool.most // 4, tool.most) if tool.most and tool.most < sizes[1] else sizes
        for size in tool_sizes:
            tool.seconds[size], tool.cpu[size] = [], []
    for each in range(rounds + 1):
        for size in slices:
            path = folder / f"{kind}-{size}.pcap"
            warm(path)
            for tool in running:
                if size not in tool.seconds:
                    continue
                wall, cpu, peak = timed([str(path) if word == "FILE" else word for word in tool.command])
                if each:  # the first round warms up
                    tool.seconds[size].append(wall)
                    tool.cpu[size].append(cpu)
                    tool.peak_mib = max(tool.peak_mib, peak)
    return running


def report(kind: str, running: list[Tool]) -> None:
    print(f"\n## {kind}\n")
    print(
        "| tool | packets | seconds | CPU s | us/packet (slope) | packets/s (slope) | beside cat | peak MiB | 4x costs |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    base = None
    for tool in running:
        small, large = sorted(tool.seconds)
        walls = {size: statistics.median(tool.seconds[size]) for size in (small, large)}
        slope = statistics.median(
            (long - short) / (large - small)
            for short, long in zip(tool.seconds[small], tool.seconds[large], strict=True)
        )
        base = base or slope
        print(
            f"| {tool.name} | {large:,} | {walls[large]:.2f} | {statistics.median(tool.cpu[large]):.2f} "
            f"| {slope * 1e6:.3f} | {1 / slope:,.0f} | {slope / base:.2f}x | {tool.peak_mib:.0f} "
            f"| {walls[large] / walls[small]:.2f}x |"
        )
    ours = next(tool for tool in running if tool.name == "camwarden")
    for tool in running:
        if tool.name not in ("cat", "camwarden"):
            print(f"camwarden is {slope_of(tool) / slope_of(ours):.1f} times as fast as {tool.name}")


def slope_of(tool: Tool) -> float:
    small, large = sorted(tool.seconds)
    pairs = zip(tool.seconds[small], tool.seconds[large], strict=True)
    return statistics.median((long - short) / (large - small) for short, long in pairs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--packets", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--keep", type=Path, help="folder for the captures, kept")
    options.add_argument("--kind", action="append", choices=("camera-vlan", "control-mix"))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="camwarden-bench-") as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        (folder / "bench.toml").write_text(SETTINGS)
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {chosen.rounds} rounds, medians")
        for kind in chosen.kind or ("camera-vlan", "control-mix"):
            report(kind, measure(kind, (chosen.packets, 4 * chosen.packets), chosen.rounds, folder))


if __name__ == "__main__":
    main()
