from pytest_netlab.wire cimport octets, stack
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int MORE, FULL, STOPPED
cdef long long MAX_PACKET, MAX_BLOCK
cdef int _SECONDS, _FRACTION, _CAPLEN, _WIRELEN, _TYPE, _PLAIN, _MODIFIED, _OUTGOING
cdef long long _SECOND, _MAX_TS
cdef int _LENGTH, _BLOCK, _INTERFACE, _HIGH, _LOW, _CAPTURED, _ON_WIRE, _DATA
cdef int _PACKET, _LEAST, _FLAGS, _FLAGS_BYTES, _FLAG_MASK
cdef int _DIRECTION_BITS, _NOT_READY_BIT, _NOT_READY, _INBOUND, _OUTBOUND
cdef int _LINKTYPE, _TIMES, _OFFSET, _CLOCK


cdef class Walk:
    cdef public Py_ssize_t at
    cdef public Py_ssize_t row
    cdef public Py_ssize_t base
    cdef public bint big
    cdef public bint modified
    cdef public long long scale
    cdef public int linktype
    cdef public int first
    cdef public object clocks
    cdef public Py_ssize_t known

    @cython.locals(frame=octets.bytes_t)
    cpdef int pcap(self, object buffer, Py_ssize_t end, Columns out)
    @cython.locals(frame=octets.bytes_t, clocks=octets.i64_view_t)
    cpdef int pcapng(self, object buffer, Py_ssize_t end, Columns out)


cdef long long _u32(Walk walk, const unsigned char *frame,
                    Py_ssize_t at) noexcept nogil
cdef int _code(Walk walk, const unsigned char *frame, Py_ssize_t at) noexcept nogil
@cython.locals(outgoing=cython.bint)
cdef int _pcap(Walk walk, const unsigned char *frame, Py_ssize_t end,
               Columns out) noexcept nogil
cdef void _take(Walk walk, const unsigned char *frame, int linktype,
                unsigned int wirelen, Columns out) noexcept nogil
cdef int _pcapng(Walk walk, const unsigned char *frame, Py_ssize_t end,
                 long long *clocks, Columns out) noexcept nogil
@cython.locals(ticks=cython.ulonglong)
cdef bint _packet(Walk walk, const unsigned char *frame, Py_ssize_t size,
                  long long *clocks,
                  Columns out) noexcept nogil
cdef long long _options(Walk walk, const unsigned char *frame, Py_ssize_t at,
                        Py_ssize_t end) noexcept nogil
