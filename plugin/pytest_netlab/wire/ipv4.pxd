from pytest_netlab.wire cimport octets, payload
from pytest_netlab.wire.columns cimport Columns

cdef int _FIRST, TOS, TOTAL, ID, FRAGMENT, TTL, PROTOCOL
cdef int SRC, DST, HEADER
cdef int VERSION, _WORD, _LENGTH_BITS, OFFSET_BITS, _FRAGMENT_BITS
cdef int FLAGS_SHIFT, _FLAGS_BITS, OFFSET_UNIT, _ADDRESS_BYTES
cdef unsigned int _ONES
cdef int _FRAGMENT_STATUS, _GOOD, _BAD

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
cdef void _decode_fragment(int fragment, Py_ssize_t row, Columns out) noexcept nogil
cdef void _end(Py_ssize_t start, Py_ssize_t claimed, Py_ssize_t row,
               Columns out) noexcept nogil
cdef Py_ssize_t _decode_carried(const unsigned char *frame, Py_ssize_t at,
                                Py_ssize_t row, Columns out) noexcept nogil
cpdef int header_bytes(int first) noexcept nogil
