"""The marker `netlab`: what it may say, and the collection error of what it may not."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

LONGEST = 1000  # characters of a sentence
# Arguments of the marker on a test's own function, and what is said of them.
ARGUMENTS = {
    "5": "takes an id as text, not 5",
    "None": "takes an id as text, not None",
    "True": "takes an id as text, not True",
    "1.5": "takes an id as text, not 1.5",
    "b'ping'": "takes an id as text, not b'ping'",
    "['ping']": "takes an id as text, not ['ping']",
    "{}": "takes an id as text, not {}",
    "{'ping'}": "takes an id as text, not {'ping'}",
    "object()": "takes an id as text, not <object object at *",
    "9 ** 200_000": "takes an id as text, not some int",
    "Broken()": "takes an id as text, not <Broken instance at *",
    "nested": "takes an id as text, not [[[...]]]; *",
    "pytest.mark.netlab": "takes an id as text, not MarkDecorator(*",
    "pytest.mark.netlab('ping')": "takes an id as text, not MarkDecorator(*",
    "'ping', 'pong'": "takes one id, not 2",
    "'ping', ['waive']": "takes one id, not 2",
    "*range(100)": "takes one id, not 100",
    "''": "scenario id '': use lower case, digits and -",
    "'Ping'": "scenario id 'Ping': use lower case, digits and -",
    "'../ping'": "scenario id '../ping': use lower case, digits and -",
    "'/etc/passwd'": "scenario id '/etc/passwd': use lower case, digits and -",
    "'ping\\n'": r"scenario id 'ping\n': use lower case, digits and -",
    "'ping\\0'": r"scenario id 'ping\x00': use lower case, digits and -",
    "'\\ud800'": r"scenario id '\ud800': use lower case, digits and -",
    "'p' * 101": "scenario id 'pp*...*pp': use at most 100 characters",
    "'p' * 10 ** 6": "scenario id 'pp*...*pp': use at most 100 characters",
    "id='ping'": "takes no 'id'",
    "name='ping'": "takes no 'name'",
    "'ping', wave=[]": "takes no 'wave'",
    "**{'x' * 10 ** 6: 1}": "takes no 'xx*...*xx'",
    "**{'a b': 1}": "takes no 'a b'",
    "'ping', waive=5": "waive is a list of names: *",
    "'ping', waive=None": "waive is a list of names: *",
    "'ping', waive='canaries'": "waive is a list of names: *",
    "'ping', waive={}": "waive is a list of names: *",
    "'ping', waive={'canaries'}": "waive is a list of names: *",
    "'ping', waive=(n for n in 'ab')": "waive is a list of names: *",
    "'ping', waive=nested": "unknown global negative [[[...]]] in waive; known are: *",
    "'ping', waive=[5]": "unknown global negative 5 in waive; known are: *",
    "'ping', waive=[9 ** 200_000]": "unknown global negative some int in waive; *",
    "'ping', waive=[{}]": "unknown global negative {} in waive; known are: *",
    "'ping', waive=['nobody']": "unknown global negative 'nobody' in waive; *",
    "'ping', waive=['x' * 10 ** 6]": "unknown global negative 'xx*...*xx' in waive; *",
}
HEAD = """
import pytest

nested = []
for _ in range(10_000):
    nested = [nested]

class Broken:
    def __repr__(self):
        raise RuntimeError
"""
TEST = """
@pytest.mark.netlab({0})
def test_it(netlab):
    pass
"""
# Whole files: where else a marker may be, and once too often.
FILES = {
    "module": "pytestmark = pytest.mark.netlab(5)\ndef test_it(): pass",
    "modules": "pytestmark = [pytest.mark.netlab(a=1)]\ndef test_it(): pass",
    "class": "@pytest.mark.netlab(5)\nclass TestIt:\n    def test_it(self): pass",
    "base": """
@pytest.mark.netlab(5)
class Base:
    def test_it(self): pass
class TestIt(Base):
    pass
""",
    "behind a good one": """
pytestmark = pytest.mark.netlab(5)
@pytest.mark.netlab("ping")
def test_it(): pass
""",
    "method": """
class TestIt:
    @pytest.mark.netlab(5)
    def test_it(self): pass
""",
    "unittest": """
import unittest
class TestIt(unittest.TestCase):
    @pytest.mark.netlab(5)
    def test_it(self): pass
""",
    "parameter": """
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.netlab(5))])
def test_it(x): pass
""",
    "twice": """
@pytest.mark.netlab("ping")
@pytest.mark.netlab("pong")
def test_it(): pass
""",
    "twice, once bare": """
@pytest.mark.netlab
@pytest.mark.netlab("pong")
def test_it(): pass
""",
    "twice in a module": """
pytestmark = [pytest.mark.netlab("ping"), pytest.mark.netlab]
def test_it(): pass
""",
    "twice on a class": """
@pytest.mark.netlab("ping")
@pytest.mark.netlab("pong")
class TestIt:
    def test_it(self): pass
""",
    "twice on a parameter": """
BOTH = [pytest.mark.netlab("ping"), pytest.mark.netlab("pong")]
@pytest.mark.parametrize("x", [pytest.param(1, marks=BOTH)])
def test_it(x): pass
""",
    "called again": """
@pytest.mark.netlab("ping").with_args("pong")
def test_it(): pass
""",
}
GOOD = """
import pytest

pytestmark = pytest.mark.netlab

@pytest.mark.netlab("ping")
class TestBase:
    def test_a(self): pass

    @pytest.mark.netlab("pong", waive=("container-address-on-uplink",))
    def test_b(self): pass

@pytest.mark.netlab
class TestIt(TestBase):
    @pytest.mark.parametrize(
        "x", [1, pytest.param(2, marks=pytest.mark.netlab("peng", waive=[]))]
    )
    def test_c(self, x): pass
"""


def errors(result: pytest.RunResult) -> dict[str, list[str]]:
    """Return the text of each file's collection error, by the file's name."""
    recorder = result.reprec  # type: ignore[attr-defined]
    reports = recorder.getreports("pytest_collectreport")
    failed = [report for report in reports if report.failed]
    return {r.nodeid.partition("::")[0]: r.longreprtext.splitlines() for r in failed}


def test_misuse(pytester: pytest.Pytester, run: Run) -> None:
    """Each is an error that names the test and what is allowed, and nothing is run."""
    for number, given in enumerate(ARGUMENTS):
        path = pytester.path / f"test_{number}.py"
        path.write_text(HEAD + TEST.format(given))

    result = run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    found = errors(result)
    bad = {}
    for number, (given, words) in enumerate(ARGUMENTS.items()):
        told = found.get(f"test_{number}.py", [])
        like = f"test_{number}.py::test_it: *{words}*".replace("[", "[[]")
        if len(told) != 1 or len(told[0]) > LONGEST or not fnmatchcase(told[0], like):
            bad[given] = told
    assert bad == {}


def test_places(pytester: pytest.Pytester, run: Run) -> None:
    """A marker counts wherever it is, also where another one overrides it."""
    for number, source in enumerate(FILES.values()):
        path = pytester.path / f"test_{number}.py"
        path.write_text(f"import pytest\n{source}")

    result = run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    found = errors(result)
    bad = {}
    for number, name in enumerate(FILES):
        told = found.get(f"test_{number}.py", [])
        words = "more than once" if name.startswith("twice") else "takes "
        if len(told) != 1 or words not in told[0] or "write @pytest" not in told[0]:
            bad[name] = told
    assert bad == {}


def test_other_tests_too(pytester: pytest.Pytester) -> None:
    """It ends a run of the other tests as well, as an unknown marker would."""
    pytester.makepyfile(test_a=HEAD + TEST.format(5), test_b="def test_b(): pass")

    result = pytester.runpytest("-m", "not netlab")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)


def test_many(pytester: pytest.Pytester, run: Run) -> None:
    """Of many tests with the same mistake a screen's worth is told."""
    source = "@pytest.mark.parametrize('x', range(1000))" + TEST.format(5)
    pytester.makepyfile(f"import pytest\n{source}".replace("netlab):", "x):"))

    result = run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert len(result.outlines) < 60


def test_good(pytester: pytest.Pytester, run: Run) -> None:
    """A module, a class, a base class and a parameter may each have one."""
    pytester.makepyfile(GOOD)

    run().assert_outcomes(passed=6)


@pytest.mark.parametrize(
    "added", ["pytest.mark.netlab(5)", "pytest.mark.netlab('ping', waive=5)"]
)
def test_added_later(pytester: pytest.Pytester, run: Run, added: str) -> None:
    """One that a hook or fixture adds is an error of its scenario, in a sentence."""
    pytester.makeconftest(
        f"""
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items[:2]:
                item.add_marker({added})

        @pytest.fixture
        def late(request):
            request.node.add_marker({added}, append=False)
        """
    )
    pytester.makepyfile(
        """
        import pytest

        def test_a(netlab): pass

        def test_b(): pass

        @pytest.mark.netlab("ping")
        def test_c(late, netlab): pass

        @pytest.mark.netlab("ping")
        def test_d(netlab, late): pass
        """
    )

    result = run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=2, passed=2)
    names = [line.partition(": ")[0] for line in result.outlines]
    assert names.count("test_added_later.py::test_a") == 1
    assert names.count("test_added_later.py::test_c") == 1
    result.stdout.no_fnmatch_line("*Error:*")


def test_docstring(pytester: pytest.Pytester, run: Run) -> None:
    """A docstring that no file could hold is recorded all the same, and read again."""
    pytester.makepyfile(
        r'''
        import pytest

        @pytest.mark.netlab("ping", waive=["container-address-on-uplink"])
        def test_ping(netlab):
            """A NUL \0, half a character \ud800."""
            with netlab.capture() as trace:
                netlab.c1.run("ping", "-c", "1", netlab.host01.address)
            netlab.check(trace)
        '''
    )

    run("--netlab-update").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_long_name(pytester: pytest.Pytester, run: Run) -> None:
    """A test with a long name has a folder for its evidence."""
    source = """
        import pytest

        @pytest.mark.netlab("ping", waive=["container-address-on-uplink"])
        def NAME(netlab):
            with netlab.capture() as trace:
                netlab.c1.run("ping", "-c", "1", netlab.host01.address)
            netlab.check(trace)
        """
    pytester.makepyfile(source.replace("NAME", f"test_{'ä' * 300}"))
    run("--netlab-update", "--netlab-keep=always").assert_outcomes(passed=1)

    result = run("--netlab-offline=netlab-artifacts", "--netlab-strict")

    result.assert_outcomes(passed=1)
