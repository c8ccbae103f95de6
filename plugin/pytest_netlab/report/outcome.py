"""Report how a test ended, as text, properties and evidence. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_netlab import evidence
from pytest_netlab.errors import NetlabError
from pytest_netlab.evidence import Record
from pytest_netlab.report.next_steps import NextSteps
from pytest_netlab.report.text import render
from pytest_netlab.spec import TROUBLE
from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.ended import Ended
    from pytest_netlab.run import ScenarioRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to report of one test.

    Attributes:
        text: replaces pytest's own failure text; "" to leave that.
        error: the lab or the capture broke, as opposed to packets that differ.
        judged: there is a verdict on its packets.
        unexplained: the test failed by its own assertion, which `text` does not repeat.
        properties: (name, value) pairs for the report.

    """

    text: str = ""
    error: bool = False
    judged: bool = False
    unexplained: bool = False
    properties: list[tuple[str, object]] = field(default_factory=list)


def of(
    ended: Ended, *, keep: Path | None, steps: NextSteps | None = None
) -> Outcome | None:
    """Return what to report; None where this plugin has nothing to say.

    Args:
        ended: how the test ended.
        keep: folder for evidence; None to write none.
        steps: what to do next, but for what the test itself has proposed.

    """
    if not ended.concerns:
        return None
    record = _record(ended, keep)
    where, trouble = _keep(ended.run, record, keep)
    refused = ""
    if ended.refused is not None:
        refused = f"no golden was proposed: {one_line(str(ended.refused))}"
    if isinstance(ended.error, NetlabError) and not ended.error.multiline:
        record = replace(record, error=one_line(record.error))
    text = ""
    if ended.is_reportable:
        text = rendered(record, where, _steps(ended, steps or NextSteps()))
    troubles = [line for line in (trouble, refused) if line]
    properties = _properties(ended, where)
    if not text:  # a pass, or an assertion that the packets do not explain
        properties += [(TROUBLE, f"{record.scenario}: {line}") for line in troubles]
    return Outcome(
        text="\n".join((text, *troubles)) if text else "",
        error=ended.is_error,
        judged=ended.verdict is not None,
        unexplained=ended.is_unexplained,
        properties=properties,
    )


def rendered(record: Record, where: Path | None, steps: NextSteps | None = None) -> str:
    """Return the text of a run: why it failed or broke, and where its evidence is.

    Args:
        record: of the run.
        where: folder of its evidence; None for none.
        steps: what to do next; None where nothing is known of that.

    """
    if record.verdict is not None and record.verdict.outcome == "fail":
        return render(record.verdict, where, steps)
    lines = [f"evidence   {where}"] if where is not None else []
    lines += steps.without_golden() if steps is not None else []
    ended = escaped(record.error) or one_line(f"{record.scenario}: {record.outcome}")
    return "\n".join((ended, *map(one_line, lines)))


def _steps(ended: Ended, steps: NextSteps) -> NextSteps | None:
    """Return what to do next, by what was seen; None where no golden would help."""
    if ended.verdict is None and not ended.lacks_golden:
        return None
    name = ended.proposed.name if ended.proposed is not None else steps.proposed
    return replace(steps, proposed=name, unfit=_unfit(ended.run))


def _unfit(run: ScenarioRun | None) -> str:
    """Return why no golden can have what was seen; "" where one can, or unknown."""
    try:
        return run.unfit if run is not None else ""
    except NetlabError:  # the golden is damaged: that is said
        return ""


def _record(ended: Ended, keep: Path | None) -> Record:
    """Return the record of a run, as verdict.json stores it."""
    run, error = ended.run, ""
    if ended.is_unexplained:
        error = f"{type(ended.error).__name__}: {ended.error}"
    elif ended.is_broken:
        error = f"{ended.error}"
    return Record(
        scenario=run.scenario.id if run else "",
        test=ended.test,
        outcome=ended.outcome,
        error=error,
        facts=_facts(run) if keep is not None else {},
        verdict=ended.verdict,
    )


def _facts(run: ScenarioRun | None) -> dict[str, str]:
    """Return the host's versions and settings; none if it does not answer."""
    try:
        return dict(run.lab.facts) if run else {}
    except Exception:  # noqa: BLE001 - the verdict is what matters
        return {}


def _keep(
    run: ScenarioRun | None, record: Record, keep: Path | None
) -> tuple[Path | None, str]:
    """Write the evidence; return its folder, or None and the reason."""
    if run is None or keep is None:
        return run.bundle if run else None, ""
    try:
        where = evidence.write(
            keep / run.scenario.label,
            capture=run.packets,
            record=record,
            state=run.state(),
            mask=run.mask,
        )
    except OSError as failed:
        place, why = keep / run.scenario.label, failed.strerror or failed
        advice = "make room there, or make it writable, and run again"
        return None, one_line(f"no evidence was kept: {place} ({why}): {advice}")
    except Exception as failed:  # noqa: BLE001 - nothing here may hide the verdict
        return None, f"no evidence was kept: {one_line(str(failed))}"
    return where, ""


def _properties(ended: Ended, where: Path | None) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("netlab_outcome", ended.outcome)]
    if where is not None:
        found.append(("netlab_evidence", str(where)))
    if ended.run is not None and ended.run.recorded is not None:
        found.append(("netlab_recorded", str(ended.run.recorded)))
    if ended.proposed is not None:
        found.append(("netlab_pending", str(ended.proposed)))
    return found
