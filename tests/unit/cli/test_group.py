"""How errors of commands end: in one sentence, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_an_error_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an error quotes is masked, for instance a token that is part of a path."""
    monkeypatch.setenv("CI_API_TOKEN", "zq9-xyzzy-4711")
    folder = tmp_path / "of-zq9-xyzzy-4711"
    folder.mkdir()
    (folder / "verdict.json").write_text("{}")

    done = CliRunner().invoke(main, ["show", str(folder)])

    assert done.exit_code == 2
    assert "of-***/verdict.json: " in done.stderr
    assert "xyzzy" not in done.stderr
