from pytest_netlab.wire cimport checksum, octets, payload
from pytest_netlab.wire.columns cimport Columns

cdef int SPORT, DPORT, LENGTH, CHECKSUM, HEADER
cdef int _V4, _ZERO, _FRAGMENT

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cdef void _end(Py_ssize_t at, Py_ssize_t length, Py_ssize_t row,
               Columns out) noexcept nogil
