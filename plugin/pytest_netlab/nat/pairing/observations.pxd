from pytest_netlab.flows cimport table
from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int ICMP, TCP, UDP, ICMP6, _ADDRESS, _NUMBERING
cdef int TTL, TOS, FLAGS, IP_CHECKSUM, L4_CHECKSUM, DIRECTION
cdef int HASHLESS, ERROR, WRONGLY_EMBEDDED, SEGMENT, URGENT, NUMBERED, TCP_FLAGS
cdef int OPENS, DATAGRAM, _SYN, _OPENING


cdef class _Arrays:
    cdef long long *row
    cdef long long *ts
    cdef int *uniflow
    cdef unsigned long long *key
    cdef unsigned long long *header_key
    cdef unsigned long long *facts
    cdef unsigned long long *options
    cdef unsigned int *seq
    cdef unsigned int *size


@cython.locals(uniflow=octets.i32_view_t, out=_Arrays, count=Py_ssize_t)
cpdef object sight(Columns columns, Py_ssize_t rows, Py_ssize_t first, object uniflows,
                   int ingress)
@cython.locals(row=Py_ssize_t, count=Py_ssize_t, header_key=cython.ulonglong)
cdef Py_ssize_t _sight(Columns columns, Py_ssize_t rows, Py_ssize_t first, int *uniflow,
                       int ingress, _Arrays out) noexcept nogil
@cython.locals(state=cython.ulonglong)
cdef unsigned long long _header_key(Columns columns, Py_ssize_t row,
                                    int ingress) noexcept nogil
cdef unsigned long long _key(Columns columns, Py_ssize_t row,
                             unsigned long long header_key) noexcept nogil
@cython.locals(facts=cython.ulonglong)
cdef unsigned long long _facts(Columns columns, Py_ssize_t row) noexcept nogil
@cython.locals(facts=cython.ulonglong, flags=int)
cdef unsigned long long _of_tcp(Columns columns, Py_ssize_t row) noexcept nogil
cdef unsigned long long _one(unsigned long long value) noexcept nogil
