cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EINPROGRESS


cdef extern from "<aio.h>" nogil:
    enum:
        SIGEV_NONE

    struct sigevent:
        int sigev_notify

    struct aiocb:
        int aio_fildes
        long long aio_offset
        void *aio_buf
        size_t aio_nbytes
        sigevent aio_sigevent

    int aio_read(aiocb *block)
    int aio_error(const aiocb *block)
    Py_ssize_t aio_return(aiocb *block)


cdef extern from *:
    """
    #define CAMWARDEN_WAIT(block) { const struct aiocb *one = (block); aio_suspend(&one, 1, NULL); }
    """
    void wait_for "CAMWARDEN_WAIT"(aiocb *block) noexcept nogil


@cython.final
cdef class Ahead:
    cdef readonly bint busy
    cdef int file
    cdef long long offset
    cdef object room
    cdef aiocb block

    @cython.locals(view="unsigned char[::1]")
    cpdef bint begin(self, int file, room, long long offset) except -1
    @cython.locals(failure=int, taken=Py_ssize_t)
    cpdef Py_ssize_t finish(self) except -1
    cpdef cancel(self)
    cdef void settle(self) noexcept nogil
    cdef let_go(self)
