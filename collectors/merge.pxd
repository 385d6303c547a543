cimport cython
from libc.stdint cimport int64_t

from collectors.ring cimport Ring

# C globals, set once when the module is imported.
cdef int64_t COLUMNS, ALWAYS, NEVER


@cython.final
cdef class Merge:
    cdef tuple rings
    cdef list silent
    cdef readonly object index
    cdef int64_t[::1] view
    cdef int64_t rows, hold_back_ns
    cdef readonly int64_t era

    @cython.locals(row=int64_t, before=int64_t, era=int64_t, newest=int64_t, until=int64_t, first=Ring)
    cdef int64_t filled(self, bint flush) except -1
    @cython.locals(ring=Ring)
    cdef bint pressed(self) except -1
    @cython.locals(ring=Ring, era=int64_t, newest=int64_t)
    cdef tuple newest(self)
    @cython.locals(ring=Ring, first=Ring, until=int64_t)
    cdef tuple first(self)
    @cython.locals(ring=Ring, number=Py_ssize_t, progress=int64_t)
    cdef int64_t progress(self, int64_t era) except? -1
