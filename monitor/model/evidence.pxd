cimport cython

from monitor.model.contacts cimport Contact


@cython.locals(source=bytes, remote=bytes, own=bytes, proto=int, port=int)
cpdef evidence_of_contact(Contact contact, shown=*)
cpdef str name_of(Contact contact, tuple service)
