"""golden.toml and pending.toml, declared: what their keys are, read and written here.

Knows both files as tables; refuses to know packets, and what a policy may say.
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
FORMAT: Final = 1  # of both
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
        description: what it shows, in a sentence.
        reference: where the behaviour is described: a URL.
        requires: for which hosts the golden is.
        provenance: version, setting or list of rules by name, when it was recorded.
        policy: which fields must match, by name.
        symbols: address of each symbol then; several joined by `, `.

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
        golden: folder of the golden it is for, from the proposal's own.
        base: SHA-256 of that golden's capture and story, in hex; "" for none.
        test: the test's node id.
        differs: why it was proposed, in a line.
        made: when.

    """

    format: Literal[1]
    golden: str
    base: str
    test: str
    differs: str
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
