cimport cython


@cython.final
cdef class Site:
    cdef list _networks, _core, _learnt
    cdef dict _own, _called
    cdef public dict _known
    cdef tuple _rows
    cdef public long long forgotten
    cdef long long _prefixes_refused, _own_refused, _called_refused, _cleared
    cpdef reach(self, bytes address)
    cpdef bint is_core(self, bytes address) except -1
    cpdef bint learn_address(self, bytes address, bytes mac) except -1
    cpdef called(self, bytes address)
    cpdef heard(self, bytes address, bytes mac)
    cpdef sent_on(self, bytes address, bytes mac)
