cimport cython


cdef int _CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _SERVER_HELLO, _CERTIFICATE, _RECORD_MAX, _MAJOR, _MINOR_MAX
cdef int _ALERT_SIZE, _WARNING, _SUITES_OF_1_3

@cython.locals(first=int, size=Py_ssize_t, length=int)
cpdef bint sniff(bytes head, int sport, int dport) except -1


@cython.final
cdef class Parser:
    cdef public object want
    cdef bytes _head
    cdef bytearray _message
    cdef int _content, _warnings
    cdef Py_ssize_t _left
    cdef bint _started, _after_hello, _offered, _spec_changed
    cdef object _v2
    @cython.locals(facts=list)
    cpdef list feed(self, bytes data)
    cpdef gap(self)
    cdef _stop(self)
    @cython.locals(at=Py_ssize_t, part=bytes)
    cdef _feed(self, bytes data, list facts)
    cdef _record(self, int content, int major, int minor, Py_ssize_t size)
    cdef _alert(self)
    @cython.locals(message=bytearray, kind=int, size=Py_ssize_t, body=bytes)
    cdef _handshake(self, list facts)
    cdef tuple _awaited(self)
    cdef _client_hello(self, bytes body, list facts)
    @cython.locals(message=bytearray)
    cdef _v2_hello(self, bytes data, list facts)


cdef bint _encrypts_at_once(bytes body) except -1
cdef _leaf(bytearray message, Py_ssize_t size)
