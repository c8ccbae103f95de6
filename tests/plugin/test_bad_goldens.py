"""A golden that is damaged: one clear paragraph, an error, nothing overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]
    Damage = Callable[[Path], None]


def cut(folder: Path) -> None:
    """Truncate the capture in the middle of a block."""
    capture = folder / "capture.pcapng"
    capture.write_bytes(capture.read_bytes()[:-30])


def add_key(folder: Path) -> None:
    """Add a key nobody knows."""
    toml = folder / "golden.toml"
    toml.write_text(f"colour = 'red'\n{toml.read_text()}")


def add_policy(folder: Path) -> None:
    """Add a policy for a field that does not exist."""
    toml = folder / "golden.toml"
    toml.write_text(
        toml.read_text().replace("\n[policy]\n", "\n[policy]\ntll = 'any'\n")
    )


def break_toml(folder: Path) -> None:
    """Write what is no TOML."""
    (folder / "golden.toml").write_text("policy = [")


def edit_story(folder: Path) -> None:
    """Change the story by hand."""
    story = folder / "story.txt"
    story.write_text(story.read_text().replace("ttl 63", "ttl 62"))


def lose_story(folder: Path) -> None:
    """Remove the story."""
    (folder / "story.txt").unlink()


DAMAGES: dict[Damage, str] = {
    cut: "golden capture is damaged: *capture.pcapng: *(at byte *restore it*",
    add_key: "*golden.toml: cannot read it: unknown key 'colour'; known keys are *",
    add_policy: "*golden.toml: unknown field 'tll' in [[]policy[]]; *ttl*",
    break_toml: "*golden.toml: cannot read it: *",
    edit_story: "*story.txt is not what capture.pcapng beside it says*",
    lose_story: "*story.txt is not what capture.pcapng beside it says*",
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("update", [False, True], ids=["run", "update"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_golden_is_an_error_and_is_kept(
    recorded: pytest.Pytester, run: Run, damage: Damage, *, update: bool
) -> None:
    """Damage is named with its file and the next step; the files stay as they are."""
    folder = recorded.path / "golden" / "ping"
    damage(folder)
    before = contents(folder)

    result = run(*["--netlab-update"] * update)

    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([DAMAGES[damage]])
    assert contents(folder) == before
