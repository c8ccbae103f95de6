from pytest_netlab.replay cimport arrived
from pytest_netlab.replay.rewrite cimport rewritten
