cimport cython


cdef int _HOST_NAME, _RANDOM_END, _SESSION_ID_MAX, _MAJOR
cdef Py_ssize_t _u16(bytes body, Py_ssize_t at) except? -1
@cython.locals(version=Py_ssize_t, at=Py_ssize_t, size=Py_ssize_t, spans=dict, kinds=bytearray)
cdef _parse(bytes body)
@cython.locals(spans=dict, end=Py_ssize_t, kind=Py_ssize_t, size=Py_ssize_t)
cdef dict _extensions(bytes body, Py_ssize_t at, bytearray kinds)
@cython.locals(size=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t)
cdef bytes _server_name(bytes body, tuple span)
@cython.locals(names=list, stop=Py_ssize_t, at=Py_ssize_t, end=Py_ssize_t)
cdef tuple _protocols(bytes body, tuple span)
@cython.locals(at=Py_ssize_t, end=Py_ssize_t)
cdef bytes _counted(bytes body, tuple span, Py_ssize_t width)
cdef bytes _list(bytes body, Py_ssize_t at, Py_ssize_t end)
