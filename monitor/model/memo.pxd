cimport cython


@cython.final
cdef class Memo:
    cdef object _make
    cdef Py_ssize_t _most
    cdef dict _known
    cpdef of(self, key)
