"""Privileges: what a process gives up once its taps are bound.

Strategy: a bound AF_PACKET socket goes on reading without any capability, and is bound again to an interface that
comes back without one, so nothing is kept. Capabilities and no_new_privs are a thread's, not a process's
(capabilities(7), prctl(2)): ``drop`` is called while there is one thread, and the threads that follow inherit.
The bounding set takes CAP_SETPCAP to empty; where that is missing, no_new_privs makes it of no use to anybody.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# prctl(2), linux/prctl.h; the same numbers on every architecture.
PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

CAPABILITY_VERSION_3: Final = 0x20080522
"""Two words of 32 bits a set (linux/capability.h)."""
CAPABILITIES: Final = 64
"""The sets hold so many at most; the kernel has 41 (Linux 6.18)."""
CAP_NET_RAW: Final = 13
SETS: Final = {
    "CapEff": "effective",
    "CapPrm": "permitted",
    "CapInh": "inheritable",
    "CapAmb": "ambient",
    "CapBnd": "bounding",
}
"""Lines of /proc/thread-self/status (proc(5)), and what they are called."""
STATUS: Final = Path("/proc/thread-self/status")
TASKS: Final = Path("/proc/self/task")


class PrivilegeError(Exception):
    """Privileges could not be given up, or some are left. One line."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What this thread may do."""

    uid: int
    """Effective user."""
    capabilities: Mapping[str, int]
    """The set's name ("effective" ...) and its bits."""
    no_new_privs: bool
    """Nothing that it starts can get more than it has."""

    def left(self) -> list[str]:
        """Names of the sets that hold anything and could be used; the bounding set alone gives nothing."""
        return [name for name, bits in self.capabilities.items() if bits and name != "bounding"]

    def may(self, capability: int) -> bool:
        """Whether this capability is effective."""
        return bool(self.capabilities["effective"] >> capability & 1)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def drop(user: str | None = None) -> Standing:
    """Give up every capability for good, in every thread that is still to come; what is left afterwards.

    ``user``: who to become, for a process that was started as root; they must be able to read what Python imports
    later. Raises PrivilegeError if there is another thread
    already, if the user does not exist or may not be taken, or if anything usable is left.
    """
    threads = sum(1 for _ in TASKS.iterdir())
    if threads != 1:
        msg = f"privileges: {threads} threads are running, and each has its own: drop them before the first is started"
        raise PrivilegeError(msg)
    libc = ctypes.CDLL(None, use_errno=True)
    _empty_bounding_set(libc)
    if user is not None:
        _become(user)
    _prctl(libc, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    _check(libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), ctypes.byref((_Data * 2)())), "capset")
    _prctl(libc, PR_SET_NO_NEW_PRIVS, 1)
    # The broker's password is in this memory: no core file, and no debugger but root's. A change of user resets it.
    _prctl(libc, PR_SET_DUMPABLE, 0)
    standing = now()
    if standing.left() or not standing.no_new_privs:
        what = ", ".join([*standing.left(), *([] if standing.no_new_privs else ["the right to gain more"])])
        msg = f"privileges: not given up: {what}"
        raise PrivilegeError(msg)
    return standing


def now() -> Standing:
    """What this thread may do, as the kernel says."""
    lines = dict(line.split(":\t", 1) for line in STATUS.read_text("utf-8", "replace").splitlines() if ":\t" in line)
    sets = {name: int(lines[line], 16) for line, name in SETS.items()}
    return Standing(os.geteuid(), sets, no_new_privs=lines["NoNewPrivs"] == "1")


def _become(user: str) -> None:
    """Be this user and nobody else: real, effective and saved ids, no other groups."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        msg = f"privileges: there is no user {user!r}"
        raise PrivilegeError(msg) from None
    try:
        os.setgroups([])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except OSError as error:
        msg = f"privileges: cannot become {user}: {error.strerror}"
        raise PrivilegeError(msg) from error


def _empty_bounding_set(libc: ctypes.CDLL) -> None:
    """Take out every capability that the kernel knows, if we may."""
    for capability in range(CAPABILITIES):
        present = _prctl(libc, PR_CAPBSET_READ, capability, allowed=errno.EINVAL)
        if present < 0:
            return  # beyond the last one that this kernel has
        if present and _prctl(libc, PR_CAPBSET_DROP, capability, allowed=errno.EPERM) < 0:
            return


def _prctl(libc: ctypes.CDLL, option: int, argument: int, *, allowed: int = 0) -> int:
    """Call prctl with every argument a register wide. -1 for the error that is ``allowed``."""
    result = int(libc.prctl(ctypes.c_int(option), *(ctypes.c_ulong(each) for each in (argument, 0, 0, 0))))
    if result < 0 and ctypes.get_errno() == allowed:
        return result
    return _check(result, f"prctl {option}")


def _check(result: int, what: str) -> int:
    if result < 0:
        msg = f"privileges: {what}: {os.strerror(ctypes.get_errno())}"
        raise PrivilegeError(msg)
    return result
