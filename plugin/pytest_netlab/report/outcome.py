"""What a scenario's test came to: its verdict, or the error that prevented one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, LabError, NetlabError
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.report import bundle
from pytest_netlab.report.record import Record
from pytest_netlab.report.text import next_step, render
from pytest_netlab.store import MissingGoldenError
from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.judge import Verdict
    from pytest_netlab.runner import Netlab
    from pytest_netlab.store import PendingStore


# A property: no evidence, or no golden to review, could be written. Those that begin
# with "netlab_" name folders and are never masked; this one may quote what failed.
TROUBLE = "netlab-trouble"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to report of one test.

    `text` replaces what pytest would show, "" for nothing of ours to say; `error` tells
    a broken lab or capture from a wire that differs; `unexplained` that the test failed
    by an assertion of its own, which the text does not repeat.
    """

    text: str = ""
    error: bool = False
    unexplained: bool = False
    properties: list[tuple[str, object]] = field(default_factory=list)


def of(
    error: BaseException | None,
    netlab: Netlab | None,
    *,
    node: str,
    keep: Path | None,
    pending: PendingStore | None = None,
) -> Outcome | None:
    """Return what to report; None where this plugin has nothing to say.

    Args:
        error: what the test raised, if anything.
        netlab: its fixture, None when there was no lab.
        node: the test's node id, for the next step.
        keep: folder for evidence, None to keep none.
        pending: where to propose what differs as a golden, None not to.

    """
    verdict = _verdict(error, netlab)
    ours = isinstance(error, NetlabError)
    if verdict is None and not ours and (error is None or netlab is None):
        return None
    broken = ours and verdict is None
    is_error = broken and not isinstance(error, CommandError)
    own = error is not None and not broken
    unexplained = own and not isinstance(error, ScenarioFailedError)
    name = verdict.outcome if verdict else "error" if is_error else "fail"
    ended = f"{type(error).__name__}: {error}" if unexplained else f"{error}"
    record = Record(
        scenario=netlab.scenario.id if netlab else "",
        test=node,
        outcome=name,
        error=ended if unexplained or broken else "",
        facts=_facts(netlab) if keep is not None else {},
        verdict=verdict,
    )
    where, trouble = _keep(netlab, record, keep)
    proposed, refused = _propose(error, netlab, verdict, node, pending)
    if isinstance(error, NetlabError) and not error.quotes:
        record = replace(record, error=one_line(record.error))
    is_told = broken or (verdict is not None and verdict.outcome == "fail")
    text = told(record, where, proposed) if is_told else ""
    troubles = [part for part in (trouble, refused) if part]
    properties = _properties(name, netlab, where, proposed)
    if not text:  # a pass has none, nor has an assertion that no packets explain
        properties += [(TROUBLE, f"{record.scenario}: {part}") for part in troubles]
    return Outcome(
        text="\n".join((text, *troubles)) if text else "",
        error=is_error,
        unexplained=unexplained,
        properties=properties,
    )


def told(record: Record, where: Path | None, proposed: Path | None = None) -> str:
    """Return the text of a run: why it failed, what broke it, and where evidence is.

    A golden that is missing may be pending now: `proposed` is where.
    """
    if record.verdict is not None and record.verdict.outcome == "fail":
        return render(record.verdict, where, record.test, proposed)
    lines = [f"evidence   {where}"] if where is not None else []
    lines += next_step(proposed, "") if proposed is not None else []
    ended = escaped(record.error) or one_line(f"{record.scenario}: {record.outcome}")
    return "\n".join((ended, *map(one_line, lines)))


def _facts(netlab: Netlab | None) -> dict[str, str]:
    """Return versions and settings; none of a host that is gone."""
    try:
        return dict(netlab.facts) if netlab else {}
    except Exception:  # noqa: BLE001 - the verdict is what matters
        return {}


def _verdict(error: BaseException | None, netlab: Netlab | None) -> Verdict | None:
    """Return the verdict; judge now what the test failed before it was judged.

    Not what a lab that broke, or lacks something, left of it: that is half a trace.
    """
    if isinstance(error, ScenarioFailedError):
        return error.verdict
    broke = isinstance(error, LabError) and not isinstance(error, CommandError)
    if netlab is None or broke:
        return None
    if error is not None and netlab.unjudged is not None:
        try:
            verdict = netlab.judge(netlab.unjudged)
        except Exception:  # noqa: BLE001 - the test's own error is the one to show
            return None
        return verdict if verdict.outcome == "fail" else None
    return netlab.verdict if error is None else None


def _propose(
    error: BaseException | None,
    netlab: Netlab | None,
    verdict: Verdict | None,
    node: str,
    pending: PendingStore | None,
) -> tuple[Path | None, str]:
    """Keep what differs, or is new, as a pending golden; forget what has passed.

    Return its folder, and why there is none if that failed.
    """
    if netlab is None or pending is None:
        return None, ""
    try:
        if isinstance(error, MissingGoldenError) or (
            verdict is not None and verdict.outcome == "fail"
        ):
            return netlab.propose(pending, node, verdict), ""
        if verdict is not None:
            pending.discard(netlab.scenario.label)
    except Exception as failed:  # noqa: BLE001 - nothing here may hide the verdict
        return None, f"no golden was proposed: {one_line(str(failed))}"
    return None, ""


def _keep(
    netlab: Netlab | None, record: Record, keep: Path | None
) -> tuple[Path | None, str]:
    """Write the evidence; return its folder, and why there is none if it failed."""
    if netlab is None or keep is None:
        return netlab.stored if netlab else None, ""
    trace = netlab.trace
    try:
        where = bundle.write(
            keep / netlab.scenario.label,
            capture=trace.capture if trace is not None else None,
            record=record,
            state=netlab.judged_on or netlab.state(),
            mask=netlab.mask,
        )
    except Exception as failed:  # noqa: BLE001 - nothing here may hide the verdict
        return None, f"no evidence was kept: {one_line(str(failed))}"
    return where, ""


def _properties(
    outcome: str, netlab: Netlab | None, where: Path | None, proposed: Path | None
) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("netlab_outcome", outcome)]
    if where is not None:
        found.append(("netlab_evidence", str(where)))
    if netlab is not None and netlab.recorded is not None:
        found.append(("netlab_recorded", str(netlab.recorded)))
    if proposed is not None:
        found.append(("netlab_pending", str(proposed)))
    return found
