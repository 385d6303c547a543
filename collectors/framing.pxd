cimport cython
from libc.stdint cimport int64_t, uint64_t

# C globals, set once when the module is imported.
cdef int64_t COLUMNS, TS, OFFSET, CAPTURED, WIRE, INTERFACE
cdef int64_t MAX_CAPTURED, MAX_FACES, MAX_RECORD, TIME_LIMIT, UNSTAMPED
cdef uint64_t LIMIT
cdef int CUT, TOO_LONG, BAD_BLOCK, BAD_TRAILER, OVERFULL, NO_INTERFACE, BAD_ORDER, BAD_VERSION, BAD_OPTIONS, TOO_MANY
cdef int LENGTHS_AS_WRITTEN, LENGTHS_SWAPPED, LENGTHS_UNSURE
cdef int64_t SECTION, INTERFACE_DESCRIPTION, PACKET, SIMPLE_PACKET, ENHANCED_PACKET, BYTE_ORDER
cdef int64_t FACE, LINK, LONGEST, SNAP, BINARY, MULTIPLIER, DIVISOR, EPOCH, FACE_COLUMNS

cdef int64_t clamped(int64_t time) noexcept nogil
cdef int64_t shortest(int64_t kind) noexcept nogil


cdef class Framing:
    cdef public int64_t position
    cdef readonly int64_t wanted, detail, unsupported_at, unsupported
    cdef readonly int fault
    cdef readonly tuple link_types
    cdef const unsigned char[::1] memory
    cdef int64_t[::1] index
    cdef int64_t end, row
    cdef bint big, last

    cdef int walk(self) except -1
    @cython.final
    cdef int64_t u16(self, int64_t at) except -1 nogil
    @cython.final
    @cython.locals(a=int64_t, b=int64_t, c=int64_t, d=int64_t)
    cdef int64_t u32(self, int64_t at) except -1 nogil
    @cython.final
    @cython.locals(cell=int64_t)
    cdef int add(self, int64_t time, int64_t start, int64_t captured, int64_t wire, int64_t interface) except -1 nogil
    @cython.final
    cdef void fail(self, int fault, int64_t detail) noexcept nogil


@cython.final
cdef class PcapFraming(Framing):
    cdef int lengths
    cdef int64_t fraction, header, longest

    @cython.locals(rows=int64_t, at=int64_t, start=int64_t, captured=int64_t, wire=int64_t, time=int64_t)
    cdef int records(self) except -1 nogil


@cython.final
cdef class PcapngFraming(Framing):
    cdef int64_t[::1] faces
    cdef int64_t face_count

    @cython.locals(rows=int64_t, at=int64_t, kind=int64_t, length=int64_t)
    cdef bint blocks(self) except -1 nogil
    @cython.locals(kind=int64_t, length=int64_t)
    cdef int64_t length(self, int64_t at) except -1 nogil
    @cython.locals(face=int64_t)
    cdef int packet(self, int64_t at, int64_t kind, int64_t length) except -1 nogil
    @cython.locals(start=int64_t, room=int64_t, wire=int64_t, captured=int64_t, time=int64_t)
    cdef int packet_of(self, int64_t base, int64_t at, int64_t kind, int64_t length) except -1 nogil
    @cython.locals(units=uint64_t, multiplier=uint64_t, divisor=uint64_t, whole=uint64_t, one=uint64_t, part=uint64_t,
                   carried=uint64_t, nanoseconds=uint64_t, time=int64_t, shift=int64_t, spare=int64_t)
    cdef int64_t time(self, uint64_t high, uint64_t low, int64_t base) except? -1 nogil
    @cython.locals(magic=int64_t)
    cdef bint turn(self, int64_t at) except -1 nogil
    cdef section(self)
    cdef describe(self)
