"""Pairs of packets, of `nat`: its options, their list, and files of them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.output import json_texts, lines
from pytest_netlab.cli.sources import OUT
from pytest_netlab.files.owners import opened
from pytest_netlab.report.translations import pairs as report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_netlab.nat.paired_packets import PairedPackets
    from pytest_netlab.terminal import Safe

CSV, ARROW, PARQUET = ".csv", ".arrow", ".parquet"


def with_pairs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --pairs and --write-pairs to a command, as `pairs` and `pairs_out`."""
    command = click.option(
        "--write-pairs",
        "pairs_out",
        type=OUT,
        callback=_checked,
        metavar="OUT.csv|.arrow|.parquet",
        help="Write every pair of packets to a table of its own.",
    )(command)
    return click.option(
        "--pairs", is_flag=True, help="List every pair of packets, not the flows."
    )(command)


def _checked(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """Refuse a file that cannot be written, before captures are read."""
    suffix = Path(value).suffix if value else CSV
    if suffix not in (CSV, ARROW, PARQUET):
        raise click.BadParameter(
            f"{value}: its name must end with {CSV}, {ARROW} or {PARQUET}, which says "
            "what is written",
            ctx=context,
            param=option,
        )
    if suffix != CSV:
        try:
            import_module("pyarrow")
        except ImportError as error:
            raise Trouble(
                f"--write-pairs {value} needs pyarrow, which is not installed: "
                "pip install 'pytest-netlab[arrow]'"
            ) from error
    return value


def written(pairs: PairedPackets, form: str | None) -> Iterable[Safe]:
    """Return the list of pairs, in a format of the command."""
    if form == "json":
        return json_texts(report.to_json(pairs))
    texts = report.to_csv(pairs) if form == "csv" else report.to_lines(pairs)
    return lines(text.rstrip("\n") for text in texts)


def write(path: Path, pairs: PairedPackets) -> None:
    """Write the pairs as what the name's suffix says."""
    with opened(path) as file:
        if path.suffix == CSV:
            file.writelines(line.encode() for line in report.to_csv(pairs))
            return
        table = report.to_arrow(pairs)
        if path.suffix == PARQUET:
            import_module("pyarrow.parquet").write_table(table, file)
            return
        with import_module("pyarrow.ipc").new_file(file, table.schema) as out:
            out.write_table(table)
