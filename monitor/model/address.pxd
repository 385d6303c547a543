from monitor.model.memo cimport Memo

cdef Memo _PACKED, _UNPACKED, _SPELLED
cpdef bytes pack(text)
cpdef unpack(bytes address)
cpdef str text(bytes address)
cpdef bint is_v4(bytes address) except -1
cpdef bint is_address(str spelled) except -1
cpdef str mac_text(bytes mac)
