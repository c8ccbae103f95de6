"""`pytest-netlab clean`: remove what killed runs left behind."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import say
from pytest_netlab.files.folders import everywhere, left


@click.command(name="clean")
@click.option(
    "--roots", is_flag=True, help="Also remove the built engine roots (no lab may run)."
)
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False))
def command(folders: tuple[str, ...], *, roots: bool) -> None:
    """Remove what runs that were killed left behind, and nothing else.

    Processes, cgroups, links and containers carry the process that made them; only
    those of dead processes go. Every run does the same when it starts. Of folders that
    are named, of goldens or evidence, what a killed run was writing there goes too.
    What cannot be removed is named, and the exit code is 2.

    \b
    pytest-netlab clean
    pytest-netlab clean golden netlab-artifacts
    pytest-netlab clean --roots
    """  # noqa: D301 - click's mark
    from pytest_netlab.lab.sweep import sweep  # noqa: PLC0415 - imports docker

    swept = sweep()
    removed = [path for name in folders for path in everywhere(Path(name))]
    removed += swept.removed
    if roots:
        from pytest_netlab.lab.rootfs import suites  # noqa: PLC0415 - only if asked for

        removed += suites.clean()
    for name in removed:
        say(f"removed {name}")
    say(f"{len(removed)} leftovers removed")
    stays = [*swept.left, *(path for name in folders for path in left(Path(name)))]
    if stays:
        raise Trouble(
            f"cannot remove {', '.join(stays)}: look at what holds them (a frozen "
            "cgroup above, a disk that does not answer, another folder in the place "
            "of one that is to be put back), and clean again"
        )
