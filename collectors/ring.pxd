cimport cython
from libc.stdint cimport int64_t

# C globals, set once when the module is imported.
cdef int64_t COLUMNS, TS, OFFSET, CAPTURED, WIRE, INTERFACE
cdef int64_t BLOCK_STATUS, BLOCK_PACKETS, BLOCK_FIRST, BLOCK_HEADER
cdef int64_t NEXT, SECONDS, NANOSECONDS, SNAPLEN, LENGTH, STATUS, TCI, MAC, TPID, FRAME_HEADER
cdef int64_t TP_STATUS_USER, TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID
cdef int64_t VLAN_TAG, ADDRESSES, ETHERTYPE_VLAN, ALIGNED

cdef extern from *:
    """
    #define fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
    """
    void fence() noexcept nogil


@cython.final
cdef class Ring:
    cdef unsigned char[::1] memory
    cdef unsigned int[::1] words
    cdef unsigned short[::1] halves
    cdef int64_t[::1] index, ends
    cdef int64_t base, block_bytes, blocks, interface, back_ns
    cdef bint ethernet
    cdef int64_t block, oldest, next, left
    cdef readonly int64_t capacity, head, rows, held, walked, given, released, broken, octets, era, last_ns

    cpdef int64_t walk(self, int64_t era) except -1
    @cython.locals(moved=int64_t, cell=int64_t)
    cdef int compact(self) except -1
    cdef int step(self) except -1 nogil
    cdef bint handed(self, int64_t block) except -1 nogil
    cpdef bint crowded(self) except -1
    cpdef bint pressed(self) except -1
    @cython.locals(start=int64_t)
    cdef bint enter(self) except -1 nogil
    cdef int leave(self) except -1 nogil
    @cython.locals(start=int64_t, end=int64_t, at=int64_t, word=int64_t, captured=int64_t, mac=int64_t, time=int64_t)
    cdef bint frame(self) except -1 nogil
    @cython.locals(wire=int64_t, status=int64_t, room=int64_t, tpid=int64_t, cell=int64_t)
    cdef int add(self, int64_t time, int64_t offset, int64_t captured, int64_t word) except -1 nogil
    @cython.locals(at=int64_t)
    cdef int tag(self, int64_t offset, int64_t tpid, int64_t tci) except -1 nogil
    cdef bint spoil(self) noexcept nogil
    cpdef int64_t time(self) except? -1
    @cython.locals(source=int64_t, cell=int64_t)
    cpdef int64_t give(self, int64_t[::1] index, int64_t row, int64_t rows, int64_t until) except -1
    @cython.locals(word=int64_t)
    cpdef release(self)
    @cython.locals(placed=int64_t, block=int64_t)
    cpdef int64_t placed(self) except -1
