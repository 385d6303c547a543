"""The unit as it is shipped: what systemd says of it, and whether all that we do survives what it forbids."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.config import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "camwarden.service"
DROP_INS = sorted((DEPLOY / "camwarden.service.d").glob("*.conf"))
CAPTURE = ROOT / "pcaps" / "quic_abroad.pcap"
MOST_EXPOSED = 2.0
"""systemd's scale goes from 0 to 10; camwarden's own mark."""
PR_SET_MDWE = 65
"""With PR_MDWE_REFUSE_EXEC_GAIN = 1 (linux/prctl.h, Linux 6.3)."""

needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def installed(directory: Path, *drop_ins: Path) -> Path:
    """The unit with its command replaced by one that is there, so that only the rest can be wrong."""
    unit = directory / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/camwarden", sys.executable))
    for drop_in in drop_ins:
        folder = directory / "camwarden.service.d"
        folder.mkdir(exist_ok=True)
        (folder / drop_in.name).write_text(re.sub(r"/usr/sbin/\w+", "/bin/true", drop_in.read_text()))
    return unit


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60)


@needs_analyze
@pytest.mark.parametrize(
    "drop_ins", [[], *([each] for each in DROP_INS)], ids=lambda each: "+".join(p.stem for p in each)
)
def test_hardly_exposed(tmp_path: Path, drop_ins: list[Path]) -> None:
    """At most 2.0, also with each drop-in, and exit 0 by systemd's own threshold."""
    unit = installed(tmp_path, *drop_ins)
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", "--no-pager", str(unit))
    level = re.search(r"Overall exposure level .*: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= MOST_EXPOSED
    assert done.returncode == 0


@needs_analyze
@pytest.mark.parametrize("drop_ins", [[], DROP_INS], ids=["alone", "with all drop-ins"])
def test_systemd_understands_every_line(tmp_path: Path, drop_ins: list[Path]) -> None:
    """No unknown key, no wrong value: verify has nothing to say."""
    done = analyze("verify", "--man=no", str(installed(tmp_path, *drop_ins)))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_configuration_is_good() -> None:
    """And its password comes from a credential that the unit loads."""
    config = load(DEPLOY / "camwarden.toml")
    assert config.mqtt is not None
    name = (config.mqtt.password_file or "").removeprefix("$CREDENTIALS_DIRECTORY/")
    assert f"LoadCredential={name}\n" in UNIT.read_text()


def test_the_sensors_user_reads_its_configuration_and_cannot_change_it(tmp_path: Path) -> None:
    """As systemd makes user and folders: the unit's user, without a shell, in the configuration's group; root's secrets."""
    if not shutil.which("systemd-sysusers") or not shutil.which("systemd-tmpfiles") or os.geteuid() != 0:
        pytest.skip("needs systemd-sysusers, systemd-tmpfiles and root")
    root = tmp_path / "root"
    (root / "etc/camwarden").mkdir(parents=True, mode=0o755)
    (root / "etc/camwarden/camwarden.toml").write_text("")
    for tool, option, file in (
        ("systemd-sysusers", "--replace=/usr/lib/sysusers.d/camwarden.conf", "camwarden.sysusers.conf"),
        ("systemd-tmpfiles", "--create", "camwarden.tmpfiles.conf"),
    ):
        command = [tool, f"--root={root}", option, str(DEPLOY / file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr.strip()) == (0, done.stderr.strip()), done.stderr
    (name, _, uid, gid, _, home, shell) = (root / "etc/passwd").read_text().split("\n")[0].split(":")
    assert f"User={name}\n" in UNIT.read_text()
    assert (home, shell) == ("/var/lib/camwarden", "/usr/sbin/nologin")
    assert 0 < int(uid) < 1000
    folder, file = root / "etc/camwarden", root / "etc/camwarden/camwarden.toml"
    for path, mode in ((folder, 0o750), (file, 0o640)):
        status = path.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (0, int(gid), mode), path
    assert (root / "etc/credstore").stat().st_mode & 0o777 == 0o700


REPLAY = """
import ctypes, mmap, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl({mdwe}, *(ctypes.c_ulong(each) for each in (1, 0, 0, 0))):
    print("no MDWE here")
    sys.exit(77)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit("writable and executable memory was given")
except PermissionError:
    pass
sys.argv = ["camwarden", "replay", "--format", "jsonl", "--state", sys.argv[2], sys.argv[1]]
from monitor.privileges import now
now()
called = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)
assert called(1) == 2, "callbacks of ctypes"
import cryptography.hazmat.primitives.asymmetric.ed25519 as ed25519
ed25519.Ed25519PrivateKey.generate().sign(b"")
import aiohttp, aiomqtt, pyexpat, rich.console, ssl, zstandard
ssl.create_default_context()
from monitor.cli import main
main()
"""


def test_no_memory_that_is_writable_and_executable(tmp_path: Path) -> None:
    """Under MemoryDenyWriteExecute a whole replay, with QUIC decrypted and a journal, says the same as without."""
    confined = subprocess.run(
        [sys.executable, "-c", REPLAY.format(mdwe=PR_SET_MDWE), str(CAPTURE), str(tmp_path / "confined")],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    if confined.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE")
    free = subprocess.run(
        [
            sys.executable,
            "-m",
            "monitor.cli",
            "replay",
            "--format",
            "jsonl",
            "--state",
            str(tmp_path / "free"),
            str(CAPTURE),
        ],
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert (confined.returncode, confined.stderr) == (0, b"")
    assert confined.stdout == free.stdout
    assert free.stdout.count(b"\n") >= 1


TRACED = """
import os, socket, sys
from pathlib import Path
state, capture = map(Path, sys.argv[1:])
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
from monitor.landlock import confine
from monitor.notify import Notifier
from monitor.privileges import drop
drop()
confine(read=[capture.parent], write=[state, Path(os.environ["CAMWARDEN_CACHE"])], listen=[0])
import asyncio
from monitor.config import convert
from monitor.daemon import outlets
config = convert({"prometheus": {"port": 0}, "mqtt": {"host": "127.0.0.1", "port": 9}}, "here")
async def serve():
    async with asyncio.timeout(0.5), outlets(config, [], state=state / "served"):
        await asyncio.sleep(9)
try:
    asyncio.run(serve())
except TimeoutError:
    pass
sys.argv = ["camwarden", "replay", "--state", str(state), str(capture)]
from monitor.cli import main
main()
"""
ROOTS_OWN = {"fchown"}
"""SQLite gives its log the owner of its file, where it is root (os_unix.c, robustFchown). The unit's user is not."""


def allowed() -> set[str]:
    """System calls that the unit allows, by systemd's own lists."""
    groups: dict[str, set[str]] = {}
    for line in analyze("syscall-filter", "--no-pager").stdout.splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line.strip(), set())
        elif line.strip() and not line.lstrip().startswith("#"):
            group.add(line.strip())

    def expanded(name: str) -> set[str]:
        return set().union(*map(expanded, groups[name])) if name in groups else {name}

    calls: set[str] = set()
    for _, no, names in re.findall(r"^(SystemCallFilter)=(~?)(.*)$", UNIT.read_text(), re.MULTILINE):
        named = set().union(*map(expanded, names.split()))
        calls = calls - named if no else calls | named
    return calls


@needs_analyze
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("strace"), reason="needs root and strace")
def test_no_system_call_that_the_unit_forbids(tmp_path: Path) -> None:
    """Tap, dropping, Landlock, metrics, a broker that refuses, journal and a whole replay stay within the filter."""
    for directory in ("state", "cache"):
        (tmp_path / directory).mkdir()
    trace = tmp_path / "trace"
    command = [sys.executable, "-c", TRACED, str(tmp_path / "state"), str(CAPTURE)]
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec strace -f -qq -o "$0" "$@"', str(trace), *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=90,
        env={**os.environ, "CAMWARDEN_CACHE": str(tmp_path / "cache")},
    )
    assert (done.returncode, done.stderr) == (0, "")
    called = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace.read_text(), re.MULTILINE))
    assert {"capset", "bind", "fdatasync", "epoll_wait"} <= called
    assert called - allowed() - ROOTS_OWN == set()
