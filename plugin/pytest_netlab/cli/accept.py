"""`pytest-netlab accept`: decide on pending goldens by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from pytest_netlab.cli.pendings import (
    accept,
    artifacts,
    goldens,
    refuse_in_ci,
    several,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.store import PendingStore


@click.command(name="accept")
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Accept everything that is pending.")
@artifacts
@goldens
def command(
    names: tuple[str, ...], store: PendingStore, goldens: Path, *, every: bool
) -> None:
    """Record pending goldens: what a run saw is right from now on.

    What you wrote into golden.toml stays: policy, requires, description, reference. If
    the golden has changed since the run, it is refused: run the scenario again. Only
    the scenario's own folder below --golden is written to. Look first, with
    `pytest-netlab review`; refused when CI is set.

    \b
    pytest-netlab accept ping-beyond
    pytest-netlab accept --all
    """  # noqa: D301 - click's mark
    refuse_in_ci("accept")
    several(store, names, partial(accept, goldens=goldens), every=every)
