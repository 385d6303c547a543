cimport cython

from monitor.contacts.contacts cimport Contacts, climb, name_it, use_service
from monitor.contacts.lookups cimport Lookup, Lookups, is_public_name
from monitor.enrich.devices cimport Devices
from monitor.enrich.names cimport Names
from monitor.enrich.site cimport Site
from monitor.model.contacts cimport Contact, Device
from monitor.model.flows cimport Flow
from monitor.wire.link cimport octets


@cython.final
cdef class Attribution:
    cdef readonly Site site
    cdef readonly Devices devices
    cdef readonly Names names
    cdef readonly Contacts contacts
    cdef readonly Lookups lookups
    cdef public object reached, moved
    cdef public bint tallied
    cdef long long _quiet_ns
    cdef public long long whole_since_ns
    cdef object _catalogue, _operators
    cdef public object when_forgotten
    cdef dict _touched, _counted, _mapped
    cdef long long _unmapped

    cpdef bint has_news(self) except -1
    cpdef list touched(self)
    cpdef list counted(self)
    cpdef touch(self, Contact contact)
    cpdef bint leaves(self, bytes source, bytes destination) except -1
    @cython.locals(told=list)
    cpdef begin(self, Flow flow, int ttl, bint sent)
    @cython.locals(contact=Contact, new="long long")
    cpdef count(self, Flow flow, long long attempts, long long sent, long long received, long long ts_ns)
    @cython.locals(contact=Contact)
    cdef _under_way(self, Flow flow, outcome)
    cpdef talks(self, Flow flow, long long datagrams, outcome, long long ts_ns)
    @cython.locals(contact=Contact)
    cpdef outcome(self, Flow flow, outcome, long long ts_ns, bytes refused_by=*)
    @cython.locals(contact=Contact)
    cpdef came(self, Flow flow, long long ts_ns)
    @cython.locals(sender=bytes, sender_mac=bytes, from_device=bint)
    cpdef fact(self, Flow flow, int direction, fact, long long ts_ns, bint cut)
    cpdef announced(self, fact, bytes source, bytes mac, long long ts_ns)
    cdef _use(self, Contact contact, long long ts_ns)
    @cython.locals(contact=Contact, present=Contact, remote=bytes, known=list, same=bint, news=bint)
    cdef _attach(self, Flow flow, list names, str source, long long ts_ns)
    cdef _tell(self, Contact contact, list names)
    cdef _verdict(self, bytes remote, names, str p2p, tuple told)
    cdef _reach(self, Contact contact, outcome, long long attempts)
    @cython.locals(old=Contact)
    cdef _move(self, Flow flow, Contact contact)
    cdef bint _would_have_heard(self, Device device, long long ts_ns) except -1
    cdef _asked(self, Flow flow, Device device, fact, long long ts_ns, bytes first_id)
    cdef _look_up(self, Device device, str name, long long ts_ns, bytes first_id)
    cdef _told(self, Device device, fact, long long ts_ns, bint cut)
    cdef _hello(self, Flow flow, fact, long long ts_ns)
    @cython.locals(contact=Contact)
    cdef _seen_as(self, Flow flow, Device device, str mapped, bint from_device, long long ts_ns)
    cdef bint _is_mapped(self, Device device, bytes remote, long long ts_ns) except -1
    @cython.locals(device=Device, remote=bytes, first_id=bytes, contact=Contact)
    cdef Contact _begin(self, Flow flow, list names, str source, long long ts_ns, bint further)


cdef bytes _first_id(Flow flow, bytes sender)
cdef bytes _ports(unsigned long long first, unsigned long long second)
cdef _label(Contact contact)
cdef bint _only_of(Flow flow, Contact contact) except -1
