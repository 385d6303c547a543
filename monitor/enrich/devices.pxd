cimport cython

from monitor.enrich.holders cimport Holders
from monitor.model.contacts cimport Device


@cython.final
cdef class Devices(Holders):
    cdef object _announcements
    @cython.locals(device=Device)
    cpdef greeted(self, fact, bytes address, bytes mac, long long ts_ns)
