cimport cython

from monitor.model.contacts cimport Contact, Device


@cython.final
cdef class Policy:
    cdef frozenset _home
    cdef object _is_core
    cdef tuple _services, _matching
    cdef dict _groups, _refusals, _ages
    cdef object _maintenance
    cpdef group_of(self, Device device)
    @cython.locals(core=bint, isolated=bint, foreign=bint, at_home=bint, key=tuple, deciding=list, rules=tuple)
    cpdef judge(self, Contact contact)
    @cython.locals(names=list, by=list, covering=list, decided=list)
    cdef list _deciding(self, Contact contact, tuple rules)
    cdef bint _foreign(self, Contact contact) except -1
    cdef str _refusal(self, group, bint core)
