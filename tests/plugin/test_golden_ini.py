"""The ini key `netlab_golden`: a folder, or one sentence that says why it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.hostile import PLACES

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

# Values as TOML has them, and what is said of each.
VALUES = {
    '""': "is empty",
    "'   '": "is empty",
    r'"\n"': "is empty",
    r'"gol\u0000den"': "cannot be",
    r'"gol\nden"': "cannot be",
    r'"\u001b[2J"': "cannot be",
    r'"\u202egolden"': "cannot be",
    f'"{"x" * 256}"': "cannot be",
    f'"{"ä" * 128}"': "cannot be",
    f'"a/{"x" * 300}/b"': "cannot be",
    f'"{"x/" * 3000}"': "cannot be",
    "[]": "one text",
    '["golden"]': "one text",
    '["golden", "other"]': "one text",
    "[5]": "one text",
    "[[[]]]": "one text",
    "[{}]": "one text",
    f"[{'9' * 4000}]": "one text",
    '"setup.cfg"': "no folder",
    '"./setup.cfg"': "no folder",
    '"setup.cfg/golden"': "cannot be",
    '"/dev/null"': "no folder",
    '"/dev/zero/golden"': "cannot be",
    '"/proc/self/status"': "no folder",
    '"fifo"': "no folder",
    '"socket"': "no folder",
    '"zeroes"': "no folder",
    '"loop"': "cannot be",
    '"loop/golden"': "cannot be",
    '"nowhere"': "no folder",
    '"sparse"': "no folder",
}
GOOD = ("golden", "a/b/c", "./golden", "../golden", "ordner ä", "~", "$HOME", "%s")


@pytest.fixture
def project(scenario: pytest.Pytester) -> pytest.Pytester:
    """Return the project with what is no folder beside its test."""
    for name, place in PLACES.items():
        place(scenario.path / name)
    (scenario.path / "setup.cfg").touch()
    return scenario


def write(project: pytest.Pytester, value: str) -> None:
    """Let the ini have this value."""
    text = f"[tool.pytest.ini_options]\nnetlab_golden = {value}\n"
    (project.path / "pyproject.toml").write_text(text)


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_no_folder(
    project: pytest.Pytester, run: Run, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be a folder is wrong use, for a run and for who accepts goldens."""
    write(project, value)

    for more in ("--netlab-update", "--netlab-offline=folder"):
        result = run(more)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        told = [line for line in result.errlines if "netlab_golden" in line]
        assert len(told) == 1
        assert VALUES[value] in told[0]
        assert len(told[0]) < 500

    monkeypatch.chdir(project.path)
    accepted = CliRunner().invoke(main, ["accept", "--all"])
    assert isinstance(accepted.exception, SystemExit | None), accepted.exception
    assert accepted.exit_code in (0, 2)


@pytest.mark.parametrize("value", ["[]", '["golden"]', "5", "true", "{}", "nan"])
def test_types(project: pytest.Pytester, run: Run, value: str) -> None:
    """Where pytest knows the types of an ini itself, they are wrong use as well."""
    if int(pytest.__version__.partition(".")[0]) < 9:
        pytest.skip("this pytest has ini files without types only")
    text = f"[pytest]\nnetlab_golden = {value}\n"
    (project.path / "pytest.toml").write_text(text)

    result = run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *netlab_golden*"])


@pytest.mark.parametrize("name", GOOD)
def test_folder(project: pytest.Pytester, run: Run, name: str) -> None:
    """Any other name is one: goldens are recorded there, and judged by."""
    write(project, f'"{name}"')

    run("--netlab-update").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)
    assert (project.path / name / "ping" / "golden.toml").is_file()


def test_default_is_a_file(project: pytest.Pytester, run: Run) -> None:
    """A file named golden is no matter of a run without scenarios; with one it is."""
    (project.path / "golden").touch()
    project.makepyfile(
        test_other="def test_it(): pass",
        test_bare="import pytest\n@pytest.mark.netlab\ndef test_it(): pass",
    )

    project.runpytest("test_other.py").assert_outcomes(passed=1)
    result = run()

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["netlab_golden: */golden is no folder"])
    result.stdout.no_fnmatch_line("*Error:*")
