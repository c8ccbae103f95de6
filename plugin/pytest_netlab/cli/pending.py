"""`pytest-netlab pending`: list the goldens that runs proposed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pytest_netlab.cli.output import emit, json_texts, say, shown
from pytest_netlab.cli.pendings import NOTHING, artifacts, goldens
from pytest_netlab.report import review

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.store import PendingStore


@click.command(name="pending")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, an object each.")
@artifacts
@goldens
def command(store: PendingStore, goldens: Path, *, as_json: bool) -> None:
    """List the goldens that runs proposed and nobody decided on.

    A run that differs from its golden, or has none, proposes what it saw. The list says
    what differs, how old it is, where it lies and which golden it is for. A damaged
    one is listed with its error.

    \b
    pytest-netlab pending
    pytest-netlab pending --json
    """  # noqa: D301 - click's mark
    now = datetime.now(UTC)
    found = [review.summary(store, goldens, name, now) for name in store.names()]
    if as_json:
        emit([json_texts([json.dumps(found, indent=2), "\n"])])
    elif found:
        emit([shown(line for one in found for line in review.listed(one))])
    else:
        say(NOTHING.format(store.root))
