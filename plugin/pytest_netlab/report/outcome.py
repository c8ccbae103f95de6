"""What a scenario's test came to: its verdict, or the error that prevented one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, NetlabError
from pytest_netlab.report import bundle
from pytest_netlab.report.text import next_step, render
from pytest_netlab.runner import ScenarioFailedError
from pytest_netlab.store import MissingGoldenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_netlab.runner import Netlab, Verdict
    from pytest_netlab.store import PendingStore


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
    where, trouble = _keep(netlab, verdict, keep)
    proposed, refused = _propose(error, netlab, verdict, node, pending)
    broken = ours and verdict is None
    text = ""
    if verdict is not None and verdict.outcome == "fail":
        text = render(verdict, where, node, proposed)
    elif broken:
        text = "\n".join(_broken(error, where, proposed))
    is_error = broken and not isinstance(error, CommandError)
    name = verdict.outcome if verdict else "error" if is_error else "fail"
    return Outcome(
        text="\n".join(part for part in (text, trouble, refused) if part and text),
        error=is_error,
        unexplained=error is not None
        and not broken
        and not isinstance(error, ScenarioFailedError),
        properties=_properties(name, netlab, where, proposed),
    )


def _verdict(error: BaseException | None, netlab: Netlab | None) -> Verdict | None:
    """Return the verdict; judge now what the test failed before it was judged."""
    if isinstance(error, ScenarioFailedError):
        return error.verdict
    if netlab is None:
        return None
    if error is not None and netlab.unjudged is not None:
        try:
            verdict = netlab.judge(netlab.unjudged)
        except Exception:  # noqa: BLE001 - the test's own error is the one to show
            return None
        return verdict if verdict.outcome == "fail" else None
    return netlab.verdict if error is None else None


def _broken(
    error: BaseException | None, where: Path | None, proposed: Path | None
) -> Iterator[str]:
    """Tell why there is no verdict; a golden that is missing may be pending now."""
    yield f"{error}"
    if where is not None:
        yield f"evidence   {where}"
    if proposed is not None:
        yield from next_step(proposed, "")


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
    except (OSError, NetlabError) as failed:  # must not hide the verdict
        return None, f"no golden was proposed: {failed}"
    return None, ""


def _keep(
    netlab: Netlab | None, verdict: Verdict | None, keep: Path | None
) -> tuple[Path | None, str]:
    """Write the evidence; return its folder, and why there is none if it failed."""
    if netlab is None or keep is None:
        return None, ""
    trace = netlab.trace
    try:
        where = bundle.write(
            keep / netlab.scenario.label,
            capture=trace.capture if trace is not None else None,
            verdict=verdict,
            state=netlab.state(),
        )
    except (OSError, NetlabError) as failed:  # a full disk must not hide the verdict
        return None, f"no evidence was kept: {failed}"
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
