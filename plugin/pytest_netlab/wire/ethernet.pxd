from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cdef int _DST, _SRC, TYPE, HEADER
cdef int _TAG_CONTROL, _TAG_TYPE, TAG
cdef int VLAN, QINQ, OLD_QINQ
cdef int _VLAN_ID, _MAX_TAGS, _MIN_TYPE

cdef Py_ssize_t decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                       Columns out) noexcept nogil
cdef Py_ssize_t decode_type(int ethertype, const unsigned char *frame, Py_ssize_t at,
                            Py_ssize_t row, Columns out) noexcept nogil
cdef bint _is_tag(int ethertype) noexcept nogil
