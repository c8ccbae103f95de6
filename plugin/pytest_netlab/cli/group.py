"""The command group: its subcommands, and how errors become exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

import click

from pytest_netlab.errors import NetlabError
from pytest_netlab.lab.lifetime import signals
from pytest_netlab.layout import folded, width
from pytest_netlab.masking import Mask
from pytest_netlab.terminal import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each is a module of this package, loaded on use: some import numpy or docker.
COMMANDS = (
    *("show", "nat", "diff", "run"),
    *("pending", "review", "accept", "reject"),
    *("replay", "mutate", "clean"),
)
HELP = getattr(click.exceptions, "NoArgsIsHelpError", ())  # from click 8.2 on
INTERRUPTED = 130  # exit code of a process that SIGINT ended, as shells report it


class Trouble(click.ClickException):
    """A command cannot go on: print one sentence on stderr and exit with code 2."""

    exit_code = 2

    def __init__(self, message: str, *, lines: bool = False) -> None:
        """Take one sentence; or, with `lines`, a text that keeps its line ends."""
        super().__init__(escaped(message) if lines else one_line(message))

    def format_message(self) -> str:
        """Return the text, folded at the terminal's width."""
        begin = "Error: "
        text = f"{begin}{super().format_message()}"
        wide = width(sys.stderr)
        pieces = [piece for one in text.split("\n") for piece in folded(one, wide)]
        return "\n".join(pieces).removeprefix(begin)


class Commands(click.Group):
    """Import a subcommand when it is called; print its errors as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which a user would learn them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, if there is one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"pytest_netlab.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the options of the group."""
        with _described(), _in_a_sentence():
            _demand_ends()
            return super().make_context(*args, **kwargs)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; exit with code 2 even if the error cannot be written to stderr."""
        try:
            return super().main(*args, **kwargs)
        except OSError:
            _is_stuck(sys.stderr)
            sys.exit(Trouble.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; every error exits with 2, as 1 is kept for "differs"."""
        try:
            with _described(), _in_a_sentence(), signals.orderly():
                return super().invoke(ctx)
        except NetlabError as error:
            text = Mask().text(str(error))
            raise Trouble(text, lines=error.multiline) from error
        except MemoryError:
            raise Trouble("this machine has not enough memory for that") from None
        except signals.Interrupted:
            sys.exit(signals.exit_code())
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


@contextmanager
def _described() -> Iterator[None]:
    """Escape control characters in click's usage errors.

    A shell's * puts file names on the command line that somebody else chose.
    """
    try:
        yield
    except click.UsageError as error:
        if not isinstance(error, HELP):
            text = one_line(error.format_message())
            error.format_message = lambda: text  # type: ignore[method-assign]
        raise


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Report an OSError as one sentence; a closed pipe on stdout is no error."""
    try:
        yield
    except OSError as error:
        text = _explained(error)
        if _is_stuck(sys.stdout):
            if isinstance(error, BrokenPipeError):
                sys.exit()
            text = f"cannot write the output: {text}"
        raise Trouble(text) from error


def _is_stuck(end: TextIO) -> bool:
    """Return whether a standard stream cannot be written; if so, drop its buffer.

    The interpreter flushes the stream once more at exit, and would report an error.
    """
    try:
        end.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), end.fileno())
        return True
    return False


def _demand_ends() -> None:
    """Refuse to run without standard output; without stderr, drop the errors."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stdout is None:
        raise Trouble(f"standard output is closed: redirect it, say to {os.devnull}")


def _explained(error: OSError) -> str:
    """Return the operating system's reason, after the file's name if there is one."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's
    """Print release and core; imported here, because that is slow."""
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version  # noqa: PLC0415

    from pytest_netlab.core import core  # noqa: PLC0415

    click.echo(f"pytest-netlab {version('pytest-netlab')}, core: {core()}")  # noqa: TID251 - ours
    ctx.exit()


@click.group(
    name="pytest-netlab",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and which core runs, and exit.",
)
def main() -> None:
    """Check from packets whether a Docker host still networks as it did.

    Scenarios run on a real engine while docker0 and the uplink are captured; how the
    kernel rewrote each flow is compared with golden captures. In a checkout, or for
    your own scenarios, type `pytest -m netlab`.

    `show`, `nat` and `diff` read stored captures, need neither root nor Docker, and
    take `-` for standard input.

    \b
    Exit codes: 0 same or fine, 1 differs, 2 no verdict or wrong use.
    """  # noqa: D301 - \b tells click not to rewrap the paragraph
