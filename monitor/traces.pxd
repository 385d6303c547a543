cimport cython

from monitor.wire cimport layout as at

from monitor.model.contacts cimport Device
from monitor.model.flows cimport Flow
from monitor.wire.decode cimport Frame
from monitor.wire.scan cimport Scanner


cdef class Traces:
    cdef Scanner _scanner
    cdef long long _most_bytes
    cdef tuple _pairs, _names
    cdef object _hellos
    cdef readonly long long bytes, forgotten, unnamed, withheld
    cdef long long _given, _given_ns
    @cython.locals(payload=bytes, what=str, asker=bytes, begun=bint, device=Device)
    cpdef packet(self, Flow flow, int events, view)
    cpdef refusal(self, Flow flow, view)
    @cython.locals(key=bytes)
    cdef _add(self, Flow flow, packet)
    cdef _asked(self, bytes asker, int tier, bytes question, packet)
    cdef _shrink(self)
    cdef _forget_pair(self, pairs)
    cdef _forget_names(self, names)
    @cython.locals(scanner=Scanner, frame=Frame, link=int, start="long long", payload="long long", end="long long",
                   left="long long", kept=bytes, what=str, data=bytes, note=str)
    cdef tuple _kept(self, Flow flow, int events, view)
    @cython.locals(frame=Frame, hello=tuple, rest="long long", begins="long long", following="long long", kept=tuple)
    cdef tuple _segment(self, Flow flow, bytes data)


cdef int _tier(Device device) except -1
cdef _found(tuple tiers, bytes key)
cdef _used(tuple tiers, bytes key, int tier, make)
cdef _lowest(tuple tiers)
cdef long long _size(packet) except -1
@cython.locals(quoted="long long", first=int)
cdef long long _quote_end(view, long long transport, long long end) except -1
@cython.locals(parts=list)
cdef str _note(int events, str what, long long left)
@cython.locals(end=Py_ssize_t)
cdef bytes _question(bytes message)
cdef long long _pair_used(pairs) except? -1
cdef long long _names_used(names) except? -1
cdef bytes _pair(bytes one, bytes other)
