from pytest_netlab.wire cimport ipv4, ipv6, octets, udp
from pytest_netlab.wire.columns cimport Columns

cdef int _PORTS, _ECHO_ID, _ECHO_BYTES, _PROTOCOLS, _ADDRESS_BYTES
cdef int ICMP, TCP, UDP, ICMP6
cdef int ECHO_REPLY, ECHO_REQUEST, ECHO_REQUEST6, ECHO_REPLY6

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cdef void _decode_v4(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                     Columns out) noexcept nogil
cdef void _decode_v6(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                     Columns out) noexcept nogil
cdef void _decode_transport(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                            Columns out) noexcept nogil
cdef bint _is_echo(int proto, int kind) noexcept nogil
