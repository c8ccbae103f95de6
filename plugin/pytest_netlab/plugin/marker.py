"""The arguments of `@pytest.mark.netlab(...)`, and the scenario that they declare.

An invalid marker is a collection error, which names the test. It ends a run
of `-m "not netlab"` too, as an unknown marker does with --strict-markers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.errors import DeclarationError, PolicyError
from pytest_netlab.files.documents import brief, storable
from pytest_netlab.spec import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

NAME = "netlab"
HELP = (
    "netlab(id, waive=[...]): a Docker networking scenario, judged from packets; waive "
    "names global negatives that it may show (pytest-netlab)"
)
ALLOWED = (
    'write @pytest.mark.netlab, or @pytest.mark.netlab("an-id", waive=["a-name"]) with '
    "either left out"
)


def is_on(item: pytest.Item) -> bool:
    """Return whether a test is a scenario."""
    return item.get_closest_marker(NAME) is not None


def scenario(item: pytest.Item) -> Scenario:
    """Return the declaration of a test: id from its closest marker, else its file.

    Raises:
        DeclarationError: the marker, or the file's name, is invalid.

    """
    marker = item.get_closest_marker(NAME)
    name = _id(item, marker) if marker is not None else None
    if name is None:
        name = item.path.stem.removeprefix("test_").replace("_", "-")
    waive = _waived(item, marker) if marker is not None else ()
    doc = getattr(getattr(item, "function", None), "__doc__", None)
    about = doc.strip().partition("\n")[0] if isinstance(doc, str) else ""
    try:
        return Scenario(
            id=name, description=storable(about), test=item.name, waive=waive
        )
    except DeclarationError as error:
        raise DeclarationError(f"{item.nodeid}: {error}") from error


def misused(item: pytest.Item) -> str:
    """Return what is wrong with the markers of a test, its class or module; or ""."""
    try:
        for marker in item.iter_markers(NAME):
            _id(item, marker)
            _waived(item, marker)
        if is_on(item):
            scenario(item)
    except DeclarationError as error:
        return str(error)
    if twice := next(_repeated(item), None):
        text = f"{twice} has the marker {NAME} more than once; {ALLOWED}"
        return f"{item.nodeid}: {text}"
    return ""


def _id(item: pytest.Item, marker: pytest.Mark) -> str | None:
    """Return the id that a marker gives; None where it gives none."""
    if unknown := sorted(marker.kwargs.keys() - {"waive"}):
        raise _wrong(item, f"takes no {brief(unknown[0])}")
    if len(marker.args) > 1:
        raise _wrong(item, f"takes one id, not {len(marker.args)}")
    if not marker.args:
        return None
    if not isinstance(marker.args[0], str):
        raise _wrong(item, f"takes an id as text, not {brief(marker.args[0])}")
    return marker.args[0]


def _waived(item: pytest.Item, marker: pytest.Mark) -> tuple[str, ...]:
    """Return the names of the forbidden behaviour that a marker waives."""
    if "waive" not in marker.kwargs:
        return ()
    from pytest_netlab.diff.policy import waivers  # noqa: PLC0415 - imports numpy

    try:
        return tuple(waivers(marker.kwargs["waive"]))
    except PolicyError as error:
        raise DeclarationError(f"{item.nodeid}: {error}; {ALLOWED}") from error


def _wrong(item: pytest.Item, what: str) -> DeclarationError:
    return DeclarationError(f"{item.nodeid}: the marker {NAME} {what}; {ALLOWED}")


def _repeated(item: pytest.Item) -> Iterator[str]:
    """Yield the name of a test, class or module that has the marker twice: ambiguous.

    A test, its class, a base class and its module may have one each.
    """
    carriers = [(node.name, getattr(node, "obj", None)) for node in item.listchain()]
    owned = [(name, getattr(obj, "__dict__", {})) for name, obj in carriers]
    lists = [(name, own.get("pytestmark", ())) for name, own in owned]
    lists.append((item.name, getattr(getattr(item, "callspec", None), "marks", ())))
    for name, marks in lists:
        many = marks if isinstance(marks, list | tuple) else [marks]
        if sum(getattr(mark, "name", "") == NAME for mark in many) > 1:
            yield name
