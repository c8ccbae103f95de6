"""Break a live lab on purpose, and expect a red verdict of each scenario concerned.

`rules`, `hosts` and `networks` declare the faults, `fault` says what one is; `impair`
loses, delays and corrupts frames on the uplink; `bodies` runs a scenario without
pytest; `judge` runs every scenario under every fault. Refuses to know pytest and text.
"""

from pytest_netlab.mutate.live.bodies import Body, Ending
from pytest_netlab.mutate.live.fault import Fault
from pytest_netlab.mutate.live.judge import FAULTS, LiveJudge, named

__all__ = ["FAULTS", "Body", "Ending", "Fault", "LiveJudge", "named"]
