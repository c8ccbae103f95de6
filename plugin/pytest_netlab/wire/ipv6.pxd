from pytest_netlab.wire cimport hashing, octets, payload
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int _FIRST, LENGTH, NEXT, HOPS
cdef int SRC, DST, HEADER
cdef int _EXT_NEXT, _EXT_LENGTH, _EXT_UNIT, _ROUTING_LEFT
cdef int _FRAGMENT_OFFSET, _FRAGMENT_ID, _FRAGMENT_BYTES, _AH_UNIT
cdef int VERSION, _TRAFFIC_CLASS_SHIFT, _TRAFFIC_CLASS_BITS, _OFFSET_BITS, _MF
cdef unsigned int FLOW_LABEL_BITS
cdef int _MAX_EXTENSIONS, _PROTOCOLS, _ADDRESS_BYTES
cdef int HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION
cdef int _FRAGMENT_STATUS

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
@cython.locals(label=cython.uint)
cdef void _decode_fields(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                         Columns out) noexcept nogil
cdef void _end(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
               Columns out) noexcept nogil
@cython.locals(extension=cython.ulonglong)
cdef Py_ssize_t _decode_extensions(const unsigned char *frame, Py_ssize_t at,
                                   Py_ssize_t row, Columns out) noexcept nogil
cdef void _decode_fragment(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                           Columns out) noexcept nogil
cpdef bint is_extension(int kind) noexcept nogil
cpdef Py_ssize_t extension_bytes(const unsigned char *frame, Py_ssize_t at,
                                 Py_ssize_t limit, int kind) noexcept nogil
cpdef Py_ssize_t carried(const unsigned char *frame, Py_ssize_t at,
                         Py_ssize_t limit) noexcept nogil
cdef bint is_fragment(const unsigned char *frame, Py_ssize_t at,
                      Py_ssize_t end) noexcept nogil
cdef bint is_source_routed(const unsigned char *frame, Py_ssize_t at,
                           Py_ssize_t end) noexcept nogil
