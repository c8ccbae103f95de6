"""What a mapping must be: one function, one-to-one, and undone for replies."""

from __future__ import annotations

import pytest
from tests.traffic import C1, C2, HOST, HOST01

from pytest_netlab.checks import check_mapping
from pytest_netlab.flows import UDP, Tuple5

MET, OTHER = Tuple5(UDP, C1, 5555, HOST01, 53), Tuple5(UDP, C2, 5555, HOST01, 53)
SENT, MOVED = MET._replace(src=HOST), MET._replace(src=HOST, sport=6000)


@pytest.mark.parametrize("reply", [False, True])
def test_nothing_broken(*, reply: bool) -> None:
    """A mapping that did not change, and is a flow's own, is right."""
    assert list(check_mapping(None, None, reply=reply)) == []


@pytest.mark.parametrize(("reply", "name"), [(False, "mapping"), (True, "undone")])
def test_changed(name: str, *, reply: bool) -> None:
    """A flow that is mapped to something else is told, what it was mapped to first."""
    found = list(check_mapping((SENT, MOVED), None, reply=reply))

    assert found == [(name, str(SENT), str(MOVED))]


@pytest.mark.parametrize(("reply", "name"), [(False, "one-to-one"), (True, "undone")])
def test_shared(name: str, *, reply: bool) -> None:
    """Two flows that are mapped to one are told, who had it first."""
    found = list(check_mapping(None, (MET, OTHER), reply=reply))

    assert found == [(name, str(MET), str(OTHER))]


def test_changed_to_what_another_has() -> None:
    """A mapping that changed to another flow's is broken twice, outside first."""
    found = check_mapping((SENT, MOVED), (OTHER, MET), reply=False)

    assert list(found) == [
        ("mapping", str(SENT), str(MOVED)),
        ("one-to-one", str(OTHER), str(MET)),
    ]
