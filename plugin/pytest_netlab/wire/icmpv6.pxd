from pytest_netlab.wire cimport icmp, quote
from pytest_netlab.wire.columns cimport Columns

cdef int ECHO_REQUEST, ECHO_REPLY, _FIRST_QUERY

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cpdef bint is_echo(int kind) noexcept nogil
cpdef bint is_error(int kind) noexcept nogil
