cimport cython

from monitor.wire cimport layout as at

from monitor.model.flows cimport Flow
from monitor.wire.decode cimport Frame
from monitor.wire.scan cimport Scanner


cdef class Traces:
    cdef Scanner _scanner
    cdef long long _most_bytes
    cdef object _watched, _others, _names, _hellos
    cdef readonly long long bytes, forgotten, unnamed, withheld
    cdef long long _given, _given_ns
    @cython.locals(payload=bytes, what=str, asker=bytes)
    cpdef packet(self, Flow flow, int events, view)
    cpdef refusal(self, Flow flow, view)
    @cython.locals(key=bytes, watched=bint)
    cdef _add(self, Flow flow, packet)
    cdef _asked(self, bytes asker, bytes question, packet)
    @cython.locals(scanner=Scanner, frame=Frame, link=int, start="long long", payload="long long", end="long long",
                   left="long long", kept=bytes, what=str, data=bytes, note=str)
    cdef tuple _kept(self, Flow flow, int events, view)
    @cython.locals(frame=Frame, hello=tuple, rest="long long", begins="long long", following="long long", kept=tuple)
    cdef tuple _segment(self, Flow flow, bytes data)


@cython.locals(quoted="long long", first=int)
cdef long long _quote_end(view, long long transport, long long end) except -1
@cython.locals(parts=list)
cdef str _note(int events, str what, long long left)
@cython.locals(end=Py_ssize_t)
cdef bytes _question(bytes message)
cdef bytes _pair(bytes one, bytes other)
