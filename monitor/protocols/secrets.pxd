cimport cython

from monitor.model.memo cimport Memo

cdef Memo _SECRETS
cpdef bint is_secret(str name) except -1


@cython.locals(path=str, mark=str, query=str, piece=str, parts=list)
cpdef str cut(str text)
@cython.locals(at=Py_ssize_t, first=Py_ssize_t, name=str, value=str)
cdef object _secret_at(str piece, bint users=*)
cdef str _name_before(str text, Py_ssize_t at)
cdef str _decoded(str text)
