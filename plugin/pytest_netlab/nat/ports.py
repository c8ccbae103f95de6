"""Which ports a source port may be mapped to, where its own is taken.

Linux stays within a class: nf_nat_core.c, nf_nat_l4proto_unique_tuple.
"""

from __future__ import annotations

from bisect import bisect

_FIRST = (512, 1024)  # of the second class, and of the third
_CLASSES = (range(1, 512), range(600, 1024), range(1024, 65536))


def class_of(port: int) -> range:
    """Return the ports that this one may be mapped to; it need not be among them."""
    return _CLASSES[bisect(_FIRST, port)]
