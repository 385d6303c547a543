# cython: annotation_typing=False
# distutils: libraries = rt
# ruff: noqa: ERA001, F821  names of the C library are in ahead.pxd
"""Ahead: the next bytes of a file, read while those before them are looked at.

Strategy: the C library reads in a thread of its own (POSIX.1-2017, aio_read), which never asks for Python's lock: so
the copy out of the page cache is made by another processor than the one that looks at packets. One read at a time.
The room is held until it is over: nobody can free it or change its size before. Where this module is not compiled,
bytes are read when they are asked for.
"""

from __future__ import annotations

import os

import cython  # type: ignore[import-untyped,unused-ignore]


class Ahead:
    """One read under way, or none."""

    def __init__(self):
        """None is."""
        self.busy = False
        self.file = -1
        self.offset = 0
        self.room = None

    def begin(self, file, room, offset):
        """Read into ``room`` what is ``offset`` bytes into the file; False if the system takes no more reads now."""
        if self.busy:
            raise RuntimeError("one read at a time")
        held = memoryview(room)  # one of our own, which nobody else can release
        if cython.compiled:
            view = held
            self.block.aio_fildes = file
            self.block.aio_offset = offset
            self.block.aio_buf = cython.address(view[0])
            self.block.aio_nbytes = view.shape[0]
            self.block.aio_sigevent.sigev_notify = SIGEV_NONE
            if aio_read(cython.address(self.block)) != 0:
                return False
        self.file = file
        self.offset = offset
        self.room = held
        self.busy = True
        return True

    def finish(self):
        """Wait for the read; how many bytes it took, 0 at the end of the file. OSError if it failed."""
        if not self.busy:
            raise RuntimeError("nothing is read")
        if cython.compiled:
            while aio_error(cython.address(self.block)) == EINPROGRESS:
                with cython.nogil:
                    wait_for(cython.address(self.block))
                PyErr_CheckSignals()
            failure = aio_error(cython.address(self.block))
            taken = aio_return(cython.address(self.block))
            self.let_go()
            if failure != 0:
                raise OSError(failure, os.strerror(failure))
        else:
            room = self.room
            self.let_go()
            taken = os.preadv(self.file, [room], self.offset)
        return taken

    def cancel(self):
        """Have no read under way; what it took is forgotten."""
        if cython.compiled and self.busy:
            self.settle()
            aio_return(cython.address(self.block))
        self.let_go()

    def settle(self):
        """Until the read is over."""
        while aio_error(cython.address(self.block)) == EINPROGRESS:
            wait_for(cython.address(self.block))

    def let_go(self):
        """No read is under way: the room is whoever's it was."""
        self.busy = False
        self.room = None

    def __dealloc__(self):
        if self.busy:
            self.settle()  # it must not write into what is freed
