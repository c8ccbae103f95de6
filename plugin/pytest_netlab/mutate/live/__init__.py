"""Break a live lab on purpose, and expect a red verdict of each scenario concerned.

`rules` and `native` (the engine's own rules), `hosts`, `altered`, `neighbours`,
`networks`, `routing`, `unseen` and `inbound` declare the faults, `fault` says what one
is, and `inject` how commands make one; `impair` loses, delays and corrupts frames on
the uplink, `queue` reorders them; `bodies` runs a scenario without pytest; `judge` runs
every scenario under every fault. Refuses to know pytest and how verdicts are rendered.
"""

from pytest_netlab.mutate.live.bodies import Body, Ending
from pytest_netlab.mutate.live.fault import Fault
from pytest_netlab.mutate.live.judge import FAULTS, LiveJudge, named

__all__ = ["FAULTS", "Body", "Ending", "Fault", "LiveJudge", "named"]
