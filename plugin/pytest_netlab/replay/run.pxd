cdef class Run:
    cdef public object part
    cdef public bytes way
    cdef public bytes back
    cdef public bytes out
    cdef public bytes answer
    cdef public bint renamed
    cdef public Py_ssize_t at
    cdef public Py_ssize_t side
    cdef public Py_ssize_t heard_by
    cdef public Py_ssize_t count
    cdef public Py_ssize_t delivered
    cdef public Py_ssize_t cut
    cdef public dict flying
    cdef public double due
    cdef public object step
    cdef public object helped
    cdef public list translated

    cpdef object begin(self)
    cpdef object advance(self)
