from pytest_netlab.wire cimport ipv6, octets
from pytest_netlab.wire.columns cimport Columns

cdef unsigned int ONES
cdef int _V4_ADDRESSES, _V4_END
cdef int ICMP, TCP, UDP, ICMP6
cdef int _ABSENT, _GOOD, _PARTIAL, _BAD, _FRAGMENT

cdef int decode(const unsigned char *frame, Py_ssize_t at, unsigned int stored,
                Py_ssize_t row, Columns out) noexcept nogil
cdef int _judge(unsigned long long number, unsigned int stored,
                unsigned long long extra) noexcept nogil
cdef bint _is_source_routed(const unsigned char *frame, Py_ssize_t ip_at,
                            Py_ssize_t at) noexcept nogil
cpdef unsigned long long pseudo(const unsigned char *datagram, Py_ssize_t at, int proto,
                                Py_ssize_t length) noexcept nogil
