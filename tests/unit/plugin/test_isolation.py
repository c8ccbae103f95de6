"""Which arguments of pytest are an option whose path stands apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.plugin import isolation, options

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--netlab-offline", "DIR"], ("--netlab-offline", "DIR")),
        (["-v", "--netlab-image", "a.tar", "-x"], ("--netlab-image", "a.tar")),
        (["--netlab-artifacts", "-dir"], ("--netlab-artifacts", "-dir")),
        (["--netlab-artifacts"], ("--netlab-artifacts", "DIR")),
        (["--netlab-artif", "d"], ("--netlab-artifacts", "d")),
        (["--netlab-engine-r", "d"], ("--netlab-engine-root", "d")),
        (["--netlab-engine", "fake", "--netlab-off", "d"], ("--netlab-offline", "d")),
        (["-k", "x", "--", "--netlab-offline", "DIR"], None),
        (["--netlab-offline=DIR", "DIR"], None),
        (["--netlab-offline="], None),
        (["--netlab-off=DIR"], None),
        (["--netlab-engine", "fake", "--netlab-keep", "never"], None),
        (["--netlab-uplink-address", "192.0.2.1/24"], None),
        (["--net", "DIR", "--offline", "DIR"], None),
        (["--netlab-other", "DIR"], None),
        ([], None),
    ],
)
def test_split(
    arguments: list[str], found: tuple[str, str] | None, tmp_path: Path
) -> None:
    """Names count in full and cut short, but not behind --."""
    assert isolation.split(arguments, tmp_path) == found


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--netlab-engine", "kernel"], ("--netlab-engine", "kernel")),
        (["--netlab-kee", "never"], ("--netlab-keep", "never")),
        (["--netlab-keep", "never"], ("--netlab-keep", "never")),
        (["--netlab-engine=kernel", "kernel"], None),
        (["--netlab-strict", "kernel"], None),
        (["--netlab-update", "never"], None),
        (["--netlab-engine", "fake"], None),
    ],
)
def test_split_beside_a_folder(
    arguments: list[str], found: tuple[str, str] | None, tmp_path: Path
) -> None:
    """A value that names something in this folder is taken for a path, too."""
    (tmp_path / "kernel").mkdir()
    (tmp_path / "never").touch()

    assert isolation.split(arguments, tmp_path) == found


def test_files_of_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """@FILE is a line an argument, nested; what cannot be read is left out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").write_text("--netlab-offline\n")
    (tmp_path / "outer").write_text("a b\n@inner\n@outer\n@none\n\n")

    found = list(isolation.expanded(["x", "@outer", "DIR"]))

    assert found == ["x", "a b", "--netlab-offline", "@outer", "", "DIR"]
    assert isolation.split(["@outer", "DIR"], tmp_path) == (
        "--netlab-offline",
        "@outer",
    )


def test_paths_are_told_by_their_metavar() -> None:
    """Every option whose help shows DIR or FILE is in the list, and no other."""
    assert set(options.path_valued()) >= {
        *("--netlab-artifacts", "--netlab-engine-root"),
        *("--netlab-image", "--netlab-offline"),
    }
    assert "--netlab-uplink-address" not in options.path_valued()
