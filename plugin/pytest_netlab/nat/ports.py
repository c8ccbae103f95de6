"""Which ports a source port may be mapped to if its own tuple is in use.

Linux stays within a port range: nf_nat_core.c, nf_nat_l4proto_unique_tuple.
"""

from __future__ import annotations

from bisect import bisect

_FIRST = (512, 1024)  # ports from which the second and the third range apply
_CLASSES = (range(1, 512), range(600, 1024), range(1024, 65536))


def class_of(port: int) -> range:
    """Return the range that a port may be mapped to; it need not contain the port."""
    return _CLASSES[bisect(_FIRST, port)]
