"""What is left of a process after it gave up everything: asked of the kernel, in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONLY_NET_RAW = ("--bounding-set=-all,+net_raw", "--ambient-caps", "+net_raw", "--inh-caps", "+net_raw")
NOBODY = ("--reuid", "nobody", "--regid", "nogroup", "--clear-groups")

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("ip") or not shutil.which("unshare"),
    reason="needs root, setpriv, ip and unshare",
)

TAP = """
import os, socket, threading
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
tap.bind(("lo", 3))
tap.settimeout(5)
"""
"""ETH_P_ALL is 3 (linux/if_ether.h)."""
DROP = """
from monitor.privileges import now, drop
standing = drop({user})
"""
AFTER = """
from pathlib import Path
status = dict(line.split(":", 1) for line in Path("/proc/thread-self/status").read_text().splitlines())
print({name: status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd", "NoNewPrivs", "Uid")})
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    print("re-open: allowed")
except PermissionError:
    print("re-open: refused")
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b"after the drop", ("127.0.0.1", 9))
while True:
    if tap.recv(2048).endswith(b"after the drop"):
        print("still reads")
        break
tap.bind(("lo", 3))
print("bound again")
print("threads inherit:", end=" ")
def ask():
    print(now().left(), now().no_new_privs)
thread = threading.Thread(target=ask)
thread.start()
thread.join()
"""


def run(script: str, *prefix: str, becomes: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own, in a network namespace of its own that goes with it."""
    command = " ".join(["ip link set lo up && exec", *prefix, interpreter(*prefix, *becomes), "-"])
    return subprocess.run(
        ["unshare", "--net", "sh", "-c", command],
        input=script,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def interpreter(*prefix: str) -> str:
    """A Python that can import the module, as the user that the prefix makes: ours may be out of reach for it."""
    for python in (sys.executable, "/usr/bin/python3"):
        probe = [*prefix, python, "-c", "import sys; assert sys.version_info >= (3, 11); import monitor.privileges"]
        found = subprocess.run(probe, capture_output=True, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
        if found.returncode == 0:
            return python
    pytest.skip("no Python within reach of the user nobody")


@needs_root
def test_root_keeps_nothing() -> None:
    """All five sets are empty and nothing can be gained; the open tap reads on, and no other can be opened."""
    done = run(TAP + DROP.format(user="") + AFTER)
    assert done.stderr == ""
    sets = "'CapEff': '{0}', 'CapPrm': '{0}', 'CapInh': '{0}', 'CapAmb': '{0}', 'CapBnd': '{0}'".format("0" * 16)
    first, *others = done.stdout.splitlines()
    assert first.startswith("{" + sets + ", 'NoNewPrivs': '1'")
    assert others == ["re-open: refused", "still reads", "bound again", "threads inherit: [] True"]


@needs_root
def test_root_may_become_somebody_else() -> None:
    """No id, saved or effective, is root's any more, and no group."""
    script = TAP + DROP.format(user="'nobody'") + "print(standing.uid, os.getgroups())\n" + AFTER
    done = run("import pwd\nprint(pwd.getpwnam('nobody').pw_uid)\n" + script, becomes=("setpriv", *NOBODY))
    nobody, became, first, *others = done.stdout.splitlines()
    assert became == f"{nobody} []"
    assert first.endswith("'Uid': '" + "\\t".join([nobody] * 4) + "'}")
    assert others == ["re-open: refused", "still reads", "bound again", "threads inherit: [] True"]


@needs_root
def test_with_net_raw_alone() -> None:
    """As systemd starts it: the bounding set cannot be emptied, and gives nothing, since nothing can be gained."""
    done = run(TAP + DROP.format(user="") + AFTER, "setpriv", *ONLY_NET_RAW, *NOBODY)
    assert done.stderr == ""
    first, *others = done.stdout.splitlines()
    assert "'CapEff': '0000000000000000', 'CapPrm': '0000000000000000', 'CapInh': '0000000000000000'" in first
    assert "'CapAmb': '0000000000000000', 'CapBnd': '0000000000002000', 'NoNewPrivs': '1'" in first
    assert others == ["re-open: refused", "still reads", "bound again", "threads inherit: [] True"]


@needs_root
def test_without_any_to_begin_with() -> None:
    """Whoever has nothing can give it up all the same."""
    done = run("from monitor.privileges import drop\nprint(drop().left())", "setpriv", "--bounding-set=-all", *NOBODY)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@needs_root
def test_memory_is_closed_to_others() -> None:
    """No core file, and no debugger of the same user."""
    asked = "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    assert run("import ctypes\n" + asked + DROP.format(user="") + asked).stdout == "1\n0\n"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); drop()", "2 threads are running"),
        ("drop('no-such-user')", "there is no user 'no-such-user'"),
    ],
)
def test_what_cannot_be_is_one_line(script: str, says: str) -> None:
    """Nothing is dropped halfway in silence."""
    head = "import threading, time\nfrom monitor.privileges import drop, PrivilegeError\n"
    whole = f"{head}try:\n    {script}\nexcept PrivilegeError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False, cwd=ROOT)
    assert says in done.stdout
    assert done.stdout.count("\n") == 1


@needs_root
def test_nobody_cannot_become_root() -> None:
    """A user that may not be taken is one line."""
    script = (
        "from monitor.privileges import drop, PrivilegeError\n"
        "try:\n    drop('root')\nexcept PrivilegeError as error:\n    print(error)"
    )
    done = run(script, "setpriv", "--bounding-set=-all", *NOBODY)
    assert done.stdout == "privileges: cannot become root: Operation not permitted\n"


@needs_root
def test_what_the_kernel_left_is_told() -> None:
    """The kernel's word counts, not that a call succeeded: here capset does nothing."""
    script = (
        "import ctypes, monitor.privileges as at\n"
        "real = ctypes.CDLL(None, use_errno=True)\n"
        "class Lying:\n    prctl = real.prctl\n    def capset(self, header, data): return 0\n"
        "at.ctypes.CDLL = lambda *_, **__: Lying()\n"
        "try:\n    at.drop()\nexcept at.PrivilegeError as error:\n    print(error)\n"
    )
    assert run(script).stdout == "privileges: not given up: effective, permitted\n"
