from pytest_netlab.wire cimport (
    arp, cooked, ethernet, icmp, icmpv6, ipv4, ipv6, layers, loopback, nflog, payload,
    ppp, tcp, tunnel, udp, wireguard)
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int NULL, ETHERNET, LOOP, SLL, SLL2, RAW
cdef int BSD_RAW, OPENBSD_RAW, RAW4, RAW6
cdef int PPP, PPP_HDLC, PPP_ETHER, C_HDLC, PPP_DIRECTED, NFLOG
cdef int PPPOE, IPV4, ARP, IPV6, ICMP, TCP, UDP, ICMP6
cdef int _TRUNCATED, _UNDECODED

cpdef void decode(bytes frame, int linktype, unsigned int wirelen, Py_ssize_t row,
                  Columns out) noexcept
cdef void packet(const unsigned char *frame, int linktype, unsigned int wirelen,
                 Py_ssize_t row, Columns out) noexcept nogil
cdef Py_ssize_t _decode_link(const unsigned char *frame, int linktype, Py_ssize_t row,
                             Columns out) noexcept nogil
cdef Py_ssize_t _decode_rarer_link(const unsigned char *frame, int linktype,
                                   Py_ssize_t row, Columns out) noexcept nogil
cdef bint _is_raw(int linktype) noexcept nogil
@cython.locals(step=Py_ssize_t)
cdef void _decode_network(int ethertype, const unsigned char *frame, Py_ssize_t at,
                          Py_ssize_t row, Columns out) noexcept nogil
@cython.locals(step=Py_ssize_t, start=Py_ssize_t)
cdef void _decode_ip(int ethertype, const unsigned char *frame, Py_ssize_t at,
                     Py_ssize_t row, Columns out) noexcept nogil
cdef void _decode_transport(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                            Columns out) noexcept nogil
