"""Landlock: a second fence around a process that has no capability any more (landlock(7)).

Whoever takes over a parser can then write nowhere but in the state directory, start no program, listen on no port
and signal nobody, even where no unit file keeps them from it. What is open stays usable. Where the kernel has no
Landlock, or not enough of it, that is told and nothing else happens: it is the second fence, not the first.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# System calls (asm-generic/unistd.h): the same numbers on x86-64 and arm64.
CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
CREATE_RULESET_VERSION: Final = 1
RULE_PATH_BENEATH: Final = 1
RULE_NET_PORT: Final = 2

# Rights in files (linux/landlock.h), and the ABI in which each set came.
EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15
RIGHTS_BY_ABI: Final = ((1, (1 << 13) - 1), (2, 1 << 13), (3, TRUNCATE), (5, IOCTL_DEV))
OF_A_FILE: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""What a rule about something that is no directory may grant."""
BIND_TCP: Final = 1 << 0
NET_ABI: Final = 4
SCOPE_SIGNAL: Final = 1 << 1
"""Abstract sockets stay reachable: systemd's notification socket may be one."""
SCOPE_ABI: Final = 6

SYSTEM: Final = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/run", "/dev/null", "/dev/urandom")
"""Libraries, resolver, certificates and time zones, interface counters, credentials: read, never written."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What became of it."""

    abi: int
    """Of this kernel's Landlock; 0 if it has none."""
    missing: tuple[str, ...]
    """What this kernel cannot keep us from, for people; everything if ``abi`` is 0."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def confine(*, read: Iterable[Path], write: Iterable[Path], listen: Sequence[int] = ()) -> Fence:
    """Let this thread, and those that it starts, read SYSTEM, Python and ``read``, and write beneath ``write`` only.

    ``listen``: TCP ports that it may still bind, 0 for any free one. Needs no_new_privs, so it comes after
    ``privileges.drop``. A path of ``read`` that does not exist is left out; one of ``write`` raises OSError, as does
    a refusal of the kernel. It is for good: what a new configuration wants beyond this takes a restart.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(CREATE_RULESET_VERSION))
    if abi < 1:
        reason = os.strerror(ctypes.get_errno())
        return Fence(0, (f"Landlock is not there ({reason}): the unit's restrictions are the only ones",))
    files = sum(rights for since, rights in RIGHTS_BY_ABI if since <= abi)
    handled = _Ruleset(files, BIND_TCP if abi >= NET_ABI else 0, SCOPE_SIGNAL if abi >= SCOPE_ABI else 0)
    ruleset = _check(
        libc.syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(_size(abi)), ctypes.c_uint32(0))
    )
    try:
        for path in _readable(read):
            if os.path.lexists(path):
                _allow(libc, ruleset, path, (READ_FILE | READ_DIR) & files)
        for place in write:
            _allow(libc, ruleset, str(place), files & ~EXECUTE)
        for port in listen if abi >= NET_ABI else ():
            _rule(libc, ruleset, RULE_NET_PORT, _NetPort(BIND_TCP, port))
        _check(libc.syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    lacks = ((3, "truncating files"), (NET_ABI, "listening on TCP ports"), (SCOPE_ABI, "signalling other processes"))
    return Fence(abi, tuple(f"Landlock ABI {abi} does not keep us from {what}" for since, what in lacks if abi < since))


def _readable(more: Iterable[Path]) -> list[str]:
    """Python imports lazily, also long after the start; an editable install is not on its path."""
    ours = str(Path(__file__).parents[1])
    return list(dict.fromkeys([*SYSTEM, *filter(None, sys.path), sys.prefix, ours, *map(str, more)]))


def _size(abi: int) -> int:
    """Bytes of struct landlock_ruleset_attr that this ABI knows."""
    if abi >= SCOPE_ABI:
        return ctypes.sizeof(_Ruleset)
    return 16 if abi >= NET_ABI else 8


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            rights &= OF_A_FILE
        _rule(libc, ruleset, RULE_PATH_BENEATH, _PathBeneath(rights, parent))
    finally:
        os.close(parent)


def _rule(libc: ctypes.CDLL, ruleset: int, kind: int, rule: ctypes.Structure) -> None:
    _check(libc.syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(kind), ctypes.byref(rule), ctypes.c_uint32(0)))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
