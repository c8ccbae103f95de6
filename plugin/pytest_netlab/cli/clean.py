"""`pytest-netlab clean`: what killed runs left behind."""

from __future__ import annotations

import click

from pytest_netlab.cli.output import say


@click.command(name="clean")
@click.option(
    "--roots", is_flag=True, help="Also remove the built engine roots (no lab may run)."
)
def command(*, roots: bool) -> None:
    """Remove what runs that were killed left behind, and nothing else.

    Links, cgroups and containers carry the process that made them; only those of dead
    processes go. Every run does the same when it starts.

    \b
    pytest-netlab clean
    pytest-netlab clean --roots
    """  # noqa: D301 - click's mark
    from pytest_netlab.lab.sweep import sweep  # noqa: PLC0415 - imports docker

    removed = sweep()
    if roots:
        from pytest_netlab.lab import suites  # noqa: PLC0415 - only if asked for

        removed += suites.clean()
    for name in removed:
        say(f"removed {name}")
    say(f"{len(removed)} leftovers removed")
