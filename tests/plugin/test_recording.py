"""What the next run must reject is not recorded, nor accepted, unless it is waived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

LEAK, EMPTY = "container-address-on-uplink", "empty-capture"
LEAKS = "lab.wire.nat.masquerade = False"
PING = 'netlab.c1.run("ping", "-c", "1", netlab.host01.address)'
# name -> the body of the capture, the fault of the lab, what forbids a golden of it
REJECTED = {
    "a leak": (PING, LEAKS, LEAK),
    "a leak though no answer came": (
        'netlab.c1.run("ping", "-c", "1", "172.16.211.99", check=False)',
        LEAKS,
        LEAK,
    ),
    "nothing happened": ("pass", "pass", EMPTY),
    "before the block": ("assert done", "pass", EMPTY),
}


@pytest.fixture
def scenario(pytester: pytest.Pytester) -> Callable[..., None]:
    """Return a function that writes a scenario with this block and these waivers."""

    def write(block: str, *waive: str, before: str = "done = True") -> None:
        pytester.makepyfile(
            test_it=f"""
            import pytest

            @pytest.mark.netlab("it", waive={list(waive)})
            def test_it(netlab):
                {before}
                with netlab.capture() as trace:
                    {block}
                netlab.check(trace)
            """
        )

    return write


@pytest.mark.parametrize("option", ["--netlab-update", "--netlab-update-new-only"])
@pytest.mark.parametrize(
    ("block", "broken", "name"), REJECTED.values(), ids=REJECTED.keys()
)
def test_refused(  # noqa: PLR0913, PLR0917 - a table
    block: str,
    broken: str,
    name: str,
    option: str,
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """The recording run fails, names the waiver, and leaves no golden behind."""
    fault(broken)
    scenario(block, before=f"done = {PING}")

    result = run(option)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [f"it FAILED: {name}", "next step  nothing was recorded:*"]
    )
    result.stdout.fnmatch_lines([f'*waive=?"{name}"?)*'])
    assert not (pytester.path / "golden").exists()
    assert not list(pytester.path.glob("netlab-artifacts/pending/*"))


@pytest.mark.parametrize(
    ("block", "broken", "name"), REJECTED.values(), ids=REJECTED.keys()
)
def test_waived_by_name(
    block: str,
    broken: str,
    name: str,
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
) -> None:
    """A scenario that means it is recorded, and the next run passes."""
    fault(broken)
    scenario(block, name, before=f"done = {PING}")

    run("--netlab-update").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_golden_keeps_its_own_waiver(
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """What golden.toml waives may be recorded anew, as the next run accepts it."""
    scenario(PING)
    run("--netlab-update").assert_outcomes(passed=1)
    toml = pytester.path / "golden" / "it" / "golden.toml"
    waived = f'\n[policy]\nwaive = ["{LEAK}"]\n'
    toml.write_text(toml.read_text().replace("\n[policy]\n", waived))
    fault(LEAKS)

    run("--netlab-update").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_refusal_keeps_the_old_golden(
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """A golden that was right is not replaced by one that cannot be."""
    scenario(PING)
    run("--netlab-update").assert_outcomes(passed=1)
    golden = pytester.path / "golden" / "it" / "story.txt"
    before = golden.read_text()
    fault(LEAKS)

    run("--netlab-update").assert_outcomes(failed=1)

    assert golden.read_text() == before


def accepted(pytester: pytest.Pytester) -> str:
    """Return what `pytest-netlab` says to accepting the proposal."""
    done = CliRunner().invoke(main, ["accept", "it"])
    assert done.exit_code == 2, done.output
    assert (pytester.path / "netlab-artifacts" / "pending" / "it").is_dir()
    return done.output


@pytest.mark.parametrize("has_golden", [True, False])
def test_a_leak_is_not_accepted(
    has_golden: bool,  # noqa: FBT001 - a table
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """It can be read, but no golden can have it, and the waiver is named."""
    scenario(PING)
    if has_golden:
        run("--netlab-update").assert_outcomes(passed=1)
    fault(LEAKS)
    run()

    told = accepted(pytester)

    assert "it is not accepted: every run would reject it" in told
    assert f'waive=["{LEAK}"]' in told
    assert (pytester.path / "golden").exists() is has_golden


def test_a_failed_command_is_neither_recorded_nor_accepted(
    scenario: Callable[..., None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """The next run's command fails again, whatever golden it has."""
    scenario(PING)
    run("--netlab-update").assert_outcomes(passed=1)
    fault("lab.wire.forwarding = False")

    run("--netlab-update").assert_outcomes(failed=1)
    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["it FAILED: not forwarded"])
    assert "a command failed in the capture" in accepted(pytester)


COUNTS = """
import pytest

@pytest.mark.netlab("it")
@pytest.mark.parametrize("count", COUNTED)
def test_it(netlab, count):
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c", str(count), netlab.host01.address)
    netlab.check(trace)
"""
ONE_OF_TWO = """
import pytest

@pytest.mark.netlab("it")
def test_it(netlab):
    for count in (1, 2):
        with netlab.capture() as trace:
            netlab.c1.run("ping", "-c", str(count), netlab.host01.address)
        netlab.check(trace)
"""
APART = """
import pytest

def ping(netlab, count):
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c", str(count), netlab.host01.address)
    netlab.check(trace)

@pytest.mark.netlab("it")
def test_one(netlab):
    ping(netlab, 1)

@pytest.mark.netlab("it")
def test_two(netlab):
    ping(netlab, 2)
"""
SHARED = {
    "parameters": (COUNTS.replace("COUNTED", "[1, 2]"), "*test_it?1? and *test_it?2? "),
    "functions": (APART, "*::test_one and *::test_two "),
    "captures of one test": (ONE_OF_TWO, "two captures of *::test_it "),
}


@pytest.mark.parametrize("option", ["--netlab-update", "--netlab-update-new-only"])
@pytest.mark.parametrize(("source", "names"), SHARED.values(), ids=SHARED.keys())
def test_one_golden_of_two(
    source: str, names: str, option: str, run: Run, pytester: pytest.Pytester
) -> None:
    """The second does not overwrite what the first recorded: an error names both."""
    pytester.makepyfile(test_it=source)

    result = run(option)

    result.stdout.fnmatch_lines(
        [f"{names}have one golden, it, and their packets differ*"]
    )
    assert result.parseoutcomes()["errors"] == 1
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    story = (pytester.path / "golden" / "it" / "story.txt").read_text()
    assert story.count("echo request") == 2
    assert not list(pytester.path.glob("netlab-artifacts/pending/*"))


def test_one_golden_of_two_that_are_alike(run: Run, pytester: pytest.Pytester) -> None:
    """Parameters that do not matter share a golden, and may record it again."""
    pytester.makepyfile(
        test_it=COUNTS.replace("COUNTED", "[1, 1.0, True]").replace("str(count)", "'1'")
    )

    run("--netlab-update").assert_outcomes(passed=3)
    run("--netlab-update").assert_outcomes(passed=3)
    run().assert_outcomes(passed=3)


def test_one_golden_of_two_workers(run: Run, pytester: pytest.Pytester) -> None:
    """Workers do not know what others record: that is refused."""
    pytester.makepyfile(test_it=COUNTS.replace("COUNTED", "[1, 2]"))

    result = run("--netlab-update", "-n2")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*test_it?1? and *test_it?2? have one golden, it: *-n0*"]
    )
    assert not (pytester.path / "golden").exists()
