cimport cython

from monitor.protocols.quic_crypto cimport ClientKeys

cdef int _LONG, _FIXED, _LONG_AND_FIXED, _ACK, _ACK_ECN, _CRYPTO, _CRYPTO_OF_GOOGLE, _CONNECTION_CLOSE, _PING
cpdef bint sniff(bytes head, int sport, int dport) except -1


@cython.final
cdef class _CryptoStream:
    cdef list _runs
    cpdef add(self, list pieces)
    cdef bytes start(self)
    cdef bytes client_hello(self)


@cython.final
cdef class Parser:
    cdef public object want
    cdef ClientKeys _keys
    cdef object _spoken
    cdef long long _version
    cdef bytes _destination
    cdef _CryptoStream _crypto
    cdef int _looked_at, _unopened, _frames_seen
    cpdef list feed(self, bytes data)
    cpdef gap(self)
    cdef _stop(self)
    @cython.locals(first=bint, packet=_LongHeader, frames=bytes)
    cdef list _datagram(self, bytes data)
    @cython.locals(whole=bytes, number_at=Py_ssize_t, frames=bytes, keys=ClientKeys)
    cdef bytes _open(self, bytes data, _LongHeader packet)
    cdef _hello(self)
    @cython.locals(google=bint, crypto=int, kind=int, pieces=list, at=Py_ssize_t, offset="long long",
                   size="long long")
    cdef _read(self, bytes frames)


@cython.final
cdef class _LongHeader:
    cdef str kind
    cdef long long version
    cdef bytes destination
    cdef Py_ssize_t start, number_at, end


@cython.locals(version="long long", ways=tuple, kind=str, at=Py_ssize_t, destination=bytes, size="long long",
               end="long long")
cdef _LongHeader _long_header(bytes data, Py_ssize_t start)
@cython.locals(value="long long", end=Py_ssize_t, each=Py_ssize_t)
cdef (long long, Py_ssize_t) _number(bytes data, Py_ssize_t at) except *
cdef Py_ssize_t _after_fill(bytes frames, Py_ssize_t at) except -1
@cython.locals(kind=int, ranges="long long", _="long long")
cdef Py_ssize_t _after_ack(bytes frames, Py_ssize_t at) except -1
