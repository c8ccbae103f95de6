"""By which of the plugin's options a remedy is asked for that an error knows."""

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
    """Say by which option it is asked for, where an error knows what would help."""
    try:
        yield
    except LabError as error:
        error.advise(ADVICE)
        raise
