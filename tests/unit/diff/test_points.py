"""Which interfaces are the two sides: by option, by custom, or for want of others."""

from __future__ import annotations

import pytest
from tests.traffic import two_points
from tests.unit.cli.conftest import GOOD

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.diff.points import ABSENT, both_points, called
from pytest_netlab.errors import NetlabError
from pytest_netlab.trace import canonicalize

NOTHING: dict[str, str | None] = {"inside": None, "outside": None}


def of(*names: str) -> Capture:
    """Return a capture with interfaces of these names."""
    return Capture.from_frames([], [Interface(name=name) for name in names])


@pytest.mark.parametrize(
    ("names", "sides"),
    [
        (("docker0", "uplink"), {"inside": "docker0", "outside": "uplink"}),
        (("uplink", "other", "docker0"), {"inside": "docker0", "outside": "uplink"}),
        (("docker0",), {"inside": "docker0"}),
        (("uplink",), {"outside": "uplink"}),
        (("",), {"inside": ""}),
        (("eth0",), {"inside": "eth0"}),
        (("eth0", "eth0"), {"inside": "eth0"}),
    ],
)
def test_custom(names: tuple[str, ...], sides: dict[str, str]) -> None:
    """docker0 and uplink are the sides; a capture's only interface is the inside."""
    points, same = both_points(of(*names), of(*names), NOTHING)

    assert points == same
    assert points.names == sides


def test_absent_side_is_no_interface() -> None:
    """A side nobody captured has a name that no interface can have."""
    points, _ = both_points(of(""), of(""), NOTHING)

    assert (points.inside, points.outside) == ("", ABSENT)


def test_options_name_either() -> None:
    """An option counts where it names something; customs count elsewhere."""
    asked = {"inside": None, "outside": "ens33"}
    old, new = both_points(of("docker0", "uplink"), of("docker0", "ens33"), asked)

    assert (old.outside, new.outside) == ("uplink", "ens33")


@pytest.mark.parametrize(
    ("golden", "observed"),
    [
        (("docker0", "uplink"), ("docker0",)),
        (("docker0",), ("uplink",)),
        (("a", "b"), ("a", "b")),
        ((), ()),
        (("docker0", "uplink"), ("",)),
    ],
)
def test_other_sides(golden: tuple[str, ...], observed: tuple[str, ...]) -> None:
    """What was not captured at the same sides is not compared."""
    with pytest.raises(NetlabError, match="capture points do not match"):
        both_points(of(*golden), of(*observed), NOTHING)


def test_nobody_has_it() -> None:
    """An option that names nothing is a mistake."""
    asked = {"inside": "br0", "outside": None}

    with pytest.raises(NetlabError, match="no interface 'br0' in either capture"):
        both_points(of("docker0"), of("docker0"), asked)


def test_called() -> None:
    """A story told with other names for its points is the same story."""
    names = {"docker0": "a", "uplink": "b"}
    told = [(names[point], packet) for point, packet in GOOD]
    there = two_points(told, points=("a", "b"))

    story = canonicalize(two_points(GOOD))

    assert called(story, names) == canonicalize(there, inside="a", outside="b")
