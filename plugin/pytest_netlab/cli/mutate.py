"""`pytest-netlab mutate`: break what is judged, and demand red."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import emit, rendered
from pytest_netlab.cli.progress import Watch
from pytest_netlab.mutate import RULES, Judge
from pytest_netlab.report import kills as report
from pytest_netlab.store import TOML, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.mutate import Kill


@click.command(name="mutate")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--golden",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of goldens, if not the bundled ones.",
)
@click.option("--goldens-only", is_flag=True, help="Needs neither root nor Docker.")
@click.option("--list", "listed", is_flag=True, help="Tell what there is, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    scenarios: tuple[str, ...],
    golden: str | None,
    *,
    goldens_only: bool,
    listed: bool,
    as_json: bool,
) -> None:
    """Break what is judged, on purpose, and demand a red verdict.

    Every field of every packet of each golden is changed, packets are lost, doubled,
    moved and reordered, addresses and ports replaced; each change is judged as a run
    would be. What means nothing is listed as equivalent, by rules that `--list` tells;
    a survivor is a change that a run would not have noticed.

    \b
    pytest-netlab mutate
    pytest-netlab mutate ping-beyond --json | jq .summary
    pytest-netlab mutate --golden tests/golden

    Exit code 0: all caught; 1: a survivor, or an alarm without a reason; 2: cannot run.
    """  # noqa: D301 - click's mark
    del goldens_only  # there is nothing else yet
    store = Store(Path(golden) if golden else Path(str(files("pytest_netlab.golden"))))
    names = _names(store, scenarios)
    if listed:
        emit([_listed(names)])
        return
    with Watch() as watch:
        kills = list(_kills(store, names, watch))
    emit([report.to_json(kills) if as_json else [rendered(report.to_table(kills))]])
    sys.exit(1 if any(kill.bad for kill in kills) else 0)


def _names(store: Store, asked: tuple[str, ...]) -> list[str]:
    """Return the scenarios that were asked for: all that have a golden, if none."""
    known = sorted(path.parent.name for path in store.root.glob(f"*/{TOML}"))
    if not known:
        raise Trouble(f"{store.root} has no golden: name a folder with --golden")
    unknown = [name for name in asked if name not in known]
    if unknown:
        there = ", ".join(known)
        raise Trouble(f"no golden of {unknown[0]!r} in {store.root}: there are {there}")
    return list(dict.fromkeys(asked)) or known


def _kills(store: Store, names: Iterable[str], watch: Watch) -> Iterator[Kill]:
    for name in names:
        judge = Judge(store, name)
        yield from watch.items(judge, name, len(judge))


def _listed(names: Iterable[str]) -> Iterator[str]:
    yield "scenarios with a golden\n"
    yield from (f"  {name}\n" for name in names)
    yield "\nwhat means nothing (a mutation that a rule applies to must stay green)\n"
    yield from (f"  {rule.name:<13} {rule.reason}\n" for rule in RULES)
