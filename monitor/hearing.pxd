cimport cython

from monitor.wire cimport layout as at

from monitor.attribution cimport Attribution
from monitor.model.flows cimport Flow
from monitor.protocols.conversation cimport Conversation
from monitor.wire.decode cimport Frame
from monitor.wire.scan cimport Scanner
from monitor.wire.streams cimport Stream, Waiting


cdef class Listener:
    cdef public Conversation conversation
    cdef public Stream first, second
    @cython.locals(stream=Stream, opened="long long")
    cdef Stream stream(self, Flow flow, int direction, Waiting budget)
    @cython.locals(stream=Stream)
    cdef close(self, int direction)


cdef class Hearing:
    cdef readonly Scanner scanner
    cdef readonly Attribution attribution
    cdef readonly object counts
    cdef object _observer, _on_fault, _inspection
    cdef list _listeners
    cdef readonly Waiting waiting
    cdef readonly object expected
    cdef bint _expecting
    cpdef begin(self, Py_ssize_t slot, Flow flow)
    @cython.locals(listener=Listener)
    cpdef forget(self, Py_ssize_t slot)
    @cython.locals(scanner=Scanner, frame=Frame, listener=Listener, conversation=Conversation, stream=Stream,
                   direction=int, data=bytes, missing="long long", sequence="long long", ordered=bint, first=bint,
                   second=bint)
    cpdef payload(self, Flow flow, Py_ssize_t slot, int events)
    @cython.locals(facts=list, ts_ns="long long")
    cdef _hear(self, Flow flow, Conversation conversation, int direction, bytes data)
    @cython.locals(stream=Stream)
    cdef _opened(self, Flow flow, Listener listener, int direction, long long sequence)
    @cython.locals(listener=Listener)
    cdef _claim(self, Py_ssize_t slot, Flow flow)
    cdef _in_session(self, Flow flow, int direction, fact)
    cdef _expect(self, Flow flow, int direction, fact)
    cpdef ended(self, Flow flow, Py_ssize_t slot, str reason)


cdef Conversation _conversation(Flow flow)
cdef _session(Flow flow)
cpdef outcome_of(long long flags)
