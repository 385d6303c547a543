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
        self.offset = self.failure = 0
        self.room = None

    def begin(self, file, room, offset):
        """Read into ``room`` what is ``offset`` bytes into the file; False if the system takes no more reads now."""
        if self.busy:
            raise RuntimeError("one read at a time")
        self.file = file
        self.offset = offset
        self.room = room
        if cython.compiled:
            self.view = room
            self.block.aio_fildes = file
            self.block.aio_offset = offset
            self.block.aio_buf = cython.address(self.view[0])
            self.block.aio_nbytes = self.view.shape[0]
            self.block.aio_sigevent.sigev_notify = SIGEV_NONE
            if aio_read(cython.address(self.block)) != 0:
                self.view = None
                self.room = None
                return False
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
            taken = self.over()
            if taken < 0:
                raise OSError(self.failure, os.strerror(self.failure))
        else:
            room = self.room
            self.busy = False
            self.room = None
            taken = os.preadv(self.file, [room], self.offset)
        return taken

    def cancel(self):
        """Have no read under way; what it took is forgotten."""
        if cython.compiled and self.busy:
            self.settle()
            self.over()
        self.busy = False
        self.room = None

    def settle(self):
        """Until the read is over."""
        while aio_error(cython.address(self.block)) == EINPROGRESS:
            wait_for(cython.address(self.block))

    def over(self):
        """Take what the read gave, and let go of the room."""
        self.failure = aio_error(cython.address(self.block))
        self.busy = False
        self.view = None
        self.room = None
        return aio_return(cython.address(self.block))

    def __dealloc__(self):
        if self.busy:
            self.settle()  # it must not write into what is freed
