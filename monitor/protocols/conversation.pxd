cimport cython


@cython.final
cdef class Row:
    cdef readonly object sniff, parser, pair
    cdef readonly bint once, announces


@cython.final
cdef class Side:
    cdef public object parser, want
    cdef public tuple partner
    cdef public bytearray held
    cdef public bint once
    cdef public int looks, malformed, tunnels


@cython.final
cdef class Conversation:
    cdef tuple _rows
    cdef Side _first, _second
    cdef int _initiator_port, _responder_port
    cdef bint _stream
    cdef object _spool
    cdef readonly bint announces
    cdef Side _side(self, int direction)
    @cython.locals(side=Side)
    cpdef int wants(self, int direction) except -1
    @cython.locals(side=Side)
    cpdef list feed(self, int direction, bytes data)
    cdef list _enter(self, Side side, parser, int direction)
    @cython.locals(side=Side)
    cpdef expect_media(self, int direction)
    @cython.locals(side=Side)
    cpdef expect(self, int direction, parser)
    @cython.locals(taken=list)
    cpdef list announced(self, int direction)
    @cython.locals(side=Side)
    cpdef list ended(self, int direction, bint whole)
    cdef _lend(self, parser)
    cdef list _end(self, Side side, bint whole)
    @cython.locals(side=Side)
    cpdef stop(self, int direction)
    @cython.locals(side=Side)
    cpdef list lost(self, int direction)
    @cython.locals(row=Row)
    cdef bint _recognise(self, Side side, int direction, bytes data) except -1
    @cython.locals(side=Side, other=Side)
    cdef _parser(self, Row row, int direction, sport, dport)
