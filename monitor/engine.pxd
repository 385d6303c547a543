cimport cython

from monitor.wire cimport layout as at

from monitor.attribution cimport Attribution
from monitor.detectors.call_home cimport detect
from monitor.hearing cimport Hearing, outcome_of
from monitor.incidents.book cimport Book
from monitor.inspection.inspection cimport Inspection
from monitor.model.contacts cimport Contact, Device
from monitor.model.flows cimport Flow
from monitor.policy.policy cimport Policy
from monitor.wire.decode cimport Frame
from monitor.wire.flows cimport FlowTable
from monitor.wire.scan cimport Scanner


@cython.final
cdef class Engine:
    cdef readonly Scanner scanner
    cdef readonly Attribution attribution
    cdef readonly Hearing hearing
    cdef public Policy policy
    cdef readonly Book book
    cdef readonly object alarms, sight, counts, fragments, traces
    cdef object _sensor, _view, _on_change
    cdef readonly Inspection inspection
    cdef list _noticed
    cdef tuple _missed
    cdef bytes _canary
    cdef int _canary_port
    cdef public long long silent_ns
    cdef long long _silence_due, _review_due, _packets, _moved_ns, _awake_ns
    cdef readonly long long now_ns
    cdef readonly long long first_ns
    cdef list _flows
    cdef readonly object _settling
    cdef public long long hurried
    cdef bytes _next_hop

    @cython.locals(scanner=Scanner, events=int)
    cdef _run(self, memory, index, long long count, links, list told)
    cdef _ticks_until(self, long long ts_ns, list told)
    @cython.locals(scanner=Scanner, flow=Flow, slot=Py_ssize_t, ts_ns="long long")
    cdef _packet(self, int events, view, list told)
    @cython.locals(scanner=Scanner, frame=Frame, flow=Flow, source=bytes, destination=bytes, source_mac=bytes,
                   destination_mac=bytes)
    cdef Flow _begin(self, Py_ssize_t slot, long long ts_ns)
    @cython.locals(scanner=Scanner, device=Device, began=bint, ticks="long long")
    cdef _clock(self, Flow flow, long long ts_ns)
    @cython.locals(flow=Flow, table=FlowTable, out="long long", into="long long", sent="long long",
                   received="long long", last_ns="long long")
    cdef _count(self, Py_ssize_t slot, long long ts_ns)
    @cython.locals(flow=Flow, table=FlowTable, device=Device)
    cdef _end(self, Py_ssize_t slot, str reason)
    @cython.locals(flow=Flow, table=FlowTable, scanner=Scanner, ways=int, back=int)
    cdef _see(self, Py_ssize_t slot, long long now_ns)
    @cython.locals(contact=Contact)
    cdef _take_counts(self)
    @cython.locals(contact=Contact, oldest=Contact, told=list, state=tuple)
    cdef list _judge(self, long long now_ns, bint wait=*)
    cdef list _judge_as(self, Contact contact, tuple state, judgement, long long now_ns)
    cdef bint _may_say_more(self, Contact contact, long long now_ns) except -1
