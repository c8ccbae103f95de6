"""Each option of the plugin, by running pytest with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.core import core

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]


def test_help_teaches(pytester: pytest.Pytester) -> None:
    """--help lists every option of ours with what it is for."""
    result = pytester.runpytest_subprocess("--help")

    lines = (
        "*--netlab-engine=*",
        "*--netlab-image=*",
        "*--netlab-update*",
    )
    result.stdout.fnmatch_lines(lines)


@pytest.mark.usefixtures("recorded")
def test_header_names_what_is_under_test(run: Run) -> None:
    """The header tells engine, iptables backend, kernel and core."""
    result = run()

    kernel = os.uname().release
    about = "netlab: engine fake (a NAT in memory), *, kernel"
    line = f"{about} {kernel}, core: {core()}"
    result.stdout.fnmatch_lines([line])


@pytest.mark.usefixtures("scenario")
def test_collecting_builds_no_root(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only to list scenarios, no engine is built, which takes a minute."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    asked = ("-m", "netlab", "--collect-only", "--netlab-engine-suite=forky")

    result = pytester.runpytest_subprocess(*asked)

    result.stdout.fnmatch_lines(["netlab: collects, and starts no lab"])
    assert result.ret == 0
    assert not (pytester.path / "cache").exists()


def test_other_runs_are_left_alone(pytester: pytest.Pytester) -> None:
    """A run that asks for no scenario has no header and no summary of ours."""
    pytester.makepyfile("def test_nothing():\n    pass\n")

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*netlab:*")


def test_update_writes_and_says_where(scenario: pytest.Pytester, run: Run) -> None:
    """--netlab-update records the golden's three files and names the folder."""
    result = run("--netlab-update")

    folder = scenario.path / "golden" / "ping"
    result.stdout.fnmatch_lines([f"recorded: {folder}"])
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["capture.pcapng", "golden.toml", "story.txt"]


def test_update_leaves_an_equal_story_alone(
    recorded: pytest.Pytester, run: Run
) -> None:
    """Recording the same story again does not touch the files."""
    golden = recorded.path / "golden" / "ping" / "capture.pcapng"
    before = golden.stat().st_mtime_ns

    run("--netlab-update").assert_outcomes(passed=1)

    assert golden.stat().st_mtime_ns == before


def test_update_is_refused_in_ci(
    scenario: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI set nothing is written and the run is a usage error."""
    monkeypatch.setenv("CI", "true")

    result = run("--netlab-update")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*CI never writes goldens*"])
    assert not (scenario.path / "golden").exists()


@pytest.mark.parametrize("value", ["false", "0", "No", "off", ""])
def test_ci_that_says_no(
    scenario: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """CI=false is no CI: goldens are recorded, and what differs is proposed."""
    monkeypatch.setenv("CI", value)

    run("--netlab-update").assert_outcomes(passed=1)

    assert (scenario.path / "golden" / "ping" / "story.txt").exists()


@pytest.mark.parametrize(("keep", "kept"), [("always", True), ("never", False)])
def test_keep_decides_on_evidence(
    recorded: pytest.Pytester, run: Run, keep: str, *, kept: bool
) -> None:
    """--netlab-keep writes evidence of a pass, or none at all."""
    run(f"--netlab-keep={keep}", "--netlab-artifacts=proof")

    assert (recorded.path / "proof" / "ping" / "capture.pcapng").is_file() == kept


def test_never_keeps_no_evidence_of_a_failure(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """--netlab-keep=never writes nothing even when the scenario fails."""
    fault("lab.wire.forwarding = False")

    run("--netlab-keep=never").assert_outcomes(failed=1)

    assert not (recorded.path / "netlab-artifacts").exists()


@pytest.mark.usefixtures("recorded")
def test_uplink_address_moves_the_lab(run: Run) -> None:
    """A golden recorded on one address plan holds on another."""
    result = run("--netlab-uplink-address=198.51.100.7/24")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "address",
    ["nonsense", "172.16.211.128", "10.1.1.1/30", "10.1.1.0/24", "127.0.0.5/8"],
)
@pytest.mark.usefixtures("recorded")
def test_bad_uplink_address_is_a_usage_error(run: Run, address: str) -> None:
    """An address without room for neighbours is refused before anything starts."""
    result = run(f"--netlab-uplink-address={address}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--netlab-uplink-address: *{address}*"])


def test_id_is_a_plain_name(pytester: pytest.Pytester, run: Run) -> None:
    """An id that would lead out of the goldens' folder is refused."""
    source = """
        import pytest

        @pytest.mark.netlab("../escape")
        def test_it(netlab):
            pass
    """
    pytester.makepyfile(source)

    result = run("--netlab-update")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*scenario id '../escape': use lower case*"])


def test_evidence_never_replaces_foreign_files(
    recorded: pytest.Pytester, run: Run
) -> None:
    """A folder that is no evidence of ours is left alone, and the verdict is told."""
    thesis = recorded.path / "mine" / "ping" / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")

    result = run("--netlab-artifacts=mine", "--netlab-keep=always")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["WARNING: ping: no evidence was kept: *is no evidence of*"]
    )
    assert thesis.read_text() == "years of work"


@pytest.mark.parametrize("name", ["afile", "afile/inner", "nowhere", "loop"])
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_evidence_of_a_pass_that_cannot_be_written_is_told(
    recorded: pytest.Pytester, run: Run, name: str, workers: tuple[str, ...]
) -> None:
    """A pass without the evidence that was asked for says so, in a line."""
    (recorded.path / "afile").write_text("")
    (recorded.path / "nowhere").symlink_to("afile/none")
    (recorded.path / "loop").symlink_to("loop")

    result = run(f"--netlab-artifacts={name}", *workers)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["WARNING: ping: no evidence was kept: *"])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_evidence_on_a_full_disk(recorded: pytest.Pytester) -> None:
    """A pass whose evidence finds no room says so, where, and what to do."""
    recorded.mkdir("kept")
    pytest_it = f"{sys.executable} -m pytest -m netlab --netlab-engine=fake"
    script = f"mount -t tmpfs -o size=12k none kept && {pytest_it}"

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{script} --netlab-artifacts=kept"],
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = [one for one in done.stdout.splitlines() if "WARNING" in one]
    where = recorded.path / "kept" / "ping"
    assert line.startswith(f"WARNING: ping: no evidence was kept: {where} (No space")
    assert line.endswith("run again")
    assert "evidence: " not in done.stdout


def test_evidence_that_cannot_be_written_is_told(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """The verdict comes first; that there is no evidence is a line below it."""
    (recorded.path / "afile").write_text("")
    fault("lab.wire.forwarding = False")

    result = run("--netlab-artifacts=afile", "-W", "error")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ping FAILED: *", "no evidence was kept: *"])


@pytest.mark.parametrize("name", ["loop", "loop/inner", "n" * 300])
def test_artifacts_that_lead_nowhere(
    recorded: pytest.Pytester, run: Run, name: str
) -> None:
    """A loop of links, or a name that is too long, is a line below the verdict."""
    (recorded.path / "loop").symlink_to("loop")
    shutil.copytree(recorded.path / "golden", recorded.path / "kept")
    new = (recorded.path / "test_ping.py").read_text().replace('"ping",', '"new",', 1)
    recorded.makepyfile(test_new=new)

    offline = run("--netlab-offline=kept", f"--netlab-artifacts={name}", "test_ping.py")
    missing = run(f"--netlab-artifacts={name}", "test_new.py")

    offline.assert_outcomes(passed=1)
    offline.stdout.fnmatch_lines(["WARNING: ping: no evidence was kept: *"])
    missing.assert_outcomes(errors=1)
    missing.stdout.fnmatch_lines(["no golden was proposed: *"])


@pytest.mark.parametrize("name", ["golden", "golden/inner", "link", "."])
def test_evidence_among_goldens(recorded: pytest.Pytester, run: Run, name: str) -> None:
    """Evidence has a folder of its own: what is among goldens is taken for one."""
    (recorded.path / "link").symlink_to("golden")
    goldens = sorted(recorded.path.joinpath("golden").rglob("*"))

    result = run(f"--netlab-artifacts={name}")

    if name == ".":
        result.assert_outcomes(passed=1)
        return
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--netlab-artifacts: *where goldens are*"])
    assert sorted(recorded.path.joinpath("golden").rglob("*")) == goldens


def test_tests_of_one_scenario_keep_evidence_apart(
    recorded: pytest.Pytester, run: Run
) -> None:
    """Parameters and tests that share a golden have a folder each."""
    recorded.makepyfile(
        test_both="""
        import pytest

        @pytest.mark.netlab("ping")
        @pytest.mark.parametrize("count", [1, 2])
        def test_it(netlab, count):
            with netlab.capture() as trace:
                netlab.c1.run("ping", "-c", "1", netlab.host01.address)
            netlab.check(trace)
        """
    )

    run("--netlab-keep=always", "test_both.py").assert_outcomes(passed=2)

    folders = sorted(p.name for p in (recorded.path / "netlab-artifacts").iterdir())
    assert folders == ["ping.test_it-1-", "ping.test_it-2-"]


@pytest.mark.usefixtures("recorded")
def test_workers_have_a_lab_each(run: Run) -> None:
    """With xdist the verdicts are those of a run without it."""
    result = run("-n", "2")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenarios judged from packets: 1 pass"])


def test_without_root_scenarios_skip_with_the_reason(
    recorded: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the private engine cannot run, the skip says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")

    result = recorded.runpytest_subprocess("-m", "netlab", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*--netlab-strict makes this a failure*"])


def test_strict_fails_instead_of_skipping(
    recorded: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --netlab-strict a missing engine is an error, so it cannot look green."""
    monkeypatch.setenv("PATH", "/nonexistent")

    result = recorded.runpytest_subprocess("-m", "netlab", "--netlab-strict")

    result.assert_outcomes(errors=1)
