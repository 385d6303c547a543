cimport cython


cdef class Waiting:
    cdef public long long capacity, held, given_up


cdef class Stream:
    cdef public dict waiting
    cdef public long long expected, waiting_bytes
    cdef Waiting _budget
    cpdef open(self, long long sequence)
    cpdef close(self)
    @cython.locals(ahead="long long", old="long long", ready=list)
    cpdef list push(self, long long sequence, bytes data, long long missing=*)
    cdef bint _is_full(self) except -1
    cdef long long _distance(self, long long sequence) except? -1
    cdef _advance(self, long long count)
    cdef _hold(self, long long ahead, bytes data, long long missing)
    cdef list _ready(self)


cdef list _piece(bytes data, long long missing)
