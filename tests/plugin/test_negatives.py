"""What no scenario may show, unless it says so: in its marker, or in its golden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

LEAK = "lab.wire.nat.masquerade = False"
NAME = "container-address-on-uplink"
SCENARIO = """
import pytest

@pytest.mark.netlab("ping"{})
def test_ping(netlab):
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    netlab.check(trace)
"""


def write(pytester: pytest.Pytester, more: str = "") -> None:
    """Write the scenario with more in its marker."""
    pytester.makepyfile(test_ping=SCENARIO.format(more))


@pytest.fixture
def leaking(pytester: pytest.Pytester, run: Run, fault: Fault) -> pytest.Pytester:
    """Return a project whose golden was recorded where a container's address leaked."""
    write(pytester, f', waive=["{NAME}"]')
    fault(LEAK)
    run("--netlab-update").assert_outcomes(passed=1)
    write(pytester)
    return pytester


def test_golden_does_not_forgive(leaking: pytest.Pytester, run: Run) -> None:
    """A leak that is in the golden is red all the same, and says what to write."""
    assert (leaking.path / "golden" / "ping" / "story.txt").is_file()

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"ping FAILED: {NAME}",
            "flow       icmp echo c1 -> host01, original direction",
            f'cause      {NAME}: *: waive = [[]"{NAME}"]',
            f"  {NAME} (original, packet 4 at uplink)",
        ]
    )


def test_waived_by_marker(leaking: pytest.Pytester, run: Run) -> None:
    """A scenario may waive a negative by its name."""
    write(leaking, f", waive=[{NAME!r}]")

    run().assert_outcomes(passed=1)


def test_waived_by_golden(leaking: pytest.Pytester, run: Run) -> None:
    """So may one golden, for the hosts it is for."""
    toml = leaking.path / "golden" / "ping" / "golden.toml"
    waived = f'[policy]\nwaive = ["{NAME}"]\n'
    toml.write_text(toml.read_text().replace("[policy]\n", waived))

    run().assert_outcomes(passed=1)


def test_another_waiver(leaking: pytest.Pytester, run: Run) -> None:
    """Another negative's waiver changes nothing."""
    write(leaking, ", waive=['loopback-on-uplink']")

    run().assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        (
            ", waive=['leaks']",
            "*unknown global negative 'leaks' in waive; known are: container-*",
        ),
        (", waive='leaks'", "*waive is a list of names: container-address-on-uplink,*"),
        (", wave=[]", "*the marker netlab takes no 'wave'*"),
    ],
    ids=["name", "no list", "keyword"],
)
def test_wrong_marker(
    pytester: pytest.Pytester, run: Run, marker: str, words: str
) -> None:
    """A marker that says what nobody knows is an error that lists what there is."""
    write(pytester, marker)

    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
