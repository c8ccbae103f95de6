from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef int _PROTOCOL, _HARDWARE_BYTES, _PROTOCOL_BYTES, _OPERATION
cdef int _FIXED, SENDER_IP, _TARGET_IP, HEADER
cdef int IPV4, _V4_BYTES, _MAC_BYTES, _ADDRESS_BYTES

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cdef bint _is_ipv4(const unsigned char *frame, Py_ssize_t at) noexcept nogil
