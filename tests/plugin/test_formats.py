"""Files of format 1, written by a real run once, are read and written as they were."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main
from pytest_netlab.store import PendingStore, Store, files

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

DATA = Path(__file__).parents[1] / "data" / "format1"
TOLD = (DATA / "told.txt").read_text()
VARIANTS = ("here", "known")
SCENARIO = '''
import pytest

@pytest.mark.netlab("shop")
def test_shop(netlab):
    """What is stored is judged instead."""
'''


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a folder with all of it, to write to."""
    shutil.copytree(DATA, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_show() -> None:
    """`show` prints what it printed then."""
    result = CliRunner().invoke(main, ["show", str(DATA / "kept" / "shop")])

    assert result.exit_code == 0, result.output
    assert result.stdout.partition("evidence ")[0] == TOLD


def test_judged_again(pytester: pytest.Pytester, run: Run, copied: Path) -> None:
    """Its packets give the verdict they gave, in the same words and the same bytes.

    Keys of verdict.json that came later are only additions.
    """
    for name in ("golden", "kept"):
        (copied / name).rename(pytester.path / name)
    (pytester.path / "test_shop.py").write_text(SCENARIO)

    result = run("--netlab-offline=kept", "--netlab-artifacts=again")

    result.assert_outcomes(failed=1)
    assert TOLD in result.stdout.str() + "\n"
    again = pytester.path / "again" / "shop"
    kept = DATA / "kept" / "shop"
    was, now = (json.loads((x / "verdict.json").read_text()) for x in (kept, again))
    assert known_of(now, was) == was
    names = ("story.txt", "expected.txt", "difference.txt")
    assert [
        name
        for name in names
        if (again / name).read_bytes() != (kept / name).read_bytes()
    ] == []


def known_of(value: Any, older: Any) -> Any:
    """Return what an older reader knows of a value: keys that it had, too."""
    if isinstance(value, dict) and isinstance(older, dict):
        return {key: known_of(value.get(key), older[key]) for key in older}
    if isinstance(value, list) and isinstance(older, list) and len(value) == len(older):
        return [known_of(*both) for both in zip(value, older, strict=True)]
    return value


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden(copied: Path, variant: str) -> None:
    """A golden is read, and what is written of it is what there was."""
    folder = copied / "golden" / "shop" / variant
    golden, capture = files.read_with_capture(folder, "shop")
    written = copied / "written"

    table = {
        "scenario": "shop",
        **golden.about,
        "provenance": golden.provenance,
        "policy": files.read_toml(folder / files.TOML).policy,
    }
    files.write(written, capture, table)

    was, now = ((path / files.TOML).read_text() for path in (folder, written))
    # [policy] is its user's, and a capture that was read has an order of its own.
    assert now.partition("[policy]")[0] == was.partition("[policy]")[0]
    assert tomllib.loads(now) == tomllib.loads(was)
    assert golden.about["requires"] == str(golden.requires)
    assert golden.provenance["engine"] == "20.10.24+dfsg1"
    assert golden.policy.waived == frozenset(
        ["container-address-on-uplink"] if variant == "known" else []
    )


def test_proposal(copied: Path) -> None:
    """A proposal of then can be accepted."""
    pendings = PendingStore.beside(copied / "kept")
    store = Store(copied / "golden")

    pending = pendings.load("shop", store.root)

    assert pending.test == "test_shop.py::test_shop"
    assert pending.made.isoformat() == "2026-11-30T14:47:17+00:00"
    assert not pending.stale
    assert pendings.accept(pending)
    told = (copied / "golden" / "shop" / "here" / files.STORY).read_text()
    assert told == (DATA / "golden" / "shop" / "known" / files.STORY).read_text()
