cimport cython

from monitor.model.contacts cimport Contact, Device


@cython.final
cdef class Flow:
    cdef public Py_ssize_t slot
    cdef public bytes initiator, responder, initiator_mac, responder_mac
    cdef public int initiator_port, responder_port, proto, kept, reached
    cdef public tuple vlan
    cdef public long long start_ns, counted_out, counted_in, counted_attempts, opened, accepted
    cdef public Device device, peer
    cdef public Contact contact
    cdef public Flow earlier, later
    cdef public bint outward, early, serves, heard
    @cython.locals(newest=Flow)
    cpdef join(self, Contact contact)
    @cython.locals(contact=Contact)
    cpdef leave(self)
    cpdef turn(self)
