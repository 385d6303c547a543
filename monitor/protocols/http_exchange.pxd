cimport cython


cdef bint _is_notable(str uri) except -1


@cython.final
cdef class Request:
    cdef public bytes method, start
    cdef public str host, target, path, query, action
    cdef public bint notable, told
    cdef public object call
    cdef str _uri


@cython.final
cdef class Exchange:
    cdef public long long dropped
    cdef public list upload_paths
    cdef public object spool
    cdef public bint headed, maybe
    cdef object _answers
    cdef list _waiting, _joined, _owed
    cdef bint _torn
    cdef Request _asked
    cdef tuple _answered, _pieces
    cpdef torn(self)
    @cython.locals(facts=list, request=Request)
    cpdef list ended(self)
    @cython.locals(request=Request, kinds=list, kind=bytes)
    cpdef asked(self, bytes method, str uri, str host, dict fields, list facts)
    @cython.locals(request=Request, kinds=list, kind=bytes, may_be=bint, takers=list)
    cpdef answered(self, int status, dict fields, length)
    cpdef look(self, bint answer)
