"""Variants: of one scenario's goldens, the one that is for the host is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.store.test_files import contents, ping

from pytest_netlab.diff import Policy
from pytest_netlab.errors import GoldenError
from pytest_netlab.store import CAPTURE, STORY, TOML, MissingGoldenError, Store
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from pathlib import Path

NAME = "direct"
OLD, NEW = {"engine": "27.5.1"}, {"engine": "28.5.2"}


def declare(root: Path, name: str, requires: str) -> Path:
    """Declare a variant: a golden.toml by hand, with nothing recorded yet."""
    folder = root / NAME / name
    folder.mkdir(parents=True)
    (folder / TOML).write_text(
        f'format = 1\nscenario = "{NAME}"\nrequires = "{requires}"\n'
        f'description = "ports are {name}"\nreference = "https://example.org/{name}"\n'
        '[policy]\ntos = "any"\n'
    )
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with two variants that were declared."""
    declare(tmp_path, "open", "engine < 28")
    declare(tmp_path, "closed", "engine >= 28")
    return Store(tmp_path)


def record(store: Store, facts: dict[str, str], ttl: int) -> Path:
    """Record on a host."""
    about = {"description": "docstring", "provenance": facts}
    return store.save(NAME, ping(ttl=ttl), about)[0]


def test_declared_is_not_recorded(store: Store) -> None:
    """A variant that was only declared is missing, and says how to record it."""
    words = "open declares a golden of scenario 'direct' .*--netlab-update"
    with pytest.raises(MissingGoldenError, match=words):
        store.load(NAME, OLD)
    assert not store.has(NAME, OLD)
    assert store.scenarios() == [NAME]


def test_each_host_records_its_own(store: Store) -> None:
    """A record goes to the host's variant and keeps all that its user wrote."""
    assert record(store, OLD, 64) == store.folder(NAME) / "open"
    assert record(store, NEW, 60) == store.folder(NAME) / "closed"

    old, new = store.load(NAME, OLD), store.load(NAME, NEW)
    assert old.canonical == canonicalize(ping(ttl=64))
    assert new.canonical == canonicalize(ping(ttl=60))
    assert new.about == {
        "description": "ports are closed",
        "reference": "https://example.org/closed",
        "requires": "engine >= 28",
    }
    assert new.policy == Policy({"tos": "any"})
    assert new.provenance == NEW
    assert store.has(NAME, NEW)
    assert list(store.others(old, {})) == [new]
    again = store.folder(NAME) / "open"
    assert sorted(contents(again)) == sorted([CAPTURE, STORY, TOML])


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        (OLD, []),
        ({"kernel": "6.1"}, ["closed"]),
        ({"kernel": "6.1", "engine": "19"}, []),
        ({"engine": "29"}, ["closed"]),
    ],
)
def test_variant_of_another_host(
    store: Store, facts: dict[str, str], known: list[str]
) -> None:
    """A variant that a host cannot have is none of its known changes."""
    record(store, OLD, 64)
    record(store, NEW, 60)
    old = store.load(NAME, OLD)

    assert [one.folder.name for one in store.others(old, facts)] == known


def test_none_fits(store: Store) -> None:
    """A host for which there is no variant is told with all of them."""
    words = (
        r"no golden .*'direct'.*is for this host \(engine fake\): closed requires "
        "engine >= 28; open requires engine < 28"
    )
    with pytest.raises(GoldenError, match=words):
        store.load(NAME, {"engine": "fake"})
    with pytest.raises(GoldenError, match=r"\(engine unknown\)"):
        record(store, {}, 64)


def test_several_fit(store: Store) -> None:
    """Two variants for one host are told; those that are not are left out."""
    declare(store.root, "newest", "engine >= 28.5")

    words = (
        r"more than one golden.*\(it has engine 28.5.2\): closed .*; newest requires"
    )
    with pytest.raises(GoldenError, match=words):
        store.load(NAME, NEW)
    with pytest.raises(MissingGoldenError, match="open declares"):
        store.load(NAME, OLD)


def test_without_a_host(store: Store) -> None:
    """Where no host is known, several variants cannot be told apart."""
    with pytest.raises(GoldenError, match="more than one golden"):
        store.load(NAME)


def test_requires_of_a_single_golden(tmp_path: Path) -> None:
    """A golden without variants may be for some hosts only."""
    folder = declare(tmp_path, ".", "engine >= 28")
    store = Store(tmp_path)

    assert record(store, NEW, 64).resolve() == folder.resolve()
    assert store.load(NAME, NEW).canonical == store.load(NAME).canonical
    with pytest.raises(GoldenError, match="direct requires engine >= 28"):
        store.load(NAME, OLD)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('requires = "engine >> 3"', r"open/golden\.toml: requires: cannot read"),
        ("requires = 28", r"open/golden\.toml: .* \$\.requires: expected str"),
        (
            "reference = 1",
            r"open/golden\.toml: .* \$\.reference: expected str",
        ),
        ('require = "engine < 28"', "unknown key 'require'"),
    ],
)
def test_bad_variant(store: Store, line: str, words: str) -> None:
    """A variant that cannot be meant stops every host: it might be meant for any."""
    toml = store.folder(NAME) / "open" / TOML
    toml.write_text(f'format = 1\nscenario = "{NAME}"\n{line}\n')

    with pytest.raises(GoldenError, match=words):
        store.load(NAME, NEW)


def test_folder_that_is_no_variant(store: Store) -> None:
    """A folder beside the variants that holds no golden.toml is named."""
    (store.folder(NAME) / "notes").mkdir()

    with pytest.raises(GoldenError, match=r"notes/golden\.toml: cannot read it"):
        store.load(NAME, NEW)


def test_only_variants_depend_on_the_host(tmp_path: Path) -> None:
    """A golden for any host needs no look at one; requires do; nothing needs none."""
    plain, choosy = tmp_path / "plain", tmp_path / "choosy" / "new"
    for folder, more in ((plain, ""), (choosy, 'requires = "engine >= 28"\n')):
        folder.mkdir(parents=True)
        name = folder.relative_to(tmp_path).parts[0]
        text = f'format = 1\nscenario = "{name}"\n{more}'
        (folder / "golden.toml").write_text(text)
    store = Store(tmp_path)

    found = {name: store.depends_on_host(name) for name in ("plain", "choosy", "no")}
    assert found == {"plain": False, "choosy": True, "no": False}
