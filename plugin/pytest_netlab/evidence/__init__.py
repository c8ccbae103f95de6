"""The evidence of a run: a folder that is written and can be read again.

`document` and `traces` declare verdict.json, `writing` and `reading` convert verdicts
to it and back, `record` reads and writes the file, `bundle` writes the whole folder,
and `offline` finds stored packets to judge again. Knows files and values; refuses to
know pytest, labs, and how a verdict is rendered.
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
