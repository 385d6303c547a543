from monitor.model.contacts cimport Contact


cdef dict _FINDINGS
cpdef finding(kind, severity, Contact contact)
cpdef by_reach(Contact contact, judgement)
