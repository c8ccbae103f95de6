"""The pytest-netlab command. It wires; it does not think."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import click

from pytest_netlab.core import core


@click.group(
    name="pytest-netlab", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(
    version("pytest-netlab"), message=f"pytest-netlab %(version)s, core: {core()}"
)
def main() -> None:
    """Tell from packets whether a Docker host still networks as it did.

    Scenarios run on a real engine while docker0 and the uplink are captured; how the
    kernel rewrote each flow is compared with golden captures. In a checkout, or for
    your own scenarios, type `pytest -m netlab`.
    """


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def run(pytest_args: tuple[str, ...]) -> None:
    """Run the bundled scenarios from any directory.

    Everything after `run` goes to pytest: `pytest-netlab run -k ping -v`,
    `pytest-netlab run --netlab-engine=host`. The exit code is pytest's.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--import-mode=importlib",
        "-m",
        "netlab",
    ]
    command += ["--pyargs", "pytest_netlab.scenarios", *pytest_args]
    sys.exit(subprocess.run(command, check=False).returncode)


@main.command()
def clean() -> None:
    """Remove what runs that were killed left behind, and nothing else.

    Links, cgroups and containers carry the process that made them; only those of dead
    processes go. Every run does the same when it starts.
    """
    from pytest_netlab.lab.sweep import sweep  # noqa: PLC0415 - imports docker

    removed = sweep()
    for name in removed:
        click.echo(f"removed {name}")
    click.echo(f"{len(removed)} leftovers removed")
