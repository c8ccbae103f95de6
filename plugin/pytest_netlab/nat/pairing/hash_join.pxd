from pytest_netlab.wire cimport octets

cimport cython

cdef int NOBODY, SPENT, LOOKAHEAD


cdef class Pairing:
    cdef int *known
    cdef int *owned
    cdef int *guessed
    cdef int *doubt
    cdef int *near_uniflow
    cdef int *far_uniflow
    cdef int *near_other
    cdef int *far_other
    cdef unsigned long long *near_key
    cdef unsigned long long *far_key
    cdef int *near_row
    cdef int *far_row
    cdef unsigned long long *near_options
    cdef unsigned long long *far_options
    cdef int *slots
    cdef int *near_next
    cdef int *near_tail
    cdef int *far_head
    cdef int *far_tail
    cdef int *far_next
    cdef int *queue
    cdef int *last
    cdef int *behind
    cdef public Py_ssize_t near_fresh
    cdef public Py_ssize_t far_fresh
    cdef public int changed
    cdef public object _later
    cdef public object near
    cdef public object far
    cdef public object near_counterparts
    cdef public object far_counterparts
    cdef public object _known
    cdef public object _owned
    cdef public object _guessed
    cdef public object doubts
    cdef public object _queue
    cdef public object _last
    cdef public object _kept

    @cython.locals(size=Py_ssize_t, near_count=Py_ssize_t, far_count=Py_ssize_t,
                   waits=int, ambiguous=Py_ssize_t)
    cpdef object match(self, object near_rows, object far_rows, bint header,
                       bint patient)
    @cython.locals(head=Py_ssize_t)
    cpdef object _ambiguous(self, Py_ssize_t count)
    @cython.locals(here=Py_ssize_t, there=Py_ssize_t)
    cpdef object _left(self, Py_ssize_t head)
    cpdef object became(self, Py_ssize_t near_uniflow)
    cpdef object part(self, Py_ssize_t near, Py_ssize_t far)
    cpdef bint is_guessed(self, Py_ssize_t near_uniflow)
    cpdef int far_uniflow_of(self, Py_ssize_t near_uniflow)
    cpdef bint is_owned(self, Py_ssize_t far_uniflow)


@cython.locals(here=Py_ssize_t, key=cython.ulonglong, slot=Py_ssize_t, head=Py_ssize_t)
cdef void _enter(Pairing join, Py_ssize_t count, Py_ssize_t mask) noexcept nogil
@cython.locals(there=Py_ssize_t, key=cython.ulonglong, slot=Py_ssize_t, head=Py_ssize_t)
cdef void _look_up(Pairing join, Py_ssize_t count, Py_ssize_t mask) noexcept nogil
@cython.locals(head=Py_ssize_t, there=Py_ssize_t)
cdef void _take_unique(Pairing join, Py_ssize_t count, int waits) noexcept nogil
@cython.locals(head=Py_ssize_t, there=Py_ssize_t, ambiguous=Py_ssize_t)
cdef Py_ssize_t _resolve_all(Pairing join, Py_ssize_t count, int waits) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t, more=Py_ssize_t)
cdef bint _is_even(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t)
cdef void _confirm(Pairing join, Py_ssize_t near, Py_ssize_t far) noexcept nogil
cdef void _guess(Pairing join, Py_ssize_t uniflow, int guessed) noexcept nogil
cdef void _resolve(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(there=Py_ssize_t, uniflow=Py_ssize_t)
cdef void _queue(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t, uniflow=Py_ssize_t, near=Py_ssize_t,
               left=int)
cdef void _take_alike(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t, uniflow=Py_ssize_t, near=Py_ssize_t,
               is_free=bint)
cdef void _take_by_rank(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(there=Py_ssize_t)
cdef void _forget_queues(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t, uniflow=Py_ssize_t, near=Py_ssize_t,
               far=Py_ssize_t)
cdef bint _is_plain(Pairing join, Py_ssize_t head) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t)
cdef void _pair_by_rank(Pairing join, Py_ssize_t head, int waits) noexcept nogil
cdef bint _contradicts(Pairing join, Py_ssize_t near, Py_ssize_t far) noexcept nogil
@cython.locals(here=Py_ssize_t, there=Py_ssize_t)
cdef void _take(Pairing join, Py_ssize_t near, Py_ssize_t far) noexcept nogil
