"""The same source runs uncompiled: no compiler is needed to judge packets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_netlab.core import core

UNIT = Path(__file__).resolve().parents[1] / "unit"
LAYERS = ("wire", "capture", "flows", "nat", "diff")
INTERPRETED = {**os.environ, "PYTEST_NETLAB_INTERPRETED": "1"}


@pytest.fixture(autouse=True)
def _compiled() -> None:
    """Skip where the core is interpreted anyway."""
    if core() != "compiled":
        pytest.skip("the core is interpreted here: tests/unit has shown all there is")


def test_interpreted_core_passes_the_same_tests() -> None:
    """Every unit test of the compiled layers holds for the interpreted ones."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(str(UNIT / layer) for layer in LAYERS)],
        env=INTERPRETED,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_switch_switches() -> None:
    """The environment variable loads sources beside their extensions."""
    code = "from pytest_netlab.wire import stack; print(stack.__file__)"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=INTERPRETED,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip().endswith("stack.py")


def test_interpreted_core_needs_no_cython() -> None:
    """Cython is for building: what runs uncompiled reads and learns without it."""
    code = (
        "import sys; sys.modules['cython'] = None\n"
        "from pytest_netlab.capture import read\n"
        "from pytest_netlab.trace import canonicalize\n"
        "print(len(canonicalize(read(sys.argv[1])).flows))"
    )
    capture = UNIT.parents[1] / "golden" / "ping-beyond" / "capture.pcapng"

    done = subprocess.run(
        [sys.executable, "-c", code, str(capture)],
        env=INTERPRETED,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "1"
