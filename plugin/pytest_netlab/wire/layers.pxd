from pytest_netlab.wire cimport ethernet, mpls, pppoe
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef Py_ssize_t TYPES
cdef int _MAX_LAYERS, _PPPOE, _MPLS
cdef int BRIDGED, IPV4, IPV6, MPLS, MPLS_MULTICAST, PPPOE

cpdef Py_ssize_t step(int kind, const unsigned char *frame, Py_ssize_t at,
                      Py_ssize_t limit) noexcept nogil
cpdef int flag(int kind) noexcept nogil
@cython.locals(found=Py_ssize_t)
cdef Py_ssize_t decode(int kind, const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t row, Columns out) noexcept nogil
@cython.locals(following=Py_ssize_t)
cdef Py_ssize_t find(int kind, const unsigned char *frame, Py_ssize_t at,
                     Py_ssize_t limit, Columns out) noexcept nogil
cpdef bint is_ip(int kind) noexcept nogil
