from pytest_netlab.wire cimport icmp, embedded
from pytest_netlab.wire.columns cimport Columns

cdef int ECHO_REQUEST6, ECHO_REPLY6, FIRST_QUERY6
cdef int FIRST_LINK6, LAST_LINK6, LISTENER_REPORT6

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cpdef bint is_echo(int kind) noexcept nogil
cpdef bint is_error(int kind) noexcept nogil
cpdef bint is_of_link(int kind) noexcept nogil
