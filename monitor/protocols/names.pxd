cimport cython

from monitor.model.memo cimport Memo
from monitor.model.parts cimport is_graphic, part

cdef Memo _LOWERED


@cython.locals(end=Py_ssize_t)
cpdef tuple read_name(bytes message, Py_ssize_t offset, str layer=*)
@cython.locals(end=Py_ssize_t)
cpdef tuple read_label_case(bytes message, Py_ssize_t offset, str layer=*)
@cython.locals(labels=list, total=Py_ssize_t, jumps=Py_ssize_t, behind=Py_ssize_t, start=Py_ssize_t,
               position=Py_ssize_t, size=Py_ssize_t, length=Py_ssize_t, label_end=Py_ssize_t, target=Py_ssize_t,
               joined=bytes)
cdef tuple _read(bytes message, Py_ssize_t offset, str layer)
@cython.locals(text=bytearray, position=Py_ssize_t, length=Py_ssize_t)
cdef str _dotted(bytes wire)
cdef bytes _IS_PLAIN
@cython.locals(position=Py_ssize_t, size=Py_ssize_t, length=Py_ssize_t, at=Py_ssize_t)
cpdef Py_ssize_t plain_end(bytes message, Py_ssize_t offset) except? -1
cpdef str plain(bytes message, Py_ssize_t offset, Py_ssize_t end)
@cython.locals(size=Py_ssize_t, length=Py_ssize_t)
cpdef Py_ssize_t skip_name(bytes message, Py_ssize_t offset, str layer=*) except? -1
cpdef str spell(bytes octets, Py_ssize_t limit=*)
