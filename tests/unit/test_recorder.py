"""When a golden is recorded, what is proposed, and what a reviewer decides on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.unit.queries import KEPT, MOVED, RANDOM, RULE, captured

from pytest_netlab.errors import GoldenError
from pytest_netlab.judge import judge
from pytest_netlab.recorder import Recorder, review
from pytest_netlab.spec import Scenario
from pytest_netlab.store import MissingGoldenError, PendingStore, Store
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.recorder import Review, Update

SCENARIO = Scenario(id="dns", description="A container asks for a name.")
HERE = {"engine": "27", "ruleset": RULE}
NEW = (
    'format = 1\nscenario = "dns"\nrequires = "engine >= 28"\n'
    'description = "It is another."\n'
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder without goldens."""
    return Store(tmp_path / "golden")


@pytest.fixture
def pending(tmp_path: Path) -> PendingStore:
    """Return a place for proposals."""
    return PendingStore(tmp_path / "pending")


def recorder(
    store: Store, update: Update = "none", facts: Mapping[str, str] = HERE
) -> Recorder:
    """Return what knows the golden of the scenario on a host."""
    return Recorder(store=store, scenario=SCENARIO, facts=lambda: facts, update=update)


def variants(store: Store) -> None:
    """Declare two variants of the golden: up to engine 27, and since 28."""
    for name, text in (("old", NEW.replace(">=", "<")), ("new", NEW)):
        folder = store.folder("dns") / name
        folder.mkdir(parents=True)
        (folder / "golden.toml").write_text(text)


@pytest.mark.parametrize(
    ("update", "before", "after"),
    [("none", False, False), ("new", True, False), ("all", True, True)],
)
def test_when(
    store: Store,
    update: Update,
    before: bool,  # noqa: FBT001 - a table
    after: bool,  # noqa: FBT001
) -> None:
    """A golden is recorded where that is asked for, or where there is none yet."""
    found = recorder(store, update)

    assert found.records is before
    found.record(captured(KEPT), HERE)
    assert recorder(store, update).records is after  # in the next session


def test_record(store: Store) -> None:
    """A golden has the capture's trace, the scenario's words, and where it was seen."""
    found = recorder(store)
    with pytest.raises(MissingGoldenError):
        found.golden()

    assert found.record(captured(KEPT), HERE) == store.folder("dns")

    golden = found.golden()
    assert golden.canonical == canonicalize(captured(KEPT))
    assert golden.about == {"description": SCENARIO.description}
    assert golden.provenance == HERE


def test_record_the_same(store: Store) -> None:
    """What tells the same changes nothing."""
    found = recorder(store)
    found.record(captured(KEPT), HERE)

    assert found.record(captured(KEPT), {"engine": "28"}) is None
    assert found.golden().provenance == HERE


def test_facts_are_not_asked_in_vain(store: Store) -> None:
    """A golden that is for any host is found without asking what this one is."""

    def facts() -> dict[str, str]:
        raise AssertionError

    found = Recorder(store=store, scenario=SCENARIO, facts=facts, update="new")
    found.record(captured(KEPT), HERE)

    assert not found.records
    assert found.golden().scenario == "dns"


def test_variant_of_the_host(store: Store) -> None:
    """Of several the host's own is read, recorded and proposed, and no other."""
    variants(store)
    old, new = recorder(store), recorder(store, facts={"engine": "28"})

    assert old.record(captured(KEPT), HERE) == store.folder("dns") / "old"
    assert new.record(captured(MOVED), {"engine": "28"}) == store.folder("dns") / "new"

    assert old.golden().folder.name == "old"
    assert list(old.others(old.golden())) == []


def test_damaged_variant(store: Store) -> None:
    """A variant that nobody asked for ends the list, and not the verdict."""
    variants(store)
    found = recorder(store)
    found.record(captured(KEPT), HERE)
    toml = store.folder("dns") / "new" / "golden.toml"
    toml.write_text(NEW.replace("engine", "api"))  # it might be for this host
    (toml.parent / "story.txt").write_text("damaged")

    with pytest.raises(GoldenError):
        list(store.others(found.golden(), HERE))
    assert list(found.others(found.golden())) == []


def proposed(store: Store, pending: PendingStore, seen: Capture, **now: str) -> Review:
    """Propose a capture, and return what a reviewer sees of it."""
    found = recorder(store)
    provenance = {**HERE, **now}
    verdict = judge(found.golden(), canonicalize(seen))
    found.propose(pending, seen, provenance, test="test_dns", verdict=verdict)
    return review(pending.load("dns", store.root))


def test_propose_new(store: Store, pending: PendingStore) -> None:
    """Where there is no golden, what was seen is proposed as the first."""
    folder = recorder(store).propose(
        pending, captured(KEPT), HERE, test="test_dns", verdict=None
    )

    assert folder == pending.root / "dns"
    found = review(pending.load("dns", store.root))
    assert (found.recorded, found.differences) == (None, ())
    assert found.pending.golden == store.folder("dns")
    assert (found.pending.test, found.pending.differs) == ("test_dns", "no golden yet")
    assert found.pending.proposed.about == {"description": SCENARIO.description}


def test_propose_other(store: Store, pending: PendingStore) -> None:
    """What differs is proposed with the reason, and reviewed with its cause."""
    recorder(store).record(captured(KEPT), HERE)

    found = proposed(store, pending, captured(MOVED), engine="28")

    assert found.pending.differs == "remapped although free, 1 differences"
    assert found.recorded is not None
    assert found.recorded.canonical == canonicalize(captured(KEPT))
    assert [d.field for d in found.differences] == ["port"]
    assert found.host.settings == {"engine": ("27", "28")}


def test_review_knows_the_host(store: Store, pending: PendingStore) -> None:
    """What the proposal's host excuses is no difference for a reviewer."""
    recorder(store).record(captured(KEPT), HERE)

    assert not proposed(store, pending, captured(MOVED), ruleset=RANDOM).differences


def test_review_forbids_nothing(store: Store, pending: PendingStore) -> None:
    """What no scenario may show was the verdict's matter: a scenario may waive it."""
    recorder(store).record(captured(None), HERE)

    assert not proposed(store, pending, captured(None)).differences


def test_review_by_a_damaged_golden(store: Store, pending: PendingStore) -> None:
    """A golden that cannot be read is no golden to compare with."""
    recorder(store).record(captured(KEPT), HERE)
    proposed(store, pending, captured(MOVED))
    (store.folder("dns") / "story.txt").write_text("damaged")

    with pytest.raises(GoldenError, match="is not what capture"):
        review(pending.load("dns", store.root))
