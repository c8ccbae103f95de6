from pytest_netlab.wire cimport ethernet, octets
from pytest_netlab.wire.columns cimport Columns

cdef int _V1_KIND, _V1_SOURCE_BYTES, _V1_SOURCE, TYPE, _V1_HEADER
cdef int _V2_TYPE, _V2_INTERFACE, _V2_KIND, _V2_SOURCE_BYTES, _V2_SOURCE, _V2_HEADER
cdef int _MAC_BYTES, _OUTGOING, _INBOUND, _OUTBOUND

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
cdef Py_ssize_t decode_v2(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                          Columns out) noexcept nogil
cdef void _note_direction(int kind, Py_ssize_t row, Columns out) noexcept nogil
