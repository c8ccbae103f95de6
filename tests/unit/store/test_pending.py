"""Pending goldens: proposed, then accepted or rejected; nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.store.test_files import ABOUT, contents, ping, set_policy

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy
from pytest_netlab.errors import GoldenError
from pytest_netlab.store import CAPTURE, STORY, TOML, PendingStore, Proposal, Store
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from pathlib import Path

NAME = "ping-beyond"
MARK = "pending.toml"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder with one golden."""
    store = Store(tmp_path / "golden")
    store.save(NAME, ping(), ABOUT)
    return store


@pytest.fixture
def pendings(tmp_path: Path) -> PendingStore:
    """Return a folder where nothing is pending."""
    return PendingStore.beside(tmp_path / "netlab-artifacts")


def propose(pendings: PendingStore, store: Store, ttl: int, name: str = NAME) -> Path:
    """Propose another story for the golden."""
    proposal = Proposal(
        scenario=NAME,
        golden=store.folder(NAME),
        about={"description": "x", "provenance": {"engine": "29.0"}},
        test="test_x.py::test_it",
        differs="leaked, 2 differences",
    )
    return pendings.write(name, ping(ttl=ttl), proposal)


def accepted(
    pendings: PendingStore, store: Store, name: str = NAME
) -> tuple[Path, bool]:
    """Accept a proposal; return the golden's folder and whether it changed."""
    pending = pendings.load(name, store.root)
    return pending.golden, pendings.accept(pending)


def test_round_trip(pendings: PendingStore, store: Store) -> None:
    """A proposal is a golden of its own, and says what it is for and why."""
    before = contents(store.root)
    folder = propose(pendings, store, 60)

    found = pendings.load(NAME, store.root)

    assert sorted(contents(folder)) == sorted([CAPTURE, STORY, TOML, MARK])
    assert (found.folder, found.golden) == (folder, store.folder(NAME))
    assert (found.test, found.differs) == (
        "test_x.py::test_it",
        "leaked, 2 differences",
    )
    assert (found.new, found.stale) == (False, False)
    assert found.proposed.canonical == canonicalize(ping(ttl=60))
    assert found.recorded() == store.load(NAME)
    assert pendings.names() == [NAME]
    assert contents(store.root) == before


def test_accept(pendings: PendingStore, store: Store) -> None:
    """What is accepted is the golden, with the policy as its user wrote it since."""
    propose(pendings, store, 60)
    set_policy(store.folder(NAME), 'tos = "any"')

    assert accepted(pendings, store) == (store.folder(NAME), True)

    golden = store.load(NAME)
    assert golden.canonical == canonicalize(ping(ttl=60))
    assert golden.policy == Policy({"tos": "any"})
    assert golden.provenance == {"engine": "29.0"}
    assert golden.about["description"] == ABOUT["description"]
    assert sorted(contents(store.folder(NAME))) == sorted([CAPTURE, STORY, TOML])
    assert not pendings.root.exists()


def test_accept_new(pendings: PendingStore, tmp_path: Path) -> None:
    """A proposal for no golden becomes the first one."""
    store = Store(tmp_path / "new")
    propose(pendings, store, 60)
    assert pendings.load(NAME, store.root).new
    assert pendings.load(NAME, store.root).recorded() is None

    accepted(pendings, store)

    assert store.load(NAME).canonical == canonicalize(ping(ttl=60))


def test_accept_keeps_the_variant(pendings: PendingStore, store: Store) -> None:
    """A proposal for a variant goes to it, and what it requires stays."""
    variant = store.folder(NAME) / "old"
    variant.mkdir(parents=True)
    text = f'format = 1\nscenario = "{NAME}"\nrequires = "engine < 28"\n'
    (variant / TOML).write_text(text)
    proposal = Proposal(
        scenario=NAME, golden=variant, about={}, test="t", differs="no golden yet"
    )
    pendings.write(NAME, ping(), proposal)

    assert accepted(pendings, store) == (variant, True)
    assert 'requires = "engine < 28"' in (variant / TOML).read_text()


def test_reject(pendings: PendingStore, store: Store) -> None:
    """What is rejected is gone, and the golden is as it was."""
    before = contents(store.root)
    propose(pendings, store, 60)
    propose(pendings, store, 61, "other")

    pendings.reject(NAME)

    assert pendings.names() == ["other"]
    assert contents(store.root) == before


@pytest.mark.parametrize("change", ["recorded anew", "removed", "damaged"])
def test_stale(pendings: PendingStore, store: Store, change: str) -> None:
    """A proposal made from a golden that has changed since is refused and stays."""
    propose(pendings, store, 60)
    golden = store.folder(NAME)
    if change == "recorded anew":
        store.save(NAME, ping(ttl=50), ABOUT)
    elif change == "removed":
        golden.rename(golden.with_name("away"))
    else:
        (golden / CAPTURE).write_bytes(b"")
    before = contents(store.root), contents(pendings.root)

    words = "has changed since" if change != "damaged" else "damaged"
    with pytest.raises(GoldenError, match=words):
        accepted(pendings, store)
    assert pendings.load(NAME, store.root).stale
    assert (contents(store.root), contents(pendings.root)) == before


def test_accepted_already(pendings: PendingStore, store: Store) -> None:
    """Of two tests that show the same, the second has nothing left to change."""
    propose(pendings, store, 60)
    propose(pendings, store, 60, "other")

    assert accepted(pendings, store)[1]
    assert accepted(pendings, store, "other") == (store.folder(NAME), False)
    assert pendings.names() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (CAPTURE, "capture is damaged"),
        (STORY, "is not what capture"),
        (TOML, r"golden\.toml: cannot read it"),
        (MARK, r"pending\.toml: cannot read this pending golden.*reject ping-beyond"),
    ],
)
def test_damaged(pendings: PendingStore, store: Store, name: str, words: str) -> None:
    """A damaged proposal is an error that names the file; only reject removes it."""
    folder = propose(pendings, store, 60)
    (folder / name).write_bytes(b"\xff damage")
    before = contents(store.root), contents(pendings.root)

    with pytest.raises(GoldenError, match=words):
        accepted(pendings, store)
    assert (contents(store.root), contents(pendings.root)) == before

    pendings.reject(NAME)
    assert pendings.names() == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", "format 1"),
        ("base = ", "bass = ", "unknown key 'bass'; known keys are format, golden, b"),
        ("base = ", "# ", "it lacks base"),
        ('test = "test_x.py::test_it"', "test = 3", r"\$\.test: expected str, got int"),
        ("made = ", "made = 3 # ", r"\$\.made: expected datetime, got int"),
    ],
)
def test_bad_mark(
    pendings: PendingStore, store: Store, old: str, new: str, words: str
) -> None:
    """What pending.toml cannot mean is named."""
    path = propose(pendings, store, 60) / MARK
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    with pytest.raises(GoldenError, match=words):
        pendings.load(NAME, store.root)


def test_unknown_name(pendings: PendingStore, store: Store) -> None:
    """A name that is not pending is told with what is."""
    propose(pendings, store, 60)

    words = r"no pending golden 'x' .*: ping-beyond"
    with pytest.raises(GoldenError, match=words):
        pendings.load("x", store.root)
    with pytest.raises(GoldenError, match=words):
        pendings.reject("x")


def test_foreign_folder(pendings: PendingStore, store: Store) -> None:
    """A folder that is no proposal is never replaced or removed."""
    thesis = pendings.root / NAME / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years")

    with pytest.raises(GoldenError, match="no pending golden and stays as it is"):
        propose(pendings, store, 60)
    with pytest.raises(GoldenError, match="no pending golden"):
        pendings.reject(NAME)
    pendings.discard(NAME)
    assert thesis.read_text() == "years"


def test_interrupted(
    pendings: PendingStore, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An accept that is interrupted leaves golden and proposal as they were."""
    propose(pendings, store, 60)
    before = contents(store.root), contents(pendings.root)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(captures, "write", full)

    with pytest.raises(GoldenError, match="No space"):
        accepted(pendings, store)
    assert (contents(store.root), contents(pendings.root)) == before


def test_moved(pendings: PendingStore, store: Store, tmp_path: Path) -> None:
    """A project may be moved before somebody decides."""
    propose(pendings, store, 60)
    there = tmp_path.with_name("moved")
    tmp_path.rename(there)
    moved = PendingStore.beside(there / "netlab-artifacts")

    assert accepted(moved, Store(there / "golden")) == (there / "golden" / NAME, True)
    there.rename(tmp_path)
