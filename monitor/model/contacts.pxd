cimport cython


cdef class Contact


@cython.final
cdef class Device:
    cdef public str key, name, group, label, vendor, vendor_name, vendor_by, model, firmware, recognised_by
    cdef public long long first_ns, last_ns, heard_ns, v4_seen_ns, seen_s, both_s, seen_ns
    cdef public int ways
    cdef public object device_class, booted_ns
    cdef public bint configured, hides_names, named, watched
    cdef public int name_rank, model_rank, firmware_rank
    cdef public Py_ssize_t held, dropped
    cdef public Contact oldest, newest
    cdef public bytes mac, v4_address
    cdef public list addresses
    cdef public tuple said
    cpdef present(self, long long tick_ns, int ways)


@cython.final
cdef class Contact:
    cdef public Device device
    cdef public bytes remote, first_id, source
    cdef public object verdict, outcome
    cdef public long long first_ns, last_ns, used_ns, attempts, bytes_out, bytes_in, asked
    cdef public long long told_attempts, told_out, told_in, told_asked
    cdef public str refused_by, name_source, p2p, encrypted_dns, incident
    cdef public bint outbound, invited, told
    cdef public tuple names, told_names, said_names, services, came
    cdef public int order
    cdef public object newest_flow
    cdef public Contact older, newer, older_own, newer_own
    cdef public int last_source_port
    cdef public frozenset traits
    cdef public tuple judged, kept, place, shown
    cpdef list names_in_question(self)
    cpdef says(self, str name)
    cpdef tuple state(self)
