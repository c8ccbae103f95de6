from pytest_netlab.wire cimport geneve, ipv4, ipv6, layers, octets, udp, vxlan
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int MAX_TUNNELS, _FRAGMENT_BITS
cdef Py_ssize_t _FARTHEST, _PROTOCOLS, _LARGEST
cdef int _GRE_TYPE, _GRE_HEADER, _GRE_WORD
cdef int _GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE, _GRE_UNKNOWN, _ERSPAN
cdef int _IPIP, _GRE, _VXLAN, _GENEVE
cdef int BRIDGED, ERSPAN, GRE, IPIP, IPV4, IPV6, IPV6_IN_IP, UDP

@cython.locals(first=Py_ssize_t, place=Py_ssize_t, end=Py_ssize_t, step=Py_ssize_t,
               flags=cython.int, flag=cython.int)
cdef Py_ssize_t enter(int kind, const unsigned char *frame, Py_ssize_t at,
                      Py_ssize_t row, Columns out) noexcept nogil
@cython.locals(stop=Py_ssize_t, size=Py_ssize_t, place=Py_ssize_t)
cpdef Py_ssize_t transport(int kind, const unsigned char *frame, Py_ssize_t at,
                           Py_ssize_t end, Py_ssize_t limit) noexcept nogil
@cython.locals(size=Py_ssize_t, length=Py_ssize_t)
cpdef Py_ssize_t datagram_end(int kind, const unsigned char *frame, Py_ssize_t at,
                              Py_ssize_t end, Py_ssize_t limit) noexcept nogil
@cython.locals(proto=cython.int, at=Py_ssize_t, port=cython.int)
cpdef int sort(const unsigned char *frame, Py_ssize_t place,
               Py_ssize_t limit) noexcept nogil
@cython.locals(at=Py_ssize_t)
cpdef Py_ssize_t inner(int flag, const unsigned char *frame, Py_ssize_t place,
                       Py_ssize_t limit) noexcept nogil
@cython.locals(head=cython.int, kind=cython.int)
cdef Py_ssize_t _inner_gre(const unsigned char *frame, Py_ssize_t at,
                           Py_ssize_t limit) noexcept nogil
@cython.locals(end=Py_ssize_t, length=Py_ssize_t)
cdef Py_ssize_t _carried_end(int flag, int kind, const unsigned char *frame,
                             Py_ssize_t at, Py_ssize_t place,
                             Columns out) noexcept nogil
@cython.locals(at=Py_ssize_t, kind=cython.int)
cdef bint _is_plausible(Py_ssize_t step, const unsigned char *frame, Py_ssize_t end,
                        Columns out) noexcept nogil
