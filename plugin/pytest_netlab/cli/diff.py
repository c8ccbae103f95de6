"""`pytest-netlab diff`: compare two captures by their canonical traces."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.capture import Capture, write
from pytest_netlab.capture.export import addresses
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import bounded
from pytest_netlab.cli.output import emit, json_texts, say, shown
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
from pytest_netlab.diff.content import Traced, contents
from pytest_netlab.diff.coverage import compared, left_out, rendered
from pytest_netlab.diff.points import INSIDE, OUTSIDE, both_points, called
from pytest_netlab.errors import CaptureError, DocumentError, PolicyError
from pytest_netlab.files import documents, schema
from pytest_netlab.report import annotate, differences
from pytest_netlab.store import TOML, document, read
from pytest_netlab.terminal import Safe, escaped
from pytest_netlab.trace import CanonicalTrace, canonicalize
from pytest_netlab.wire import is_mac

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.capture import Budget
    from pytest_netlab.diff import Difference
    from pytest_netlab.diff.policy import FieldRule
from pytest_netlab.diff.points import Points

SHOWN = 3  # conversations that a message lists


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
@click.option(
    "--name",
    "named",
    multiple=True,
    metavar="ADDRESS=NAME",
    help="Name an address that the captures do not name; as often as needed.",
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
    named: tuple[str, ...],
    **asked: Any,
) -> None:
    """Compare two captures flow by flow, not byte by byte.

    Each is a golden or evidence folder, or a capture file. Addresses are replaced by
    the names in the capture, ports and ids by symbols, so captures of different hosts
    can be compared. A golden folder's policy applies. Captures without names are
    compared by their addresses. Conversations between addresses without a name are
    left out, and said to be; --name gives them one.

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
    given = _named(named)
    rules = _policy(Path(policy)) if policy else None
    with Watch() as watch:
        want, got = (_read(name, watch, budget) for name in (golden, observed))
    points = both_points(want.capture, got.capture, asked)
    expected, seen = _stories(want, got, points, given)
    found = compare(expected, seen, rules or want.policy)
    ends = [_renames(one, points[0]) for one in points]
    found += _carried(
        Traced(want.capture, expected, ends[0]),
        Traced(got.capture, seen, ends[1]),
        _of_payload(rules, want.policy),
    )
    flows = _covered((want, got), (expected, seen), points, is_same=not found)
    if out is not None:
        _write(out, got.capture, seen, found, points[1])
    emit([_written(_numbered(found, got.capture), form, flows)])
    sys.exit(1 if found else 0)


def _covered(
    read: tuple[Read, Read],
    traces: tuple[CanonicalTrace, CanonicalTrace],
    points: tuple[Points, Points],
    *,
    is_same: bool,
) -> int:
    """Return how many flows were compared; say what was not, and why.

    Raises:
        Trouble: nothing differs, but packets were lost, or not all was compared.

    """
    want, got = read
    flows = compared(*traces)
    # Of traces that differ, a whole flow may be the difference.
    judged = flows if is_same else (traces[0].flows, traces[1].flows)
    omitted = rendered(
        left_out(want.capture, judged[0], points[0].names.values()),
        left_out(got.capture, judged[1], points[1].names.values()),
    )
    if is_same:
        reviewed = want.policy is not None
        _check(got.capture, traces, reviewed=reviewed)
        _check_any(len(flows[1]), omitted, quiet=reviewed and bool(len(got.capture)))
    elif any(one.left_out for one in traces):
        say(_rest(*traces), err=True)
    if omitted:
        say(f"not compared: {omitted}", err=True)
    return len(flows[1])


def _carried(want: Traced, got: Traced, rule: FieldRule) -> list[Difference]:
    """Return how contents differ; say what of them could not be compared."""
    carried = contents(want, got, rule)
    if carried.cut:
        say(f"{carried.cut} octets were not compared: a capture cut them", err=True)
    if carried.holes:
        say(f"{carried.holes} octets were not compared: neither has them", err=True)
    return carried.found


def _numbered(found: list[Difference], observed: Capture) -> list[Difference]:
    """Return differences with packets' numbers as Wireshark counts them."""
    about = observed.about
    if not about.others:
        return found
    return [
        replace(one, packet=about.number(one.packet - 1)) if one.packet else one
        for one in found
    ]


def _write(
    out: str,
    observed: Capture,
    seen: CanonicalTrace,
    found: list[Difference],
    points: Points,
) -> None:
    """Write the packets that differ, with comments."""
    ends = points.inside, points.outside
    write(out, annotate.of_differences(observed, seen, found, ends))


def _of_payload(given: Policy | None, golden: Policy | None) -> FieldRule:
    """Return how content is compared: a golden's unless its policy leaves it open.

    Of two captures exactly, unless a given policy names it.
    """
    rules = given or golden or Policy()
    return rules.of_payload("exact" if golden is None else "any")


def _renames(ends: Points, golden: Points) -> dict[str, str]:
    """Return interface -> point: the golden's labels are used for both captures."""
    labels = golden.labels()
    return {name: labels[side] for side, name in ends.names.items()}


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
    want: Read,
    got: Read,
    points: tuple[Points, Points],
    given: Mapping[str, str],
) -> tuple[CanonicalTrace, CanonicalTrace]:
    """Return the canonical traces of both captures, with the same names for points."""
    traces = []
    for one, other, ends in ((want, got, points[0]), (got, want, points[1])):
        names = one.capture.names or _lent(other.capture) or _literal(one.capture)
        names = {**names, **given}
        trace = canonicalize(
            one.capture, inside=ends.inside, outside=ends.outside, names=names
        )
        traces.append(called(trace, _renames(ends, points[0])))
    if traces[0].flows and not traces[1].flows and not got.capture.names:
        raise Trouble(
            "the observed capture names no address, and has no conversation of an "
            "address the golden names: compare it with a capture of the same host"
        )
    return traces[0], traces[1]


def _lent(capture: Capture) -> dict[str, str]:
    """Return a capture's names for another: its Ethernet addresses are its own."""
    return {text: name for text, name in capture.names.items() if not is_mac(text)}


def _literal(capture: Capture) -> Mapping[str, str]:
    """Return a name for every address: the address itself."""
    found = {*addresses(capture, "src"), *addresses(capture, "dst")} - {""}
    return {address: address for address in found}


def _named(texts: Iterable[str]) -> dict[str, str]:
    """Return address -> name, as the option has them."""
    found = {}
    for text in texts:
        address, _, name = text.partition("=")
        try:
            found[str(ip_address(address))] = name
        except ValueError:
            name = ""
        if not name:
            raise click.UsageError(f"--name {text}: it is ADDRESS=NAME: 10.0.0.5=db")
    return found


def _check(
    observed: Capture, traces: tuple[CanonicalTrace, CanonicalTrace], *, reviewed: bool
) -> None:
    """Refuse the verdict "same" if packets were lost, or not all was compared.

    A reviewed golden says which conversations matter: others are unrelated to it.
    """
    lost = sum(interface.dropped or 0 for interface in observed.interfaces)
    if lost:
        raise Trouble(
            f"nothing differs, but the observed capture lost {lost} packets: "
            "capture again, with a larger buffer"
        )
    flows = traces[1].flows
    if any(one.left_out for one in traces):
        if not (reviewed and flows):
            raise Trouble(f"nothing differs in what was compared, but {_rest(*traces)}")
        say(_rest(*traces), err=True)


def _check_any(flows: int, omitted: str, *, quiet: bool) -> None:
    """Refuse the verdict "same" if nothing was compared.

    A reviewed golden may say that no node talks: `quiet`, if anything was captured.
    """
    if not flows and not quiet:
        why = f"not compared: {omitted}" if omitted else "there is no packet"
        raise Trouble(f"nothing was compared in either capture; {why}")


def _rest(*traces: CanonicalTrace) -> str:
    """Return which conversations were not compared, why, and what to do."""
    counts = [len(one.left_out) for one in traces]
    keys = list(dict.fromkeys(key for one in traces for key in one.left_out))
    shown = ", ".join(map(str, keys[:SHOWN])) + ", ..." * (len(keys) > SHOWN)
    ends = dict.fromkeys(end for key in keys[:SHOWN] for end in (key.src, key.dst))
    options = " ".join(f"--name {end}=NAME" for end in ends)
    return (
        f"{counts[0]} conversations of the golden and {counts[1]} of the observed "
        f"capture were left out, since no end is a node that a capture names: {shown}; "
        f"to compare them, name an end of each: {options}"
    )


def _written(found: list[Difference], form: str | None, flows: int) -> Iterable[Safe]:
    if form == "json":
        return json_texts(differences.to_json(found))
    if form == "csv":
        return [escaped(differences.to_csv(found))]
    if not found:
        return shown([f"same: {flows} {'flow' if flows == 1 else 'flows'}"])
    return shown(differences.to_text(found))
