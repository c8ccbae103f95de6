"""`--memory`: limit the memory of a command, whatever captures it reads."""

from __future__ import annotations

import errno
import re
import resource
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.capture import Budget
from pytest_netlab.capture.budget import data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAST = 1 << 26  # bytes: one chunk in use, one being read, and their columns
_SLACK = 1 << 26  # bytes allocated but never touched: they take no memory yet
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"(\d{1,12})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def _size(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> int | None:
    """Return the bytes of a size with a binary unit: `512M`, `2G`."""
    if value is None:
        return None
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"{value!r} is no size: write 512M or 2G")
    size = int(found[1]) << _UNITS[found[2].upper()]
    if size < LEAST:
        raise click.BadParameter(f"{value} is too little to read files: 64M or more")
    return size


def budgeted(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --memory to a command; it is passed as `budget`."""

    @click.option(
        "--memory",
        callback=_size,
        metavar="SIZE",
        help="Take no more memory than this (512M, 2G) for what the captures hold; "
        "three quarters of what is free, if not named.",
    )
    @wraps(command)
    def counted(*args: Any, memory: int | None, **options: Any) -> Any:
        return command(*args, budget=Budget(memory), **options)

    return counted


def bounded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --memory to a command, and run all of the command under that limit."""

    @budgeted
    @wraps(command)
    def inside(*args: Any, budget: Budget, **options: Any) -> Any:
        with limited(budget):
            return command(*args, budget=budget, **options)

    return inside


@contextmanager
def limited(budget: Budget) -> Iterator[None]:
    """Limit this process to the budget, and report an excess as the budget's error.

    The kernel enforces the limit (setrlimit(2), RLIMIT_DATA), so it covers whatever is
    made of the packets. Child processes would inherit it: start none meanwhile.

    Raises:
        MemoryLimitError: the process needed more.

    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, _lowered(before, budget))
    try:
        yield
    except MemoryError:
        pass
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
    else:
        return
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    raise budget.error()


def _lowered(limits: tuple[int, int], budget: Budget) -> tuple[int, int]:
    """Return soft and hard limit, the soft one lowered to what the budget allows."""
    most = data() + budget.limit + _SLACK
    known = [limit for limit in limits if limit != resource.RLIM_INFINITY]
    return min(most, *known, most), limits[1]
