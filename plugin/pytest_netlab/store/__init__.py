"""Goldens on disk: find, load, check, write. Knows no lab and no pytest.

`document` declares golden.toml and pending.toml, `requires` says for which hosts a
variant is, `files` knows the three files of one, `goldens` the folder of all of them,
and `pending` what runs propose.
"""

from pytest_netlab.store.files import (
    CAPTURE,
    STORY,
    TOML,
    Golden,
    MissingGoldenError,
    read,
    read_toml,
)
from pytest_netlab.store.goldens import Store
from pytest_netlab.store.pending import Pending, PendingStore, Proposal

__all__ = [
    "CAPTURE",
    "STORY",
    "TOML",
    "Golden",
    "MissingGoldenError",
    "Pending",
    "PendingStore",
    "Proposal",
    "Store",
    "read",
    "read_toml",
]
