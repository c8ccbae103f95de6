from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef int _ALL_STATIONS, _UNNUMBERED, _FRAMING, _UNICAST, _BROADCAST
cdef int _TYPE, _HDLC, _DIRECTION
cdef int IP_V4, IP_V6, _LABELS, _LABELS_MULTICAST
cdef Py_ssize_t _TYPES
cdef int _INBOUND, _OUTBOUND
cdef int C_HDLC, IPV4, IPV6, MPLS, PPP_DIRECTED, PPP_HDLC

cdef Py_ssize_t decode(const unsigned char *frame, int linktype, Py_ssize_t at,
                       Py_ssize_t row, Columns out) noexcept nogil
cpdef bint is_hdlc(int address) noexcept nogil
cpdef Py_ssize_t inner_hdlc(const unsigned char *frame, Py_ssize_t at,
                            Py_ssize_t limit) noexcept nogil
cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
cpdef bint is_framed(const unsigned char *frame, Py_ssize_t at) noexcept nogil
cpdef int protocol(const unsigned char *frame, Py_ssize_t at,
                   Py_ssize_t limit) noexcept nogil
cdef int _announced(int number) noexcept nogil
