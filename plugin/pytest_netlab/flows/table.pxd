from pytest_netlab.wire cimport icmp, icmpv6, octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int NO_UNIFLOW
cdef int _LOW, _HIGH, _ENDS, _KEY, _ADDRESS, _MAPPED, _PORT
cdef unsigned long long _REAL_IPV6
cdef int _IPV6
cdef int _NOT_HERE, _RING, _LAST, _AHEAD, _NEAR
cdef int _FLIPPED, _ANSWERED, _BEGUN, _SENT, _FORTH_IN, _BACK_IN, _GUESSED
cdef int _REGISTERED, _EPHEMERAL, _RESERVED
cdef int ICMP, TCP, UDP, ICMP6, ECHO_REPLY, ECHO_REPLY6, _SYN, _SYN_ACK
cdef int _INBOUND, _OUTBOUND, FIRST_GROUP, GROUP6, _EMPTY


cdef class FlowTable:
    cdef public Py_ssize_t count
    cdef public Py_ssize_t size
    cdef unsigned char *keys
    cdef unsigned char *states
    cdef int *slots
    cdef unsigned char *ring
    cdef unsigned long long *hashes
    cdef int *swaps
    cdef public int errors
    cdef public int guess
    cdef public object _keys
    cdef public object _states
    cdef public object _slots
    cdef public object _ring
    cdef public object _hashes
    cdef public object _swaps
    cdef public object _texts

    @cython.locals(row=Py_ssize_t, errors=int, out=octets.i32_view_t, rows=Py_ssize_t)
    cpdef object add(self, Columns columns, Py_ssize_t rows)


@cython.locals(ahead=Py_ssize_t)
cdef Py_ssize_t _add(FlowTable table, Columns columns, Py_ssize_t row, Py_ssize_t rows,
                     int *uniflows, int errors) noexcept nogil
@cython.locals(place=Py_ssize_t, state=cython.ulonglong, ends=cython.ulonglong,
               swapped=int)
cdef int _prepare(FlowTable table, Columns columns, Py_ssize_t row,
                  int errors) noexcept nogil
cdef unsigned long long _mapped(const unsigned char *src, const unsigned char *dst,
                                Py_ssize_t at) noexcept nogil
@cython.locals(place=Py_ssize_t, number=Py_ssize_t)
cdef void _fetch(FlowTable table, Py_ssize_t row) noexcept nogil
cdef bint is_flow(Columns columns, Py_ssize_t row) noexcept nogil
cdef int is_error(Columns columns, Py_ssize_t row) noexcept nogil
@cython.locals(number=Py_ssize_t, state=int, back=int, replied=int, guessed=int,
               swapped=int)
cdef int _add_packet(FlowTable table, Columns columns, Py_ssize_t row) noexcept nogil
cdef int _shown(int state, int back, int direction) noexcept nogil
@cython.locals(number=Py_ssize_t, back=int, swapped=int)
cdef int _add_error(FlowTable table, Py_ssize_t row) noexcept nogil
cdef unsigned long long _own_ends(Columns columns, Py_ssize_t row) noexcept nogil
cdef bint _is_echo(int proto, int kind) noexcept nogil
cdef unsigned long long _quoted_ends(Columns columns, Py_ssize_t row) noexcept nogil
cdef int _is_reply(Columns columns, Py_ssize_t row) noexcept nogil
cdef bint _is_opening(Columns columns, Py_ssize_t row) noexcept nogil
cpdef int answers_by_port(int sport, int dport) noexcept nogil
cdef int _range_of(int port) noexcept nogil
@cython.locals(cell=Py_ssize_t, order=int, sport=cython.ulonglong,
               dport=cython.ulonglong)
cdef int _fill(FlowTable table, Py_ssize_t row, const unsigned char *src,
               const unsigned char *dst, Py_ssize_t at,
               unsigned long long ends) noexcept nogil
@cython.locals(slot=Py_ssize_t, mask=Py_ssize_t, number=Py_ssize_t, cell=Py_ssize_t)
cdef Py_ssize_t _find(FlowTable table, Py_ssize_t place) noexcept nogil
@cython.locals(slot=Py_ssize_t, mask=Py_ssize_t, number=Py_ssize_t)
cdef void _rehash(FlowTable table, Py_ssize_t count) noexcept nogil
