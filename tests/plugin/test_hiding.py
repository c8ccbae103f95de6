"""No phase of a scenario, however it ends, shows a secret of the environment."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

TOKEN = "zq9-Token/4711+xyzzy"  # noqa: S105 - a made-up one
ENCODED = base64.b64encode(TOKEN.encode()).decode()
ALWAYS = ("-W", "always")  # a warning is shown, not raised
CHATTY = '''
import base64, logging, os, sys, warnings
from urllib.parse import quote
import pytest

TOKEN = os.environ["CI_API_TOKEN"]
PROXY = f"http://me:{quote(TOKEN, safe='')}@10.9.9.9/"

@pytest.fixture
def chatty():
    print("setup", TOKEN)
    yield
    print("teardown", TOKEN, file=sys.stderr)
    @teardown@

@pytest.mark.netlab("ping")
def test_ping(netlab, chatty, record_property):
    """A container pings beyond its host."""
    record_property("seen", TOKEN)
    logging.getLogger().error("call %s", TOKEN)
    print(base64.b64encode(TOKEN.encode()).decode())
    warnings.warn(f"beware of {TOKEN}")
    shown = {"given": TOKEN}
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    @call@
'''
ENDS = {
    "assertion": "assert shown == {}",
    "long assertion": "assert TOKEN * 9 == ''",
    "exception": "raise ValueError(TOKEN)",
    "cause": "raise ValueError('x') from KeyError(TOKEN)",
    "group": "raise ExceptionGroup('g', [ValueError(TOKEN)])",
    "fail": "pytest.fail(f'no {TOKEN}', pytrace=False)",
    "skip": "pytest.skip(f'no {TOKEN}')",
    "xfail": "pytest.xfail(f'no {TOKEN}')",
    "command": "netlab.host.run('curl', PROXY)",
    "lab": "from pytest_netlab.errors import LabError; raise LabError(TOKEN)",
    "golden": "netlab.check(trace)",
}


@pytest.fixture
def chatty(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Return a function that makes a scenario which tells its secret, and ends so."""
    monkeypatch.setenv("CI_API_TOKEN", TOKEN)

    def make(call: str, teardown: str = "pass") -> None:
        source = CHATTY.replace("@call@", call).replace("@teardown@", teardown)
        pytester.makepyfile(test_ping=source)

    return make


def everything(result: pytest.RunResult, pytester: pytest.Pytester) -> dict[str, str]:
    """Return what a run has printed and written, but for packets."""
    files = [pytester.path / "junit.xml"]
    files += (pytester.path / "netlab-artifacts").rglob("*.*")
    texts = {
        str(path): path.read_text(errors="replace") for path in files if path.is_file()
    }
    return {"output": f"{result.stdout}", "errors": f"{result.stderr}", **texts}


def leaks(texts: dict[str, str]) -> list[str]:
    """Return where the token is, or its base64, or much of it."""
    pieces = (TOKEN, ENCODED.strip("="), TOKEN[:10], TOKEN[-10:])
    return [name for name, text in texts.items() if any(p in text for p in pieces)]


@pytest.mark.parametrize("end", ENDS)
def test_no_end_tells(
    chatty: Callable[..., None], run: Run, pytester: pytest.Pytester, end: str
) -> None:
    """Neither terminal, JUnit report nor evidence has the token; names are there."""
    chatty(ENDS[end])

    kept = ("--junitxml=junit.xml", "--netlab-artifacts=netlab-artifacts")
    result = run("-rA", "-vv", *ALWAYS, *kept)

    found = everything(result, pytester)
    assert leaks(found) == []
    assert "***" in found["output"]
    assert "***" in found[str(pytester.path / "junit.xml")]


@pytest.mark.parametrize("style", ["--tb=short", "--tb=native", "--tb=line", "-l"])
def test_no_style_tells(
    chatty: Callable[..., None], run: Run, pytester: pytest.Pytester, style: str
) -> None:
    """Tracebacks of every style, of call and teardown, are masked."""
    chatty("assert TOKEN == shown", teardown="raise RuntimeError(TOKEN)")

    result = run("-rA", *ALWAYS, style)

    result.assert_outcomes(failed=1, errors=1, warnings=1)
    found = everything(result, pytester)
    assert leaks(found) == []
    assert found["output"].count("***") > 5


def test_workers_tell_nothing(
    chatty: Callable[..., None], run: Run, pytester: pytest.Pytester
) -> None:
    """A worker masks what only its own environment knows before it sends a report."""
    chatty("raise ValueError(TOKEN)")
    pytester.makeconftest(
        f"""
import os
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        os.environ.pop("CI_API_TOKEN")

def pytest_configure_node(node):
    node.gateway.remote_exec("import os; os.environ['CI_API_TOKEN'] = {TOKEN!r}")
"""
    )

    result = run("-n1", "-rA", *ALWAYS, "--junitxml=junit.xml")

    result.assert_outcomes(failed=1, warnings=1)
    assert leaks(everything(result, pytester)) == []


def test_a_failed_collection_tells_nothing(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of scenarios that cannot be imported does not show why in full."""
    monkeypatch.setenv("CI_API_TOKEN", TOKEN)
    pytester.makepyfile(
        test_x="import os; raise ValueError(os.environ['CI_API_TOKEN'])"
    )

    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ValueError: [*][*][*]"])
    assert leaks(everything(result, pytester)) == []


def test_kept_where_asked(
    chatty: Callable[..., None], run: Run, pytester: pytest.Pytester
) -> None:
    """--netlab-keep-env leaves every text as it is."""
    chatty("raise ValueError(TOKEN)")

    result = run("-rA", *ALWAYS, "--junitxml=junit.xml", "--netlab-keep-env")

    result.stdout.fnmatch_lines([f"*ValueError: {TOKEN}"])
    found = everything(result, pytester)
    assert {"output", str(pytester.path / "junit.xml")} <= set(leaks(found))
    assert not any("***" in text for text in found.values())


def test_evidence_says_how_to_keep_values(
    chatty: Callable[..., None], run: Run, pytester: pytest.Pytester
) -> None:
    """A bundle in which something was masked says so once, and one without does not."""
    bundle = pytester.path / "netlab-artifacts" / "ping"
    chatty("raise ValueError(TOKEN)")
    run(*ALWAYS)
    said = (bundle / "masked.txt").read_text()
    chatty("raise ValueError('nothing')")
    run(*ALWAYS)

    assert "--netlab-keep-env" in said
    assert (bundle / "verdict.json").is_file()
    assert not (bundle / "masked.txt").exists()


def test_facts_of_the_host_are_not_masked(
    recorded: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variants are chosen by facts: a secret that reads like one changes none."""
    monkeypatch.setenv("CI_API_TOKEN", "fake")

    run("--netlab-artifacts=kept")

    text = (recorded.path / "kept" / "ping" / "verdict.json").read_text()
    assert '"engine": "fake"' in text


def test_other_tests_are_left_alone(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run without scenarios shows what it always did."""
    monkeypatch.setenv("CI_API_TOKEN", TOKEN)
    pytester.makepyfile("import os\ndef test(): assert not os.environ['CI_API_TOKEN']")

    result = pytester.runpytest()

    result.stdout.fnmatch_lines([f"*{TOKEN}*"])


def test_a_secret_that_is_a_word_turns_no_verdict(
    recorded: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed by an assertion of its own fails when it is judged again, too."""
    source = recorded.path / "test_ping.py"
    source.write_text(f"{source.read_text().rstrip()}\n    assert False, 'no more'\n")
    for word in ("fail", "pass", "uplink", "forwarded"):
        monkeypatch.setenv(f"{word.upper()}_TOKEN", word)

    run("--netlab-artifacts=kept").assert_outcomes(failed=1)

    run("--netlab-offline=kept").assert_outcomes(failed=1)
