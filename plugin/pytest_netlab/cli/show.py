"""`pytest-netlab show`: print the packets of a capture, or a run's verdict."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import bounded
from pytest_netlab.cli.output import emit, json_texts, lines, shown
from pytest_netlab.cli.points import COOKED, Census, resolved, rows_of
from pytest_netlab.cli.progress import Watch
from pytest_netlab.cli.sources import FILE, as_trouble, formats, opened
from pytest_netlab.errors import CaptureError, MemoryLimitError
from pytest_netlab.evidence import MARK, VERDICT, read
from pytest_netlab.files import documents
from pytest_netlab.invocation import current
from pytest_netlab.report import outcome, packets
from pytest_netlab.report.next_steps import ELSEWHERE, Commands, NextSteps
from pytest_netlab.spec import ARTIFACTS, PENDING
from pytest_netlab.terminal import Safe, escaped, safe_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_netlab.capture import Budget, Capture, Chunks
    from pytest_netlab.capture.values import About

PIECE = 4096  # packets that are converted to text at once


@click.command(name="show")
@click.argument("file", type=FILE)
@formats
@click.option("--point", metavar="NAME", help="Only packets of this interface.")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), help="Stop after that many packets."
)
@bounded
def command(
    file: str, form: str | None, point: str | None, count: int | None, budget: Budget
) -> None:
    """Print a capture, one line a packet, or why the run of an evidence folder failed.

    FILE is pcap or pcapng, plain or compressed (gzip, xz, zstd), a golden or evidence
    folder, or `-`. With --json each line is an object, null where a column has no
    meaning for the packet. What precedes damage is printed before the error.

    For an evidence folder, or its verdict.json, the text of its run is printed; with
    --json, the verdict.json itself. To see its packets, name its capture.pcapng, or
    give --point, -n or --csv.

    \b
    pytest-netlab show capture.pcapng
    pytest-netlab show netlab-artifacts/ping-beyond
    pytest-netlab show --json -n 20 capture.pcapng.gz | jq .ttl
    tcpdump -i docker0 -U -w - | pytest-netlab show -
    """  # noqa: D301 - click's mark
    if form != "csv" and point is None and count is None:
        folder = _bundle(Path(file))
        if folder is not None:
            emit([_verdict(folder, form)])
            return
    point = resolved(file, point, budget) if point is not None else None
    wanted = Wanted(form, point, count)
    try:
        with opened(file, budget) as chunks, Watch(quiet=sys.stdout.isatty()) as watch:
            emit(wanted.batches(chunks, watch.chunks(chunks, file)))
    except CaptureError as error:
        if not wanted.shown:
            raise as_trouble(error) from error
        before = "" if isinstance(error, MemoryLimitError) else " before the damage"
        text = f"{error}; the {wanted.shown} packets{before} are printed"
        raise Trouble(text) from error


def _bundle(path: Path) -> Path | None:
    """Return the evidence folder that an argument names; None if it names none."""
    if path.name == VERDICT:
        return path.parent
    if (path / VERDICT).is_file():
        return path
    if (path / MARK).is_file():
        raise Trouble(f"{path}: damaged evidence, its {VERDICT} is gone")
    return None


def _verdict(folder: Path, form: str | None) -> Iterable[Safe]:
    """Return the text of an evidence folder's run, or its verdict.json for JSON."""
    record = read(folder)
    if form == "json":
        text = documents.content(folder / VERDICT, opened=documents.unlinked).decode()
        return [safe_json(text)]
    return shown(outcome.rendered(record, folder, _steps(folder)).split("\n"))


def _steps(folder: Path) -> NextSteps:
    """Return how a proposal beside an evidence folder is reviewed, if there is one."""
    artifacts, name = folder.absolute().parent, folder.name
    if not (artifacts / PENDING / name).is_dir():
        return NextSteps(commands=Commands(host=ELSEWHERE), stored=True)
    folders = ""
    if artifacts != Path.cwd() / ARTIFACTS:
        folders = f" --artifacts {shlex.quote(str(artifacts))}"
    review = f"{current().netlab} review"
    commands = Commands(review=review, folders=folders, host=ELSEWHERE)
    return NextSteps(commands=commands, proposed=name, stored=True)


@dataclass(slots=True)
class Wanted:
    """Which packets to show (None: all) and how; `shown` counts those shown so far."""

    form: str | None
    point: str | None
    count: int | None
    shown: int = 0

    def batches(
        self, chunks: Chunks, watched: Iterator[Capture]
    ) -> Iterator[Iterable[Safe]]:
        """Yield the lines of the wanted packets, a batch at a time."""
        if self.form == "csv":
            yield [escaped(packets.header())]
        before, census = 0, Census()
        for chunk in watched:
            census.add(chunk)
            for piece, rows in self._slices(chunk):
                yield self._written(piece, chunks.about.numbers(rows + before).tolist())
                self.shown += len(piece)
            if self.shown == self.count:
                return
            before += len(chunk)
        self._check_point(census, chunks.about)

    def _slices(self, chunk: Capture) -> Iterator[tuple[Capture, np.ndarray]]:
        """Yield the wanted packets of a chunk, `PIECE` at a time, with their rows."""
        rows = np.arange(len(chunk))
        if self.point is not None:
            rows = rows_of(chunk, self.point)
        if self.count is not None:
            rows = rows[: self.count - self.shown]
        for at in range(0, len(rows), PIECE):
            piece = rows[at : at + PIECE]
            yield chunk.select(piece), piece

    def _written(self, piece: Capture, numbers: list[int]) -> Iterable[Safe]:
        if self.form == "csv":
            return [escaped(packets.csvs(piece, numbers))]
        if self.form == "json":
            return json_texts(f"{line}\n" for line in packets.jsons(piece, numbers))
        write = shown if sys.stdout.isatty() else lines  # many, and one a line
        return write(packets.texts(piece))

    def _check_point(self, census: Census, about: About) -> None:
        """Raise if the file, read to its end, has no such point."""
        if self.point is not None and not census.has(self.point, about):
            why = f"no interface {self.point!r}; there is {census.listed(about)}"
            raise Trouble(COOKED if census.untold(about) == COOKED else why)
