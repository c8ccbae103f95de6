"""Break a live lab on purpose, and see that each scenario's verdict is red.

`rules`, `hosts` and `networks` are the faults, `fault` what one is; `impair` loses,
delays and breaks frames on the uplink; `bodies` runs a scenario without pytest; `judge`
runs every scenario under every fault.
"""

from pytest_netlab.mutate.live.bodies import Body, Ending
from pytest_netlab.mutate.live.fault import Fault
from pytest_netlab.mutate.live.judge import FAULTS, LiveJudge, named

__all__ = ["FAULTS", "Body", "Ending", "Fault", "LiveJudge", "named"]
