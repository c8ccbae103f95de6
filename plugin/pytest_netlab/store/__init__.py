"""Goldens on disk: find, load, check, write. Knows no lab and no pytest.

`requires` says for which hosts a variant is, `files` knows the three files of one, and
`goldens` the folder of all of them.
"""

from pytest_netlab.store.files import (
    CAPTURE,
    KEYS,
    STORY,
    TOML,
    Golden,
    MissingGoldenError,
    read,
)
from pytest_netlab.store.goldens import Store

__all__ = [
    "CAPTURE",
    "KEYS",
    "STORY",
    "TOML",
    "Golden",
    "MissingGoldenError",
    "Store",
    "read",
]
