"""A test that captured is judged: by a check, or by what it reads of its trace."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

PING = 'netlab.c1.run("ping", "-c", "1", netlab.host01.address)'
WITH = f'with netlab.capture("docker0", "uplink") as trace:\n    {PING}\n'
HEAD = """
from contextlib import contextmanager, suppress
import pytest

"""
MARK = '@pytest.mark.netlab("ping", waive=["container-address-on-uplink"])\n'

NOT_JUDGED = {
    "never checked": WITH,
    "one of two": f"{WITH}first = trace\n{WITH}netlab.check(first)",
    "the same twice": f"{WITH}one = trace\n{WITH}netlab.check(one)\nnetlab.check(one)",
    "last of a loop": f"for _ in range(3):\n{indent(WITH, '    ')}netlab.check(trace)",
    "inner function": f"{WITH}def later():\n    netlab.check(trace)",
    "never true": f"{WITH}if not trace:\n    netlab.check(trace)",
    "a generator": f"{WITH}(netlab.check(one) for one in [trace])",
    "compared by identity": f"{WITH}assert trace is not None",
    "never entered": f'netlab.capture("docker0")\n{PING}',
    "error caught": f"{WITH}with suppress(Exception):\n    netlab.check(trace, 1)",
}
JUDGED = {
    "check": f"{WITH}netlab.check(trace)",
    "table": f"{WITH}assert trace.table[0][1] == 'c1'",
    "rewrites": f"{WITH}assert trace.rewrites('icmp') == [('snat', 'c1', 'host')]",
    "capture": f"{WITH}assert len(trace.capture) > 4",
    "translations": f"{WITH}assert trace.translations.flows",
    "canonical": f"{WITH}assert trace.canonical.flows",
    "two": f"{WITH}netlab.check(trace)\n{WITH}assert trace.table",
    "a helper": f"def judged(one):\n    netlab.check(one)\n{WITH}judged(trace)",
    "no capture": PING,
}


@pytest.fixture
def body(recorded: pytest.Pytester) -> Callable[[str], None]:
    """Return a function that gives the recorded scenario another body."""

    def write(text: str) -> None:
        test = f"{MARK}def test_ping(netlab):\n{indent(text, '    ')}\n"
        recorded.makepyfile(test_ping=HEAD + test)

    return write


@pytest.mark.parametrize("text", NOT_JUDGED.values(), ids=NOT_JUDGED.keys())
def test_what_was_not_judged_is_an_error(
    text: str, body: Callable[[str], None], run: Run
) -> None:
    """It says which capture, what to do, and what is kept of it."""
    body(text)

    result = run()

    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ping: capture * of * was not *", "evidence *"])
    result.stdout.no_fnmatch_line("*judged from packets*")


@pytest.mark.parametrize("text", JUDGED.values(), ids=JUDGED.keys())
def test_what_was_judged_passes(
    text: str, body: Callable[[str], None], run: Run
) -> None:
    """A check counts, and so does whatever an assertion reads of a trace."""
    body(text)

    run("--netlab-keep=always").assert_outcomes(passed=1)


def test_check_that_failed_and_was_caught(
    body: Callable[[str], None], fault: Callable[[str], None], run: Run
) -> None:
    """A difference that a test catches is not green; it may read the trace instead."""
    fault("lab.wire.nat.masquerade = False")
    caught = f"{WITH}with pytest.raises(AssertionError):\n    netlab.check(trace)\n"
    body(caught)
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["ping: capture 1 of 1 failed its check, and the test *"]
    )

    body(f"{caught}assert trace.rewrites('icmp') == []")
    run().assert_outcomes(passed=1)


def test_no_proposal_of_what_nobody_judged(
    body: Callable[[str], None],
    fault: Callable[[str], None],
    run: Run,
    pytester: pytest.Pytester,
) -> None:
    """What was captured and not judged may be of anything: it is no golden."""
    fault("lab.wire.nat.masquerade = False")
    body(WITH)

    run().assert_outcomes(errors=1)

    assert not list(pytester.path.glob("netlab-artifacts/pending/*"))


def test_own_failure_and_skip_come_first(body: Callable[[str], None], run: Run) -> None:
    """A test that failed or was skipped is that, and nothing else."""
    body(f"{WITH}raise ValueError('mine')")
    run().assert_outcomes(failed=1)

    body(f"{WITH}pytest.skip('not here')")
    run().assert_outcomes(skipped=1)


FIXTURE = f"""
@pytest.fixture
def wire(netlab):
    seen = []

    @contextmanager
    def capturing():
        with netlab.capture() as trace:
            yield
        seen.append(trace)

    yield capturing
    for trace in seen:
        CHECK

{MARK}def test_ping(netlab, wire):
    with wire():
        {PING}
"""


def test_a_fixture_may_check_at_its_end(recorded: pytest.Pytester, run: Run) -> None:
    """Its teardown comes after the test: only then is it known what was judged."""
    recorded.makepyfile(
        test_ping=HEAD + FIXTURE.replace("CHECK", "netlab.check(trace)")
    )
    result = run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenarios judged from packets: 1 pass"])

    recorded.makepyfile(test_ping=HEAD + FIXTURE.replace("CHECK", "pass"))
    result = run("--netlab-keep=always")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["ping: capture 1 of 1 was not judged: *"])
