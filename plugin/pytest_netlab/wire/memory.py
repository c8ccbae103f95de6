"""Bind the columns of a `Columns`: flat memoryviews, so a store costs no numpy call.

The compiled core fills in pointers instead, from memory.pxd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt


def bind(columns: object, places: Iterable[Any], block: npt.NDArray[np.uint8]) -> None:
    """Set one attribute of `Columns` for each `Place` to that part of the block."""
    for place in places:
        column = block[place.at : place.at + place.size].view(place.dtype)
        setattr(columns, place.name, column.data)
