"""`pytest-netlab clean`: what killed runs left behind."""

from __future__ import annotations

import click


@click.command(name="clean")
def command() -> None:
    """Remove what runs that were killed left behind, and nothing else.

    Links, cgroups and containers carry the process that made them; only those of dead
    processes go. Every run does the same when it starts.

    \b
    pytest-netlab clean
    """  # noqa: D301 - click's mark
    from pytest_netlab.lab.sweep import sweep  # noqa: PLC0415 - imports docker

    removed = sweep()
    for name in removed:
        click.echo(f"removed {name}")
    click.echo(f"{len(removed)} leftovers removed")
