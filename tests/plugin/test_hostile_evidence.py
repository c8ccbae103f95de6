"""Evidence written to break its reader: one sentence, or the verdict of its packets."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.hostile import HARMLESS, HOST, PLACES, RECORD, VERDICT, put

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]
    from tests.hostile import Place

    Fault = Callable[[str], None]

LONGEST = 2000  # characters of a sentence, with what it quotes and a path
JSON, CAPTURE = "verdict.json", "capture.pcapng"
OTHERS = {
    '"scenario": "other"': "is of 'other', and not of 'ping'",
    '"scenario": null': "$.scenario: expected str, got null",
    '"scene": "ping"': "it lacks scenario",
}
CASES = '''
import pytest

@pytest.mark.netlab("ping")
@pytest.mark.parametrize("case", range({0}))
def test_it(netlab, case):
    """What is stored is judged instead."""
'''


@pytest.fixture
def kept(
    recorded: pytest.Pytester,
    run: Run,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Return the evidence of a run that failed; its golden is for hosts by a fact."""
    monkeypatch.setenv("PATH", "/nonexistent")  # Wireshark's words take it seconds
    fault("lab.wire.nat.masquerade = False")
    run("--netlab-artifacts=kept").assert_outcomes(failed=1)
    fault("raise RuntimeError('a lab was started')")
    golden = recorded.path / "golden" / "ping" / "golden.toml"
    golden.write_text('requires = "engine != 7"\n' + golden.read_text())
    return recorded.path / "kept" / "ping"


def offline(
    run: Run, kept: Path, cases: Mapping[str, Callable[[Path], object]]
) -> list[str]:
    """Judge the evidence once for each thing that is done to it; return the texts."""
    root = kept.parent.parent
    (root / "test_ping.py").unlink()
    (root / "test_cases.py").write_text(CASES.format(len(cases)))
    for number, change in enumerate(cases.values()):
        folder = root / "many" / f"ping.test_it-{number}-"
        shutil.copytree(kept, folder)
        change(folder)
    result = run("--netlab-offline=many", "--netlab-keep=never")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    recorder: Any = result.reprec  # type: ignore[attr-defined]
    reports = recorder.getreports("pytest_runtest_logreport")
    found = [report.longreprtext for report in reports if report.failed]
    assert len(found) == len(cases)
    return found


def test_verdict_json(run: Run, kept: Path) -> None:
    """A verdict.json that means nothing is an error of its scenario, and named."""
    text = (kept / JSON).read_bytes()
    contents = {
        name: lambda folder, edit=edit: (folder / JSON).write_bytes(edit(text))
        for name, edit in VERDICT.items()
    }

    told = dict(zip(contents, offline(run, kept, contents), strict=True))

    bad = {n: t for n, t in told.items() if JSON not in t or len(t) > LONGEST}
    assert bad == {}


def test_host(run: Run, kept: Path) -> None:
    """Nothing but regular files of the folder itself is read as the host's state."""
    cases = {
        name: lambda folder, place=place: place(folder / "host")
        for name, place in HOST.items()
    }

    told = dict(zip(cases, offline(run, kept, cases), strict=True))

    bad = {n: t for n, t in told.items() if "cannot read it" not in t or "\n" in t}
    assert bad == {}


def test_harmless_host(run: Run, kept: Path) -> None:
    """What a host printed may be anything: the verdict is that of its packets."""
    cases = {
        name: lambda folder, place=place: place(folder / "host")
        for name, place in HARMLESS.items()
    }

    told = dict(zip(cases, offline(run, kept, cases), strict=True))

    bad = {n: t for n, t in told.items() if not t.startswith("ping FAILED: leaked")}
    assert bad == {}


@pytest.fixture
def asserted(recorded: pytest.Pytester, run: Run) -> Path:
    """Return the evidence of a run that failed by an assertion, its packets right."""
    test = recorded.path / "test_ping.py"
    test.write_text(test.read_text() + "\n    assert False\n")
    run("--netlab-artifacts=kept").assert_outcomes(failed=1)
    return recorded.path / "kept" / "ping"


def test_no_verdict_json(run: Run, asserted: Path) -> None:
    """Evidence without its verdict.json is damaged, and no capture that passes."""

    def bare(folder: Path, left: str) -> None:
        for name in {JSON, ".pytest-netlab", "host"} - {left}:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    places = {
        name: lambda folder, place=place: put(folder / JSON, place)
        for name, place in PLACES.items()
    }
    cases: dict[str, Place] = {
        **places,
        "gone": lambda folder: (folder / JSON).unlink(),
        "but its mark": lambda folder: bare(folder, ".pytest-netlab"),
        "but its host": lambda folder: bare(folder, "host"),
    }
    told = dict(zip(cases, offline(run, asserted, cases), strict=True))

    bad = {n: t for n, t in told.items() if JSON not in t or "\n" in t}
    assert bad == {}


def test_another_scenario(run: Run, asserted: Path) -> None:
    """A verdict.json is its own folder's scenario's."""
    text = (asserted / JSON).read_text()
    named = '"scenario": "ping"'
    others = {name: text.replace(named, name, 1) for name in OTHERS}
    assert text not in others.values()
    cases = {
        name: lambda folder, other=other: (folder / JSON).write_text(other)
        for name, other in others.items()
    }

    told = dict(zip(cases, offline(run, asserted, cases), strict=True))

    bad = {n: t for n, t in told.items() if OTHERS[n] not in t or "\n" in t}
    assert bad == {}


def test_capture_that_is_no_file(run: Run, asserted: Path) -> None:
    """Packets are read from a regular file of the evidence itself, not by a link."""
    root = asserted.parent.parent
    elsewhere = root / "elsewhere.pcapng"
    shutil.copy(asserted / CAPTURE, elsewhere)
    link: Place = lambda path: path.symlink_to(elsewhere)  # noqa: E731
    places = {"link": link, **PLACES}
    del places["sparse"]  # a regular file
    cases = {
        name: lambda folder, place=place: put(folder / CAPTURE, place)
        for name, place in places.items()
    }

    told = dict(zip(cases, offline(run, asserted, cases), strict=True))

    bad = {n: t for n, t in told.items() if "cannot read it" not in t or "\n" in t}
    assert bad == {}


def test_commands_follow_no_link(asserted: Path) -> None:
    """`show` and `diff` read a link that is named, and none of evidence."""
    elsewhere = asserted.parent / "elsewhere.pcapng"
    (asserted / CAPTURE).rename(elsewhere)
    (asserted / CAPTURE).symlink_to(elsewhere)
    folder, file = str(asserted), str(asserted / CAPTURE)

    for arguments in (["show", "--csv", folder], ["diff", file, folder]):
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert "symbolic link" in result.stderr
    assert CliRunner().invoke(main, ["show", "--csv", file]).exit_code == 0


def test_show(kept: Path) -> None:
    """`show` refuses in a sentence what was no verdict of ours."""
    text = (kept / JSON).read_bytes()
    bad = {}
    for name, edit in RECORD.items():
        (kept / JSON).write_bytes(edit(text))
        result = CliRunner().invoke(main, ["show", str(kept)])
        told = result.stderr if result.exit_code == 2 else repr(result.exception)
        if JSON not in told or told.count("\n") != 1 or len(told) > LONGEST:
            bad[name] = told

    assert bad == {}


@pytest.mark.parametrize("place", PLACES)
def test_no_file(kept: Path, place: str) -> None:
    """What is no regular file is never read as a verdict."""
    put(kept / JSON, PLACES[place])

    for argument in (kept, kept / JSON):
        result = CliRunner().invoke(main, ["show", str(argument)])
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert JSON in result.stderr
