"""`pytest-netlab diff`: compare two captures by their canonical traces."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.capture import Capture, write
from pytest_netlab.capture.export import addresses
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import bounded
from pytest_netlab.cli.output import emit, json_texts, lines
from pytest_netlab.cli.progress import Watch
from pytest_netlab.cli.sources import (
    FILE,
    OUT,
    STDIN,
    as_trouble,
    formats,
    only_once,
    spare,
    whole,
)
from pytest_netlab.diff import Policy, compare
from pytest_netlab.diff.points import INSIDE, OUTSIDE, both_points, called
from pytest_netlab.errors import CaptureError, DocumentError, PolicyError
from pytest_netlab.files import documents, schema
from pytest_netlab.report import annotate, differences
from pytest_netlab.store import TOML, document, read
from pytest_netlab.terminal import Safe, escaped
from pytest_netlab.trace import CanonicalTrace, canonicalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.capture import Budget
    from pytest_netlab.diff import Difference
    from pytest_netlab.diff.points import Points


@dataclass(frozen=True, slots=True)
class Read:
    """The capture that an argument names; `policy` is None if it is no golden."""

    capture: Capture
    policy: Policy | None


@click.command(name="diff")
@click.argument("golden", type=FILE)
@click.argument("observed", type=FILE)
@formats
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help='TOML in place of the golden\'s [policy]: ttl = "any" leaves ttl out.',
)
@click.option(
    "--write-diff",
    "out",
    type=OUT,
    metavar="OUT.pcapng",
    help="Write the observed conversations that differ, with comments.",
)
@click.option(f"--{INSIDE}", metavar="NAME", help="Interface, if not docker0.")
@click.option(f"--{OUTSIDE}", metavar="NAME", help="Interface, if not uplink.")
@bounded
def command(
    golden: str,
    observed: str,
    form: str | None,
    policy: str | None,
    out: str | None,
    **asked: Any,
) -> None:
    """Compare two captures flow by flow, not byte by byte.

    Each is a golden or evidence folder, or a capture file. Addresses are replaced by
    the names in the capture, ports and ids by symbols, so captures of different hosts
    can be compared. A golden folder's policy applies. Captures without names are
    compared by their addresses.

    \b
    pytest-netlab diff golden/ping-beyond netlab-artifacts/ping-beyond
    pytest-netlab diff --json before.pcapng after.pcapng
    pytest-netlab diff golden/ping-beyond seen.pcapng --write-diff why.pcapng

    Exit code 0: same; 1: differs; 2: cannot be compared.
    """  # noqa: D301 - click's mark
    only_once(golden, observed)
    spare(out, golden, observed)
    if asked[INSIDE] is not None and asked[INSIDE] == asked[OUTSIDE]:
        raise click.UsageError("--inside and --outside are two interfaces")
    budget: Budget = asked.pop("budget")
    rules = _policy(Path(policy)) if policy else None
    with Watch() as watch:
        want, got = (_read(name, watch, budget) for name in (golden, observed))
    points = both_points(want.capture, got.capture, asked)
    expected, seen = _stories(want, got, points)
    found = compare(expected, seen, rules or want.policy)
    if not found:
        _check(got.capture, seen, reviewed=want.policy is not None)
    if out is not None:
        ends = points[1].inside, points[1].outside
        write(out, annotate.of_differences(got.capture, seen, found, ends))
    emit([_written(found, form, len(seen.flows))])
    sys.exit(1 if found else 0)


def _policy(path: Path) -> Policy:
    """Read a policy from a golden.toml, a [policy] table, or the bare keys of one."""
    try:
        table = documents.toml(path)
    except DocumentError as error:
        raise PolicyError(str(error)) from error
    inner = table.get("policy")
    if isinstance(inner, dict) and table.keys() <= schema.keys(document.Golden).keys():
        table = inner
    try:
        return Policy.parse(table)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


def _read(argument: str, watch: Watch, budget: Budget) -> Read:
    """Read a golden with its policy, or any capture."""
    folder, policy = Path(argument), None
    if argument != STDIN and (folder / TOML).is_file():
        policy = read(folder).policy
    try:
        return Read(whole(argument, watch, budget), policy)
    except CaptureError as error:
        raise as_trouble(error) from error


def _stories(
    want: Read, got: Read, points: tuple[Points, Points]
) -> tuple[CanonicalTrace, CanonicalTrace]:
    """Return the canonical traces of both captures, with the same names for points."""
    labels = points[0].labels()
    traces = []
    for one, other, ends in ((want, got, points[0]), (got, want, points[1])):
        names = one.capture.names or other.capture.names or _literal(one.capture)
        trace = canonicalize(
            one.capture, inside=ends.inside, outside=ends.outside, names=names
        )
        renames = {name: labels[side] for side, name in ends.names.items()}
        traces.append(called(trace, renames))
    if traces[0].flows and not traces[1].flows and not got.capture.names:
        raise Trouble(
            "the observed capture names no address, and has no conversation of an "
            "address the golden names: compare it with a capture of the same host"
        )
    return traces[0], traces[1]


def _literal(capture: Capture) -> Mapping[str, str]:
    """Return a name for every address: the address itself."""
    found = {*addresses(capture, "src"), *addresses(capture, "dst")} - {""}
    return {address: address for address in found}


def _check(observed: Capture, trace: CanonicalTrace, *, reviewed: bool) -> None:
    """Refuse the verdict "same" if packets were lost, or there are no flows."""
    lost = sum(interface.dropped or 0 for interface in observed.interfaces)
    if lost:
        raise Trouble(
            f"nothing differs, but the observed capture lost {lost} packets: "
            "capture again, with a larger buffer"
        )
    if not trace.flows and not (reviewed and len(observed)):
        raise Trouble("neither capture has a conversation: there is nothing to compare")


def _written(found: list[Difference], form: str | None, flows: int) -> Iterable[Safe]:
    if form == "json":
        return json_texts(differences.to_json(found))
    if form == "csv":
        return [escaped(differences.to_csv(found))]
    if not found:
        return lines([f"same: {flows} {'flow' if flows == 1 else 'flows'}"])
    return lines(differences.to_text(found))
