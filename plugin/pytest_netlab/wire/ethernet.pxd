from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef int _DST, _SRC, TYPE, HEADER
cdef int _TAG_CONTROL, _TAG_TYPE, TAG
cdef int VLAN, QINQ, OLD_QINQ, ARP, IPV4, IPV6
cdef int _VLAN_ID, _MAX_TAGS, _MIN_TYPE
cdef unsigned int _SNAP
cdef int _SNAP_HEADER, _SNAP_OUI, _SNAP_TYPE, _V4, _V6
cdef Py_ssize_t _TYPES

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
cdef Py_ssize_t decode_type(int ethertype, const unsigned char *frame, Py_ssize_t at,
                            Py_ssize_t row, Columns out) noexcept nogil
cdef Py_ssize_t _decode_snap(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                             Columns out) noexcept nogil
cpdef int snap_type(const unsigned char *frame, Py_ssize_t at,
                    Py_ssize_t limit) noexcept nogil
cpdef bint is_tag(int ethertype) noexcept nogil
cpdef Py_ssize_t inner(const unsigned char *frame, Py_ssize_t at,
                       Py_ssize_t limit) noexcept nogil
cpdef Py_ssize_t inner_tags(int ethertype, const unsigned char *frame, Py_ssize_t at,
                            Py_ssize_t limit) noexcept nogil
cpdef bint is_plain(const unsigned char *frame, Py_ssize_t at,
                    Py_ssize_t limit) noexcept nogil
