cimport cython

from monitor.wire.decode cimport Frame
from monitor.wire.flows cimport FlowTable
from monitor.wire.layout cimport *
from monitor.wire.precedence cimport Precedence


@cython.final
cdef class Scanner:
    cdef readonly Frame frame
    cdef readonly FlowTable table
    cdef readonly Precedence precedence
    cdef long long[::1] index
    cdef long long[::1] links
    cdef long long at, count, vetted, outside
    cdef public long long due
    cdef public bint tell_malformed
    cdef bint overlapping
    cdef readonly long long packets, octets, duplicates, others, truncated
    cdef readonly long long followed, missed
    cdef readonly long long slot, ts
    cdef readonly int direction
    cdef long long window
    cdef long long[::1] recent
    cdef long long[::1] malformed_counts
    cdef long long[::1] dirty
    cdef long long dirty_count, weight, weight_octets, copies, originals

    cpdef begin(self, memory, long long[::1] index, long long count, long long[::1] links)
    cpdef int scan(self) except -1
    cdef int run(self) except -1 nogil
    cdef int tunnel(self, int link) except -1 nogil
    cdef bint repeated(self, unsigned long long signature) except -1 nogil
    cdef unsigned long long signature(self) except? 1 nogil
    cdef int fragment(self) except -1 nogil
    cdef int flow(self) except -1 nogil
    cdef bint admitted(self) except -1 nogil
    cdef int tcp(self, long long row, bint fresh) except -1 nogil
    cdef bint arrived(self, long long row, long long state) except -1 nogil
    cdef int follow(self, long long row) except -1 nogil
    cdef int acknowledged(self, long long row, int side) except -1 nogil
    cdef int datagram(self, long long row, bint fresh) except -1 nogil
    cdef bint identified(self, long long row) except -1 nogil
    cpdef int verdict(self, long long slot, int out, int into) except -1
    cpdef int care(self, long long slot) except -1
    cpdef int heed(self, long long slot) except -1
    cpdef int ways(self, long long slot) except -1
    cdef int mark(self, long long slot, long long row) except -1 nogil


cdef unsigned long long stir(unsigned long long state, unsigned long long word) noexcept nogil
cdef bint from_server(int proto, int flags, int sport, int dport) noexcept nogil
