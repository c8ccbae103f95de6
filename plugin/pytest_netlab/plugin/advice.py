"""Which option of the plugin applies the remedy that an error names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each ends the sentence of an error.
ADVICE = {
    Remedy.ENGINE: ": use --netlab-engine=private",
    Remedy.OWN_ENGINE: ", or leave --netlab-engine at private, which brings its own "
    "engine",
    Remedy.ENGINE_ROOT: ", or name a folder by --netlab-engine-root=DIR",
    Remedy.IMAGE: ", or name an image with --netlab-image",
    Remedy.IMAGE_FILE: ", or give --netlab-image=FILE, made by `docker save`, or leave "
    "it out.",
    Remedy.IMAGE_NAME: ": --netlab-image=NAME",
    Remedy.UPLINK_ADDRESS: ": name another network with --netlab-uplink-address",
}


@contextmanager
def advising() -> Iterator[None]:
    """Add to a LabError the option that applies its remedy, if it has one."""
    try:
        yield
    except LabError as error:
        error.advise(ADVICE)
        raise
