cimport cython


cpdef tuple spoken(long long number)
cdef bytes _expand(bytes secret, bytes info, Py_ssize_t size)


@cython.final
cdef class ClientKeys:
    cdef object _aead, _iv, _ecb
    @cython.locals(sample_at=Py_ssize_t, mask=bytes, first=int, size=int, number="long long", at=int, header=bytes,
                   nonce=bytes)
    cpdef bytes open(self, bytes packet, Py_ssize_t number_at)
