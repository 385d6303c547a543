cpdef bint is_v4(bytes address) except -1
cpdef bint is_address(str spelled) except -1
cpdef str mac_text(bytes mac)
