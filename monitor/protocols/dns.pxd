cimport cython

from monitor.model.memo cimport Memo
from monitor.model.parts cimport part
from monitor.protocols.names cimport plain, plain_end, read_name, skip_name

cdef Memo _SPELLED
cdef dict QTYPES, RCODES
cdef int MAX_QUESTIONS, MAX_ADDRESSES, MAX_ALIASES, _HEADER, _SANE_COUNT, _RESPONSE, _OPCODE, _OPCODE_OR_Z, _ONLY_IN_RESPONSES, _OPT, _TSIG


@cython.freelist(8)
@cython.final
cdef class Record:
    cdef readonly int section, rtype, rclass
    cdef readonly long long ttl
    cdef readonly Py_ssize_t owner, start, end


@cython.locals(size=Py_ssize_t, pointed=bint, fixed=Py_ssize_t, start=Py_ssize_t, end=Py_ssize_t, ttl="long long")
cdef Record _record(bytes message, Py_ssize_t offset, int section, str layer)
cdef Py_ssize_t _u16(bytes message, Py_ssize_t at) except? -1
@cython.locals(flags=int, questions=int)
cpdef bint sane(bytes head) except -1
cpdef bint sniff(bytes head, int sport, int dport) except -1
cpdef bint sniff_stream(bytes head, int sport, int dport) except -1
@cython.locals(record=Record, flags=int, known=bint, end=Py_ssize_t, offset=Py_ssize_t, qtype=int, qclass=int)
cdef bint _strict(bytes message) except -1
@cython.locals(offset=Py_ssize_t)
cdef bint _asks(bytes message) except -1


cdef class Parser:
    cdef public object want
    cdef public long long dropped
    cdef str _name, _qtype
    cpdef list feed(self, bytes data)
    @cython.locals(flags=int, questions=int, facts=list, offset=Py_ssize_t, _=int)
    cdef list _message(self, bytes message)
    @cython.locals(end=Py_ssize_t, qtype=int)
    cdef Py_ssize_t _question(self, bytes message, Py_ssize_t offset) except -1
    @cython.locals(offset=Py_ssize_t, name=str, qtype=str, others=list, answer=_Answer, record=Record, facts=list,
                   section=int, _=int)
    cdef list _response(self, bytes message, int flags, int questions)


@cython.final
cdef class StreamParser(Parser):
    cdef bytearray _held
    cpdef gap(self)


@cython.final
cdef class _Answer:
    cdef str name, qtype, _last
    cdef int rcode
    cdef long long dropped
    cdef Py_ssize_t _last_at
    cdef dict _aliases
    cdef list _addresses, _hints
    cdef set _targets
    @cython.locals(rtype=int)
    cdef add(self, bytes message, Record record)
    @cython.locals(addresses=list, least="long long", ttl="long long", chain=tuple, owners=set)
    cdef fact(self)
    @cython.locals(chain=list, aliases=dict)
    cdef tuple _chain(self)
    cdef _point_to(self, str target)
    @cython.locals(target=Py_ssize_t)
    cdef str _owner(self, bytes message, Py_ssize_t offset)
    cdef _address(self, bytes message, Record record)
    @cython.locals(offset=Py_ssize_t, key=int, length=Py_ssize_t, width=int, at=Py_ssize_t)
    cdef _binding(self, bytes message, Record record)


cdef str _spelled(bytes packed)
cdef long long _ttl(long long seconds)
