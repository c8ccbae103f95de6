from pytest_netlab.replay cimport datagram as ip
from pytest_netlab.wire cimport icmp, octets

cimport cython

cdef int _ID, _TTL, _PROTOCOL, _ADDRESSES, _ADDRESSES_END
cdef int _TRANSPORT, _PORTS_END, _ICMP_ID, _ID_END
cdef int _TCP_CHECKSUM, _TCP_URGENT, _UDP_CHECKSUM, _UDP_DATA
cdef int _ICMP_CHECKSUM, _EMBEDDED, ICMP, TCP, UDP

@cython.locals(at=Py_ssize_t, end=Py_ssize_t)
cpdef bint is_whole(bytes datagram)
cpdef object seen(bytes datagram)
@cython.locals(at=Py_ssize_t, proto=int, ports=bytes)
cpdef bytes key_of(bytes datagram)
@cython.locals(at=Py_ssize_t, embedded=bytes)
cpdef bytes embedded_of(bytes datagram)
@cython.locals(at=Py_ssize_t, proto=int, place=cython.ulonglong,
               head=cython.ulonglong, kind=Py_ssize_t, mtu=Py_ssize_t,
               first=Py_ssize_t, last=Py_ssize_t, rest=Py_ssize_t)
cpdef tuple identity_of(bytes datagram)
cpdef int ttl_of(bytes datagram)
