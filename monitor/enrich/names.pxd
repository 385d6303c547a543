cimport cython


@cython.final
cdef class Names:
    cdef object _told
    cdef Py_ssize_t _max
    cdef public long long evicted
    cdef public object marks
    @cython.locals(key=tuple, names=dict)
    cpdef learn(self, str device, str name, bytes address, long long expires_ns)
    @cython.locals(key=tuple, names=dict, expires="long long")
    cpdef list of(self, str device, bytes address, long long now_ns)
