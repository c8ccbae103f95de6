"""Why a flow is not as its golden has it: small rules, a family a file.

`facts` is what they look at, `clues` what they cite of the host, `translation`,
`forwarding` and `alteration` are the rules, `explain` tries them in order.
"""

from pytest_netlab.causes.explain import explain, unseen
from pytest_netlab.causes.facts import Case, Cause, Evidence, Name

__all__ = ["Case", "Cause", "Evidence", "Name", "explain", "unseen"]
