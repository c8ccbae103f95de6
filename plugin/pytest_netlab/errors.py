"""Every exception of the package. Imports nothing from it: any layer can raise."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class NetlabError(Exception):
    """Base of everything pytest-netlab raises on purpose.

    Its text is one sentence; several lines where it quotes a program (`multiline`).
    """

    multiline = False


class CaptureError(NetlabError):
    """A capture file is damaged, or is no capture at all.

    Args:
        reason: what is wrong, in one clause.
        source: file name, or ``<stream>``.
        offset: byte offset of the damage in the (decompressed) file.
        partial: the `Capture` of every packet before the damage, where there is one.

    """

    def __init__(
        self,
        reason: str,
        *,
        source: str = "<stream>",
        offset: int = 0,
        partial: object = None,
    ) -> None:
        """Keep the parts; the text is made from them."""
        super().__init__(reason, source, offset)
        self.reason = reason
        self.source = source
        self.offset = offset
        self.partial = partial

    def __str__(self) -> str:
        """Name the file, the offset and the damage."""
        return f"{self.source}: {self.reason} (at byte {self.offset})"


class MemoryLimitError(CaptureError):
    """Captures take more memory than they may; `partial` is what was read until then.

    Args:
        reason: the limit, and what to do.
        source: the names of the files.
        offset: bytes of the (compressed) file that were read.
        read: the files, each with how much was read of it.

    """

    def __init__(self, reason: str, *, source: str, offset: int, read: str) -> None:
        """Keep the parts; the text is made from them."""
        super().__init__(reason, source=source, offset=offset)
        self.read = read

    def __str__(self) -> str:
        """Name the files, how much was read, the limit and what to do."""
        return f"{self.read} {self.reason}"


class DocumentError(NetlabError):
    """A document that somebody else wrote cannot be read.

    Args:
        reason: why, in one clause.
        source: its file.

    """

    def __init__(self, reason: str, source: object) -> None:
        """Keep the parts; the text is made from them."""
        super().__init__(reason, source)
        self.reason = reason
        self.source = source

    def __str__(self) -> str:
        """Name the file and the reason."""
        return f"{self.source}: cannot read it: {self.reason}"


class DeclarationError(NetlabError, ValueError):
    """A scenario, or the marker that declares one, is invalid."""


class BlindCaptureError(NetlabError):
    """A live capture cannot prove that it saw everything: no canary, or drops."""


class UnjudgedError(NetlabError):
    """A test captured packets, and neither checked nor read what it had captured."""


class Remedy(Enum):
    """What a user can supply where a lab lacks something.

    A lab knows which remedy helps; pytest and each command know their option for it.
    """

    ENGINE = auto()  # a backend that has an engine
    OWN_ENGINE = auto()  # a backend that starts its own engine
    ENGINE_ROOT = auto()  # the folder that an engine is taken from
    IMAGE = auto()  # another image for the containers
    IMAGE_FILE = auto()  # a file to load the image from
    IMAGE_NAME = auto()  # an image that the engine has
    UPLINK_ADDRESS = auto()  # another network for the uplink


class LabError(NetlabError):
    """A lab could not be built, or broke while in use.

    Args:
        text: what is wrong, and what to do in any case.
        remedy: what the user could supply; None where nothing would help.

    """

    multiline = True

    def __init__(self, text: str = "", *, remedy: Remedy | None = None) -> None:
        """Keep both; nothing is advised yet."""
        super().__init__(text)
        self.remedy = remedy
        self._advice = ""

    def advise(self, options: Mapping[Remedy, str]) -> None:
        """Append the text of the option that asks for the remedy, if there is one."""
        if self.remedy is not None:
            self._advice = options.get(self.remedy, "")

    def __str__(self) -> str:
        """Say what is wrong, and what is advised."""
        return f"{super().__str__()}{self._advice}"


class LabUnavailableError(LabError):
    """This machine lacks what the lab needs; the text says what to install."""

    multiline = False


class GoldenError(NetlabError):
    """A golden is missing, damaged, or was edited by hand."""


class PolicyError(GoldenError):
    """A comparison policy names a key or a value that does not exist."""


class ReplayError(NetlabError):
    """A capture cannot be replayed: because of its packets, or of the named ends."""


class CommandError(LabError):
    """A command inside a node failed or ran out of time."""
