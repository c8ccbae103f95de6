from pytest_netlab.wire cimport icmp, ipv4, octets

cdef int _VERSION, _LEAST, _FRAGMENT, _OFFSET_BITS, _PROTOCOL, ICMP

cpdef Py_ssize_t header_end(
    const unsigned char *data, Py_ssize_t at, Py_ssize_t end) noexcept
cpdef int offset(const unsigned char *data, Py_ssize_t at) noexcept
cpdef bint is_later_fragment(const unsigned char *data) noexcept
cpdef bint is_error(const unsigned char *data, Py_ssize_t at) noexcept
