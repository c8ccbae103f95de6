from pytest_netlab.wire cimport octets

cdef int _VERSION, _LENGTH_BITS, _WORD, _LEAST
cdef int _FRAGMENT, _OFFSET_BITS, _PROTO, _ICMP, _REPLY, _REQUEST
cdef int _UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM

cpdef Py_ssize_t header_end(
    const unsigned char *data, Py_ssize_t at, Py_ssize_t end) noexcept
cpdef int offset(const unsigned char *data, Py_ssize_t at) noexcept
cpdef bint is_later_fragment(const unsigned char *data) noexcept
cpdef bint is_echo(int kind) noexcept
cpdef bint is_error(const unsigned char *data, Py_ssize_t at) noexcept
