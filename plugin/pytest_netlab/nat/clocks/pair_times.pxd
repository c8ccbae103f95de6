from pytest_netlab.nat.pairing cimport observations
from pytest_netlab.wire cimport octets

cimport cython

cdef int FLOW, BACK, SURE, GUESSED, _BYTE, _TWO


cdef class PairTimes:
    cdef public object times
    cdef public object codes
    cdef long long *near
    cdef long long *far
    cdef int *code


cdef class _Pairs:
    cdef long long *near_ts
    cdef long long *far_ts
    cdef unsigned long long *near_facts
    cdef unsigned long long *far_facts
    cdef int *uniflow
    cdef int *near_rows
    cdef int *far_rows
    cdef int *flow
    cdef unsigned char *sure


@cython.locals(pairs=_Pairs, into=PairTimes, count=Py_ssize_t)
cpdef object collect(object seen, object rows, object flow, object sure)
@cython.locals(pair=Py_ssize_t, near=Py_ssize_t, far=Py_ssize_t, code=int)
cdef void _collect(_Pairs pairs, PairTimes into, Py_ssize_t count) noexcept nogil
cdef bint _is_guess(unsigned long long near, unsigned long long far) noexcept nogil
@cython.locals(code=octets.i32_view_t, keep=octets.u8_view_t, odd=octets.u8_view_t,
               pair=Py_ssize_t, flow=Py_ssize_t)
cpdef object every_other(object codes, Py_ssize_t flows)


cdef class _Groups:
    cdef long long *late
    cdef int *code
    cdef long long *values
    cdef long long *end
    cdef long long *least
    cdef long long *median
    cdef long long *most


@cython.locals(groups=_Groups, count=Py_ssize_t)
cpdef object of_flows(object late, object codes, Py_ssize_t flows)
@cython.locals(pair=Py_ssize_t, flow=Py_ssize_t, begin=cython.longlong,
               size=cython.longlong, place=cython.longlong)
cdef void _gather(_Groups groups, Py_ssize_t count, Py_ssize_t flows) noexcept nogil
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t, flow=Py_ssize_t, place=Py_ssize_t,
               least=cython.longlong, most=cython.longlong, value=cython.longlong)
cdef void _summarise(_Groups groups, Py_ssize_t flows) noexcept nogil
@cython.locals(wanted=Py_ssize_t, border=Py_ssize_t, pivot=cython.longlong,
               by_values=cython.bint)
cdef long long _median(_Groups groups, Py_ssize_t begin, Py_ssize_t end,
                       long long least, long long most) noexcept nogil
cdef long long _median_of_three(long long one, long long two,
                                long long three) noexcept nogil
@cython.locals(border=Py_ssize_t, place=Py_ssize_t, value=cython.longlong)
cdef Py_ssize_t _partition(_Groups groups, Py_ssize_t begin, Py_ssize_t end,
                           long long pivot) noexcept nogil
