"""Options and actions that the commands on pending goldens share."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pytest_netlab.ci import in_ci
from pytest_netlab.cli.golden_root import golden_root
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import say
from pytest_netlab.errors import NetlabError
from pytest_netlab.invocation import current
from pytest_netlab.spec import ARTIFACTS
from pytest_netlab.store import PendingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_netlab.store import Pending

NOTHING = "nothing is pending in {}: runs that differ propose goldens there"


def _store(_ctx: click.Context, _param: click.Parameter, value: str) -> PendingStore:
    return PendingStore.beside(Path(value))


def _goldens(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Path:
    return Path(value) if value else golden_root(Path.cwd())


artifacts = click.option(
    "--artifacts",
    "store",
    type=click.Path(file_okay=False),
    default=ARTIFACTS,
    show_default=True,
    metavar="DIR",
    callback=_store,
    help="The --netlab-artifacts of the run.",
)
goldens = click.option(
    "--golden",
    "goldens",
    type=click.Path(file_okay=False),
    metavar="DIR",
    callback=_goldens,
    help="The folder of goldens; default: the netlab_golden of pytest.ini, as pytest "
    "finds it from here. Nothing is recorded elsewhere.",
)


def meant(store: PendingStore, names: Sequence[str]) -> list[str]:
    """Return the pending goldens of these names, or all for no name.

    Raises:
        GoldenError: a name is not pending; the message lists those that are.

    """
    store.demand(*names)
    return list(dict.fromkeys(names)) or store.names()


def deciding(action: str, names: Sequence[str]) -> str:
    """Return the command line of an action, with the folders this command was given."""
    given = click.get_current_context()
    words = [current().netlab, action, shlex.join(names)]
    for option, key in (("--artifacts", "store"), ("--golden", "goldens")):
        if given.get_parameter_source(key) is ParameterSource.COMMANDLINE:
            value = given.params[key]
            folder = value.root.parent if isinstance(value, PendingStore) else value
            words.append(f"{option} {shlex.quote(str(folder))}")
    return " ".join(words)


def refuse_in_ci(action: str) -> None:
    """Refuse to write goldens where nobody reviews them."""
    if in_ci():
        raise Trouble(f"{action}: CI never writes goldens; accept by hand and commit")


def accept(store: PendingStore, name: str, goldens: Path) -> None:
    """Accept a pending golden by its name."""
    accept_read(store, store.load(name, goldens))


def accept_read(store: PendingStore, pending: Pending) -> None:
    """Accept a pending golden as it was read, and print where it was recorded."""
    known = "" if store.accept(pending) else " (which has it already)"
    say(f"accepted {pending.name}: {pending.golden}{known}")


def reject(store: PendingStore, name: str) -> None:
    """Reject a pending golden and say so."""
    store.reject(name)
    say(f"rejected {name}")


def each(
    store: PendingStore, names: Sequence[str], act: Callable[[PendingStore, str], None]
) -> None:
    """Act on each; print errors and go on, then exit with 2 if any failed."""
    failed = 0
    for name in names:
        try:
            act(store, name)
        except (NetlabError, OSError) as error:
            say(f"Error: {error}", err=True)
            failed += 1
    if failed:
        raise Trouble(f"{failed} of {len(names)} could not be decided; they stay")


def several(
    store: PendingStore,
    names: Sequence[str],
    act: Callable[[PendingStore, str], None],
    *,
    every: bool,
) -> None:
    """Act on the named ones, or on all with --all; no name is a usage error."""
    if bool(names) == every:
        pending = ", ".join(store.names()) or "nothing"
        raise click.UsageError(f"name what is meant, or --all; pending: {pending}")
    chosen = meant(store, names)
    if not chosen:
        say(NOTHING.format(store.root))
    each(store, chosen, act)
