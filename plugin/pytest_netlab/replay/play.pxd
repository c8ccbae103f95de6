from pytest_netlab.replay cimport arrived
from pytest_netlab.replay.rewrite cimport rewritten
from pytest_netlab.replay.flow_state cimport FlowState

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

    @cython.locals(flow=FlowState)
    cdef object _send_what_is_due(self)
    @cython.locals(other=FlowState)
    cdef bint _waits(self, FlowState flow) except -1
    cdef double _when(self, FlowState flow) except -1
    @cython.locals(awaited=dict, wire=bytes)
    cdef object _send(self, FlowState flow)
    @cython.locals(flow=FlowState, first=double)
    cdef double _pause(self) except -1
    @cython.locals(side=Py_ssize_t)
    cdef object _hear(self, double seconds)
    @cython.locals(flow=FlowState, known=FlowState)
    cdef object _take(self, bytes datagram, Py_ssize_t side)
    @cython.locals(awaited=dict, flows=list)
    cdef FlowState _awaiting(self, object seen, Py_ssize_t side)
    @cython.locals(flow=FlowState)
    cdef FlowState _alike(self, object seen, Py_ssize_t side)
    @cython.locals(ttl=int, hops=int, wire=bytes, wanted=bytes)
    cdef object _arrive(self, FlowState flow, bytes datagram, object seen, object identity)
    cdef object _remember(self, object seen, object number)
    @cython.locals(tuple_bytes=bytes, wanted=bytes)
    cdef object _learn(self, FlowState flow, object seen, bytes datagram)
    cdef object _misled(self, FlowState flow, bytes tuple_bytes)
    @cython.locals(flow=FlowState)
    cdef object _expire(self)
    @cython.locals(flows=list)
    cdef object _unawait(self, FlowState flow, object identity, Py_ssize_t side)
    cdef object _find(self, FlowState flow, object number, object what, object detail=*)
