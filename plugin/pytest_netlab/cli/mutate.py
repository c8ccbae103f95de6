"""`pytest-netlab mutate`: change goldens or a lab, and expect a red verdict."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import emit, json_texts, rendered, shown
from pytest_netlab.cli.progress import Watch
from pytest_netlab.lab import firewall
from pytest_netlab.lab.backends import KERNEL, OWN_HOST
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.mutate import RULES, Judge, names
from pytest_netlab.mutate.live import FAULTS
from pytest_netlab.report import mutants as report
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.mutate import Mutant
    from pytest_netlab.terminal import Safe

ORDER = [fault.name for fault in FAULTS]


@click.command(name="mutate")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--golden",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Folder of goldens, if not the bundled ones.",
)
@click.option("--live", is_flag=True, help="Break a private lab instead of goldens.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME",
    help="With --live: this fault only (may be repeated; --list shows their names).",
)
@click.option(
    "--stimulus",
    type=click.Choice(("body", "replay")),
    default="body",
    help="With --live: what makes the packets, each scenario's test (default) or its "
    "golden's capture.",
)
@click.option(
    "--engine-suite",
    type=click.Choice(suites.SUITES),
    help="With --live: take engine and iptables from this Debian suite.",
)
@click.option(
    "--engine-root",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="With --live: take them from an unpacked root or static release.",
)
@click.option(
    "--backend",
    type=click.Choice(OWN_HOST),
    help="With --live: a lab with an engine (private, the default), or without.",
)
@click.option(
    "--firewall",
    type=click.Choice(firewall.CHOICES),
    help="With --live: what writes the host's rules, as --netlab-firewall chooses.",
)
@click.option("--list", "listed", is_flag=True, help="List what there is, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(scenarios: tuple[str, ...], golden: str | None, **options: Any) -> None:
    """Break what is judged, on purpose, and demand a red verdict.

    Every field of every packet of each golden is changed, packets are lost, doubled,
    moved and reordered, addresses and ports replaced; each change is judged as a run
    would be. A change without meaning counts as equivalent, by rules that `--list`
    prints; a survivor is a change that a run would not have noticed.

    With --live a lab of its own is broken instead, as root: rules are deleted, flushed,
    reordered and retargeted, sysctls and routes set, foreign rules added, the uplink
    impaired, taps blinded. Every scenario runs under every fault, and must name its
    cause, and the rule, route, address or sysctl that did it.

    \b
    pytest-netlab mutate
    pytest-netlab mutate --live
    pytest-netlab mutate --live --fault dnat-deleted published-web
    pytest-netlab mutate --live --backend kernel --firewall native
    pytest-netlab mutate ping-beyond --json | jq .summary
    pytest-netlab mutate --golden tests/golden

    Exit code 0: all caught; 1: survivor, false positive (alarm), crash; 2: cannot run,
    or nothing was tested.
    """  # noqa: D301 - click's mark
    if options["engine_suite"] and options["engine_root"]:
        raise click.UsageError("--engine-suite and --engine-root: choose one")
    if options["backend"] == KERNEL and (
        options["engine_suite"] or options["engine_root"]
    ):
        raise click.UsageError(
            "--backend kernel has no engine: choose no engine's root"
        )
    store = Store(Path(golden) if golden else Path(str(files("pytest_netlab.golden"))))
    chosen = _names(store, scenarios)
    if options["listed"]:
        emit([shown(_listed(chosen))])
        return
    with Watch() as watch:
        mutants = list(_mutants(store, chosen, options, watch))
    if options["live"]:  # labs side by side finish in no order
        mutants.sort(key=lambda mutant: ORDER.index(mutant.kind))
    as_json = options["as_json"]
    emit([json_texts(report.to_json(mutants)) if as_json else _table(mutants)])
    _demand_tested(mutants, options)
    sys.exit(1 if any(mutant.bad for mutant in mutants) else 0)


def _demand_tested(mutants: Sequence[Mutant], options: dict[str, Any]) -> None:
    """Demand that something was broken and judged; nothing is no success.

    Raises:
        Trouble: nothing was; says why, and what to do.

    """
    if any(mutant.tested for mutant in mutants):
        return
    if mutants:
        why = "this engine and host have nothing that these faults could break"
        advice = "choose other faults (--list names them), or another --engine-suite"
    elif options["stimulus"] == "replay":
        why, advice = "no golden of these can be replayed", "use --stimulus body"
    else:
        why, advice = "there is nothing to change", "choose other scenarios"
    raise Trouble(f"nothing was tested: {why}; {advice}")


def _table(mutants: Sequence[Mutant]) -> list[Safe]:
    return [rendered(report.to_table(mutants))]


def _names(store: Store, asked: tuple[str, ...]) -> list[str]:
    """Return the names of the goldens of these scenarios; all for no scenario.

    A scenario stands for all its variants.
    """
    known = names(store)
    if not known:
        raise Trouble(f"{store.root} has no golden: name a folder with --golden")
    found = {
        one: [n for n in known if one in (n, n.partition("/")[0])] for one in asked
    }
    unknown = [one for one in asked if not found[one]]
    if unknown:
        there = ", ".join(known)
        raise Trouble(f"no golden of {unknown[0]!r} in {store.root}: there are {there}")
    return list(dict.fromkeys(n for one in asked for n in found[one])) or known


def _mutants(
    store: Store, chosen: Sequence[str], options: dict[str, Any], watch: Watch
) -> Iterator[Mutant]:
    chosen_labs = {
        "backend": options["backend"],
        "firewall": options["firewall"],
        "suite": options["engine_suite"],
        "root": options["engine_root"],
    }
    where = {name: value for name, value in chosen_labs.items() if value}
    if options["live"]:
        from pytest_netlab.cli import live  # noqa: PLC0415 - imports docker, pyroute2

        scenarios = list(dict.fromkeys(name.partition("/")[0] for name in chosen))
        replayed = options["stimulus"] == "replay"
        yield from live.mutants(
            store,
            scenarios,
            options["faults"],
            live.Where(**where),
            watch,
            replayed=replayed,
        )
        return
    if options["faults"] or where or options["stimulus"] != "body":
        names = "--fault, --stimulus, --backend, --firewall and --engine-..."
        raise click.UsageError(f"{names} need --live")
    for name in chosen:
        judge = Judge(store, name)
        yield from watch.items(judge, name, len(judge))


def _listed(chosen: Iterable[str]) -> Iterator[str]:
    yield "goldens: a scenario, or scenario/variant"
    yield from (f"  {name}" for name in chosen)
    yield ""
    yield "what means nothing (a mutation that a rule applies to must stay green)"
    yield from (f"  {rule.name:<13} {rule.reason}" for rule in RULES)
    from pytest_netlab.cli import live  # noqa: PLC0415 - imports docker, pyroute2

    yield from live.listed()
