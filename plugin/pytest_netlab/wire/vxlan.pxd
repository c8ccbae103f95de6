cdef int _FLAGS, NETWORK, HEADER, PORT, OLD_PORT, _VALID, BRIDGED
cdef Py_ssize_t _TYPES

cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
