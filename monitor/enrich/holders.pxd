cimport cython

from monitor.enrich.hosts cimport Hosts, Sighting
from monitor.model.contacts cimport Device


cdef class Holders(Hosts):
    cdef readonly object _routers, _carried
    cdef list _cameras
    cdef set _pinned, _pinned_macs
    cdef object _claims
    cdef long long _routers_gone, _carriers_gone
    @cython.locals(device=Device)
    cpdef Device of(self, bytes address, bytes mac, long long ts_ns, bound_by=*)
    cpdef bint is_host(self, bytes mac) except -1
    cpdef bint routes(self, bytes mac) except -1
    @cython.locals(carried=set)
    cpdef carries_others(self, bytes mac, bytes address)
    cdef bint _identifies(self, bytes mac) except -1
    @cython.locals(sighting=Sighting)
    cdef _sight(self, Device device, bytes address, bytes mac, long long ts_ns, bound_by)
    @cython.locals(sighting=Sighting, rival=Device)
    cdef Device _contest(self, Device owner, bytes address, bytes mac, long long ts_ns, bound_by)
