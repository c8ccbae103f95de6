from pytest_netlab.wire cimport hashing, octets, payload
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int _FIRST, TOS, TOTAL, ID, FRAGMENT, TTL, PROTOCOL
cdef int SRC, DST, HEADER
cdef int EOL, NOP, _OPTION_SIZE, _LEAST_OPTION
cdef int RECORD_ROUTE, TIMESTAMP, LOOSE_ROUTE, STRICT_ROUTE, RESERVED
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
@cython.locals(state=cython.ulonglong, size=Py_ssize_t)
cdef unsigned long long options_digest(const unsigned char *frame, Py_ssize_t at,
                                       Py_ssize_t end) noexcept nogil
cpdef Py_ssize_t option_bytes(const unsigned char *frame, Py_ssize_t at,
                              Py_ssize_t end) noexcept nogil
cpdef int header_bytes(int first) noexcept nogil
