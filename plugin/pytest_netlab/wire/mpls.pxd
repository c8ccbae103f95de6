from pytest_netlab.wire cimport ethernet, octets

cdef int ENTRY, LABEL_SHIFT, _MAX_ENTRIES, _CONTROL, _V4, _V6
cdef unsigned int BOTTOM
cdef Py_ssize_t _TYPES
cdef int BRIDGED, IPV4, IPV6

cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
cdef Py_ssize_t _carried(const unsigned char *frame, Py_ssize_t at,
                         Py_ssize_t limit) noexcept nogil
