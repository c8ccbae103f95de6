from pytest_netlab.wire cimport checksum, hashing, octets, payload
from pytest_netlab.wire.columns cimport Columns

cimport cython

cdef int SPORT, DPORT, SEQ, ACK_NUMBER, OFFSET, WINDOW, CHECKSUM, URGENT, HEADER
cdef int _WORD, _FLAG_BITS, _SIZE_SHIFT

@cython.locals(options=cython.ulonglong, below=cython.ulonglong)
cdef void decode(const unsigned char *frame, Py_ssize_t at, Py_ssize_t row,
                 Columns out) noexcept nogil
