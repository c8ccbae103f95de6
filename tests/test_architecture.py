"""What the parts may know of each other, and what importing the plugin may cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_netlab

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
HEAVY = ("numpy", "docker", "pyroute2", "scapy")
PRINT_LOADED = """
import importlib, sys
importlib.import_module({module!r})
print(*[name for name in {heavy!r} if name in sys.modules])
"""


def loaded_by(module: str, heavy: tuple[str, ...] = HEAVY) -> list[str]:
    """Return which heavy packages a fresh interpreter has after one import."""
    code = PRINT_LOADED.format(module=module, heavy=heavy)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


# Who may parse text, and whose: a user's, a tool's, or a protocol's. Everything else
# hands values on, and what one stage renders no other reads.
PARSERS = {
    "cli.memory": "sizes, as a user writes them",
    "files.documents": "keys of TOML, before a slow reader parses them",
    "files.folders": "names of folders that a killed writer left",
    "host.engine_shapes": "lines of rules, by what engines write",
    "host.firewall.iptables": "iptables-save",
    "host.naming": "addresses, in anybody's rules",
    "host.firewall.nftables": "nft list ruleset",
    "host.obstacles": "tc, ip -d link, bridge",
    "host.firewall.tokens": "quotes of both",
    "layout": "what lines of ours begin with, for their colour, where they are printed",
    "lab.engine.refused": "why an engine refused something",
    "lab.facts": "what versions tools print",
    "lab.modules": "the kernel's lists of modules",
    "lab.lifetime.owner": "names that carry an owner",
    "masking.forms": "what a value is cut to, and base64",
    "masking.names": "names and values of environment variables",
    "masking.patterns": "credentials in anybody's text",
    "plugin.options": "which options take a path, by their own metavar",
    "replay.ftp": "PORT, EPRT and the answers to PASV and EPSV",
    "spec": "ids of scenarios and names of tests",
    "store.place": "names of variants in proposals",
    "store.requires": "what a golden requires, in its author's words",
    "wire.address": "MAC addresses",
}


def imports() -> dict[str, set[str]]:
    """Return which modules of the package each imports: also late, also for types."""
    package = Path(pytest_netlab.__file__).parent
    paths = {_module(package, path): path for path in package.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for name, path in paths.items():
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        wanted = {
            one if (one := f"{node.module}.{alias.name}") in paths else f"{node.module}"
            for node in froms
            for alias in node.names
        }
        plain = (node for node in nodes if isinstance(node, ast.Import))
        wanted |= {alias.name for node in plain for alias in node.names}
        found[name] = wanted & set(paths) - {name}
    return found


def _module(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def test_no_circles() -> None:
    """No module imports what imports it: not late either, and not for its types."""
    try:
        order = list(TopologicalSorter(imports()).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert "pytest_netlab.trace.build" in order


def parsers() -> set[str]:
    """Return the modules of the package that import `re`."""
    package = Path(pytest_netlab.__file__).parent
    return {
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if "re" in imported(ast.parse(path.read_text()))
    }


def imported(tree: ast.AST) -> set[str]:
    """Return the names of the modules that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_who_parses_text() -> None:
    """Regular expressions are for text of others, at the edge where it is read."""
    assert parsers() == set(PARSERS)
    assert not [
        name for name in PARSERS if name.startswith(("trace", "checks", "diff"))
    ]


# Who may name options of the plugin: edges; and texts with a whole command to type, or
# with what the option is called elsewhere. A lab's errors carry a `Remedy` instead.
EDGES = ("cli", "plugin")
TYPED = ("evidence", "report", "store")


def test_who_knows_options() -> None:
    """Below the edges nobody knows what an option is called: commands have others."""
    package = Path(pytest_netlab.__file__).parent
    named = {
        path.relative_to(package).parts[0].removesuffix(".py")
        for path in package.rglob("*.py")
        if any("--netlab-" in text for text in texts(ast.parse(path.read_text())))
    }

    assert named <= {*EDGES, *TYPED}


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module, parts of formatted ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_layers() -> None:
    """Each layer imports only those before it, so that each can be read alone."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [tool, "--config", ROOT / "pyproject.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", ["pytest_netlab.plugin.hooks", "pytest_netlab.spec"])
def test_import_is_light(module: str) -> None:
    """The plugin is loaded by every pytest of its users: it must not slow them down."""
    assert loaded_by(module) == []


@pytest.mark.parametrize(
    "module",
    [
        "pytest_netlab.capture",
        "pytest_netlab.diff",
        "pytest_netlab.host",
        "pytest_netlab.judge",
        "pytest_netlab.nat",
        "pytest_netlab.run",
    ],
)
def test_core_needs_no_lab(module: str) -> None:
    """Captures can be read, learned from and compared without an engine."""
    assert set(loaded_by(module)) <= {"numpy"}


@pytest.mark.parametrize("name", pytest_netlab.__all__)
def test_public_name(name: str) -> None:
    """What is listed as public is there: some of it is imported only when asked for."""
    assert getattr(pytest_netlab, name).__name__ == name


def test_public_names_are_listed_once() -> None:
    """The list is sorted and without repeats, so that two people can add to it."""
    assert sorted(set(pytest_netlab.__all__)) == pytest_netlab.__all__


def test_no_other_name() -> None:
    """What is not public is an error that names module and attribute."""
    with pytest.raises(AttributeError, match="'pytest_netlab' has no attribute 'x'"):
        _ = pytest_netlab.x


def test_a_capture_needs_no_evidence() -> None:
    """To read two files starts without the tenth of a second that bundles take."""
    heavy = ("msgspec", "pytest_netlab.evidence")

    assert loaded_by("pytest_netlab.cli.nat", heavy) == []
    assert loaded_by("pytest_netlab.evidence", heavy) == list(heavy)
