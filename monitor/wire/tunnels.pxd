from monitor.wire.layout cimport *
from monitor.wire.link cimport Link


cdef class Tunnel(Link):
    cdef int carrier(self) except -1 nogil
    cdef int pppoe(self) except -1 nogil
    cdef int ppp(self) except -1 nogil
    cdef int labels(self) except -1 nogil
    cdef int gre(self, long long at, long long stop) except -1 nogil
    cdef int erspan(self, long long at, long long stop, int kind) except -1 nogil
    cdef int overlay(self, long long at, long long length, int port) except -1 nogil
