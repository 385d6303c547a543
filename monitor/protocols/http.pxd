cimport cython

from monitor.protocols.http_exchange cimport Exchange
from monitor.protocols.http_fields cimport host_of, length_of, realm_of, split, text_of
from monitor.protocols.names cimport spell
from monitor.protocols.secrets cimport cut


@cython.locals(line=bytes, ended=bytes, method=bytes, blank=bytes)
cpdef bint sniff(bytes head, int sport, int dport) except -1
@cython.locals(method=bytes, rest=bytes, at=Py_ssize_t, target=bytes)
cdef tuple _request_line(bytes line)
cdef bint _may_start(bytearray held) except -1


@cython.final
cdef class Parser:
    cdef public object want
    cdef public long long dropped
    cdef object _state
    cdef bytearray _held
    cdef readonly bytearray _soap
    cdef Py_ssize_t _searched
    cdef long long _left, _body, _lost
    cdef bint _chunked, _after_upgrade
    cdef list _owed
    cdef bytes _action
    cdef tuple _suspect
    cdef readonly Exchange exchange
    cdef object _taker
    cdef bint _maybe, _answers
    cdef readonly bint tunnels
    @cython.locals(facts=list)
    cpdef list feed(self, bytes data)
    cpdef bytes behind(self)
    @cython.locals(owed=list, section=bytes)
    cpdef gap(self)
    @cython.locals(facts=list)
    cpdef list ended(self, bint whole)
    @cython.locals(line=bytes, part=bytes)
    cdef bint _found(self, bytes data, list facts) except -1
    cdef _leave(self, list facts)
    cdef _finish(self, bint whole, list facts)
    cdef bint _stopped(self) except -1
    cdef _stop(self)
    @cython.locals(held=bytearray, part=bytes, line=bytes)
    cdef bint _step(self, list facts) except -1
    @cython.locals(end=Py_ssize_t, line=bytes)
    cdef bytes _line(self)
    @cython.locals(held=bytearray, section=bytes, end=Py_ssize_t)
    cdef bint _header(self, list facts) except -1
    @cython.locals(line=bytes, rest=bytes, fields=dict, request=tuple)
    cdef _message(self, bytes section, list facts)
    @cython.locals(uri=str, host=str)
    cdef _request(self, bytes method, bytes target, dict fields, list facts)
    @cython.locals(kind=bytes)
    cdef _response(self, int status, dict fields, list facts)
    @cython.locals(codings=bytes)
    cdef _frame(self, dict fields, bint request)
    cdef _begin_body(self)
    cdef bint _peek(self) except -1
    cdef _take(self, bytes part, list facts)
    cdef _mapping(self, list facts)
    cdef _chunk(self, bytes line, list facts)
