"""Evidence runs no code and does not judge itself, by real runs in hostile folders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.plugin import options

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

ROOT = Path(__file__).parents[2]
CLI = "from pytest_netlab.cli import main; main()"
SCENARIO = ("-k", "ping_host", "--netlab-strict")
FAKE = ("-m", "netlab", "--netlab-engine=fake")
JUDGED = "scenarios judged from packets: 1 pass"


def marking(path: Path) -> str:
    """Return a line of Python that leaves a file: whoever ran it is found out."""
    return f"open({str(path)!r}, 'w').close()\n"


class Trap:
    """A folder of evidence, outside the project, that would run code and judge."""

    def __init__(self, folder: Path) -> None:
        """Write what pytest reads of a folder of tests: ini, plugin, conftest, test."""
        self.folder = folder
        self.marks = folder.with_name(f"{folder.name}-marks")
        self.marks.mkdir()
        folder.mkdir(exist_ok=True)
        text = "[pytest]\npythonpath = .\naddopts = -p owned\n"
        (folder / "pytest.ini").write_text(text)
        for name in ("owned", "conftest", "test_evil", "numpy", "sitecustomize"):
            (folder / f"{name}.py").write_text(marking(self.marks / name))

    def sprung(self) -> list[str]:
        """Return which of its files have run."""
        return sorted(path.name for path in self.marks.iterdir())


@pytest.fixture
def trap(tmp_path_factory: pytest.TempPathFactory) -> Trap:
    """Return an empty trap: there is nothing in it to judge."""
    return Trap(tmp_path_factory.mktemp("outside") / "DIR")


@pytest.fixture
def evidence(
    recorded: pytest.Pytester, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Trap:
    """Return a trap with the evidence of a pass, and with a golden of its own."""
    run("--netlab-artifacts=kept").assert_outcomes(passed=1)
    folder = tmp_path_factory.mktemp("outside") / "DIR"
    shutil.move(recorded.path / "kept", folder)
    shutil.copytree(recorded.path / "golden", folder / "golden")
    return Trap(folder)


def refused(result: pytest.RunResult, *words: str) -> None:
    """Assert one sentence on stderr with these words, exit code 2, and no run."""
    text = "\n".join(result.errlines)
    assert result.ret == 2, text
    assert len([line for line in result.errlines if line.strip()]) == 1, text
    for word in ("pytest-netlab: ", *words):
        assert word in text
    assert "test session starts" not in "\n".join(result.outlines)


@pytest.mark.parametrize("option", options.path_valued())
def test_split_form(scenario: pytest.Pytester, trap: Trap, option: str) -> None:
    """What follows a space is a folder of tests to pytest: refused before conftests."""
    result = scenario.runpytest_subprocess(*FAKE, option, str(trap.folder))

    words = f"{option}={str(trap.folder)!r}", "pytest.ini", "may already have been read"
    refused(result, *words, "on the command line")
    assert "conftest" not in trap.sprung()


@pytest.mark.parametrize("early", [(), ("-p", "netlab"), ("-n", "2")])
def test_split_form_loaded_early(
    scenario: pytest.Pytester, trap: Trap, early: tuple[str, ...]
) -> None:
    """However the plugin is loaded, and however many workers there are to be."""
    arguments = (*early, *FAKE, "--netlab-offline", str(trap.folder))

    refused(scenario.runpytest_subprocess(*arguments), "--netlab-offline=")
    assert "conftest" not in trap.sprung()


def test_split_form_elsewhere(
    scenario: pytest.Pytester, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment, files of arguments and the project's ini are looked at too."""
    folder = str(trap.folder)
    scenario.path.joinpath("inner").write_text(f"--netlab-artifacts\n{folder}\n")
    scenario.path.joinpath("outer").write_text("-v\n@inner\n")

    nested = scenario.runpytest_subprocess(*FAKE, "@outer")
    refused(nested, "--netlab-artifacts=", "on the command line")
    short = scenario.runpytest_subprocess(*FAKE, "--netlab-art", folder)
    refused(short, f"--netlab-artifacts={folder!r}")
    scenario.makeini(f"[pytest]\naddopts = --netlab-artifacts {folder}")
    refused(scenario.runpytest_subprocess(*FAKE), "in the ini's addopts")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--netlab-offline '{folder}'")
    refused(scenario.runpytest_subprocess(*FAKE), "in PYTEST_ADDOPTS")
    assert "conftest" not in trap.sprung()


def test_split_form_embedded(scenario: pytest.Pytester, trap: Trap) -> None:
    """A plugin that is handed to `pytest.main` refuses before anything is read."""
    text = f"""
        import pytest
        from pytest_netlab.plugin import hooks as plugin

        pytest.main(["--netlab-offline", {str(trap.folder)!r}], plugins=[plugin])
    """
    result = scenario.runpython(scenario.makepyfile(embeds=text))

    refused(result, "--netlab-offline=")
    assert trap.sprung() == []


@pytest.mark.parametrize("split", [("engine", "fake"), ("keep", "always")])
def test_split_form_beside_a_folder(
    recorded: pytest.Pytester, split: tuple[str, str]
) -> None:
    """The value of any option may be the name of a folder, whose ini moves rootdir."""
    option, value = split
    (recorded.path / value).mkdir()
    (recorded.path / value / "pytest.ini").write_text("[pytest]\n")
    arguments = ("-m", "netlab", f"--netlab-{option}")

    refused(
        recorded.runpytest_subprocess(*arguments, value),
        f"--netlab-{option}={value!r}",
        "on the command line",
    )
    result = recorded.runpytest_subprocess(*FAKE, f"--netlab-{option}={value}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([JUDGED])


def test_other_splits_stay(recorded: pytest.Pytester) -> None:
    """An option that takes no path may be split; after -- there are no options."""
    split = ("-m", "netlab", "--netlab-engine", "fake", "--netlab-keep", "never")

    result = recorded.runpytest_subprocess(*split, "--", "test_ping.py")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_judged_without_its_files(
    recorded: pytest.Pytester, evidence: Trap, workers: tuple[str, ...]
) -> None:
    """With the equals sign nothing in the folder runs, and its packets are judged."""
    given = (*FAKE, f"--netlab-offline={evidence.folder}", *workers)

    result = recorded.runpytest_subprocess(*given)

    result.stdout.fnmatch_lines([JUDGED])
    assert evidence.sprung() == []


def test_judged_by_the_projects_golden(
    recorded: pytest.Pytester, run: Run, evidence: Trap
) -> None:
    """Where the project has no golden, one that came with the packets is none."""
    shutil.rmtree(recorded.path / "golden")

    result = run(f"--netlab-offline={evidence.folder}", "--netlab-strict")

    result.stdout.fnmatch_lines(["*no golden for scenario 'ping'*"])
    result.assert_outcomes(errors=1)


def test_inside_the_project(recorded: pytest.Pytester, evidence: Trap) -> None:
    """Evidence below rootdir, where pytest looks for tests, is not looked through."""
    inside = recorded.path / "netlab-artifacts"
    shutil.move(evidence.folder, inside)
    recorded.path.joinpath("linked").symlink_to(inside)

    result = recorded.runpytest_subprocess(*FAKE, f"--netlab-offline={inside}")

    result.assert_outcomes(passed=1)
    assert evidence.sprung() == []


def test_left_from_another_run(recorded: pytest.Pytester) -> None:
    """The folder where evidence goes by default is not looked through either."""
    trap = Trap(recorded.path / "netlab-artifacts")

    result = recorded.runpytest_subprocess(*FAKE)

    result.assert_outcomes(passed=1)
    assert trap.sprung() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-c", "{}/pytest.ini"), "ini file"),
        (("--rootdir={}",), "rootdir"),
        (("{}/test_evil.py",), "the test"),
        (("{}/test_evil.py::test_it",), "the test"),
        (("linked/test_evil.py",), "the test"),
        (("-o", "testpaths=. linked/*"), "the test"),
        (("-o", "pythonpath={}"), "import path"),
        (("-o", "netlab_golden={}/golden"), "golden folder"),
        (("-o", "netlab_golden=linked/golden"), "golden folder"),
    ],
)
def test_taken_from_evidence(
    scenario: pytest.Pytester, trap: Trap, arguments: tuple[str, ...], words: str
) -> None:
    """Whatever else a run is given must lie outside, links resolved."""
    scenario.path.joinpath("linked").symlink_to(trap.folder)
    given = [text.format(trap.folder) for text in arguments]

    result = scenario.runpytest_subprocess(*FAKE, "--netlab-offline=linked", *given)

    refused(result, words, str(trap.folder))
    assert {"conftest", "test_evil"}.isdisjoint(trap.sprung())


def test_started_in_evidence(
    scenario: pytest.Pytester, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that pytest starts in is its rootdir, or on its import path."""
    tests, ini = str(scenario.path / "test_ping.py"), scenario.makeini("[pytest]")
    outside = ("-c", str(ini), f"--rootdir={scenario.path}", tests)
    monkeypatch.chdir(trap.folder)
    (trap.folder / "pytest.ini").unlink()

    def started(*arguments: str) -> pytest.RunResult:
        argv = (sys.executable, "-m", "pytest", *FAKE, "--netlab-offline=.")
        return scenario.run(*argv, *arguments)

    refused(started(), "rootdir")
    refused(started(*outside), "import path")
    assert {"conftest", "test_evil"}.isdisjoint(trap.sprung())


def test_conftest_that_pytest_loads_first(scenario: pytest.Pytester) -> None:
    """Of folders named test* pytest loads the conftest, whatever is selected."""
    trap = Trap(scenario.path / "test-evidence")

    result = scenario.runpytest_subprocess(*FAKE, "--netlab-offline=test-evidence")

    refused(result, "conftest.py")
    assert trap.sprung() == []


def test_loaded_by_a_conftest(
    scenario: pytest.Pytester, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that comes as late as a conftest still refuses, before it collects."""
    scenario.makeconftest("pytest_plugins = ['pytest_netlab.plugin.hooks']")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    golden = ("-o", f"netlab_golden={trap.folder}/golden")

    result = scenario.runpytest_subprocess(
        *FAKE, f"--netlab-offline={trap.folder}", *golden
    )

    assert result.ret == 2
    result.stderr.fnmatch_lines(["*golden folder*lies inside the evidence folder*"])
    result.stdout.no_fnmatch_line("*judged from packets*")


def command(*arguments: str, at: Path, **env: str) -> pytest.RunResult:
    """Run the command as its script does: without the folder it starts in on its path.

    (`Pytester.run` puts that on PYTHONPATH.)
    """
    argv = [sys.executable, "-P", "-c", CLI, *arguments]
    env = {**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **env}
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=at, env=env
    )
    lines = done.stdout.splitlines(), done.stderr.splitlines()
    return pytest.RunResult(done.returncode, *lines, duration=0)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Trap:
    """Return a trap with evidence of a bundled scenario."""
    folder = tmp_path_factory.mktemp("bundled") / "DIR"
    split = ("--netlab-artifacts", "DIR")
    result = command("run", *SCENARIO, *FAKE[2:], *split, at=folder.parent)
    result.stdout.fnmatch_lines([JUDGED])
    return Trap(folder)


def test_run_reads_nothing_of_its_folder(tmp_path: Path) -> None:
    """`run` takes no ini, conftest or module from where it starts."""
    here = Trap(tmp_path / "here")

    fine = command("run", *SCENARIO, *FAKE[2:], at=here.folder)
    missing = command("run", *SCENARIO, *FAKE[2:], "-p", "owned", at=here.folder)

    fine.stdout.fnmatch_lines(["configfile: */dev/null", JUDGED])
    missing.stderr.fnmatch_lines(["*No module named 'owned'*"])
    assert here.sprung() == []


def test_run_in_the_evidence(bundled: Trap) -> None:
    """Started in the evidence, `run` says that it must not be."""
    refused(command("run", "--offline", ".", at=bundled.folder), "rootdir")
    assert bundled.sprung() == []


def test_run_judges_no_goldens_by_themselves(tmp_path: Path) -> None:
    """The bundled goldens are no evidence against which they could hold."""
    bundled = files("pytest_netlab.golden")

    result = command("run", "--offline", str(bundled), at=tmp_path)

    refused(result, "bundled goldens")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--offline", "DIR"),
        ("--", "--netlab-offline", "DIR"),
    ],
)
def test_run_takes_either_form(bundled: Trap, arguments: tuple[str, ...]) -> None:
    """`run` hands paths on as pytest needs them, and judges nothing but packets."""
    result = command("run", *SCENARIO, *arguments, at=bundled.folder.parent)

    result.stdout.fnmatch_lines([JUDGED])
    assert bundled.sprung() == []


def test_run_becomes_pytest(tmp_path: Path) -> None:
    """A signal for `run` is one for pytest: they are one process."""
    tells = "import os\n\ndef pytest_configure():\n    print('pytest is', os.getpid())"
    tmp_path.joinpath("tells.py").write_text(tells)
    argv = [sys.executable, "-c", CLI, "run", "-p", "tells", "-k", "none", "-s"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}

    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, env=env, text=True, cwd=tmp_path
    ) as started:
        text, _ = started.communicate()

    assert f"pytest is {started.pid}\n" in text


def spans(path: Path) -> list[str]:
    """Return what a Markdown file shows as code, its lines joined."""
    found = re.findall(r"```.*?```|`[^`]+`", path.read_text(), re.DOTALL)
    return [" ".join(text.split()) for text in found]


def test_docs_and_help_use_the_equals_sign(pytester: pytest.Pytester) -> None:
    """Nobody learns the split form from a document, a message or --help."""
    names = "|".join(options.path_valued())
    told = re.compile(rf"(?:{names}) +(?:[A-Z.{{/]|a file|a folder)")
    broken = re.compile(r'"\s*\n\s*f?"')  # one string of Python on two lines
    shown = re.compile(rf"(?:{names}) +[^-`#\s]")
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    sources = [*ROOT.glob("plugin/pytest_netlab/**/*.py"), *ROOT.glob("benchmarks/*")]
    code = [path for path in sources if path.is_file()]
    texts = {str(path): broken.sub("", path.read_text()) for path in code}
    texts["--help"] = "\n".join(pytester.runpytest_subprocess("--help").outlines)

    split = [s for path in documents for s in spans(path) if shown.search(s)]
    split += [f"{p}: {m[0]}" for p, t in texts.items() for m in told.finditer(t)]

    assert len(documents) > 8
    assert split == []
