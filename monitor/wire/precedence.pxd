cimport cython

from monitor.wire.flows cimport FlowTable


@cython.final
cdef class Precedence:
    cdef FlowTable table
    cdef readonly bint hurried
    cdef public long long passed
    cdef long long row, size
    cdef unsigned long long[::1] keys
    cdef long long[::1] due

    cdef int add(self, unsigned long long hi, unsigned long long lo) except -1 nogil
    cdef Py_ssize_t place(self, unsigned long long hi, unsigned long long lo) except? -2 nogil
    cdef Py_ssize_t find(self, unsigned long long hi, unsigned long long lo) except? -2 nogil
    cdef bint admits(self, unsigned long long src_hi, unsigned long long src_lo, unsigned long long src_mac, unsigned long long dst_hi, unsigned long long dst_lo, unsigned long long dst_mac, long long ts) except? -1 nogil
    cdef int charge(self, long long ts) except -1 nogil
