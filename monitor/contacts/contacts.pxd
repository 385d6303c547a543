cimport cython

from monitor.model.contacts cimport Contact, Device


@cython.final
cdef class Contacts:
    cdef readonly dict _all
    cdef list _oldest, _newest
    cdef readonly Py_ssize_t _max
    cdef Py_ssize_t _max_per_device, _most
    cdef public long long evicted, crowded
    cdef public object marks
    cpdef Contact find(self, Device device, remote, operator_key=*)
    cpdef use(self, Contact contact, long long ts_ns)
    cpdef promote(self, Contact contact)
    cpdef list forget_all(self, Device device)
    @cython.locals(oldest=Contact, order=int)
    cdef _make_room(self)
    cdef _forget(self, Contact contact)
    @cython.locals(device=Device, newest=Contact, own=Contact, order=int)
    cdef _link(self, Contact contact)
    @cython.locals(device=Device, older=Contact, newer=Contact)
    cdef _unlink(self, Contact contact)


cdef _place(remote, operator_key)
cpdef bint climb(Contact contact, outcome, refused_by=*) except -1
cpdef bint use_service(Contact contact, int proto, int port) except -1
cpdef bint name_it(Contact contact, str name, str source) except -1
