"""`pytest-netlab replay`: play a stored capture through a live NAT from both ends."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab import evidence
from pytest_netlab.checks.forbidden import CHECKSUM
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import budgeted, limited
from pytest_netlab.cli.output import emit, say, shown
from pytest_netlab.cli.progress import Watch
from pytest_netlab.cli.sources import CAPTURE, FILE, whole
from pytest_netlab.evidence import Record
from pytest_netlab.files.documents import brief
from pytest_netlab.flows import TCP, UDP
from pytest_netlab.lab import backends
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.masking import Mask
from pytest_netlab.replay import ends_of, left_out, plan_flows, replay, route_to
from pytest_netlab.report.text import explained
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import TOML, Store
from pytest_netlab.store import read as read_golden
from pytest_netlab.terminal import Safe, safe_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.capture import Budget
    from pytest_netlab.judge import Verdict
    from pytest_netlab.replay import FlowPlan, FlowState, Result
    from pytest_netlab.store import Golden

ORIGINAL = "original"
ONE_SIDED = (
    "the capture has one side of it only: connection tracking may take what follows a "
    "SYN for no part of it, and not translate it"
)
BAD_CHECKSUM = (
    "a checksum of it was bad before, and is played so: connection tracking does not "
    "translate such a packet"
)
SERVER_BEGAN = (
    "its first packet is the server's, which a NAT lets in by a rule or a helper only; "
    "if the capture began in the middle of it, choose others with --flows"
)
OF_NONE = "of no conversation of TCP, UDP or ICMP echoes, and were not played"
ENDS = ("c1", "host01")
_say = partial(say, err=True)
JUDGED = 10_000  # packets; a tap cannot keep up with more while they are played


@click.command(name="replay")
@click.argument("capture", type=FILE)
@click.option(
    "--client", help="The node that plays who began: c1, or whom the golden names."
)
@click.option(
    "--server",
    help="The node that plays the other: host01, or whom the golden names; web:80, "
    "from host01 by its published port; host:81 for a hairpin; host, c2.",
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
    help="Only the conversations with this protocol, address or port: ipv4, udp, "
    "10.1.2.3, 443.",
)
@click.option("--interface", help="Whose packets, where the capture has several.")
@click.option("--fill", is_flag=True, help="Put zeros where the snaplen cut packets.")
@click.option(
    "--engine",
    type=click.Choice(backends.OWN_HOST),
    default=backends.PRIVATE,
    help="private: an engine of its own (default); kernel: Docker's rules, but no "
    "Docker.",
)
@click.option(
    "--engine-suite",
    type=click.Choice(suites.SUITES),
    help="Take engine and iptables from this Debian suite.",
)
@click.option(
    "--evidence",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Keep packets, story.txt and the host's state here, whatever the result.",
)
@click.option(
    "--keep-env",
    is_flag=True,
    help="Leave values of environment variables and credentials in the evidence.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@budgeted
def command(capture: str, budget: Budget, **options: Any) -> None:
    """Play a stored conversation through a private lab, from both ends.

    Each packet is sent where its sender would be, and awaited at the other end before
    the one behind it is sent. What comes out teaches the translation; the answer is
    sent to the translated tuple. Addresses become those of the nodes, checksums are
    adjusted; all else is kept, and must come out as it went in. The nodes' own stacks
    are muted meanwhile. docker0 and the uplink are captured beside it, and judged: by
    the golden, if a golden's folder is played; else by what no host may do.

    \b
    pytest-netlab replay customer.pcap
    pytest-netlab replay customer.pcap --client host01 --server web:80
    pytest-netlab replay golden/published-web
    pytest-netlab replay golden/published-web --engine-suite forky --evidence new/

    Exit code 0: every packet came out as it went in; 1: not so; 2: cannot be played.
    """  # noqa: D301 - click's mark
    if options["engine_suite"] and options["engine"] != backends.PRIVATE:
        text = (
            f"--engine-suite is for --engine=private, and this is {options['engine']}"
        )
        raise click.UsageError(text)
    pace, golden = _pace(options["speed"]), _golden(capture)
    interface, fill = options["interface"], options["fill"]
    with limited(budget), Watch() as watch:
        packets = whole(capture, watch, budget)
        plans = plan_flows(
            packets, interface=interface, flows=options["flows"], fill=fill
        )
    named = ends_of(golden.canonical.facts) if golden is not None else ENDS
    ends = options["client"] or named[0], options["server"] or named[1]
    if golden is not None and (ends != named or options["flows"] or interface):
        _say("other nodes or flows than the golden's: not compared with it")
        golden = None
    count = sum(len(plan.packets) for plan in plans)
    left = left_out(packets, plans) if options["flows"] is None else 0
    mask = Mask(hides=not options["keep_env"])
    lab = _lab(plans, options["engine"], options["engine_suite"], mask)
    with closing(lab):
        route_to(lab.nodes, *ends)
        folder = golden.folder if golden is not None else Path("replay")
        waive = (CHECKSUM,) if any(plan.bad_checksum for plan in plans) else ()
        scenario = Scenario(id=folder.name, waive=waive)
        run = ScenarioRun(lab, scenario, Store(folder.parent), mask=mask)
        play = partial(replay, lab.nodes, plans, ends, pace=pace)
        result, verdict = _play(run, golden, count, play)
        done = Done(run=run, left=left, result=result, verdict=verdict)
        where = _kept(done, options["evidence"])
    emit([[_json(done)] if options["as_json"] else shown(_text(done, where))])
    sys.exit(0 if done.is_good else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished replay.

    Attributes:
        run: the run that captured docker0 and the uplink.
        left: number of packets of no conversation that can be played.
        result: which packets came out at the other end.
        verdict: on what was captured; None for more than `JUDGED` packets.

    """

    run: ScenarioRun
    left: int
    result: Result
    verdict: Verdict | None

    @property
    def is_good(self) -> bool:
        """Return whether all packets came out right and the verdict is no failure."""
        judged = self.verdict is None or self.verdict.outcome == "pass"
        return judged and not self.result.findings


def _lab(plans: Sequence[FlowPlan], backend: str, suite: str | None, mask: Mask) -> Any:
    """Start a lab whose published port is TCP, and UDP if any flow is UDP."""
    root = suites.chosen(suite, None, _say)
    if sys.stderr.isatty():
        _say("starting a lab ...")
    udp = any(plan.key.proto == UDP for plan in plans)
    transports = ("tcp", "udp") if udp else ("tcp",)
    wanted = LabOptions(root=root, transports=transports, mask=mask)
    return backends.start(backend, wanted)


def _golden(argument: str) -> Golden | None:
    """Return the golden if the argument is a golden's folder; None otherwise.

    Raises:
        Trouble: the folder is not named after its scenario, as in a `Store`.

    """
    folder = Path(argument).resolve()
    if not (folder / TOML).is_file():
        return None
    golden = read_golden(folder)
    if folder.name != golden.scenario:
        name = brief(golden.scenario)
        text = f"{argument}: a golden of {name} in a folder of another name: rename it"
        raise Trouble(f"{text}, or name its {CAPTURE}")
    return golden


def _play(
    run: ScenarioRun,
    golden: Golden | None,
    count: int,
    play: Callable[..., Result],
) -> tuple[Result, Verdict | None]:
    """Play conversations; judge what was captured at docker0 and the uplink."""
    trace = None
    with ExitStack() as undo:
        progress = undo.enter_context(Watch()).counter("playing", count)
        if count <= JUDGED:
            trace = undo.enter_context(run.capture())
        result = play(progress=progress)
    if trace is None:
        return result, None
    return result, run.survey(trace) if golden is None else run.judge(trace)


def _kept(done: Done, folder: str | None) -> Path | None:
    """Write the evidence if a folder was given; return that folder."""
    if folder is None:
        return None
    run = done.run
    record = Record(
        scenario=run.scenario.id,
        test=" ".join(("pytest-netlab", *sys.argv[1:])),
        outcome="pass" if done.is_good else "fail",
        error=str(done.result) if done.result.findings else "",
        facts=dict(run.lab.facts),
        verdict=done.verdict,
    )
    return evidence.write(
        Path(folder),
        capture=run.packets,
        record=record,
        state=run.state(),
        mask=run.mask,
    )


def _pace(text: str) -> float:
    """Return the speed as a factor of the captured one; 0 for no waiting."""
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


def _described(flow: FlowState) -> Iterator[str]:
    """Yield lines: how a conversation was translated, and remarks on it."""
    translated = flow.translated_tuple
    sent = translated if translated is not None else "nothing"
    yield f"{flow.original_tuple}  =>  {sent}   {flow.delivered} of {flow.count}"
    if flow.plan.one_sided and flow.plan.key.proto == TCP:
        yield f"  {ONE_SIDED}"
    if flow.plan.bad_checksum:
        yield f"  {BAD_CHECKSUM}"
    if flow.plan.server_initiated and not flow.delivered:
        yield f"  {SERVER_BEGAN}"
    if flow.renamed:
        yield f"  its source port or id was {flow.plan.key.sport}, which is taken"


def _text(done: Done, where: Path | None) -> Iterator[str]:
    result, verdict = done.result, done.verdict
    for flow in result.flows:
        yield from _described(flow)
    yield from (f"  by a helper: {text}" for text in result.alg_rewrites)
    yield from (f"! {finding}" for finding in result.findings)
    if result.segmented:
        count = result.segmented
        yield f"{count} packets were larger than 1500 octets, and cut to that"
    if done.left:
        yield f"{done.left} packets are {OF_NONE}"
    each = result.seconds / max(result.packets, 1)
    yield (
        f"{result.delivered} of {result.packets} packets came out, in "
        f"{result.seconds:.3f} s, {each * 1e6:.0f} us each"
    )
    if verdict is None:
        yield f"more than {JUDGED} packets: docker0 and the uplink were not captured"
    elif verdict.outcome == "fail":
        yield from (f"docker0 and the uplink: {verdict.cause}", "")
        yield from explained(verdict, where)
    elif where is not None:
        yield f"evidence   {where}"


def _json(done: Done) -> Safe:
    result, verdict = done.result, done.verdict
    flows = [
        {
            "met": flow.original_tuple._asdict(),
            "sent": sent._asdict() if (sent := flow.translated_tuple) else None,
            "packets": flow.count,
            "delivered": flow.delivered,
            "renamed": flow.renamed,
            "server_initiated": flow.plan.server_initiated,
            "one_sided": flow.plan.one_sided,
            "translated": flow.alg_rewrites,
        }
        for flow in result.flows
    ]
    document: dict[str, Any] = {
        "flows": flows,
        "findings": [asdict(finding) for finding in result.findings],
        "left_out": done.left,
        "seconds": result.seconds,
        "cause": verdict.cause if verdict is not None else None,
        "differences": [one.plain() for one in verdict.differences] if verdict else [],
    }
    return safe_json(json.dumps(document, indent=1, default=int) + "\n")
