from pytest_netlab.wire cimport icmp, icmpv6, octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

ctypedef unsigned int *u32_view_t

cdef int _WORDS, _STATE, _DATA, _ACKS, _BASE, _FLAGS, _END
cdef int _BEGUN, _ACKED, _BASED, _OPENED, _COMPLETE, _ORDINARY
cdef int _SEEN, _ACKNOWLEDGED, _BASES, _KINDS
cdef int _MOST, _AHEAD, _ECHO_SHIFT
cdef long long _MASK, _HALF, _LONG, _PIECE, _FAR, _LATE
cdef int NO_UNIFLOW, ICMP, ICMP6, TCP, _SYN, _FIN, _RST, _ACK


cdef class Streams:
    cdef unsigned int *states
    cdef unsigned char *lines
    cdef int *streams
    cdef unsigned int *firsts
    cdef unsigned int *ends
    cdef public Py_ssize_t count
    cdef public Py_ssize_t size
    cdef public object _states
    cdef public object _streams
    cdef public object _firsts
    cdef public object _ends
    cdef public object _order
    cdef public object _known
    cdef public object _bases

    @cython.locals(row=Py_ssize_t, numbers=octets.i32_view_t, count=Py_ssize_t)
    cpdef object add(self, Columns columns, Py_ssize_t rows, object uniflows)


@cython.locals(uniflow=int, seq=cython.longlong)
cdef Py_ssize_t _add(Streams streams, Columns columns, Py_ssize_t row, Py_ssize_t rows,
                     int *uniflows) noexcept nogil
cdef bint _is_echo(Columns columns, Py_ssize_t row) noexcept nogil
@cython.locals(states=u32_view_t, at=Py_ssize_t, flags=int, size=cython.longlong,
               end=cython.longlong, behind=cython.longlong, length=cython.longlong,
               ahead=cython.longlong, covered=cython.longlong, grown=cython.longlong)
cdef bint _advance(Streams streams, Columns columns, Py_ssize_t row,
                   int uniflow) noexcept nogil
@cython.locals(flags=int, seq=cython.longlong, size=cython.longlong)
cdef void _add_segment(Streams streams, Columns columns, Py_ssize_t row,
                       int uniflow) noexcept nogil
@cython.locals(at=Py_ssize_t, flags=int)
cdef void _set_base(Streams streams, int uniflow, long long seq) noexcept nogil
@cython.locals(at=Py_ssize_t, late=cython.longlong, base=cython.longlong)
cdef void _open(Streams streams, int uniflow, long long seq) noexcept nogil
@cython.locals(at=Py_ssize_t)
cdef void _close(Streams streams, int uniflow, int kind, int bit) noexcept nogil
@cython.locals(at=Py_ssize_t, end=cython.longlong, length=cython.longlong,
               behind=cython.longlong)
cdef void _cover(Streams streams, int uniflow, long long seq,
                 long long size) noexcept nogil
@cython.locals(at=Py_ssize_t, first=cython.longlong, end=cython.longlong)
cdef void _cover_earlier(Streams streams, int uniflow, long long seq, long long size,
                         long long gap) noexcept nogil
@cython.locals(at=Py_ssize_t, end=cython.longlong)
cdef void _acknowledge(Streams streams, int uniflow, long long ack) noexcept nogil
@cython.locals(at=Py_ssize_t, base=cython.longlong, newest=cython.longlong,
               is_near=cython.bint)
cdef long long _acknowledged_from(Streams streams, int uniflow,
                                  long long ack) noexcept nogil
@cython.locals(first=cython.longlong)
cdef void _shorten(Streams streams, Py_ssize_t at, int stream) noexcept nogil
cdef void _note(Streams streams, int stream, long long first,
                long long end) noexcept nogil
