cimport cython

from monitor.model.memo cimport Memo
from monitor.protocols.names cimport spell
from monitor.protocols.secrets cimport cut

cdef Memo _SPELLED


@cython.locals(fields=dict, values=list, count=int, dropped=int, line=bytes, stripped=bytes, name=bytes, colon=bytes,
               value=bytes)
cpdef tuple split(bytes section)
@cython.locals(host=str)
cpdef str host_of(str authority)
@cython.locals(values=list)
cpdef str text_of(dict fields, bytes name)
cpdef object length_of(dict fields)
cpdef str realm_of(dict fields)
cdef str _spelled(bytes value)
