cimport cython

from monitor.inspection.volumes cimport Volumes
from monitor.model.contacts cimport Contact, Device
from monitor.model.flows cimport Flow


@cython.final
cdef class Inspection:
    cdef readonly object ledger, _devices, _site, _vocabulary, _telling, _updates
    cdef readonly object _weaknesses, _searches, _described
    cdef readonly Volumes _volumes
    cdef long long _undescribed
    cpdef went(self, Contact contact, long long ts_ns)
    cdef bint _is_settled(self, Device device, str capability, long long ts_ns) except -1
    cpdef fact(self, Flow flow, int direction, fact, long long ts_ns)
    cpdef clock(self, Device device, bytes remote, long long ticks, long long ts_ns)
