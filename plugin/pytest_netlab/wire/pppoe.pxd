from pytest_netlab.wire cimport octets, ppp
from pytest_netlab.wire.columns cimport Columns

cdef int _VERSION, _CODE, SESSION, _LENGTH, HEADER, _V1, _DATA
cdef Py_ssize_t _TYPES

cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
cdef void end(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
              Columns out) noexcept nogil
