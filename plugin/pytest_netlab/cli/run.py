"""`pytest-netlab run`: the bundled scenarios, in a pytest of their own."""

from __future__ import annotations

import subprocess
import sys

import click


@click.command(name="run", context_settings={"ignore_unknown_options": True})
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(pytest_args: tuple[str, ...]) -> None:
    """Run the bundled scenarios from any directory.

    Everything after `run` goes to pytest, and the exit code is pytest's.

    \b
    pytest-netlab run -k ping -v
    pytest-netlab run --netlab-engine=host
    """  # noqa: D301 - click's mark
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-m", "netlab"]
    argv += ["--pyargs", "pytest_netlab.scenarios", *pytest_args]
    sys.exit(subprocess.run(argv, check=False).returncode)
