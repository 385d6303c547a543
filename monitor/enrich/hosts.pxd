cimport cython

from monitor.model.contacts cimport Device


@cython.final
cdef class Sighting:
    cdef public bytes mac, earlier
    cdef public long long last_ns
    cdef public str by
    cdef public object claim


cdef class Hosts:
    cdef object _catalogue, _strangers, _watched, _named
    cdef public object when_evicted
    cdef list _recognised
    cdef Py_ssize_t _max
    cdef dict _all, _earlier
    cdef readonly dict _by_address, _by_mac, _sightings
    cdef public long long evicted, unwatched
    cpdef bint has_news(self) except -1
    cpdef list newly_recognised(self)
    cpdef Device known(self, bytes address)
    cpdef Device with_mac(self, bytes mac)
    cdef _heard(self, Device device, long long ts_ns)
