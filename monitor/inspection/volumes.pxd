cimport cython

from monitor.model.contacts cimport Contact


@cython.final
cdef class Volumes:
    cdef object _catalogue
    cdef readonly object _windows
    cdef readonly long long forgotten
    @cython.locals(name=str, key=tuple)
    cpdef str came(self, Contact contact, long long ts_ns)
