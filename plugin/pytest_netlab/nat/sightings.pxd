from pytest_netlab.flows cimport table
from pytest_netlab.wire cimport octets
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int _ICMP, _TCP, _ICMPV6, _REPLY, _REQUEST, _REQUEST6, _REPLY6, _ADDRESS
cdef int TTL, TOS, FLAGS, IP_CHECKSUM, L4_CHECKSUM, DIRECTION
cdef int HASHLESS, ERROR, MISQUOTED, SEGMENT

@cython.locals(way=octets.ints_t, keys=octets.words_t, headers=octets.words_t,
               out=octets.words_t, row=Py_ssize_t)
cpdef object sight(Columns columns, Py_ssize_t rows, Py_ssize_t first, object ways,
                   int ingress)
@cython.locals(state=cython.ulonglong)
cdef unsigned long long _header_key(Columns columns, Py_ssize_t row,
                                    int ingress) noexcept nogil
cdef unsigned long long _key(Columns columns, Py_ssize_t row,
                             unsigned long long header_key) noexcept nogil
@cython.locals(facts=cython.ulonglong)
cdef unsigned long long _facts(Columns columns, Py_ssize_t row) noexcept nogil
cdef unsigned long long _one(unsigned long long value) noexcept nogil
