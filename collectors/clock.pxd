cimport cython
from libc.stdint cimport int64_t

# C globals, set once when the module is imported.
cdef int64_t COLUMNS, TS, CLOCK_STEP_NS, UNSTAMPED


@cython.final
cdef class Clock:
    cdef bint started, last
    cdef readonly int64_t reference
    cdef list steps
    cdef readonly int64_t suspects
    cdef int64_t[::1] index
    cdef int64_t rows

    @cython.locals(row=int64_t)
    cdef int64_t judged(self, int64_t first) except -1
    cdef int64_t time(self, int64_t row) except? -1 nogil
    cdef int64_t undated(self, int64_t row) except -1
    @cython.locals(second=int64_t, third=int64_t, outvoted=bint)
    cdef bint start(self, int64_t row) except -1
    @cython.locals(time=int64_t)
    cdef int64_t agreeing(self, int64_t row) except -1 nogil
    @cython.locals(time=int64_t)
    cdef bint differing(self, int64_t row) except -1


cdef bint near(int64_t one, int64_t other) noexcept nogil
cdef bint confirms(int64_t following, int64_t time, int64_t reference) noexcept nogil
cpdef shift(int64_t[::1] index, int64_t row, int64_t rows, int64_t by)
cpdef int64_t run(int64_t[::1] index, int64_t row, int64_t rows, int64_t before) except -1
