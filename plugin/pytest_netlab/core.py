"""Which core runs: the hot loops compiled by Cython, or the same source interpreted."""

from __future__ import annotations

import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

_PACKAGE = "pytest_netlab."
_HOT = "pytest_netlab.wire.stack"


def core() -> str:
    """Return `compiled` or `interpreted`: how the hot loops would be loaded."""
    found = find_spec(_HOT)
    origin = (found and found.origin) or ""
    return "interpreted" if origin.endswith(".py") else "compiled"


def interpret() -> None:
    """Load the package's modules from source even where compiled ones exist."""
    if not any(isinstance(finder, _SourceFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SourceFinder())


class _SourceFinder:
    """An import finder that finds modules of this package as Python source only."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """Return a module's spec; None leaves it to the other finders."""
        del target
        if not name.startswith(_PACKAGE):
            return None
        for folder in path or ():
            finder = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
            if spec := finder.find_spec(name):
                return spec
        return None
