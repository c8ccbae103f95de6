"""Documents of others: what is read, and the sentence on what is not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.hostile import DEEP, DIGITS, PLACES, TOML

from pytest_netlab.errors import DocumentError
from pytest_netlab.files import documents

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[bytes], Any]

TEXT = b'format = 1\nscenario = "ping"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a document is to be."""
    return tmp_path / "document"


@pytest.fixture
def toml(path: Path) -> Read:
    """Return what reads a text of TOML."""

    def read(text: bytes) -> Any:
        path.write_bytes(text)
        return documents.toml(path)

    return read


@pytest.fixture
def of_json(path: Path) -> Read:
    """Return what reads a text of JSON."""

    def read(text: bytes) -> Any:
        path.write_bytes(text)
        return documents.json_file(path)

    return read


def refused(read: Read, text: bytes) -> str:
    """Return the sentence on what cannot be read; the file comes first in it."""
    with pytest.raises(DocumentError) as caught:
        read(text)
    told = str(caught.value)
    assert told.startswith(str(caught.value.source))
    assert len(told) < 400
    assert told.isprintable()
    return told.partition(": cannot read it: ")[2]


def test_toml(toml: Read) -> None:
    """Plain TOML is what tomllib makes of it, at both ends of every limit."""
    deepest = "[" * (documents.DEEPEST - 1) + "]" * (documents.DEEPEST - 1)
    dotted = ".".join("a" * (documents.DEEPEST - 1))
    text = f"""
format = 1
lowest = {-(1 << 63)}
highest = {(1 << 63) - 1}
[policy]
ttl = "ü\U0001f600"
{dotted} = 1
[lists]
x = {deepest[1:-1]}
"""
    found = toml(text.encode())

    assert (found["lowest"], found["highest"]) == (-(1 << 63), (1 << 63) - 1)
    assert found["policy"]["ttl"] == "ü\U0001f600"


def test_json(of_json: Read) -> None:
    """So is plain JSON."""
    text = {"a": [1, 1.5, None, True, "ü\U0001f600"], "b": {"a": (1 << 64) - 1}}

    assert of_json(json.dumps(text).encode()) == text
    assert of_json(json.dumps(text, ensure_ascii=False).encode()) == text


@pytest.mark.parametrize("edit", TOML)
def test_hostile_toml(toml: Read, edit: str) -> None:
    """What breaks a reader, or who prints what was read, is refused in a sentence."""
    assert refused(toml, TOML[edit](TEXT))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"x = " + b"[" * 17 + b"]" * 17, "it nests more than 16 deep"),
        (b"x = " + b"{a=" * 17 + b"1" + b"}" * 17, "it nests more than 16 deep"),
        (b"[" + b"a." * 17 + b"a]", "it nests more than 16 deep"),
        (b"a . " * 50_000 + b"a = 1", "it nests more than 16 deep"),
        (b'"a".' * 50_000 + b"a = 1", "it nests more than 16 deep"),
        (b"'a'." * 50_000 + b"a = 1", "it nests more than 16 deep"),
        (rb'"\"".' * 50_000 + b"a = 1", "it nests more than 16 deep"),
        (b'"%s".' % (b"x" * 99) * 20_000 + b"a = 1", "a line in it has more than"),
        (b"x = %d" % (1 << 64), "a number in it has more than 64 bits"),
        (b"x = [[-%s]]" % DIGITS[:50_000], "a number in it has more than 64 bits"),
        (b"x = 0o" + b"7" * 5000, "a number in it has more than 64 bits"),
        (b"x = 0b" + b"1" * 65, "a number in it has more than 64 bits"),
        (b"x = inf", "a number in it is not finite"),
        (b"x = {y = [-nan]}", "a number in it is not finite"),
        (b"x = 1e999", "a number in it is not finite"),
        (rb'x = ["\u0000"]', "a text in it holds a NUL"),
        (rb'"\u0000" = 1', "a text in it holds a NUL"),
        (b"x = 1\nx = 2", "Cannot overwrite a value (at end of document)"),
        (b"\xef\xbb\xbfx = 1", "it begins with a byte order mark"),
        (b"x = '\xff'", "it is not UTF-8 (at byte 5)"),
    ],
    ids=range(20),
)
def test_reasons_of_toml(toml: Read, text: bytes, reason: str) -> None:
    """The sentence says what is wrong."""
    assert refused(toml, text).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[" * 18 + b"]" * 18, "it nests more than 16 deep"),
        (b"[" * DEEP + b"]" * DEEP, "it nests more than 16 deep"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "it nests more than 16 deep"),
        (b'[{"a":' * DEEP, "it nests more than 16 deep"),
        (DIGITS, "a number in it has more than 64 bits"),
        (b"[[%d]]" % (1 << 64), "a number in it has more than 64 bits"),
        (b"[NaN]", "a number in it is not finite"),
        (b"[-Infinity]", "a number in it is not finite"),
        (b'{"a": 1e999}', "a number in it is not finite"),
        (rb'["\u0000"]', "a text in it holds a NUL"),
        (rb'{"\u0000": 1}', "a text in it holds a NUL"),
        (rb'["\ud800"]', "a text in it holds half a character"),
        (rb'{"\udfff\ud800": 1}', "a text in it holds half a character"),
        (b'{"a": 1, "b": 2, "a": 3}', "it has the key 'a' twice in one object"),
        (b'[{"a": {"b": 1, "b": 1}}]', "it has the key 'b' twice in one object"),
        (b'\xef\xbb\xbf{"a": 1}', "it begins with a byte order mark"),
        (b'{"\xff": 1}', "it is not UTF-8 (at byte 2)"),
        ('{"a": 1}'.encode("utf-16-le"), "Expecting property name"),
        (b"", "Expecting value"),
        (b"1 1", "Extra data"),
        (b"[" + b"[]," * 2_000_001 + b"[]]", "it has more than 4000000 values"),
    ],
    ids=range(21),
)
def test_reasons_of_json(of_json: Read, text: bytes, reason: str) -> None:
    """The sentence says what is wrong."""
    assert refused(of_json, text).startswith(reason)


@pytest.mark.parametrize("place", PLACES)
def test_places(path: Path, place: str) -> None:
    """What is no regular file is refused, and nothing waits for it."""
    PLACES[place](path)

    for read in (documents.toml, documents.json_file, documents.content):
        with pytest.raises(DocumentError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: cannot read it: ")


def test_size(path: Path) -> None:
    """A file may be as large as it may be, and not a byte larger."""
    path.write_bytes(bytes(2 << 20))

    assert len(documents.content(path, most=2 << 20)) == 2 << 20
    with pytest.raises(DocumentError, match="it has more than 1 MiB"):
        documents.content(path, most=1 << 20)
    with pytest.raises(DocumentError, match="it has more than 0 MiB"):
        documents.content(Path("/proc/self/status"), most=9)  # it tells no size


def test_links(path: Path) -> None:
    """A document of the user's may be linked; evidence may not."""
    path.write_bytes(b"[]")
    link = path.with_name("link")
    link.symlink_to(path)

    assert documents.content(link) == b"[]"
    with pytest.raises(DocumentError, match="link: cannot read it: it is a symbolic"):
        documents.json_file(link)


def test_folder(path: Path) -> None:
    """A folder's files are read, and together they are no larger than one document."""
    assert documents.folder(path, most=2) == {}
    path.mkdir()
    for name in ("b", "a"):
        (path / name).write_text(name)

    assert documents.folder(path, most=2) == {"a": b"a", "b": b"b"}
    with pytest.raises(DocumentError, match="it holds more than 1 files"):
        documents.folder(path, most=1)
    os.truncate(path / "a", documents.LARGEST)
    with pytest.raises(DocumentError, match="b: cannot read it: it has more than"):
        documents.folder(path, most=2)


@pytest.mark.parametrize(
    "value", [9**200_000, "x" * 10**6, [[[[[[1]]]]]] * 99], ids=["int", "str", "list"]
)
def test_brief(value: object) -> None:
    """A value that an error quotes is short, whatever it is."""
    assert len(documents.brief(value)) < 200


def test_storable() -> None:
    """What no document may hold is spelled out."""
    assert documents.storable("a\0ü\ud800") == "a\\x00ü\\ud800"
