"""What golden.toml and pending.toml are declared to be: read, written, and faults."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import faults

from pytest_netlab.errors import DocumentError
from pytest_netlab.files import documents
from pytest_netlab.store import document

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data" / "format1"
GOLDEN = DATA / "golden" / "shop" / "here" / document.GOLDEN
PENDING = DATA / "kept" / "pending" / "shop" / document.PENDING
FILES: list[tuple[Path, Callable[..., Any], Callable[..., str]]] = [
    (GOLDEN, document.read_golden, document.golden_text),
    (PENDING, document.read_pending, document.pending_text),
]


@pytest.mark.parametrize(("path", "read", "text"), FILES, ids=["golden", "pending"])
def test_bytes(path: Path, read: Callable[..., Any], text: Callable[..., str]) -> None:
    """What is written of a file is the file."""
    assert text(read(path, documents.regular)) == path.read_text()


@pytest.mark.parametrize(("path", "read", "text"), FILES, ids=["golden", "pending"])
def test_faults(
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    read: Callable[..., Any],
    text: Callable[..., str],  # noqa: ARG001 - the other test's
) -> None:
    """Whatever has another type, wherever it is, is told with its path."""
    table = tomllib.loads(path.read_text())
    del table["format"]

    for where, broken in faults(
        table, free=("provenance", "symbols"), nullable=(), seed=0
    ):
        said = {"format": 1, **broken}
        monkeypatch.setattr(documents, "toml", lambda *_, said=said: said)
        with pytest.raises(DocumentError) as caught:
            read(path, documents.regular)
        assert caught.value.reason.startswith(f"{where}: expected ")
