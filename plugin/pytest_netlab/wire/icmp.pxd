from pytest_netlab.wire cimport checksum, octets, payload, embedded
from pytest_netlab.wire.columns cimport Columns

cdef int TYPE, CODE, _REST, SEQ, CHECKSUM, ID, HEADER
cdef int ECHO_REPLY, UNREACHABLE, SOURCE_QUENCH, REDIRECT, ECHO_REQUEST
cdef int TIME_EXCEEDED, PARAMETER_PROBLEM

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
cdef bint decode_header(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                        Columns out) noexcept nogil
cdef void decode_echo(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                      Columns out) noexcept nogil
cpdef bint is_echo(int kind) noexcept nogil
cpdef bint is_error(int kind) noexcept nogil
