cimport cython

from monitor.model.contacts cimport Contact, Device


@cython.final
cdef class Incident:
    cdef public str uid, rule, refused_by
    cdef public tuple key, said, said_counts
    cdef public object kind, verdict, severity, outcome, base
    cdef public Device device
    cdef public Contact best
    cdef public long long first_ns, last_ns, attempts, bytes_out, bytes_in, asked, contacts, ends, number
    cdef public dict evidences
    cdef public tuple properties, countries
    cpdef absorb(self, Contact contact)
    cpdef add_property(self, str name)
    cpdef release(self, Contact contact)
    cpdef tuple state(self)
    cpdef tuple counts(self)


cdef tuple _weight(Contact contact)
cpdef bint counted(Contact contact) except -1
@cython.locals(reached=int)
cpdef int decade(long long count, long long floor) except -1
