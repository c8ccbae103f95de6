from pytest_netlab.wire cimport hashing
from pytest_netlab.wire.columns cimport Columns

cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
