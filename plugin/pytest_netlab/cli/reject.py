"""`pytest-netlab reject`: decide on pending goldens by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pytest_netlab.cli.pendings import artifacts, reject, several

if TYPE_CHECKING:
    from pytest_netlab.store import PendingStore


@click.command(name="reject")
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Reject everything that is pending.")
@artifacts
def command(names: tuple[str, ...], store: PendingStore, *, every: bool) -> None:
    """Remove pending goldens: what a run saw is wrong, and the goldens stay.

    Rejecting also clears one that is damaged.

    \b
    pytest-netlab reject ping-beyond
    pytest-netlab reject --all
    """  # noqa: D301 - click's mark
    several(store, names, reject, every=every)
