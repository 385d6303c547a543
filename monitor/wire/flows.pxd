cimport cython

from monitor.wire.layout cimport *


@cython.final
cdef class FlowTable:
    cdef readonly long long capacity, watched_quota, source_cap
    cdef readonly long long used, watched, created, released, evicted
    cdef readonly long long sources_used
    cdef long long[::1] rows
    cdef unsigned long long[::1] keys
    cdef int[::1] heads
    cdef long long buckets, next_free
    cdef long long[::1] list_head, list_tail
    cdef unsigned long long seed0, seed1
    cdef unsigned long long hash
    cdef unsigned long long key_a_hi, key_a_lo, key_b_hi, key_b_lo, key_meta
    cdef int side
    cdef unsigned long long v0, v1, v2, v3
    cdef long long source_capacity
    cdef unsigned long long[::1] source_keys
    cdef long long[::1] source_rows
    cdef int[::1] source_heads

    cpdef Py_ssize_t field(self, long long slot, int column) except? -1
    cpdef int put(self, long long slot, int column, long long value) except -1
    cdef int key(self, unsigned long long src_hi, unsigned long long src_lo, unsigned long long dst_hi, unsigned long long dst_lo, int sport, int dport, int proto, int vlan) except -1 nogil
    cdef unsigned long long mix(self, unsigned long long a_hi, unsigned long long a_lo, unsigned long long b_hi, unsigned long long b_lo, unsigned long long meta, bint mapped) except? 1 nogil
    cdef int sip(self, unsigned long long word) noexcept nogil
    cdef Py_ssize_t find(self) except? -2 nogil
    cdef Py_ssize_t victim(self, unsigned long long src_hi, unsigned long long src_lo) except? -2 nogil
    cdef Py_ssize_t least(self, int first) except? -2 nogil
    cdef Py_ssize_t create(self, long long ts, unsigned long long src_hi, unsigned long long src_lo) except? -2 nogil
    cpdef int release(self, long long slot) except -1
    cdef int link(self, long long slot, int which) except -1 nogil
    cdef int unlink(self, long long slot) except -1 nogil
    cdef int touch(self, long long slot, long long ts) except -1 nogil
    cdef int move(self, long long slot, int which) except -1 nogil
    cpdef int watch(self, long long slot) except -1
    cpdef Py_ssize_t idle(self, long long now) except? -2
    cdef Py_ssize_t source(self, unsigned long long hi, unsigned long long lo) except? -2 nogil
    cdef int source_add(self, long long slot, unsigned long long hi, unsigned long long lo) except -1 nogil
    cdef int source_drop(self, long long slot) except -1 nogil


cdef unsigned long long rotl(unsigned long long word, int by) noexcept nogil
