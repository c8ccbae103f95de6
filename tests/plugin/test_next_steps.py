"""What a run tells its user to type next is typed, and does what the text says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.plugin.conftest import SCENARIO

from pytest_netlab.report.next_steps import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Fault = Callable[[str], None]

PYTEST = f"{sys.executable} -m pytest -m netlab --netlab-engine=fake"
RUN = f"{sys.executable} -m pytest_netlab run --netlab-engine=fake -p proxied"
BUNDLED = f"{PYTEST} -p proxied --pyargs pytest_netlab.scenarios"
LEAK = "lab.wire.nat.masquerade = False"
PROXIED = "lab.proxy, lab.wire.nat.published = True, {}"
MENDED = "pass"
PARAMETRIZED = SCENARIO.replace(
    "def test_ping(netlab):",
    "@pytest.mark.parametrize('x', ['a b', '$HOME'])\ndef test_ping(netlab, x):",
)


@pytest.fixture(autouse=True)
def _here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs that are started here find this package's plugins."""
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def typed(command: str, here: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command line as a shell does."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the commands that a run has printed."""
    lines = done.stdout.splitlines()
    return [line.strip() for line in lines if line.startswith(COMMAND)]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes."""
    found = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def test_walk(pytester: pytest.Pytester, fault: Fault) -> None:
    """Record, fail, mend and run again, or accept: by nothing but what is printed."""
    pytester.makepyfile(test_ping=SCENARIO)
    (review,) = told(typed(PYTEST))
    assert typed(review.replace(" review ", " accept ")).returncode == 0
    fault(LEAK)
    again, review = told(typed(PYTEST))

    fault(MENDED)
    assert "1 passed" in typed(again).stdout

    fault(LEAK)
    assert told(typed(again)) == [again, review]
    (accept, *_) = typed(review).stdout.partition("Next: `")[2].split("`")
    assert typed(accept).returncode == 0
    assert "1 passed" in typed(again).stdout


@pytest.mark.parametrize(
    ("here", "options"),
    [
        ("sub", ".."),
        (".", "-o netlab_golden=other"),
        (".", "-c conf/own.ini --rootdir=. --confcutdir=. test_ping.py"),
        (".", "--netlab-artifacts='my kept'"),
        (".", "-n1"),
    ],
    ids=["subfolder", "ini option", "ini file", "artifacts", "xdist"],
)
def test_places(
    pytester: pytest.Pytester, fault: Fault, here: str, options: str
) -> None:
    """Wherever goldens, proposals and tests are, what is printed finds them."""
    pytester.makepyfile(test_ping=SCENARIO)
    pytester.makefile(".toml", pyproject="[tool.pytest.ini_options]\n")
    pytester.mkdir("sub")
    (pytester.mkdir("conf") / "own.ini").write_text("[pytest]\n")
    place, start = pytester.path / here, f"{PYTEST} {options}"
    missing = typed(start, place)
    assert "next step" in missing.stdout, missing.stdout + missing.stderr
    (review,) = told(missing)
    assert typed(review.replace(" review ", " accept "), place).returncode == 0
    fault(LEAK)

    again, review = told(typed(start, place))

    assert "1 failed" in typed(again, place).stdout
    assert "cause      leaked" in typed(review, place).stdout


def test_only_what_is_missing_is_recorded(
    pytester: pytest.Pytester, fault: Fault
) -> None:
    """Where nothing is proposed, a missing golden is recorded, and no other changes."""
    pytester.makepyfile(test_ping=SCENARIO)
    typed(f"{PYTEST} --netlab-update")
    pytester.makepyfile(test_pong=SCENARIO.replace("ping", "pong", 2))
    before = contents(pytester.path / "golden")
    fault(LEAK)

    missing = typed(f"{PYTEST} --netlab-keep=never")
    (record,) = [line for line in told(missing) if "--netlab-update-new" in line]

    assert "1 passed" in typed(record).stdout
    after = contents(pytester.path / "golden")
    assert before == {path: after[path] for path in before}
    assert len(after) == 2 * len(before)


def test_one_golden_is_updated(pytester: pytest.Pytester, fault: Fault) -> None:
    """Where nothing is proposed, what differs is recorded, and no other changes."""
    pytester.makepyfile(
        test_ping=SCENARIO, test_pong=SCENARIO.replace("ping", "pong", 2)
    )
    typed(f"{PYTEST} --netlab-update")
    before = contents(pytester.path / "golden" / "pong")
    fault(LEAK)

    _, update = told(typed(f"{PYTEST} --netlab-keep=never test_ping.py"))

    assert "1 passed" in typed(update).stdout
    assert before == contents(pytester.path / "golden" / "pong")
    assert "1 passed, 1 deselected" in typed(f"{PYTEST} -k ping").stdout


def test_parameters_are_quoted(pytester: pytest.Pytester, fault: Fault) -> None:
    """A test is found again by its id, whatever a shell would make of that."""
    pytester.makepyfile(test_ping=PARAMETRIZED)
    typed(f"{PYTEST} --netlab-update")
    fault(LEAK)

    commands = told(typed(PYTEST))

    assert len(commands) == 4
    for again in commands[::2]:
        assert "1 failed" in typed(again).stdout
    for review in commands[1::2]:
        assert "cause      leaked" in typed(review).stdout


@pytest.fixture
def proxied(pytester: pytest.Pytester) -> None:
    """Make a plugin by which docker-proxy carries what is published."""
    hook = f"def pytest_netlab_lab_started(lab):\n    {PROXIED}\n"
    pytester.makepyfile(proxied=hook)


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("start", [RUN, BUNDLED], ids=["run", "pyargs"])
def test_bundled(pytester: pytest.Pytester, start: str) -> None:
    """Scenarios of the package run again, and their goldens are not to be recorded.

    A copy in the project has a golden of its own.
    """
    again, copy, record = told(typed(f"{start} -k published_web"))

    assert "1 failed" in typed(again).stdout
    assert not typed(copy).returncode
    bundled = contents(Path(str(files("pytest_netlab.golden"))))
    typed(record)
    assert (pytester.path / "golden" / "published-web" / "story.txt").is_file()
    assert contents(Path(str(files("pytest_netlab.golden")))) == bundled


@pytest.mark.usefixtures("proxied")
def test_installed_below_rootdir(pytester: pytest.Pytester) -> None:
    """A package in the project's own environment stays as it was installed."""
    site = pytester.path / ".venv" / "site"
    _install(site)
    start = f"PYTHONPATH={site}:{pytester.path} {RUN}"

    failed = typed(f"{start} -k published_web")
    updated = typed(f"{start} -k published_web --netlab-update")

    assert not (pytester.path / "netlab-artifacts" / "pending").exists()
    assert any(line.startswith(f"cp {site}") for line in told(failed))
    assert "belongs to the installed package" in updated.stdout


def _install(site: Path) -> None:
    """Copy the package as a wheel has it; extensions are left out."""
    package = Path(str(files("pytest_netlab")))
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(package, site / "pytest_netlab", ignore=ignored)
    for name in ("scenarios", "golden"):
        found = Path(str(files(f"pytest_netlab.{name}")))
        shutil.copytree(found, site / "pytest_netlab" / name, ignore=ignored)


@pytest.mark.parametrize("ci", ["", "1"])
def test_stored_packets(pytester: pytest.Pytester, fault: Fault, ci: str) -> None:
    """Packets that are judged again are accepted from where they were proposed."""
    pytester.makepyfile(test_ping=SCENARIO)
    typed(f"{PYTEST} --netlab-update")
    fault(LEAK)
    typed(PYTEST)
    (pytester.path / "netlab-artifacts").rename(pytester.path / "kept")

    offline = typed(f"CI={ci} {PYTEST} --netlab-offline=kept")
    shown = typed(f"{sys.executable} -m pytest_netlab show kept/ping")

    assert "if the host of these packets is wrong" in offline.stdout
    assert "--netlab-update" not in offline.stdout
    for review in [*told(offline), *told(shown)]:
        assert "cause      leaked" in typed(review).stdout
    assert len(told(offline)) == (not ci)
    assert len(told(shown)) == 1


def test_what_no_golden_can_have(pytester: pytest.Pytester, fault: Fault) -> None:
    """What would be refused is not advised: it is to be mended, or waived."""
    waiving = ', waive=["container-address-on-uplink"]'
    pytester.makepyfile(test_ping=SCENARIO.replace(waiving, ""))
    typed(f"{PYTEST} --netlab-update")
    fault(LEAK)

    never = typed(f"{PYTEST} --netlab-keep=never")
    proposed = typed(PYTEST)

    assert len(told(never)) == 1
    assert 'waive=["container-address-on-uplink"]' in never.stdout
    review = told(proposed)[-1]
    assert "cannot be accepted" in typed(review).stdout


def commands(done: pytest.RunResult) -> Sequence[str]:
    """Return the commands of a run in this process."""
    return [line for line in done.outlines if line.startswith(COMMAND)]


@pytest.mark.usefixtures("recorded")
def test_other_programs(
    fault: Fault,
    run: Callable[..., pytest.RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Commands begin as the run did: with the script, or with the module."""
    fault(LEAK)

    monkeypatch.setattr(sys, "argv", ["/x/pytest/__main__.py"])
    assert " -m pytest -m netlab " in commands(run())[0]
    monkeypatch.setattr(sys, "argv", [str(Path(sys.executable).with_name("pytest"))])
    assert f"{os.sep}pytest -m netlab " in commands(run())[0]
