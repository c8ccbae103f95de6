"""`pytest-netlab replay`: a stored capture through a live NAT, from both ends."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import emit
from pytest_netlab.cli.progress import Watch
from pytest_netlab.lab import suites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.replay import Part, Played

ORIGINAL = "original"
SHOWN = 10  # conversations


@click.command(name="replay")
@click.argument(
    "capture", type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--client", default="c1", help="The node that plays who began (c1).")
@click.option(
    "--server",
    default="host01",
    help="The node that plays the other: host01 (default); web:80, from host01 by its "
    "published port; host:81 for a hairpin; host, c2.",
)
@click.option(
    "--speed",
    default="asap",
    metavar="asap|original|xN",
    help="No faster than packets come out (default), as captured, or N times as fast.",
)
@click.option(
    "--flows",
    metavar="WORD",
    help="Only the conversations with this protocol, address or port: udp, 10.1.2.3, "
    "443.",
)
@click.option("--interface", help="Whose packets, where the capture has several.")
@click.option("--fill", is_flag=True, help="Put zeros where the snaplen cut packets.")
@click.option(
    "--engine",
    type=click.Choice(("private", "kernel")),
    default="private",
    help="private: an engine of its own (default); kernel: Docker's rules, but no "
    "Docker.",
)
@click.option(
    "--engine-suite",
    type=click.Choice(suites.SUITES),
    help="Take engine and iptables from this Debian suite.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(capture: str, **options: Any) -> None:
    """Play a stored conversation through a private lab, from both ends.

    Each packet is sent where its sender would be, and awaited at the other end before
    the one behind it is sent. What comes out teaches the translation; the answer is
    sent to the translated tuple. Addresses become those of the nodes, checksums are
    adjusted; all else is kept, and must come out as it went in. The nodes' own stacks
    are muted meanwhile.

    \b
    pytest-netlab replay customer.pcap
    pytest-netlab replay customer.pcap --client host01 --server web:80
    pytest-netlab replay golden/published-web/capture.pcapng --client c1 --server c2

    Exit code 0: every packet came out as it went in; 1: not so; 2: cannot be played.
    """  # noqa: D301 - click's mark
    from pytest_netlab.capture import read  # noqa: PLC0415 - --help needs no numpy
    from pytest_netlab.flows import UDP  # noqa: PLC0415
    from pytest_netlab.lab import backends  # noqa: PLC0415 - imports docker
    from pytest_netlab.replay import replay, script, way  # noqa: PLC0415
    from pytest_netlab.spec import LabOptions  # noqa: PLC0415

    pace, ends = _pace(options["speed"]), (options["client"], options["server"])
    source = sys.stdin.buffer if capture == "-" else capture
    every = script(read(source), interface=options["interface"], fill=options["fill"])
    parts = _chosen(every, options["flows"])
    backend = options["engine"]
    if wrong := suites.misuse(backend, options["engine_suite"], None):
        raise click.UsageError(wrong.replace("--netlab-", "--"))
    root = suites.chosen(options["engine_suite"], None, _say)
    if sys.stderr.isatty():
        _say("starting a lab ...")
    transports = ("tcp", "udp") if any(p.key.proto == UDP for p in parts) else ("tcp",)
    lab: Any = backends.start(backend, LabOptions(root=root, transports=transports))
    with closing(lab), Watch() as watch:
        way(lab.nodes, *ends)
        lab.reset()
        count = sum(len(part.steps) for part in parts)
        progress = watch.counter("playing", count)
        played = replay(lab.nodes, parts, ends, pace=pace, progress=progress)
    emit([_json(played) if options["as_json"] else _text(played)])
    sys.exit(1 if played.findings else 0)


def _chosen(parts: Sequence[Part], text: str | None) -> list[Part]:
    """Return the conversations with this protocol, address or port."""
    found = [part for part in parts if text is None or text in _words(part)]
    if not found:
        there = "\n".join(f"  {part.key}" for part in parts[:SHOWN])
        raise Trouble(f"no conversation has {text!r}; there are\n{there}")
    return found


def _words(part: Part) -> set[str]:
    key = part.key
    ports = {str(key.sport), str(key.dport)}
    return {str(key).partition(" ")[0], key.src, key.dst, *ports}


def _say(text: str) -> None:
    click.echo(text, err=True)


def _pace(text: str) -> float:
    """Return how many times as fast as captured; 0 does not wait."""
    fixed = {"asap": 0.0, ORIGINAL: 1.0}
    if text in fixed:
        return fixed[text]
    try:
        factor = float(text.removeprefix("x"))
    except ValueError:
        factor = 0.0
    if not text.startswith("x") or not 0 < factor < float("inf"):
        raise Trouble(f"--speed {text}: say asap, original, or xN (x2, x0.5)")
    return factor


def _text(played: Played) -> Iterator[str]:
    for run in played.runs:
        sent = run.sent if run.sent is not None else "nothing"
        yield f"{run.met}  =>  {sent}   {run.delivered} of {len(run.part.steps)}\n"
        if run.renamed:
            yield f"  its source port or id was {run.part.key.sport}, which is taken\n"
    yield "".join(f"  by a helper: {told}\n" for told in played.translated)
    yield "".join(f"! {finding}\n" for finding in played.findings)
    if played.cut:
        yield f"{played.cut} packets were larger than 1500 octets, and cut to that\n"
    each = played.seconds / max(played.packets, 1)
    yield (
        f"{played.delivered} of {played.packets} packets came out, in "
        f"{played.seconds:.3f} s, {each * 1e6:.0f} us each\n"
    )


def _json(played: Played) -> Iterator[str]:
    flows = [
        {
            "met": run.met._asdict(),
            "sent": run.sent._asdict() if run.sent is not None else None,
            "packets": len(run.part.steps),
            "delivered": run.delivered,
            "renamed": run.renamed,
            "translated": run.translated,
        }
        for run in played.runs
    ]
    findings = [
        {"flow": f.flow, "packet": f.packet, "what": f.what, "detail": f.detail}
        for f in played.findings
    ]
    told = {"flows": flows, "findings": findings, "seconds": played.seconds}
    yield json.dumps(told, indent=1) + "\n"
