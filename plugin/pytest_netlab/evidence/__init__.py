"""What is left of a run: its folder of evidence, written and read again.

`document` and `traces` declare verdict.json, `writing` and `reading` bring a verdict
there and back, `record` is its file, `bundle` the whole folder, and `offline` finds
packets that are judged again. Knows files and values; refuses to know pytest, labs, and
how a verdict is told.
"""

from pytest_netlab.evidence.bundle import MARK, is_bundle, write
from pytest_netlab.evidence.document import VERDICT
from pytest_netlab.evidence.offline import Stored, find
from pytest_netlab.evidence.record import Record, read

__all__ = [
    "MARK",
    "VERDICT",
    "Record",
    "Stored",
    "find",
    "is_bundle",
    "read",
    "write",
]
