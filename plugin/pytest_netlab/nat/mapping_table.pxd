from pytest_netlab.nat cimport observations
from pytest_netlab.wire cimport octets

cimport cython

cdef int _NONE
cdef int TTL, TOS, FLAGS, OPTIONS, IP_CHECKSUM, L4_CHECKSUM, EMBEDDED
cdef int CHANGED, SHARED, UNDO, URGENT
cdef int _BYTE, _WORD, _THREE, _TWO, _KEPT_FLAGS, _ZERO, _BAD, _INBOUND


cdef class MappingTable:
    cdef public Py_ssize_t count
    cdef public Py_ssize_t size
    cdef public object flows
    cdef public object _there
    cdef public object _back
    cdef public object _slots
    cdef public object _wanted
    cdef int *there
    cdef int *back
    cdef int *slots
    cdef int *near_flow
    cdef int *far_flow
    cdef int *pairs
    cdef int *near_uniflow
    cdef int *far_uniflow
    cdef int *outward
    cdef int *wanted

    @cython.locals(needed=Py_ssize_t)
    cpdef object _reserve(self, Py_ssize_t near_uniflows, Py_ssize_t far_uniflows,
                          Py_ssize_t pairs)
    @cython.locals(args=_Arrays, count=Py_ssize_t, flagged=Py_ssize_t)
    cpdef object enter(self, object near, object far, object near_rows,
                       object far_rows, object uniflows)


cdef class _Arrays:
    cdef int *near_uniflow
    cdef int *far_uniflow
    cdef unsigned long long *near_facts
    cdef unsigned long long *far_facts
    cdef unsigned long long *near_options
    cdef unsigned long long *far_options
    cdef int *near_rows
    cdef int *far_rows
    cdef int *flow
    cdef long long *wrong


@cython.locals(pair=Py_ssize_t, near=Py_ssize_t, far=Py_ssize_t, here=int, there=int,
               bits=int, flagged=Py_ssize_t, left=int)
cdef Py_ssize_t _enter(MappingTable table, _Arrays args, Py_ssize_t count) noexcept nogil
@cython.locals(at=Py_ssize_t, place=Py_ssize_t)
cdef void _note(MappingTable table, _Arrays args, Py_ssize_t pair, int bits,
                Py_ssize_t flagged) noexcept nogil
@cython.locals(bits=int)
cdef int _compare(unsigned long long near, unsigned long long far) noexcept nogil
@cython.locals(before=int, after=int, uniflow=int)
cdef int _hops(unsigned long long near, unsigned long long far) noexcept nogil
@cython.locals(here=int, there=int)
cdef bint _is_bad(unsigned long long near, unsigned long long far,
                  int shift) noexcept nogil
@cython.locals(bits=int, wrong=int)
cdef int _map(MappingTable table, int near, int far) noexcept nogil
@cython.locals(uniflow=int)
cdef int _left_inside(unsigned long long near, unsigned long long far) noexcept nogil
@cython.locals(flow=Py_ssize_t, forth=cython.bint, is_first=cython.bint)
cdef int _flow(MappingTable table, int near, int far, int left) noexcept nogil
@cython.locals(flow=Py_ssize_t, slot=Py_ssize_t, mask=Py_ssize_t)
cdef Py_ssize_t _find(MappingTable table, int near, int far) noexcept nogil
@cython.locals(flow=Py_ssize_t, slot=Py_ssize_t, mask=Py_ssize_t)
cdef void _rehash(MappingTable table) noexcept nogil
