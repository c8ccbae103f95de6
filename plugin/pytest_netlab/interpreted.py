"""What the hot loops use of the module `cython`, where that is not installed.

Compiled, they import neither; interpreted, Cython's own shadow module does the same.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

# Interpreted code keeps the GIL.
cython = SimpleNamespace(nogil=nullcontext())
