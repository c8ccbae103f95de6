"""`pytest-netlab review`: show each proposed golden and ask what to do."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from pytest_netlab.ci import in_ci
from pytest_netlab.cli.group import INTERRUPTED
from pytest_netlab.cli.output import emit, say, shown
from pytest_netlab.cli.pendings import (
    NOTHING,
    accept,
    accept_read,
    artifacts,
    deciding,
    each,
    goldens,
    meant,
    refuse_in_ci,
    reject,
)
from pytest_netlab.recorder import review
from pytest_netlab.report.review import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_netlab.store import Pending, PendingStore

UNDECIDED = (
    "nothing is decided: review asks on a terminal, and not in CI. Next: `{accept}`, "
    "or `{reject}`{where}"
)
IN_CI = "; in CI, where goldens are not written, only the latter"
QUESTION = "(a)ccept, (r)eject or (s)kip"


@click.command(name="review")
@click.argument("names", nargs=-1)
@click.option("--accept-all", is_flag=True, help="Accept them without asking.")
@click.option("--reject-all", is_flag=True, help="Reject them without asking.")
@artifacts
@goldens
def command(
    names: tuple[str, ...], store: PendingStore, goldens: Path, **every: bool
) -> None:
    """Walk through pending goldens: see what differs and why, and decide.

    Shows causes, how this host differs from the golden's, and story.txt as a diff; then
    asks: a accepts it as the golden, r rejects it, s leaves it for later. Names choose
    some. Without a terminal, or with CI set, all are shown and nothing is asked.

    \b
    pytest-netlab review
    pytest-netlab review ping-beyond
    pytest-netlab review --reject-all
    """  # noqa: D301 - click's mark
    accept_all, reject_all = every["accept_all"], every["reject_all"]
    if accept_all and reject_all:
        raise click.UsageError("--accept-all and --reject-all exclude each other")
    if accept_all:
        refuse_in_ci("review --accept-all")
    chosen = meant(store, names)
    if not chosen:
        say(NOTHING.format(store.root))
    elif accept_all or reject_all:
        accepting = partial(accept, goldens=goldens)
        each(store, chosen, accepting if accept_all else reject)
    elif in_ci() or sys.stdin is None or not sys.stdin.isatty():
        each(store, chosen, lambda store, name: _show(store.load(name, goldens)))
        say(_undecided(chosen))
    else:
        each(store, chosen, partial(_ask, goldens=goldens))


def _undecided(names: Sequence[str]) -> str:
    """Return how to decide on proposals without being asked."""
    accepting, rejecting = deciding("accept", names), deciding("reject", names)
    where = IN_CI if in_ci() else ""
    return UNDECIDED.format(accept=accepting, reject=rejecting, where=where)


def _show(pending: Pending) -> None:
    emit([shown(render(review(pending), datetime.now(UTC)))])
    say("")


def _ask(store: PendingStore, name: str, goldens: Path) -> None:
    """Show a proposal, ask, and act; an aborted prompt (Ctrl-C) leaves it pending."""
    pending = store.load(name, goldens)
    _show(pending)
    choice = click.Choice(["a", "r", "s"], case_sensitive=False)
    try:
        answer = click.prompt(QUESTION, type=choice, default="s", show_choices=False)
    except click.Abort:
        say("")
        sys.exit(INTERRUPTED)
    if answer == "a":
        accept_read(store, pending)
    elif answer == "r":
        store.drop(pending)
        say(f"rejected {name}")
    else:
        say(f"skipped {name}")
    say("")
