"""What the hot loops use of the module `cython`, where that is not installed.

Compiled loops import neither; where it is installed, interpreted ones import Cython's
own shadow module instead.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

# Interpreted code keeps the GIL.
cython = SimpleNamespace(nogil=nullcontext())
