cimport cython


cpdef bint sniff(bytes head, int sport, int dport) except -1


@cython.final
cdef class Parser:
    cdef public object want
    cdef public long long dropped
    cdef readonly object exchange
    cdef int _direction
    cdef bytearray _held
    cdef Py_ssize_t _searched
    cdef long long _skip, _body, _messages, _media
    cdef bint _proven
    cdef dict _metadata
    cdef object _probation, _lost
    cdef list _owed
    @cython.locals(facts=list, passed="long long")
    cpdef list feed(self, bytes data)
    @cython.locals(owed=list, held=bytes)
    cpdef gap(self)
    cdef bint _found(self, bytes data) except -1
    cdef bint _known(self, long long channel) except -1
    cdef _stop(self)
    @cython.locals(held=bytearray, body=bytes, section=bytes, passed="long long", end=Py_ssize_t)
    cdef bint _step(self, list facts) except -1
    @cython.locals(held=bytearray, channel="long long", length="long long", passed="long long", packet=bytes)
    cdef bint _frame(self, list facts) except -1
    cdef _events(self, long long channel)
    cdef _hear(self, long long channel, bytes packet, long long length, list facts)
    @cython.locals(line=bytes, rest=bytes, fields=dict, described=bint)
    cdef _message(self, bytes section, list facts)
    cdef _request(self, bytes method, bytes target, number, dict fields, list facts)
    cdef bint _response(self, int status, number, dict fields, list facts) except -1
    cdef _frame_body(self, dict fields, bint described)
    cdef _describe(self, bytes body, list facts)
