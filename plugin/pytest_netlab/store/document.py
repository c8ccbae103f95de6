"""The schemas of golden.toml and pending.toml, and how both are read and written.

Knows both files as tables; refuses to know packets, and what a policy may contain.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import tomli_w
from msgspec import UNSET, Meta, UnsetType, field

from pytest_netlab.files import documents, schema
from pytest_netlab.files.schema import Table

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.files.documents import Opener

T = TypeVar("T")
FORMAT: Final = 1  # of both files
GOLDEN, PENDING = "golden.toml", "pending.toml"
_GOLDEN_HEADER = """\
# Recorded by pytest-netlab. [policy], description, reference and requires may be
# edited; the rest is written by `pytest -m netlab --netlab-update` or `pytest-netlab
# accept` and describes capture.pcapng beside it.
"""
_PENDING_HEADER = (
    "# Proposed by a run of pytest-netlab. See `pytest-netlab review --help`.\n"
)


class Golden(Table, frozen=True, kw_only=True):
    """golden.toml.

    Attributes:
        format: 1.
        scenario: id of the scenario.
        description: one sentence on what it shows.
        reference: where the behaviour is described: a URL.
        requires: which hosts the golden is for.
        provenance: name -> version, setting or list of rules at recording.
        policy: name of a field -> how it must match.
        symbols: symbol -> its address at recording; several are joined by `, `.

    """

    format: Literal[1]
    scenario: str
    description: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    requires: str | UnsetType = UNSET
    provenance: dict[str, str] | UnsetType = UNSET
    policy: dict[str, Any] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)


class Pending(Table, frozen=True, kw_only=True):
    """pending.toml.

    Attributes:
        format: 1.
        golden: folder of the golden it is for, relative to the proposal's folder.
        base: SHA-256 of that golden's capture and story, in hex; "" for none.
        test: the test's node id.
        differs: why it was proposed, in one line.
        refused: why it cannot be accepted, in one line; absent where it can.
        made: when it was proposed.

    """

    format: Literal[1]
    golden: str
    base: str
    test: str
    differs: str
    refused: str | UnsetType = UNSET
    made: Annotated[datetime, Meta(tz=True)]


def read_golden(path: Path, opened: Opener = documents.regular) -> Golden:
    """Read a golden.toml.

    Raises:
        DocumentError: it is none, or something in it is not as declared.

    """
    return _read(path, Golden, "golden", opened)


def read_pending(path: Path, opened: Opener) -> Pending:
    """Read a pending.toml.

    Raises:
        DocumentError: it is none, or something in it is not as declared.

    """
    return _read(path, Pending, "pending golden", opened)


def golden_text(golden: Golden) -> str:
    """Return the text of golden.toml."""
    return _GOLDEN_HEADER + tomli_w.dumps(schema.plain(golden), multiline_strings=True)


def pending_text(pending: Pending) -> str:
    """Return the text of pending.toml."""
    return _PENDING_HEADER + tomli_w.dumps(schema.plain(pending))


def _read(path: Path, kind: type[T], what: str, opened: Opener) -> T:
    table = documents.toml(path, opened)
    schema.demand_format(table, FORMAT, what, path)
    return schema.read(table, kind, path)
