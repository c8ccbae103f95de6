from pytest_netlab.wire cimport octets

cdef int _FIRST, _TYPE, NETWORK, HEADER, PORT, _VERSION_SHIFT, _LENGTH_BITS, _WORD
cdef int BRIDGED
cdef Py_ssize_t _TYPES

cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
