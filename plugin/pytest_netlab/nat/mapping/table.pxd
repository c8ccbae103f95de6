from pytest_netlab.nat.pairing cimport observations
from pytest_netlab.nat.mapping cimport packet_changes, steps
from pytest_netlab.wire cimport octets

cimport cython

cdef int _NONE
cdef int CHANGED, SHARED, UNDO, RENEWED, TAKEN_OVER, CLOSED
cdef int _COLUMNS, _WRONG, _CLOSING, _OPENED, _SHUT, _OF_STEP, _BYTE


cdef class MappingTable:
    cdef public Py_ssize_t count
    cdef public Py_ssize_t size
    cdef public object flows
    cdef public object _there
    cdef public object _back
    cdef public object _slots
    cdef public object _wanted
    cdef public object _near_state
    cdef public object _far_state
    cdef public object times
    cdef public long long idle
    cdef public long long waited
    cdef public long long near_read
    cdef public long long far_read
    cdef int *there
    cdef int *back
    cdef int *slots
    cdef int *near_flow
    cdef int *far_flow
    cdef int *pairs
    cdef int *near_uniflow
    cdef int *far_uniflow
    cdef int *outward
    cdef int *doubtful
    cdef int *forth
    cdef int *wanted
    cdef long long *last
    cdef long long *near_began
    cdef long long *far_began
    cdef unsigned char *near_state
    cdef unsigned char *far_state
    cdef public object steps
    cdef long long *step_counts
    cdef long long *step_examples

    @cython.locals(needed=Py_ssize_t)
    cpdef object _reserve(self, Py_ssize_t near_uniflows, Py_ssize_t far_uniflows,
                          Py_ssize_t pairs)
    @cython.locals(args=_Arrays, count=Py_ssize_t, flagged=Py_ssize_t)
    cpdef object enter(self, object near, object far, object rows, object sure,
                       object uniflows)


cdef class _Arrays:
    cdef int *near_uniflow
    cdef int *far_uniflow
    cdef unsigned long long *near_facts
    cdef unsigned long long *far_facts
    cdef unsigned long long *near_options
    cdef unsigned long long *far_options
    cdef long long *near_row
    cdef long long *far_row
    cdef long long *near_ts
    cdef int *near_rows
    cdef int *far_rows
    cdef unsigned char *sure
    cdef int *flow
    cdef long long *wrong
    cdef Py_ssize_t near_fresh
    cdef Py_ssize_t near_next
    cdef Py_ssize_t far_next


@cython.locals(pair=Py_ssize_t, near=Py_ssize_t, far=Py_ssize_t, here=int, there=int,
               bits=int, flagged=Py_ssize_t, left=int, flow=Py_ssize_t)
cdef Py_ssize_t _enter(MappingTable table, _Arrays args, Py_ssize_t count) noexcept nogil
@cython.locals(near=Py_ssize_t, far=Py_ssize_t, left=int, slot=int,
               here=cython.ulonglong, there=cython.ulonglong, packed=cython.longlong,
               counts="long long *", examples="long long *")
cdef void _count_step(MappingTable table, _Arrays args, Py_ssize_t pair,
                      Py_ssize_t flow) noexcept nogil
cdef void _read_to(MappingTable table, _Arrays args, Py_ssize_t near,
                   Py_ssize_t far) noexcept nogil
cdef void _hear(unsigned char *state, Py_ssize_t conversation,
                unsigned long long facts) noexcept nogil
cdef void _touch(MappingTable table, _Arrays args, Py_ssize_t flow,
                 Py_ssize_t near) noexcept nogil
@cython.locals(at=Py_ssize_t, place=Py_ssize_t)
cdef void _note(MappingTable table, _Arrays args, Py_ssize_t pair, int bits,
                Py_ssize_t flagged) noexcept nogil
@cython.locals(near=int, far=int, reply=int, bits=int)
cdef int _map(MappingTable table, _Arrays args, Py_ssize_t pair,
              Py_ssize_t flow) noexcept nogil
@cython.locals(near=Py_ssize_t, far=Py_ssize_t, opens=int)
cdef void _open(MappingTable table, _Arrays args, Py_ssize_t pair,
                int bits) noexcept nogil
@cython.locals(near=int, far=int, before=int, owner=int, changed=cython.bint,
               shared=cython.bint, old=Py_ssize_t, holder=Py_ssize_t, bits=int,
               ended=int, wrong=int)
cdef int _remap(MappingTable table, _Arrays args, Py_ssize_t pair, Py_ssize_t flow,
                int reply) noexcept nogil
@cython.locals(near=int, far=int)
cdef void _set(MappingTable table, int bits, int reply) noexcept nogil
@cython.locals(near=Py_ssize_t, waited=cython.longlong, is_closed=cython.bint)
cdef int _end(MappingTable table, _Arrays args, Py_ssize_t pair, Py_ssize_t old,
              int wrong, int right) noexcept nogil
@cython.locals(near=Py_ssize_t, far=Py_ssize_t, state=int)
cdef bint _is_opened(MappingTable table, _Arrays args, Py_ssize_t pair) noexcept nogil
@cython.locals(near=int, far=int, target=int, owner=int)
cdef bint _is_over(MappingTable table, Py_ssize_t flow) noexcept nogil
cdef int _owner(MappingTable table, int far) noexcept nogil
cdef bint _is_earlier(MappingTable table, _Arrays args, Py_ssize_t pair, Py_ssize_t flow,
                      Py_ssize_t old, Py_ssize_t holder) noexcept nogil
@cython.locals(near=cython.longlong, far=cython.longlong)
cdef bint _is_before(MappingTable table, _Arrays args, Py_ssize_t pair,
                     Py_ssize_t flow) noexcept nogil
@cython.locals(flow=Py_ssize_t, forth=cython.bint, is_first=cython.bint)
cdef int _flow(MappingTable table, int near, int far, int left) noexcept nogil
@cython.locals(flow=Py_ssize_t, slot=Py_ssize_t, mask=Py_ssize_t)
cdef Py_ssize_t _find(MappingTable table, int near, int far) noexcept nogil
@cython.locals(flow=Py_ssize_t, slot=Py_ssize_t, mask=Py_ssize_t)
cdef void _rehash(MappingTable table) noexcept nogil
