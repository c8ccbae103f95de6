from pytest_netlab.wire cimport ipv6, octets
from pytest_netlab.wire.columns cimport Columns

cdef int _V4_ID, _V4_FRAGMENT, _V4_TTL, _V4_PROTO
cdef int _V4_SRC, _V4_DST, _V4_HEADER
cdef int _V6_HOPS, _V6_SRC, _V6_DST, _V6_HEADER
cdef int _SPORT, _DPORT, _PORTS, _ECHO_ID, _ECHO_BYTES
cdef int _V4, _V6, _WORD, _LENGTH_BITS, _OFFSET_BITS
cdef int _ICMP, _TCP, _UDP, _ICMPV6
cdef int _REPLY, _REQUEST, _REQUEST6, _REPLY6, _PROTOCOLS, _ADDRESS_BYTES

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cdef void _decode_v4(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                     Columns out) noexcept nogil
cdef void _decode_v6(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                     Columns out) noexcept nogil
cdef void _decode_transport(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                            Columns out) noexcept nogil
cdef bint _is_echo(int proto, int kind) noexcept nogil
