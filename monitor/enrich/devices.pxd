cimport cython

from monitor.model.contacts cimport Device


cdef class Sighting:
    cdef public bytes mac, earlier
    cdef public long long last_ns
    cdef public str by
    cdef public object claim


cdef class Devices:
    cdef object _catalogue, _strangers, _watched, _named
    cdef public object when_evicted
    cdef readonly object _routers, _carried
    cdef list _cameras, _recognised
    cdef Py_ssize_t _max
    cdef dict _all
    cdef readonly dict _by_address, _by_mac, _sightings
    cdef set _pinned, _pinned_macs
    cdef object _claims, _announcements
    cdef public long long evicted, unwatched
    cdef long long _routers_gone, _carriers_gone
    cpdef bint has_news(self) except -1
    cpdef list newly_recognised(self)
    @cython.locals(device=Device)
    cpdef Device of(self, bytes address, bytes mac, long long ts_ns, bound_by=*)
    cpdef Device known(self, bytes address)
    cpdef Device with_mac(self, bytes mac)
    @cython.locals(device=Device)
    cpdef greeted(self, fact, bytes address, bytes mac, long long ts_ns)
    cpdef bint is_host(self, bytes mac) except -1
    cpdef bint routes(self, bytes mac) except -1
    @cython.locals(carried=set)
    cpdef carries_others(self, bytes mac, bytes address)
    @cython.locals(sighting=Sighting)
    cdef _sight(self, Device device, bytes address, bytes mac, long long ts_ns, bound_by)
    @cython.locals(sighting=Sighting, rival=Device)
    cdef Device _contest(self, Device owner, bytes address, bytes mac, long long ts_ns, bound_by)
    cdef _heard(self, Device device, long long ts_ns)
    cdef bint _identifies(self, bytes mac) except -1
