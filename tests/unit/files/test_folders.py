"""A folder is replaced as a whole, and what a killed writer left is swept."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_netlab.files import folders

ROOT = Path(__file__).parents[3]
NAME = f"{folders.PREFIX}abcd_123"


@pytest.mark.parametrize(
    ("kind", "mode", "states"),
    [
        ("write", "exchange", {"old", "new"}),
        ("write", "renames", {"old", "new"}),
        ("accept", "exchange", {"old", "new"}),
        ("remove", "exchange", {"old", "gone"}),
    ],
)
def test_killed_writer(tmp_path: Path, kind: str, mode: str, states: set[str]) -> None:
    """SIGKILL before any change leaves the old or the new; a sweep leaves no rest.

    Where a file system cannot exchange two folders there is a moment with neither, and
    the sweep puts the old one back.
    """
    command = [sys.executable, "-m", "tests.unit.files.dying_writer", kind, mode]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    last = min(states - {"old"})
    assert found["killed"] > 15
    assert set(found["died"]) == states | ({"gone"} if mode == "renames" else set())
    assert set(found["swept"]) == states
    assert found["again"] == {last: found["killed"]}
    assert found["rest"] == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a file of ours and one of its user's."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "ours").write_text("old")
    (place / "notes").write_text("mine")
    return place


def hidden(folder: Path) -> list[str]:
    """Return the names that begin with a dot."""
    return sorted(path.name for path in folder.iterdir() if path.name[0] == ".")


def test_replaced(place: Path) -> None:
    """The new is there, the old is not, and neither is a rest."""
    with folders.replaced(place) as fresh:
        (fresh / "ours").write_text("new")
        assert (place / "ours").read_text() == "old"

    assert {path.name: path.read_text() for path in place.iterdir()} == {"ours": "new"}
    assert hidden(place.parent) == []


def test_parents_are_made(tmp_path: Path) -> None:
    """A folder need not be there, nor need its parents."""
    with folders.replaced(tmp_path / "a" / "b" / "c") as fresh:
        (fresh / "ours").write_text("new")

    assert (tmp_path / "a" / "b" / "c" / "ours").read_text() == "new"


def test_what_is_its_users_stays(place: Path) -> None:
    """What has none of our names is kept, as the same file; ours is not."""
    (place / "gone").write_text("ours too")
    inode = (place / "notes").stat().st_ino

    with folders.replaced(place, ("ours", "gone")) as fresh:
        (fresh / "ours").write_text("new")

    assert sorted(path.name for path in place.iterdir()) == ["notes", "ours"]
    assert (place / "notes").stat().st_ino == inode


def test_without_hard_links(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no hard links, what is its user's is copied with its mode."""
    (place / "notes").chmod(0o600)

    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links")

    monkeypatch.setattr(os, "link", link)
    with folders.replaced(place, ("ours",)):
        pass

    assert (place / "notes").read_text() == "mine"
    assert (place / "notes").stat().st_mode & 0o777 == 0o600


def test_error_leaves_the_old(place: Path) -> None:
    """A writer that fails leaves what was there, and no rest."""

    def fail() -> None:
        with folders.replaced(place) as fresh:
            (fresh / "ours").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (place / "ours").read_text() == "old"
    assert hidden(place.parent) == []


def test_file_stays(tmp_path: Path) -> None:
    """A file at the place is no folder: it is refused and left as it is."""
    (tmp_path / "place").write_text("mine")

    with (
        pytest.raises(NotADirectoryError, match="no folder, and stays"),
        folders.replaced(tmp_path / "place"),
    ):
        pass
    assert (tmp_path / "place").read_text() == "mine"


MOUNT = "mount -t overlay -o"
LAYERED = """
from pathlib import Path
from pytest_netlab.files import folders
def replace(folder):
    with folders.replaced(folder) as fresh:
        (fresh / "ours").write_text("new")
for change in (replace, folders.remove):
    try:
        change(Path("merged/place"))
    except OSError as error:
        print(error)
print((Path("merged/place/ours").read_text()), len(list(Path("merged").iterdir())))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_lower_layer_of_an_overlay(tmp_path: Path) -> None:
    """What an image holds cannot be replaced: it stays, and a sentence says why."""
    for name in ("lower/place", "upper", "work", "merged"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lower/place/ours").write_text("old")
    layers = "lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off"
    mount = f"mount -t tmpfs none /mnt && cp -r . /mnt && cd /mnt && {MOUNT} {layers}"
    script = f'{mount} none merged || exit 77; exec "$@"'
    enter = ["unshare", "--mount", "sh", "-c", script, "sh"]

    done = subprocess.run(
        [*enter, sys.executable, "-c", LAYERED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    if done.returncode == 77:
        pytest.skip(done.stderr)
    *told, left = done.stdout.splitlines()
    assert len(told) == 2, done.stderr
    assert all("lower layer of an overlay" in line for line in told), told
    assert left == "old 1"


@pytest.mark.parametrize("name", ["/proc/self", "/proc/self/a", "/proc/self/a/b"])
def test_place_that_takes_no_folder(name: str) -> None:
    """A folder that is there and in which nothing can be made is an error, in time."""
    with (
        pytest.raises(FileNotFoundError),
        folders.replaced(Path(name, "ping")),
    ):
        pytest.fail("there is no place to write to")


@pytest.mark.parametrize("mode", ["exchange", "renames"])
def test_link_is_not_followed(
    place: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link at the place is replaced; what it leads to is as it was."""
    link = place.with_name("link")
    link.symlink_to(place)
    if mode == "renames":
        monkeypatch.setattr(folders, "_exchange", lacking)

    with folders.replaced(link) as fresh:
        (fresh / "ours").write_text("new")

    assert not link.is_symlink()
    assert (link / "ours").read_text() == "new"
    assert (place / "ours").read_text() == "old"
    assert (place / "notes").read_text() == "mine"


def lacking(*_: object) -> None:
    """Do as a file system without RENAME_EXCHANGE does."""
    raise OSError(errno.EINVAL, "Invalid argument")


def test_living_writer_is_left_alone(place: Path) -> None:
    """What a writer holds is no rest, by another process neither."""
    with folders.replaced(place) as fresh:
        (fresh / "ours").write_text("new")
        source = (
            "from pathlib import Path; from pytest_netlab.files import folders; print("
        )
        source += f"folders.leftovers(Path({str(place.parent)!r})))"
        seen = subprocess.check_output([sys.executable, "-c", source], text=True)
        assert folders.leftovers(place.parent) == folders.left(place.parent) == []

    assert seen == "[]\n"
    assert (place / "ours").read_text() == "new"


def dead(folder: Path, *, name: str = NAME) -> Path:
    """Make a staging folder as a killed writer leaves it."""
    staging = folder / name
    (staging / "new" / "place").mkdir(parents=True)
    (staging / "lock").touch()
    return staging


def test_dead_writer_is_swept(place: Path) -> None:
    """What nobody holds goes, by a sweep or by the next writer."""
    staging = dead(place.parent)
    assert folders.leftovers(place.parent) == [str(staging)]
    assert hidden(place.parent) == []

    dead(place.parent)
    with folders.replaced(place):
        pass
    assert hidden(place.parent) == []


@pytest.mark.parametrize("inner", ["", "ping"])
def test_everywhere(tmp_path: Path, inner: str) -> None:
    """A sweep of a root finds them in it and in the folders it holds."""
    (tmp_path / inner).mkdir(exist_ok=True)
    staging = dead(tmp_path / inner)

    assert folders.left(tmp_path) == [str(staging)]
    assert folders.everywhere(tmp_path) == [str(staging)]
    assert folders.left(tmp_path) == []
    assert not staging.exists()


@pytest.mark.parametrize(
    "name",
    [
        ".pytest-netlab-new-",
        ".pytest-netlab-new-abcd_12",
        ".pytest-netlab-new-abcd_1234",
        ".pytest-netlab-new-ABCD_123",
        ".pytest-netlab-new-abcd.123",
        ".pytest-netlab-new-abcd_123\n",
        "x.pytest-netlab-new-abcd_123",
        ".new-abcd_123",
    ],
)
def test_other_names_stay(tmp_path: Path, name: str) -> None:
    """Only what tempfile would make of the prefix is a staging folder."""
    staging = dead(tmp_path, name=name)

    assert folders.leftovers(tmp_path) == []
    assert (staging / "lock").exists()


@pytest.mark.parametrize("kind", ["more", "unlocked", "file", "link", "inner", "lock"])
def test_what_is_named_alike_stays(tmp_path: Path, kind: str) -> None:
    """A user's file, link, or folder with anything of its own is left alone."""
    mine = tmp_path / "mine"
    if kind == "file":
        (tmp_path / NAME).write_text("mine")
    elif kind == "link":
        (tmp_path / NAME).symlink_to(dead(mine, name="x"))
    else:
        staging = dead(tmp_path)
        if kind == "more":
            (staging / "thesis.txt").write_text("mine")
        elif kind == "unlocked":
            (staging / "lock").unlink()
        elif kind == "inner":
            (mine / "place").mkdir(parents=True)
            (staging / "new" / "place").rmdir()
            (staging / "new").rmdir()
            (staging / "new").symlink_to(mine)
        else:
            (staging / "lock").unlink()
            (staging / "lock").symlink_to(mine)
            mine.touch()
    before = sorted(tmp_path.rglob("*"))

    assert folders.leftovers(tmp_path) == []
    assert sorted(tmp_path.rglob("*")) == before
    assert folders.left(tmp_path) == ([str(tmp_path / NAME)] if kind == "inner" else [])


def half_way(folder: Path) -> Path:
    """Make what a writer leaves that was killed between its two renames."""
    staging = dead(folder)
    (staging / "old" / "place").mkdir(parents=True)
    (staging / "old" / "place" / "ours").write_text("old")
    return staging


def test_taken_away_is_put_back(tmp_path: Path) -> None:
    """What was taken away and not replaced is where it was."""
    staging = half_way(tmp_path)

    assert folders.leftovers(tmp_path) == [str(staging)]
    assert (tmp_path / "place" / "ours").read_text() == "old"


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_put_back_goes_over_nothing(tmp_path: Path, kind: str) -> None:
    """Where something else has come to the place, both stay as they are."""
    staging, place = half_way(tmp_path), tmp_path / "place"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")

    assert folders.leftovers(tmp_path) == []
    assert folders.left(tmp_path) == [str(staging)]
    assert (staging / "old" / "place" / "ours").read_text() == "old"
    assert list(place.iterdir() if kind == "folder" else []) == []


def test_replaced_is_not_put_back(tmp_path: Path) -> None:
    """What was replaced, and removed by its user since, does not come back."""
    staging = half_way(tmp_path)
    (staging / "new" / "place").rmdir()

    assert folders.leftovers(tmp_path) == [str(staging)]
    assert not (tmp_path / "place").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder: needs root")
def test_other_users_rest_stays(tmp_path: Path) -> None:
    """Root in a folder that many write to leaves what another user named so."""
    staging = dead(tmp_path)
    os.chown(staging, 12345, 12345)

    assert folders.leftovers(tmp_path) == []
    os.chown(tmp_path, 12345, 12345)
    assert folders.leftovers(tmp_path) == [str(staging)]


def test_sweep_meets_a_beginning_writer(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep may take a writer's folder before it is locked: it makes another."""
    flock, swept = fcntl.flock, list[int]()

    def late(fd: int, how: int) -> None:
        if not swept:
            swept.append(1)
            monkeypatch.setattr(fcntl, "flock", flock)
            assert len(folders.leftovers(place.parent)) == 1
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with folders.replaced(place) as fresh:
        (fresh / "ours").write_text("new")

    assert swept
    assert (place / "ours").read_text() == "new"
    assert hidden(place.parent) == []


def test_many_writers(tmp_path: Path) -> None:
    """Writers of one folder and sweeps, all at the same time: nothing of it is left."""
    place = tmp_path / "place"

    def write(text: int) -> None:
        for _ in range(20):
            with folders.replaced(place) as fresh:
                (fresh / "ours").write_text(f"{text}")
            folders.leftovers(tmp_path)
            with suppress(FileNotFoundError):
                folders.remove(place)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    assert list(tmp_path.iterdir()) == []


def test_without_locks(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be locked, writers write and sweeps touch nothing."""
    staging = dead(place.parent)

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with folders.replaced(place) as fresh:
        (fresh / "ours").write_text("new")

    assert (place / "ours").read_text() == "new"
    assert hidden(place.parent) == [staging.name]


def test_remove(place: Path) -> None:
    """A folder is removed with what it holds; what a link leads to stays."""
    (place / "link").symlink_to(place.parent / "elsewhere")
    (place.parent / "elsewhere").mkdir()

    folders.remove(place)

    assert [path.name for path in place.parent.iterdir()] == ["elsewhere"]
