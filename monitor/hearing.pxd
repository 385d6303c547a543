cimport cython

from monitor.wire cimport layout as at

from monitor.attribution cimport Attribution
from monitor.inspection.inspection cimport Inspection
from monitor.model.flows cimport Flow
from monitor.protocols.conversation cimport Conversation
from monitor.protocols.media cimport Expected
from monitor.wire.decode cimport Frame
from monitor.wire.scan cimport Scanner
from monitor.wire.streams cimport Stream, Waiting


@cython.final
cdef class Listener:
    cdef public Conversation conversation
    cdef public Stream first, second
    cdef public long long first_end, second_end
    cdef closed(self, int direction, long long sequence)
    @cython.locals(stream=Stream, end="long long")
    cdef bint is_over(self, int direction) except -1
    @cython.locals(stream=Stream, opened="long long")
    cdef Stream stream(self, Flow flow, int direction, Waiting budget)
    @cython.locals(stream=Stream)
    cdef close(self, int direction)


@cython.final
cdef class Hearing:
    cdef readonly Scanner scanner
    cdef readonly Attribution attribution
    cdef readonly object counts
    cdef object _observer, _on_fault, _spool
    cdef Inspection _inspection
    cdef list _listeners
    cdef readonly Waiting waiting
    cdef readonly Expected expected
    cdef readonly object awaited
    cdef bint _expecting, _awaiting
    cpdef begin(self, Py_ssize_t slot, Flow flow)
    @cython.locals(listener=Listener)
    cpdef forget(self, Py_ssize_t slot)
    @cython.locals(scanner=Scanner, frame=Frame, listener=Listener, conversation=Conversation, stream=Stream,
                   direction=int, data=bytes, missing="long long", sequence="long long", ordered=bint, first=int,
                   second=int)
    cpdef payload(self, Flow flow, Py_ssize_t slot, int events)
    @cython.locals(facts=list)
    cdef _hear(self, Flow flow, Conversation conversation, int direction, bytes data)
    cdef _tell(self, Flow flow, int direction, list facts, long long ts_ns)
    @cython.locals(facts=list)
    cdef _end(self, Flow flow, Conversation conversation, int direction, long long ts_ns)
    @cython.locals(listener=Listener, conversation=Conversation)
    cdef _claim_announced(self, Py_ssize_t slot, Flow flow)
    cdef _await(self, Flow flow, int direction, list announced)
    @cython.locals(sender=bytes, receiver=bytes)
    cdef _directed(self, Flow flow, int direction, fact)
    cdef bint _watched(self, bytes address) except -1
    @cython.locals(stream=Stream)
    cdef _opened(self, Flow flow, Listener listener, int direction, long long sequence)
    @cython.locals(listener=Listener)
    cdef _claim(self, Py_ssize_t slot, Flow flow)
    cdef _in_session(self, Flow flow, int direction, fact)
    cdef _expect(self, Flow flow, int direction, fact)
    @cython.locals(listener=Listener)
    cpdef ended(self, Flow flow, Py_ssize_t slot, str reason)


cdef Conversation _conversation(Flow flow, spool)
cdef _session(Flow flow)
cdef str _hosted(str uri, bytes server)
cpdef outcome_of(long long flags)
