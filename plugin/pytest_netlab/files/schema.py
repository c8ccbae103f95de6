"""Check documents against declarations: a table becomes a value, or an error says why.

Knows declarations, and parsed TOML and JSON; refuses to know files, and what any
document is about.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from pytest_netlab.errors import DocumentError
from pytest_netlab.files.documents import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
NATIVE = (datetime,)  # types that TOML has and JSON has not


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a document: its fields are its keys, in the order they are written.

    A key that is not declared is refused; with `forbid_unknown_fields=False`, ignored.
    """


class _Free:
    """Marks a text that is no keyword of its document's format."""


# A text that others wrote, which may have a secret. Any other text is a keyword of the
# format, by which the document is read.
FreeText = Annotated[str, _Free()]


def demand_format(found: object, known: int, what: str, source: object) -> None:
    """Refuse a document that is not of a format.

    Args:
        found: its content, as `documents` parsed it.
        known: the format's number.
        what: what the document is, for errors.
        source: its file.

    Raises:
        DocumentError: it has no format, or another.

    """
    if not isinstance(found, dict) or "format" not in found:
        raise DocumentError(f"this is no {what} of pytest-netlab", source)
    number = found["format"]
    if type(number) is not int or number != known:  # neither true nor 1.0
        text = f"format {brief(number)}, and this version reads format {known}"
        raise DocumentError(f"it is of {text}", source)


def read(found: object, kind: type[T], source: object) -> T:
    """Return a document as a value of its declared type.

    Args:
        found: its content, as `documents` parsed it.
        kind: the declaration, a `Table`.
        source: the file.

    Raises:
        DocumentError: something in it is not as declared; names its path, and what.

    """
    try:
        return msgspec.convert(found, kind, builtin_types=NATIVE)
    except msgspec.ValidationError:
        # Its own text leaves out keys that a document chose, or quotes them in full.
        raise DocumentError(_error(found, kind, "$"), source) from None


def plain(value: Table) -> dict[str, Any]:
    """Return a table as plain TOML and JSON; integers of numpy become Python's."""
    found: dict[str, Any] = msgspec.to_builtins(
        value, builtin_types=NATIVE, enc_hook=int
    )
    return found


def masked(found: Any, kind: Any, hide: Callable[[str], str]) -> Any:
    """Return a document with each free text replaced by what `hide` returns.

    Args:
        found: as `plain` returns it.
        kind: the declaration.
        hide: returns a text without secrets.

    """
    if isinstance(found, str):
        return hide(found) if is_free(kind) else found
    if isinstance(found, dict):
        return {
            key: masked(one, element_type(kind, key), hide)
            for key, one in found.items()
        }
    if isinstance(found, list | tuple):
        elements = (
            masked(one, element_type(kind, at), hide) for at, one in enumerate(found)
        )
        return type(found)(elements)
    return found


@cache
def keys(table: type[Table]) -> Mapping[str, Any]:
    """Return the keys of a table, each with its declared type."""
    return get_type_hints(table, include_extras=True)


def element_type(kind: Any, key: str | int) -> Any:
    """Return the declared type of a key or index; None if none is declared."""
    kind = bare(kind)
    if is_table(kind) and isinstance(key, str):
        return keys(kind).get(key)
    of, elements = get_origin(kind), get_args(kind)
    if of is dict and isinstance(key, str):
        return elements[1]
    if of is tuple and isinstance(key, int):
        kinds = elements[:1] * (key + 1) if elements[-1] is Ellipsis else elements
        return kinds[key] if key < len(kinds) else None
    return None


def bare(kind: Any) -> Any:
    """Return the type of a value that is present, without annotations."""
    if get_origin(kind) is Annotated:
        return bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        absent = (NoneType, msgspec.UnsetType)
        return bare(next(one for one in get_args(kind) if one not in absent))
    return kind


def is_free(kind: Any) -> bool:
    """Return whether it is declared as a free text."""
    is_annotated = get_origin(kind) is Annotated
    return is_annotated and any(isinstance(one, _Free) for one in kind.__metadata__)


def is_table(kind: Any) -> bool:
    """Return whether it is declared as a table with keys of its own."""
    return isinstance(kind, type) and issubclass(kind, Table)


def _error(found: object, kind: Any, path: str) -> str:
    """Return the path of what is not as declared, and why, as one clause."""
    for name, element, its in _parts(found, kind):
        if _refusal(element, its):
            return _error(element, its, path + name)
    reason = _reason(found, bare(kind)) or _refusal(found, kind)
    return reason if path == "$" else f"{path}: {reason}"


def _parts(found: object, kind: Any) -> Iterator[tuple[str, object, Any]]:
    """Yield the parts of a value: path element, value and declared type of each."""
    if isinstance(found, dict):
        named = is_table(bare(kind))
        for key, element in found.items():
            name = f".{key}" if named else f"[{brief(key)}]"
            yield name, element, element_type(kind, key)
    elif isinstance(found, list):
        for at, element in enumerate(found):
            yield f"[{at}]", element, element_type(kind, at)


def _refusal(found: object, kind: Any) -> str:
    """Return why a value is not as declared; "" where it is."""
    if kind is None:
        return ""
    try:
        msgspec.convert(found, kind, builtin_types=NATIVE)
    except msgspec.ValidationError as error:
        text = str(error).replace("`", "")
        return text[:1].lower() + text[1:]
    return ""


def _reason(found: object, kind: Any) -> str:
    """Return why a value with valid parts is not valid; "" if its type is wrong."""
    if get_origin(kind) is Literal and isinstance(found, str):
        known = ", ".join(map(str, get_args(kind)))
        return f"expected one of {known}, got {brief(found)}"
    if not (is_table(kind) and isinstance(found, dict)):
        return ""
    names = keys(kind)
    for key in found:
        if key not in names and kind.__struct_config__.forbid_unknown_fields:
            return f"unknown key {brief(key)}; known keys are {', '.join(names)}"
    lacked = (one for one in msgspec.structs.fields(kind) if one.required)
    return next((f"it lacks {x.name}" for x in lacked if x.name not in found), "")
