from pytest_netlab.nat.pairing cimport observations

cimport cython

cdef int TOS, FLAGS, OPTIONS, IP_CHECKSUM, L4_CHECKSUM, EMBEDDED, URGENT
cdef int _BYTE, _WORD, _THREE, _TWO, _KEPT_FLAGS, _ZERO, _BAD, _INBOUND


@cython.locals(bits=int)
cdef int compare(unsigned long long near, unsigned long long far) noexcept nogil
@cython.locals(here=int, there=int)
cdef bint _is_bad(unsigned long long near, unsigned long long far,
                  int shift) noexcept nogil
@cython.locals(uniflow=int)
cdef int left_inside(unsigned long long near, unsigned long long far) noexcept nogil
