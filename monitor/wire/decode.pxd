cimport cython

from monitor.wire.layout cimport *
from monitor.wire.link cimport octets
from monitor.wire.tunnels cimport Tunnel


@cython.final
cdef class Frame(Tunnel):
    cdef readonly long long start, captured, wire, payload
    # Side by side, so that ``blank`` is a few wide stores.
    cdef readonly unsigned long long src_hi, src_lo, dst_hi, dst_lo
    cdef readonly long long transport, transport_end, transport_wire, identification
    cdef readonly long long sequence, acknowledgement, payload_length, payload_wire
    cdef readonly int sport, dport, checksum, flags, proto, ttl, fragment
    cdef readonly bint more_fragments
    cdef readonly bint v4, entered
    cdef bint reassembled

    cpdef bytes source(self)
    cpdef bytes destination(self)
    cpdef long long clock(self) except *
    cdef void blank(self) noexcept nogil
    cdef int decode(self, long long start, long long captured, long long wire, int link) except -1 nogil
    cdef int outer(self, int link) except -1 nogil
    cdef int read(self, int link) except -1 nogil
    cdef int enter(self) except -1 nogil
    cdef int ipv4(self) except -1 nogil
    cdef int ipv6(self) except -1 nogil
    cdef int ports(self) except -1 nogil
    cdef int tcp(self, long long available) except -1 nogil
    cdef int tcp_cut(self, long long available) except -1 nogil
    cdef int segment(self, long long header) noexcept nogil
    cdef int udp(self, long long available) except -1 nogil
    cdef int icmp(self, long long available) except -1 nogil


cdef int counterpart(int kind, int code, bint v4) noexcept nogil
