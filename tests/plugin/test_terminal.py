"""A terminal obeys nothing that stands in a file: no command prints it as it is."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.controls import LINE, PATH, TEXT, obeyed, on_a_terminal, prepare

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Printed = Callable[..., str]

# name -> exit code and arguments
COMMANDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "show": (0, ("show", "good.pcapng")),
    "show interfaces": (0, ("show", "named.pcapng")),
    "show csv": (0, ("show", "--csv", "named.pcapng")),
    "show json": (0, ("show", "--json", "named.pcapng")),
    "show point": (2, ("show", "--point", TEXT, "named.pcapng")),
    "show no file": (2, ("show", f"none{PATH}")),
    "show no capture": (2, ("show", PATH)),
    "show folder": (2, ("show", f"folder{PATH}")),
    "show evidence": (0, ("show", "evidence/ping")),
    "show evidence json": (0, ("show", "--json", "evidence/ping")),
    "show raw json": (0, ("show", "--json", "raw/ping")),
    "show broken": (0, ("show", "broken/ping")),
    "show foreign": (2, ("show", "foreign/ping")),
    "nat": (1, ("nat", "bad.pcapng")),
    "nat interfaces": (2, ("nat", "named.pcapng", "named.pcapng")),
    "nat no interface": (2, ("nat", "named.pcapng", "--inside", TEXT)),
    "nat csv": (1, ("nat", "--csv", "bad.pcapng")),
    "nat json": (1, ("nat", "--json", "bad.pcapng")),
    "nat cannot write": (2, ("nat", "bad.pcapng", "--write-diff", f"no/{PATH}")),
    "diff points": (2, ("diff", "good.pcapng", "named.pcapng")),
    "diff": (1, ("diff", "good.pcapng", "bad.pcapng")),
    "diff csv": (1, ("diff", "--csv", "good.pcapng", "bad.pcapng")),
    "diff json": (1, ("diff", "--json", "good.pcapng", "bad.pcapng")),
    "diff golden": (1, ("diff", "golden/ping/one", "bad.pcapng")),
    "diff unknown key": (2, ("diff", "damaged", "bad.pcapng")),
    "diff policy": (
        2,
        ("diff", "good.pcapng", "bad.pcapng", "--policy", "policy.toml"),
    ),
    "diff no policy": (2, ("diff", "good.pcapng", "bad.pcapng", "--policy", TEXT)),
    "diff odd policy": (2, ("diff", "good.pcapng", "bad.pcapng", "--policy", PATH)),
    "diff inside": (2, ("diff", "good.pcapng", "bad.pcapng", "--inside", TEXT)),
    "pending": (0, ("pending",)),
    "pending json": (0, ("pending", "--json")),
    "pending nowhere": (0, ("pending", "--artifacts", PATH + "2")),
    "review nothing": (0, ("review", "--artifacts", PATH + "2")),
    "accept unknown": (2, ("accept", TEXT)),
    "accept damaged": (2, ("accept", "damaged")),
    "accept": (2, ("accept",)),
    "mutate": (0, ("mutate", "--golden", "golden", TEXT)),
    "mutate list": (0, ("mutate", "--golden", "golden", "--list")),
    "mutate json": (0, ("mutate", "--golden", "golden", "--json", TEXT)),
    "mutate unknown": (2, ("mutate", "--golden", "golden", f"none{TEXT}")),
    "replay flows": (2, ("replay", "good.pcapng", "--flows", TEXT)),
    "replay interface": (2, ("replay", "named.pcapng")),
    "replay speed": (2, ("replay", "good.pcapng", "--speed", TEXT)),
    "unknown command": (2, (TEXT,)),
    "unknown option": (2, ("show", f"--{TEXT}")),
    "two values": (2, ("show", "good.pcapng", TEXT)),
    "bad number": (2, ("show", "-n", TEXT, "good.pcapng")),
}
EVERY = """
import json, sys
from pytest_netlab.cli import main, progress
progress.PATIENCE = float("inf")  # bars of a slow machine move the cursor
for name, words in json.loads(open("commands.json").read()).items():
    print(f"@@ {ascii(name)}", flush=True)
    try:
        main(words)
    except SystemExit:
        pass
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which everything that carries text is hostile."""
    root = tmp_path_factory.mktemp("hostile")
    prepare(root)
    return root


@pytest.fixture
def there(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to the folder of hostile files."""
    monkeypatch.chdir(hostile)
    return hostile


def one_row_a_line(text: str) -> str:
    """Return CSV without the line ends that it quotes."""
    rows = csv.reader(text.splitlines(keepends=True))
    return "\n".join(" ".join(row).replace("\n", " ") for row in rows)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("name", COMMANDS)
def test_command(name: str) -> None:
    """What a command prints to a pipe has no control character."""
    code, words = COMMANDS[name]

    result = CliRunner().invoke(main, words)

    shown = one_row_a_line(result.output) if "--csv" in words else result.output
    assert (result.exit_code, obeyed(shown)) == (code, [])
    assert result.output


def test_commands_on_a_terminal(there: Path) -> None:
    """A terminal sees the commands' own colours, and no other control character."""
    words = {name: words for name, (_, words) in COMMANDS.items()}
    (there / "commands.json").write_text(json.dumps(words))

    printed = on_a_terminal([sys.executable, "-c", EVERY], there)

    parts = dict(zip(COMMANDS, printed.split("@@ ")[1:], strict=True))
    for name in ("show csv", "diff csv"):
        parts[name] = one_row_a_line(parts[name].replace("\r\n", "\n"))
    assert [name for name, part in parts.items() if obeyed(part)] == []
    assert "\x1b[1m" in parts["nat"]  # else nothing was tried


def test_review_on_a_terminal(there: Path) -> None:
    """A proposal is shown, and its name and path told, without what it would do."""
    program = "from pytest_netlab.cli import main; main()"
    argv = [sys.executable, "-c", program, "review"]

    printed = on_a_terminal(argv, there, b"s\ns\ns\n")

    assert "skipped ping" in printed
    assert obeyed(printed) == []


SCENARIO = """
import pytest
from pytest_netlab import errors
TEXT = {text!r}

@pytest.mark.netlab
def test_ping(netlab):
    with netlab.capture() as trace:
        netlab.c1.run("ping", netlab.host01.address)
    {body}
"""
UNMARKED = """
import pytest
from pytest_netlab import errors
TEXT = {text!r}

def test_ping(netlab):
    raise errors.LabError(TEXT)

def test_pong(netlab_lab):
    pytest.skip(TEXT)
"""
BODIES = {
    "own assertion": "assert not trace, TEXT",
    "command": "raise errors.CommandError(TEXT)",
    "capture": "raise errors.BlindCaptureError(TEXT)",
    "unavailable": "raise errors.LabUnavailableError(TEXT)",
    "skip": "pytest.skip(TEXT)",
    "xfail": "pytest.xfail(TEXT)",
    "damage": "raise errors.CaptureError(TEXT, source=TEXT)",
    "replay": "netlab.replay(TEXT, client=TEXT, server=TEXT)",
}
LABS = {
    "lab does not start": f"raise LabError({LINE!r})",
    "no lab here": f"raise LabUnavailableError({LINE!r})",
    "another host": f"lab.facts = {{'kernel': '1', 'engine': {TEXT!r}}}",
    "no such host": f"lab.facts = {{'kernel': {TEXT!r}}}",
}
ELSEWHERE = f"--netlab-artifacts=kept{TEXT}"
JUDGED: dict[str, tuple[str, ...]] = {
    "differs": ("--netlab-offline=evidence",),
    "differs, kept": ("--netlab-offline=evidence", ELSEWHERE),
    "no verdict": ("--netlab-offline=broken",),
    "another format": ("--netlab-offline=foreign",),
    "nothing stored": (f"--netlab-offline=folder{TEXT}",),
    "nothing stored, strict": (f"--netlab-offline=folder{TEXT}", "--netlab-strict"),
    "no folder": (f"--netlab-offline=none{TEXT}",),
    "no root": ("--netlab-engine=private", f"--netlab-engine-root={TEXT}"),
    "no address": (f"--netlab-uplink-address={TEXT}",),
    "no golden": (ELSEWHERE,),
    "recorded": ("--netlab-update", ELSEWHERE),
}
FOLDERS = ("golden", "evidence", "broken", "foreign", f"folder{TEXT}")
FIXED = ("-rA", "-vv", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")


@pytest.fixture
def printed(
    pytester: pytest.Pytester, hostile: Path, request: pytest.FixtureRequest
) -> Callable[..., str]:
    """Return a function that runs pytest on hostile files; it returns what it wrote.

    That is what a terminal with colours or without gets, and the file for CI.
    """
    for name in FOLDERS:
        shutil.copytree(hostile / name, pytester.path / name)

    def run(*arguments: str) -> str:
        outputs = (f"--color={request.param}", "--junitxml=ci.xml")
        found = pytester.runpytest(
            *FIXED, *outputs, "--netlab-engine=fake", "-m", *arguments
        )
        xml = pytester.path / "ci.xml"
        told = xml.read_text() if xml.exists() else ""
        return f"{found.stdout}\n{found.stderr}\n{told}"

    return run


COLOURS = pytest.mark.parametrize("printed", ["no", "yes"], indirect=True)


@COLOURS
@pytest.mark.parametrize("name", BODIES)
def test_scenario(pytester: pytest.Pytester, printed: Printed, name: str) -> None:
    """Whatever ends a scenario is shown without control characters."""
    source = SCENARIO.format(body=BODIES[name], text=f"{LINE}\u2028END")
    pytester.makepyfile(test_ping=source)

    text = printed("netlab")

    assert "PWNED" in text
    assert obeyed(text) == []


@COLOURS
def test_fixtures(pytester: pytest.Pytester, printed: Printed) -> None:
    """So is what ends a test that uses the lab and is no scenario."""
    pytester.makepyfile(test_ping=UNMARKED.format(text=LINE))

    text = printed("not netlab")

    assert "PWNED" in text
    assert obeyed(text) == []


@COLOURS
@pytest.mark.parametrize("name", LABS)
def test_lab(pytester: pytest.Pytester, printed: Printed, name: str) -> None:
    """So are a lab's words, and the goldens no scenario uses."""
    pytester.makepyfile(test_ping=SCENARIO.format(body="netlab.check(trace)", text=""))
    pytester.makeconftest(
        "from pytest_netlab.errors import LabError, LabUnavailableError\n"
        f"def pytest_netlab_lab_started(lab):\n    {LABS[name]}\n"
    )

    text = printed("netlab")

    assert "PWNED" in text
    assert obeyed(text) == []


@COLOURS
@pytest.mark.parametrize("name", JUDGED)
def test_stored(pytester: pytest.Pytester, printed: Printed, name: str) -> None:
    """So are stored runs, what is wrong with them, and where things are."""
    pytester.makepyfile(test_ping=SCENARIO.format(body="netlab.check(trace)", text=""))

    text = printed("netlab", *JUDGED[name])

    assert "PWNED" in text
    assert obeyed(text) == []
