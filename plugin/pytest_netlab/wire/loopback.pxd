from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef int _FAMILY, HEADER
cdef unsigned int _INET, _LINUX6, _NETBSD6, _FREEBSD6, _MACOS6
cdef unsigned int _MAX_FAMILY, _HIGH_BYTE
cdef int IPV4, IPV6

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
cdef bint _is_inet6(unsigned int family) noexcept nogil
