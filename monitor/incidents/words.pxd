cimport cython

from monitor.incidents.incident cimport Incident
from monitor.model.contacts cimport Contact
from monitor.model.evidence cimport name_of


cdef dict _SORT, _SEVERITY_WHY
@cython.locals(who=str, why=str)
cpdef str sentence(Incident incident, str merged_into=*, bint acquitted=*)
cdef str _deed(Incident incident)
@cython.locals(
    contact=Contact, name=str, remote=bytes, parts=list, ends=list, networks=dict, others=list, target=str, more="long long"
)
cdef str _goal(Incident incident)
@cython.locals(laws=dict)
cdef list _law(verdict, list ends)
@cython.locals(contact=Contact, best=Contact, ends=list)
cdef list _ends(Incident incident)
cdef dict _tally(list ends)
cdef str _first(list said)
cdef str _end(Incident incident)
cpdef str times(long long count)
