"""Judge stored packets with today's goldens: no lab, the same verdicts."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

UNTRANSLATED = "lab.wire.nat.masquerade = False"
NO_LAB = "raise RuntimeError('a lab was started')"


@pytest.fixture
def kept(recorded: pytest.Pytester, run: Run, fault: Fault) -> list[str]:
    """Return the failure text of a run that left a bundle; no lab starts after it."""
    fault(UNTRANSLATED)
    result = run("--netlab-artifacts=kept")
    result.assert_outcomes(failed=1)
    fault(NO_LAB)
    assert (recorded.path / "kept" / "ping" / "host" / "nat.txt").is_file()
    return told(result)


def told(result: pytest.RunResult) -> list[str]:
    """Return the failure text of a run, up to the paths of what it kept."""
    first = result.outlines.index("ping FAILED: leaked")
    last = next(n for n, t in enumerate(result.outlines) if t.startswith("next step"))
    lines = result.outlines[first:last]
    return [line for line in lines if not line.startswith("evidence")]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_same_verdict(
    recorded: pytest.Pytester, run: Run, kept: list[str], workers: tuple[str, ...]
) -> None:
    """A bundle is judged as its run was: same text, same verdict.json."""
    same = run("--netlab-offline=kept", *workers)
    again = run("--netlab-offline=kept", "--netlab-artifacts=again", *workers)

    same.assert_outcomes(failed=1)
    assert told(same) == kept
    assert not (recorded.path / "netlab-artifacts").exists()
    again.assert_outcomes(failed=1)
    texts = [
        recorded.path / name / "ping" / "verdict.json" for name in ("kept", "again")
    ]
    was, now = (json.loads(path.read_text()) for path in texts)
    assert was == now
    assert was["cause"] == "leaked"


@pytest.mark.usefixtures("kept")
def test_todays_golden(recorded: pytest.Pytester, run: Run, fault: Fault) -> None:
    """A golden that has changed since gives another verdict."""
    fault(UNTRANSLATED)
    run("--netlab-update", "--netlab-artifacts=other").assert_outcomes(passed=1)
    fault(NO_LAB)

    run("--netlab-offline=kept").assert_outcomes(passed=1)
    assert recorded.path.joinpath("kept", "ping", "verdict.json").is_file()


def test_goldens_and_bare_captures(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """A store of goldens is judged, and so are captures of a scenario's name."""
    fault(NO_LAB)
    shutil.copytree(recorded.path / "golden", recorded.path / "others")
    run("--netlab-offline=others").assert_outcomes(passed=1)

    bare = recorded.path / "bare"
    bare.mkdir()
    (recorded.path / "golden" / "ping" / "capture.pcapng").rename(bare / "ping.pcapng")
    result = run("--netlab-offline=bare")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["golden capture is damaged: *"])


def test_nothing_stored(recorded: pytest.Pytester, run: Run) -> None:
    """What has no packets is skipped with the reason; --netlab-strict makes it red."""
    (recorded.path / "empty").mkdir()

    skipped = run("--netlab-offline=empty", "-rs")
    skipped.assert_outcomes(skipped=1)
    skipped.stdout.fnmatch_lines(["*no packets of ping in *empty: *"])
    run("--netlab-offline=empty", "--netlab-strict").assert_outcomes(errors=1)


def test_assertions_alone_are_skipped(pytester: pytest.Pytester, run: Run) -> None:
    """A scenario without a golden only asserts, which needs a host, strict or not."""
    pytester.makepyfile(
        test_alone="""
        import pytest

        @pytest.mark.netlab
        def test_it(netlab):
            assert netlab.c1.run("ping", netlab.host.address)

        @pytest.mark.netlab
        def test_without_fixture():
            raise RuntimeError
        """
    )
    (pytester.path / "empty").mkdir()

    result = run("--netlab-offline=empty", "--netlab-strict", "-rs")

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*has no golden: it asserts on a live host"])


@pytest.mark.usefixtures("recorded")
def test_own_assertion_stays_red(pytester: pytest.Pytester, run: Run) -> None:
    """A run that failed beside its packets fails offline too, and says by what."""
    source = (pytester.path / "test_ping.py").read_text()
    (pytester.path / "test_ping.py").write_text(
        f"{source}\n    assert 1 == 2, 'page'\n"
    )
    run("--netlab-artifacts=kept").assert_outcomes(failed=1)

    result = run("--netlab-offline=kept")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the run failed by: AssertionError: page*"])


@pytest.mark.usefixtures("recorded")
def test_blind_run_stays_an_error(run: Run, fault: Fault) -> None:
    """A run without packets is an error offline too, with its reason."""
    fault("lab.blind = {'uplink'}")
    run("--netlab-artifacts=kept").assert_outcomes(errors=1)

    result = run("--netlab-offline=kept")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*holds no packets*uplink: the canary was not seen*"])


@pytest.mark.usefixtures("kept")
def test_damaged_bundle(recorded: pytest.Pytester, run: Run) -> None:
    """A damaged verdict.json is an error that names it."""
    (recorded.path / "kept" / "ping" / "verdict.json").write_text("{")

    result = run("--netlab-offline=kept")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*verdict.json: cannot read it: *"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--netlab-offline=none",), "none is no folder"),
        (("--netlab-offline=there", "--netlab-update"), "has no lab"),
        (("--netlab-offline=there", "--netlab-artifacts=there"), "another folder"),
        ((f"--netlab-offline={'n' * 300}",), "is no folder"),
        ((f"--netlab-offline=there/{'n' * 300}/n",), "is no folder"),
        (("--netlab-offline=loop",), "is no folder"),
    ],
)
def test_wrong_use(
    recorded: pytest.Pytester, run: Run, arguments: tuple[str, ...], words: str
) -> None:
    """What cannot be meant is refused before anything is judged."""
    (recorded.path / "there").mkdir()
    (recorded.path / "loop").symlink_to("loop")

    result = run(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}*"])


def test_show(recorded: pytest.Pytester, kept: list[str]) -> None:
    """`show` prints what the run told; --json its verdict.json; damage exits 2."""
    folder = recorded.path / "kept" / "ping"

    def show(*arguments: str) -> pytest.RunResult:
        program = "from pytest_netlab.cli import main; main()"
        return recorded.run(sys.executable, "-c", program, "show", *arguments)

    assert told(show(str(folder))) == kept
    assert told(show(str(folder / "verdict.json"))) == kept
    printed = "\n".join(show("--json", str(folder)).outlines)
    assert json.loads(printed) == json.loads((folder / "verdict.json").read_text())
    text = (folder / "verdict.json").read_text()
    evil = text.replace("c1 left", "\\u001b[2Jc1 left")
    (folder / "verdict.json").write_text(evil)
    assert "\x1b" not in "".join(show(str(folder)).outlines)
    (folder / "verdict.json").unlink()
    damaged = show(str(folder))
    assert damaged.ret == 2
    damaged.stderr.fnmatch_lines(["*damaged evidence, its verdict.json is gone"])
    assert show(str(recorded.path)).ret == 2
