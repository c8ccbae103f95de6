from pytest_netlab.nat.pairing cimport observations

cimport cython

cdef int OF_STEP, _BYTE, _TWO, _ZERO, _SLOTS, _KEPT, _COLUMNS, _EXAMPLES


@cython.locals(before=int, after=int, step=int)
cdef int slot_of(unsigned long long near, unsigned long long far,
                 int left) noexcept nogil
@cython.locals(at=cython.longlong)
cdef void keep(long long *counts, long long *examples, int slot, long long near,
               long long far, long long packed) noexcept nogil
