cimport cython

from monitor.incidents.incident cimport Incident
from monitor.model.contacts cimport Contact


cdef dict _SORT, _SEVERITY_WHY
@cython.locals(who=str, why=str)
cpdef str sentence(Incident incident)
cdef str _deed(Incident incident)
@cython.locals(contact=Contact, name=str, remote=bytes, parts=list, target=str, more="long long")
cdef str _goal(Incident incident)
cdef str _end(Incident incident)
cpdef str times(long long count)
