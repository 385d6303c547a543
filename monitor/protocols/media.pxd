cimport cython


@cython.final
cdef class Expected:
    cdef Py_ssize_t _capacity
    cdef long long _max_age_ns
    cdef readonly object _awaited
    cdef public long long evicted, expired
    @cython.locals(key=bytes, entry=tuple, then="long long")
    cpdef claim(self, bytes source, int sport, bytes destination, int dport, long long now_ns)
    @cython.locals(key=bytes, then="long long")
    cdef _expire(self, long long now_ns)
    cdef _put(self, bytes key, expectation, long long now_ns)


cdef bytes _key(bytes address, int port, bytes peer)
