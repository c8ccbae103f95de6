from pytest_netlab.replay cimport datagram as ip
from pytest_netlab.wire cimport icmp, octets

cimport cython

cdef int KEPT
cdef int ICMP, TCP, UDP
cdef int _TTL, _PROTOCOL, _IP_CHECKSUM, _ADDRESSES, _ADDRESSES_END
cdef int _PORTS_END, _TCP_CHECKSUM, _TCP_HEADER, _UDP_CHECKSUM, _UDP_HEADER
cdef int _ICMP_CHECKSUM, _ICMP_ID, _EMBEDDED
cdef unsigned long long _ONES
cdef int _ADDRESS_BYTES, _PORTS, _PORT_BYTES, _ID_BYTES

@cython.locals(data=octets.u8_view_t, end=Py_ssize_t, ends=octets.bytes_t,
               at=Py_ssize_t, change=cython.ulonglong)
cpdef bytes rewritten(bytes datagram, bytes tuple_bytes, int ttl=*, bytes embedded=*)
@cython.locals(before=cython.ulonglong)
cdef void _put_ttl(unsigned char *data, int ttl) noexcept
@cython.locals(start=Py_ssize_t, end=Py_ssize_t, before=cython.ulonglong,
               change=cython.ulonglong)
cdef unsigned long long _put_addresses(
    unsigned char *data, Py_ssize_t at, const unsigned char *tuple_bytes) noexcept
@cython.locals(before=cython.ulonglong)
cdef void _put_transport(unsigned char *data, Py_ssize_t at, Py_ssize_t end,
                         const unsigned char *tuple_bytes, int proto,
                         unsigned long long change) noexcept
@cython.locals(start=Py_ssize_t, transport=Py_ssize_t, before=cython.ulonglong,
               change=cython.ulonglong)
cdef void _put_embedded(unsigned char *data, Py_ssize_t at, Py_ssize_t end,
                     const unsigned char *tuple_bytes) noexcept
cdef void _put_udp_checksum(
    unsigned char *data, Py_ssize_t field, unsigned long long change) noexcept
cdef unsigned long long _change(
    unsigned long long before, unsigned long long after) noexcept
@cython.locals(stored=cython.ulonglong)
cdef void _adjust(
    unsigned char *data, Py_ssize_t field, unsigned long long change) noexcept
