"""Read TOML and JSON that others wrote: within limits, or with an error that says why.

Knows files and both formats, and not what any document is about.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
import tomllib
from collections import Counter
from itertools import islice
from reprlib import Repr
from typing import IO, TYPE_CHECKING, Any

from pytest_netlab.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Opener = Callable[[Path], IO[bytes]]

LARGEST = 64 << 20  # bytes of a document
LARGEST_TOML = 4 << 20  # tomllib is slow: seconds, and 200 bytes of memory a byte
MOST = 4_000_000  # values: the shortest takes two bytes of text, and 70 of memory
DEEPEST = 16  # tables and lists inside each other
NUMBERS = range(-(1 << 63), 1 << 64)
QUOTED = 80  # characters of a value that an error quotes
TOO_DEEP = f"it nests more than {DEEPEST} deep"
TOO_LONG = "a number in it has more than 64 bits"
_MARK = b"\xef\xbb\xbf"
# A dotted key nests without brackets, and tomllib's time grows with the square of its
# parts: forty kilobytes take seven seconds. The pattern misses parts of more than 64
# characters; a line of at most this length has few of them.
_LONGEST_LINE = 64 << 10
_ELEMENT = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.){0,64}+"|'[^'\n]{0,64}+')[ \t]*+"""
_DOTTED = re.compile(
    rf"(?<![\w-]){_ELEMENT}(?:\.[ \t]*+{_ELEMENT}){{{DEEPEST}}}", re.ASCII
)
_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = QUOTED
_BRIEF.maxlevel = 2


def regular(path: Path, flags: int = 0) -> IO[bytes]:
    """Open a regular file, or one that it links to; opening another kind may block.

    Raises:
        OSError: it is not there, or no regular file.

    """

    def safely(name: str, others: int) -> int:
        # Opening a FIFO waits for its other end; opening some devices has side effects.
        return os.open(name, others | flags | os.O_NONBLOCK)

    file = open(path, "rb", opener=safely)  # noqa: SIM115 - the caller's to close
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def unlinked(path: Path) -> IO[bytes]:
    """Open a file of a run's evidence, as `regular` does, but no symbolic link.

    Raises:
        OSError: it is not there, a link, or no regular file.

    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))
    return regular(path, os.O_NOFOLLOW)


def content(path: Path, *, most: int = LARGEST, opened: Opener = regular) -> bytes:
    """Return the content of a file.

    Args:
        path: where it is.
        most: limit in bytes.
        opened: opens it; raises OSError.

    Raises:
        DocumentError: it cannot be opened, or is larger than that.

    """
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            # It may have no size, as in /proc, or grow meanwhile.
            found = file.read(most + 1) if size <= most else b""
    except OSError as error:
        raise DocumentError(error.strerror or str(error), path) from error
    if max(size, len(found)) > most:
        raise DocumentError(f"it has more than {most >> 20} MiB", path)
    return found


def folder(path: Path, *, most: int) -> dict[str, bytes]:
    """Return the content of a folder's files, by name; links are refused.

    Args:
        path: where it is; a missing folder counts as empty.
        most: limit on its files; their sizes together are limited to `LARGEST`.

    Raises:
        DocumentError: it exceeds a limit, is a link, or has anything but files.

    """
    if path.is_symlink():
        raise DocumentError("it is a symbolic link", path)
    try:
        names = sorted(islice(path.iterdir(), most + 1)) if path.exists() else []
    except OSError as error:
        raise DocumentError(error.strerror or str(error), path) from error
    if len(names) > most:
        raise DocumentError(f"it holds more than {most} files", path)
    found, left = {}, LARGEST
    for name in names:
        found[name.name] = content(name, most=left, opened=unlinked)
        left -= len(found[name.name])
    return found


def toml(path: Path, opened: Opener = regular) -> dict[str, Any]:
    """Read a file of TOML.

    Raises:
        DocumentError: it cannot be read, is no TOML, or has a value that is refused.

    """
    text = _text(content(path, most=LARGEST_TOML, opened=opened), path)
    found: dict[str, Any] = _parsed(_tables, text, path)
    return found


def json_file(path: Path) -> Any:
    """Read a file of JSON that is part of a run's evidence.

    Raises:
        DocumentError: it cannot be read, is no JSON, or has a value that is refused.

    """
    return json_of(content(path, opened=unlinked), path)


def json_of(found: bytes, source: object) -> Any:
    """Return the value of a JSON text; `source` is for errors.

    Raises:
        DocumentError: it is no JSON, or has a value that is refused.

    """
    return _parsed(_objects, _text(found, source), source)


def brief(value: object) -> str:
    """Return a value as an error quotes it: a short text, whatever its size."""
    try:
        return _BRIEF.repr(value)
    except Exception:  # noqa: BLE001 - too long, too deep, or whatever its class does
        return f"some {type(value).__name__}"


def storable(text: str) -> str:
    """Return a text with NUL and lone surrogates escaped: no document may have them."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\0", "\\x00")


def _text(found: bytes, source: object) -> str:
    if found.startswith(_MARK):
        reason = "it begins with a byte order mark: save it as UTF-8 without one"
        raise DocumentError(reason, source)
    try:
        text = found.decode()
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 (at byte {error.start})"
        raise DocumentError(reason, source) from error
    if sum(map(text.count, ",[{=")) > MOST:
        raise DocumentError(f"it has more than {MOST} values", source)
    return text


def _parsed(parse: Callable[[str], Any], text: str, source: object) -> Any:
    """Parse a text, and refuse values that cannot be read, compared or printed."""
    try:
        found = parse(text)
        _check(found)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, _Refused) as error:
        raise DocumentError(str(error), source) from error
    except RecursionError as error:
        raise DocumentError(TOO_DEEP, source) from error
    except ValueError as error:  # Python's own limit for digits
        raise DocumentError(TOO_LONG, source) from error
    return found


class _Refused(ValueError):  # noqa: N818 - never leaves this module
    """A document has something that is refused."""


def _tables(text: str) -> dict[str, Any]:
    if _DOTTED.search(text):
        raise _Refused(TOO_DEEP)
    if max(map(len, text.split("\n"))) > _LONGEST_LINE:
        raise _Refused(f"a line in it has more than {_LONGEST_LINE} characters")
    return tomllib.loads(text)


def _objects(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _Refused(f"it has the key {brief(key)} twice in one object")
    return found


def _check(found: Any) -> None:
    """Check every value, without recursion: deep nesting would exceed its limit."""
    level: list[Any] = [found]
    for _ in range(DEEPEST + 1):
        level = [nested for value in level for nested in _inside(value)]
        if not level:
            return
    raise _Refused(TOO_DEEP)


def _inside(value: Any) -> Iterator[Any]:
    """Yield the values in a table or list; refuse one that cannot be printed."""
    if isinstance(value, dict):
        for key in value:
            _check_text(key)
        yield from value.values()
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _Refused("a number in it is not finite")
    elif isinstance(value, int) and value not in NUMBERS:
        raise _Refused(TOO_LONG)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _Refused("a text in it holds a NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _Refused("a text in it holds half a character") from error
