cdef class FlowState:
    cdef public object plan
    cdef public bytes original
    cdef public bytes original_reply
    cdef public bytes translated
    cdef public bytes translated_reply
    cdef public bint renamed
    cdef public Py_ssize_t at
    cdef public Py_ssize_t side
    cdef public Py_ssize_t heard_by
    cdef public Py_ssize_t count
    cdef public Py_ssize_t delivered
    cdef public Py_ssize_t segmented
    cdef public dict flying
    cdef public double due
    cdef public object packet
    cdef public object alg
    cdef public list alg_rewrites

    cpdef object begin(self)
    cpdef object advance(self)
