"""The classes of ports that Linux maps within."""

from __future__ import annotations

import pytest

from pytest_netlab.nat.ports import class_of


@pytest.mark.parametrize(
    ("port", "first", "last"),
    [
        (0, 1, 511),
        (1, 1, 511),
        (511, 1, 511),
        (512, 600, 1023),
        (599, 600, 1023),
        (1023, 600, 1023),
        (1024, 1024, 65535),
        (65535, 1024, 65535),
    ],
)
def test_class(port: int, first: int, last: int) -> None:
    """Ports below 512, below 1024 and above are mapped to their like."""
    found = class_of(port)

    assert (found[0], found[-1]) == (first, last)
