"""What root writes for a user is the user's; nobody leaves what all may write to."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.evidence.test_bundle import recorded
from tests.unit.store.test_files import ABOUT, ping

from pytest_netlab import capture
from pytest_netlab.evidence import bundle
from pytest_netlab.files import owners
from pytest_netlab.store import PendingStore, Proposal, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USER, OTHER = 12345, 12346
NAME = "ping-beyond"

root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away: needs root")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of the user that called sudo."""
    monkeypatch.setenv("SUDO_UID", str(USER))
    monkeypatch.setenv("SUDO_GID", str(USER))
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    return home


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Return a function that sets the umask until the test is over."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def owned(path: Path) -> tuple[int, int]:
    """Return whose a path is."""
    found = path.lstat()
    return found.st_uid, found.st_gid


def mode(path: Path) -> int:
    """Return who may do what with it."""
    return stat.S_IMODE(path.lstat().st_mode)


def golden(home: Path) -> None:
    """Record a golden, then another in its place."""
    for ttl in (64, 65):
        Store(home / "golden").save(NAME, ping(ttl=ttl), ABOUT)


def pending(home: Path) -> None:
    """Propose a golden."""
    place = home / "golden" / NAME
    proposal = Proposal(scenario=NAME, golden=place, about=ABOUT, test="t", differs="d")
    store = PendingStore.beside(home / "netlab-artifacts")
    store.write(NAME, ping(), proposal)


def accepted(home: Path) -> None:
    """Accept a proposal."""
    pending(home)
    store = PendingStore.beside(home / "netlab-artifacts")
    store.accept(store.load(NAME, home / "golden"))


def evidence(home: Path) -> None:
    """Keep evidence, then other evidence in its place."""
    place = home / "netlab-artifacts" / NAME
    for _ in range(2):
        state = {"routes.txt": "default\n"}
        bundle.write(place, capture=ping(), record=recorded(None), state=state)


def packets(home: Path) -> None:
    """Write a capture, as --write-diff does."""
    capture.write(home / "why.pcapng", ping())


WRITERS = (golden, pending, accepted, evidence, packets)


@root
@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_all_that_is_written(
    home: Path,
    umask: Callable[[int], int],
    write: Callable[[Path], None],
    mask: int,
) -> None:
    """All is the user's, who may change it; nobody else may, whatever the umask."""
    umask(mask)

    write(home)

    found = list(home.rglob("*"))
    assert any(path.is_file() for path in found)
    for path in found:
        most = 0o755 if path.is_dir() else 0o644
        assert (path, owned(path)) == (path, (USER, USER))
        assert (path, mode(path)) == (path, most & ~mask)


@root
@pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
def test_without_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    """Without sudo, files are whose process it is, even in another's folder."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    os.chown(tmp_path, USER, USER)

    write(tmp_path)

    assert {owned(path) for path in tmp_path.rglob("*")} == {(0, 0)}


@root
@pytest.mark.parametrize("owner", [0, OTHER])
def test_folder_of_another(home: Path, owner: int) -> None:
    """In a folder that is not sudo's user's, nothing is given away."""
    os.chown(home, owner, owner)

    evidence(home)

    assert {owned(path) for path in home.rglob("*")} == {(0, 0)}


@root
@pytest.mark.parametrize(
    "value", ["", "x", "-1", "0", "4294967295", "9" * 30, "1e3", " 12345", "\u0661"]
)
def test_environment_that_says_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """A SUDO_UID that is no user's number gives nothing away, and is no error."""
    monkeypatch.setenv("SUDO_UID", value)

    evidence(home)

    assert {owned(path) for path in home.rglob("*")} == {(0, 0)}


@root
def test_user_keeps_what_is_there(home: Path, umask: Callable[[int], int]) -> None:
    """A file that is written anew keeps its owner and mode."""
    umask(0)
    target = home / "why.pcapng"
    target.write_bytes(b"longer than nothing" * 1000)
    target.chmod(0o660)
    os.chown(target, OTHER, OTHER)

    packets(home)

    assert (owned(target), mode(target)) == ((OTHER, OTHER), 0o660)
    assert len(capture.read(target)) == len(ping())


@root
def test_notes_keep_their_owner(home: Path) -> None:
    """What is its user's beside a golden is whose it was."""
    golden(home)
    note = home / "golden" / NAME / "notes.md"
    note.write_text("mine")
    os.chown(note, OTHER, OTHER)
    inner = home / "golden" / NAME / "_inner"
    inner.mkdir(0o700)
    os.chown(inner, OTHER, OTHER)

    golden(home)

    assert owned(note) == owned(inner) == (OTHER, OTHER)
    assert mode(inner) == 0o700


@root
def test_link_is_not_given_away(home: Path, tmp_path: Path) -> None:
    """Who is given a link is not given what it leads to."""
    target = tmp_path / "passwd"
    target.write_text("root")
    (home / "link").symlink_to(target)

    owners.adopt(home / "link")

    assert owned(home / "link") == (USER, USER)
    assert owned(target) == (0, 0)


@pytest.mark.parametrize("there", [True, False])
def test_link_is_not_written_through(tmp_path: Path, *, there: bool) -> None:
    """A file that is a link is refused; what it leads to stays as it is."""
    target, link = tmp_path / "passwd", tmp_path / "why.pcapng"
    if there:
        target.write_text("root")
    link.symlink_to(target)

    with pytest.raises(FileExistsError, match="is a link, and none is followed"):
        capture.write(link, ping())
    assert link.is_symlink()
    assert target.exists() == there
    assert not there or target.read_text() == "root"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_a_file(tmp_path: Path, name: str) -> None:
    """The names of what is open lead where it does, though they are links."""
    out = tmp_path / "out"
    source = (
        "from pathlib import Path; from pytest_netlab.files import owners;"
        f"owners.write(Path({name!r}), 'text')"
    )
    with out.open("wb") as file:
        subprocess.run([sys.executable, "-c", source], stdout=file, check=True)

    assert out.read_text() == "text"


@root
def test_who_is_not_root(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root, SUDO_UID changes nothing: the files are whose process it is."""
    monkeypatch.setenv("SUDO_GID", str(OTHER))
    monkeypatch.chdir(home)
    os.seteuid(USER)
    try:
        owners.make(Path("a/b"))
        owners.write(Path("a/b/c"), "text")
    finally:
        os.seteuid(0)

    assert {path.lstat().st_uid for path in home.rglob("*")} == {USER}
    assert {path.lstat().st_gid for path in home.rglob("*")} == {os.getegid()}


def test_text_that_no_encoding_has(tmp_path: Path) -> None:
    """Evidence is UTF-8 whatever the locale; what UTF-8 lacks is escaped."""
    owners.write(tmp_path / "x", "a — \udcff\n")

    assert (tmp_path / "x").read_bytes() == "a — \\udcff\n".encode()


def test_make_refuses_what_is_no_folder(tmp_path: Path) -> None:
    """A file or a dangling link on the way is an error, and stays."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")

    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            owners.make(tmp_path / name)
    with pytest.raises(NotADirectoryError):
        owners.make(tmp_path / "file" / "inner")
    assert not (tmp_path / "nowhere").exists()
