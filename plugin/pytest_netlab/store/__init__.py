"""Goldens on disk: find, load, check, write. Refuses to know labs and pytest.

`document` declares golden.toml and pending.toml, `requires` parses which hosts a
variant is for, `files` reads and writes the three files of one golden, `goldens` knows
the folder of all goldens, and `pending` the folder of proposed ones.
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
