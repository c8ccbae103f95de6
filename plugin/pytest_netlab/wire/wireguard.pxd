from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef unsigned int _INITIATION, _RESPONSE, _COOKIE, _DATA
cdef unsigned int _INITIATION_BYTES, _RESPONSE_BYTES, _COOKIE_BYTES, _LEAST, _BLOCK
cdef int _TYPE_BYTES, _WIREGUARD

cdef void note(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
               Columns out) noexcept nogil
cdef bint _is_message(unsigned int kind, unsigned int size) noexcept nogil
