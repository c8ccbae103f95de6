from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int _FAMILY, _HEADER, _INET, _INET6, _TYPE, _VALUE, _TYPE_BITS, _MAX_TYPE
cdef int _MAX_ATTRIBUTES, _NUMBER, _ABOUT, _INDEV, _OUTDEV, _PAYLOAD
cdef int _PROTOCOL, _HOOK, _ABOUT_BYTES, _LOCAL_OUT, _INBOUND, _OUTBOUND
cdef int IPV4, IPV6

@cython.locals(little=cython.bint, kind=cython.int, size=Py_ssize_t)
cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
@cython.locals(wanted=cython.int, leaves=cython.bint)
cdef void _decode_attribute(int kind, const unsigned char *frame, Py_ssize_t at,
                            Py_ssize_t size, Py_ssize_t row,
                            Columns out) noexcept nogil
cdef int _announced(int family) noexcept nogil
cdef bint _is_little(const unsigned char *frame, Py_ssize_t at,
                     Py_ssize_t limit) noexcept nogil
cdef int _u16(const unsigned char *frame, Py_ssize_t at, bint little) noexcept nogil
