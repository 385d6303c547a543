from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)


cdef inline bytes part(bytes data, Py_ssize_t start, Py_ssize_t end):
    """data[start:end] for offsets that are not negative."""
    if data is None:
        raise TypeError("bytes expected")
    end = min(end, PyBytes_GET_SIZE(data))
    if start < 0 or start >= end:
        return b""
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)


cdef inline bint is_graphic(str text) except -1:
    """Whether it is all graphic ASCII and spaces."""
    cdef const unsigned char *characters
    cdef Py_ssize_t at
    if text is None:
        raise TypeError("str expected")
    if not PyUnicode_IS_ASCII(text):
        return False
    characters = <const unsigned char *>PyUnicode_DATA(text)
    for at in range(PyUnicode_GET_LENGTH(text)):
        if characters[at] < 0x20 or characters[at] == 0x7F:
            return False
    return True
