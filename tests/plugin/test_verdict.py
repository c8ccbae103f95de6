"""What a scenario's failure, error and pass look like to the one who runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

UNTRANSLATED = "lab.wire.nat.masquerade = False"


def test_pass_is_quiet(recorded: pytest.Pytester, run: Run) -> None:
    """A scenario that matches its golden passes and leaves no evidence."""
    result = run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenarios judged from packets: 1 pass"])
    assert not (recorded.path / "netlab-artifacts").exists()


def test_failure_leads_with_flow_direction_and_cause(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """The text starts with scenario and cause, then flow, then expected and actual."""
    fault(UNTRANSLATED)

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "ping FAILED: leaked",
            "flow       icmp echo c1 -> host01, original and reply direction",
            "cause      leaked: c1 left on the uplink with its own address*",
            "  source (original, packet * at uplink)",
            "    expected  host",
            "    actual    c1",
            "evidence   *netlab-artifacts/ping",
            "           capture.pcapng, difference.txt*",
            "next step  if the lab's host is wrong, mend what set it up*",
            "             *pytest *test_ping.py::test_ping",
            "           if it is right as it is, look at *, and accept or reject *",
            "             *pytest-netlab review ping",
        ]
    )
    bundle = recorded.path / "netlab-artifacts" / "ping"
    assert (bundle / "verdict.json").is_file()


@pytest.mark.usefixtures("recorded")
def test_command_that_fails_is_judged_by_its_packets(run: Run, fault: Fault) -> None:
    """A ping without answer is reported as what the packets show, not as exit code."""
    fault("lab.wire.forwarding = False")

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ping FAILED: not forwarded"])


def test_assertion_before_the_check_still_names_the_cause(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """A test that fails on its own assertion is judged too, and both are shown."""
    recorded.makepyfile(
        test_ping='''
import pytest

@pytest.mark.netlab("ping")
def test_ping(netlab):
    """A container pings beyond its host."""
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    assert trace.rewrites("icmp") == [("snat", "c1", "host")]
'''
    )
    fault(UNTRANSLATED)

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ping FAILED: leaked", "*assert trace.rewrites*"])


@pytest.mark.usefixtures("recorded")
def test_blind_capture_is_an_error(run: Run, fault: Fault) -> None:
    """A capture that cannot prove it saw is an error, neither pass nor failure."""
    fault("lab.blind = {'uplink'}")

    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*uplink: the canary was not seen*"])
    assert result.ret == 1


@pytest.mark.usefixtures("scenario")
def test_missing_golden_says_how_to_record(run: Run) -> None:
    """Without a golden the run is an error that names the next step."""
    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no golden for scenario 'ping'*--netlab-update*"])


@pytest.mark.usefixtures("recorded")
def test_lab_that_breaks_is_an_error(run: Run, fault: Fault) -> None:
    """An exception of a hook that changes the lab is the run's error."""
    fault("raise RuntimeError('site rules')")

    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*RuntimeError: site rules*"])


def test_missing_tool_is_no_failure(recorded: pytest.Pytester, run: Run) -> None:
    """A body whose program this machine lacks is skipped; strictly, it is an error.

    Its half of a trace differs from the golden, and is neither judged nor proposed.
    """
    source = (recorded.path / "test_ping.py").read_text()
    recorded.makepyfile(test_ping=source.replace('run("ping"', 'run("wget"'))

    run().assert_outcomes(skipped=1)
    strict = run("--netlab-strict")

    strict.assert_outcomes(errors=1)
    strict.stdout.fnmatch_lines(["*plays ping and curl, not wget*"])
    assert not list((recorded.path / "netlab-artifacts").glob("pending/*"))
