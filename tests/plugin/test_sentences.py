"""What is wrong is one sentence, not a traceback through our code, and said once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

SUMMARY = ("ERROR ", "FAILED ", "scenarios not judged: ")
FRAMES = ("hooks.py:", "run.py:", "spec.py:", "goldens.py:", "Traceback")
NO_FILE = "cannot replay no.pcap (No such file or directory). Next: look at its path"
NO_CAPTURE = "cannot replay / (Is a directory). Next: look at its path"
BROKEN = 'import pytest_netlab.errors as e; raise e.LabError("no such luck")'


def said(result: pytest.RunResult, sentence: str) -> int:
    """Return how often a report is this sentence; none may have a traceback."""
    lines = result.outlines
    assert not [line for line in lines if any(frame in line for frame in FRAMES)]
    return sum(sentence in line for line in lines if not line.startswith(SUMMARY))


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("test_Upper", "pass", "scenario id 'Upper': use lower case"),
        ("test_a", 'netlab.capture("eth7").__enter__()', "no capture point 'eth7'"),
        ("test_b", 'netlab.replay(__file__, client="c1", server="web")', "test_b.py: "),
        ("test_c", 'netlab.replay("no.pcap", client="c1", server="web")', NO_FILE),
        ("test_d", 'netlab.replay("/", client="c1", server="web")', NO_CAPTURE),
    ],
)
@pytest.mark.parametrize("mark", ["", "@pytest.mark.netlab\n"])
def test_wrong_declaration(
    pytester: pytest.Pytester, run: Run, name: str, body: str, sentence: str, mark: str
) -> None:
    """Whatever of ours a test calls in vain, with the marker or without it."""
    text = f"import pytest\n{mark}def test_it(netlab):\n    {body}\n"
    pytester.makepyfile(**{name: text})

    result = run(*(() if mark else ("-m", "")))

    assert result.ret != 0
    assert said(result, sentence) == 1


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ('"Bad Id"', "scenario id 'Bad Id': use lower case"),
        ('"an-id", waive=["nonsense"]', "unknown global negative 'nonsense'"),
        ('"an-id", waved=[]', "takes no 'waved'"),
    ],
)
def test_marker_added_late(
    scenario: pytest.Pytester, run: Run, marker: str, sentence: str
) -> None:
    """A marker that a conftest adds after collection is looked at all the same."""
    scenario.makepyfile(test_late="def test_late(netlab):\n    pass\n")
    late = f"items[0].add_marker(pytest.mark.netlab({marker}))"
    hook = f"def pytest_collection_modifyitems(items):\n    {late}\n"
    scenario.makeconftest(f"import pytest\n{hook}")

    assert said(run("test_late.py", "-m", ""), sentence) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a folder read-only")
@pytest.mark.parametrize("mount", ["-t tmpfs -o ro", "-t tmpfs -o size=4k"])
def test_golden_folder_that_takes_nothing(
    scenario: pytest.Pytester, mount: str
) -> None:
    """A golden that cannot be written is an error in words: read-only, or full."""
    scenario.mkdir("golden")
    pytest_it = f"{sys.executable} -m pytest -m netlab --netlab-engine=fake"
    script = f"mount {mount} none golden && {pytest_it} --netlab-update"

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert sum(line.startswith("cannot write the golden") for line in lines) == 1
    assert "run again" in done.stdout
    assert ".py:" not in done.stdout.replace("test_ping.py::", "")


@pytest.mark.usefixtures("scenario")
def test_bundled_goldens(pytester: pytest.Pytester) -> None:
    """The package's goldens are not recorded, and ten scenarios say so once."""
    fixed = ("--pyargs", "pytest_netlab.scenarios", "-m", "netlab", "--netlab-update")

    result = pytester.runpytest_subprocess(*fixed, "--netlab-engine=fake")

    assert said(result, "belongs to the installed package") == 1
    assert said(result, "the same error as at ") == result.parseoutcomes()["errors"] - 1


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_lab_error_once(
    recorded: pytest.Pytester, run: Run, fault: Fault, workers: tuple[str, ...]
) -> None:
    """A lab that does not start says why once, and the others say where."""
    for name in ("test_two", "test_ten"):
        shutil.copy(recorded.path / "test_ping.py", recorded.path / f"{name}.py")
    fault(BROKEN)

    result = run(*workers)

    result.assert_outcomes(errors=3)
    assert said(result, "no such luck") == 1
    assert said(result, "the same error as at test_ping.py::test_ping") == 2
    result.stdout.fnmatch_lines(["scenarios not judged: 3 error: no such luck"])


def test_different_errors_stay(pytester: pytest.Pytester, run: Run) -> None:
    """Errors that differ are printed each; so are commands that fail alike."""
    body = "import pytest\n@pytest.mark.netlab\ndef test_it(netlab):\n    {}\n"
    point = 'netlab.capture("eth{}").__enter__()'
    command = 'netlab.c1.run("ping", "-c", "1", "192.0.2.1")'
    pytester.makepyfile(
        test_a=body.format(point.format(1)),
        test_b=body.format(point.format(2)),
        test_c=body.format(command),
        test_d=body.format(command),
    )

    result = run()

    assert not [line for line in result.outlines if "the same error" in line]
