cimport cython


@cython.locals(kept=tuple)
cpdef tuple of_datagram(bytes payload, int sport, int dport)
cpdef tuple of_segment(bytes payload, int sport, int dport)
@cython.locals(at=Py_ssize_t)
cpdef tuple of_tls(bytes payload)
@cython.locals(at=Py_ssize_t)
cpdef long long hello_rest(bytes payload) except -1
@cython.locals(at=Py_ssize_t, end=Py_ssize_t, line=bytes, text=bytes, shown=bytes, lines=list)
cpdef tuple of_head(bytes payload)
cdef bytes _field(bytes line)
@cython.locals(text=str, clean=str, same=Py_ssize_t)
cdef bytes _without_secrets(bytes value)
cdef bint _is_greeting(bytes head) except -1
