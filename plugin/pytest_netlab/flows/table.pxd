from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int NO_WAY
cdef int _LOW, _HIGH, _LOW_PORT, _HIGH_PORT, _PROTO, _KEY, _ADDRESS
cdef int _FLIPPED, _ANSWERED, _BEGUN, _SENT, _FORTH_IN, _BACK_IN
cdef int _ICMP, _TCP, _UDP, _ICMPV6, _REPLY, _REQUEST, _REQUEST6, _REPLY6
cdef int _UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM, _FIRST_QUERY
cdef int _FIRST_LINK, _LAST_LINK, _LISTENER2, _SYN, _SYN_ACK
cdef int _INBOUND, _OUTBOUND, _GROUP4, _GROUP6, _EMPTY


cdef class FlowTable:
    cdef public Py_ssize_t count
    cdef public Py_ssize_t size
    cdef unsigned char *keys
    cdef unsigned char *states
    cdef int *slots
    cdef unsigned char *scratch
    cdef public object _keys
    cdef public object _states
    cdef public object _slots
    cdef public object _scratch

    @cython.locals(row=Py_ssize_t, errors=int, out=octets.ints_t, rows=Py_ssize_t)
    cpdef object add(self, Columns columns, Py_ssize_t rows)


cdef Py_ssize_t _add(FlowTable table, Columns columns, Py_ssize_t row, Py_ssize_t rows,
                     int *ways, int errors) noexcept nogil
cdef bint is_flow(Columns columns, Py_ssize_t row) noexcept nogil
cdef int is_error(Columns columns, Py_ssize_t row) noexcept nogil
@cython.locals(number=Py_ssize_t, known=int, state=int, back=int, flipped=int)
cdef int _add_packet(FlowTable table, Columns columns, Py_ssize_t row) noexcept nogil
cdef int _shown(int state, int back, int direction) noexcept nogil
@cython.locals(sport=int, dport=int, number=Py_ssize_t, back=int)
cdef int _add_error(FlowTable table, Columns columns, Py_ssize_t row) noexcept nogil
cdef int _port(Columns columns, Py_ssize_t row, int which) noexcept nogil
cdef int _answers(Columns columns, Py_ssize_t row) noexcept nogil
@cython.locals(low=int, high=int, order=int, swapped=int)
cdef int _fill(FlowTable table, const unsigned char *src, const unsigned char *dst,
               Py_ssize_t at, int sport, int dport, int proto) noexcept nogil
@cython.locals(slot=Py_ssize_t, mask=Py_ssize_t, number=Py_ssize_t)
cdef Py_ssize_t _find(FlowTable table) noexcept nogil
@cython.locals(slot=Py_ssize_t, mask=Py_ssize_t, number=Py_ssize_t)
cdef void _rehash(FlowTable table, Py_ssize_t count) noexcept nogil
