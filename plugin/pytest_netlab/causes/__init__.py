"""Why a flow differs from its golden: small rules, a family a file.

`facts` are the values that rules examine, `clues` what they cite of the host;
`translation`, `forwarding` and `alteration` are the rules, `explain` tries them in
order. Refuses to know captures and how a host is queried.
"""

from pytest_netlab.causes.explain import explain, unseen
from pytest_netlab.causes.facts import Case, Cause, Evidence, Name

__all__ = ["Case", "Cause", "Evidence", "Name", "explain", "unseen"]
