# memory.py for compiled modules.

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer

cdef extern from *:
    """
    /* The pointers of a Columns follow its object header and its table of methods. */
    static inline void nl_bind(PyObject *columns, Py_ssize_t place, void *column)
    { ((void **) ((char *) columns + sizeof(PyObject)))[1 + place] = column; }
    """
    void nl_bind(object columns, Py_ssize_t place, void *column)


cdef inline object bind(object columns, list places, object block):
    # The columns keep the block alive; an array is not moved once its buffer is given.
    cdef Py_buffer view
    cdef Py_ssize_t place
    PyObject_GetBuffer(block, &view, PyBUF_WRITABLE)
    for place in range(len(places)):
        nl_bind(columns, place, <char *> view.buf + <Py_ssize_t> places[place].at)
    PyBuffer_Release(&view)
    return None
