cimport cython


@cython.locals(smallest="long long", padding=int)
cpdef object header(bytes data, long long size)
@cython.locals(at=Py_ssize_t, end=Py_ssize_t)
cpdef bytes body(bytes packet)
@cython.locals(first="long long")
cdef long long _u32(bytes data, Py_ssize_t at) except? -1
@cython.locals(at="long long", size="long long")
cpdef bint is_rtcp(bytes datagram) except -1
cpdef bint sniff(bytes head, int sport, int dport) except -1
cpdef bint likely(packet) except -1
