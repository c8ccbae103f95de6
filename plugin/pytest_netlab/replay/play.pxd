from pytest_netlab.replay cimport arrived
from pytest_netlab.replay.rewrite cimport rewritten
from pytest_netlab.replay.run cimport Run

cimport cython


cdef class Player:
    cdef tuple _ends
    cdef list _sources
    cdef object _route
    cdef double _pace
    cdef object _poll
    cdef tuple _awaited
    cdef tuple _known
    cdef dict _delivered
    cdef dict _earlier
    cdef list _findings
    cdef list _active
    cdef double _start
    cdef double _now
    cdef object _first
    cdef Py_ssize_t _out

    @cython.locals(run=Run)
    cdef object _send_what_is_due(self)
    @cython.locals(other=Run)
    cdef bint _waits(self, Run run) except -1
    cdef double _when(self, Run run) except -1
    @cython.locals(awaited=dict, wire=bytes)
    cdef object _send(self, Run run)
    @cython.locals(run=Run, first=double)
    cdef double _pause(self) except -1
    @cython.locals(side=Py_ssize_t)
    cdef object _hear(self, double seconds)
    @cython.locals(run=Run, known=Run)
    cdef object _take(self, bytes datagram, Py_ssize_t side)
    @cython.locals(awaited=dict, runs=list)
    cdef Run _awaiting(self, object seen, Py_ssize_t side)
    @cython.locals(run=Run)
    cdef Run _alike(self, object seen, Py_ssize_t side)
    @cython.locals(ttl=int, hops=int, wire=bytes, wanted=bytes)
    cdef object _arrive(self, Run run, bytes datagram, object seen, object identity)
    cdef object _remember(self, object seen, object number)
    @cython.locals(way=bytes, wanted=bytes)
    cdef object _learn(self, Run run, object seen, bytes datagram)
    cdef object _misled(self, Run run, bytes way)
    @cython.locals(run=Run)
    cdef object _expire(self)
    @cython.locals(runs=list)
    cdef object _unawait(self, Run run, object identity, Py_ssize_t side)
    cdef object _find(self, Run run, object number, object what, object detail=*)
