cimport cython

from monitor.model.contacts cimport Device
from monitor.model.memo cimport Memo

cdef Memo _PUBLIC


@cython.final
cdef class Lookup:
    cdef public Device device
    cdef public str name, rcode
    cdef public long long asked_ns, last_ns, times
    cdef public bytes first_id
    cdef public list addresses


@cython.final
cdef class Lookups:
    cdef object _open
    cdef object _answers
    cdef public Py_ssize_t _max
    cdef Py_ssize_t _max_answers
    cdef public long long early, forgotten
    cdef public object marks
    @cython.locals(key=tuple, known=Lookup, lookup=Lookup, answer=tuple)
    cpdef Lookup asked(self, Device device, str name, long long ts_ns, bytes first_id)
    @cython.locals(known=Lookup, key=tuple)
    cpdef answered(self, Device device, str name, str rcode, list addresses, tuple aliases=*, long long until_ns=*)
    cdef _lead(self, Lookup lookup, list addresses)
    @cython.locals(kept=tuple, before=tuple)
    cdef _keep(self, tuple key, list addresses, long long until_ns)
    cpdef forget(self, Device device, str name)
    cpdef list due(self, long long now_ns)
    cdef _changed(self, Lookup lookup)
    cdef Lookup _take(self, tuple key)


cpdef bint is_public_name(str name) except -1
