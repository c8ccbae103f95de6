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
    """Return `compiled` or `interpreted`, by what would be loaded."""
    found = find_spec(_HOT)
    origin = (found and found.origin) or ""
    return "interpreted" if origin.endswith(".py") else "compiled"


def interpret() -> None:
    """Have the package's modules loaded from source even where they are compiled."""
    if not any(isinstance(finder, _SourceFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SourceFinder())


class _SourceFinder:
    """Finds the modules of this package as Python source only."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """Return a module's spec; None for what is another finder's."""
        del target
        if not name.startswith(_PACKAGE):
            return None
        for folder in path or ():
            finder = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
            if spec := finder.find_spec(name):
                return spec
        return None
