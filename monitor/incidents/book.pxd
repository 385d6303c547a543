cimport cython

from monitor.incidents.incident cimport Incident, counted
from monitor.model.contacts cimport Contact, Device
from monitor.model.evidence cimport evidence_of_contact, name_of


@cython.final
cdef class Book:
    cdef str _sensor
    cdef object _totals, _quiet_from, _packets
    cdef readonly object _open, _unnamed
    cdef Incident _newest
    cdef long long _quiet_ns
    cdef public Py_ssize_t _max_open
    cdef Py_ssize_t _max_per_device
    cdef readonly dict _by_uid, _by_device
    cdef dict _moved
    cdef public long long folded, evicted
    cdef public object marks, contact_marks
    cdef Py_ssize_t _most
    @cython.locals(held=Incident, incident=Incident, told=list)
    cpdef list judge(self, Contact contact, judgement, findings, long long now_ns)
    @cython.locals(incident=Incident)
    cpdef bint count(self, Contact contact) except -1
    cdef _quiet_due(self)
    cdef _mark(self, Contact contact, bint urgent=*)
    cdef _use(self, Incident incident)
    cdef bint _belongs(self, Contact contact, Incident held) except -1
    @cython.locals(incident=Incident, asked=Incident)
    cdef tuple _place(self, Contact contact, Incident held, found, long long now_ns)
    @cython.locals(incident=Incident)
    cdef tuple _begin(self, tuple key, Contact contact, found, long long now_ns)
    cdef list _acquit(self, Contact contact, Incident held, judgement, long long now_ns)
    @cython.locals(ip=str, name=str, place=tuple, service=tuple)
    cdef _show(self, Incident incident, Contact contact)
    cdef list _news(self, Incident incident, long long now_ns)
    cdef _end(self, Incident incident, long long now_ns, str merged_into=*, bint acquitted=*)
    cdef Incident _take(self, Incident incident)
    cdef _tell(self, Incident incident, activity, long long now_ns, str merged_into=*, bint acquitted=*)


cpdef view(Device device)
cdef bint _is_told(Contact contact) except -1
cdef _address(Device device)
