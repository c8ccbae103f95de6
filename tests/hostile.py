"""Documents that somebody wrote to break whoever reads them, and files that are none.

Knows TOML, JSON and file systems; knows nobody's reader.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Edit = Callable[[bytes], bytes]
    Place = Callable[[Path], object]

DEEP = 100_000
DIGITS = b"9" * 200_000  # Python converts no more than 4300 of them
DOTTED = b"a." * 2000 + b"a"  # a key of so many parts nests without any bracket
LONG = b"x" * 100_000
SPARSE = 1 << 40
SURROGATE = rb'"\ud800"'

# What no document is, whatever its format.
ENCODINGS: Mapping[str, Edit] = {
    "bom": lambda text: b"\xef\xbb\xbf" + text,
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "not utf-8": lambda text: text.replace(b"p", b"\xff", 1),
    "overlong utf-8": lambda text: text.replace(b"p", b"\xc0\xaf", 1),
    "surrogate in utf-8": lambda text: text.replace(b"p", b"\xed\xa0\x80", 1),
    "nul": lambda text: text.replace(b"p", b"\0", 1),
    "nuls": lambda _: bytes(4096),
    "binary": lambda _: bytes(range(256)),
    "page": lambda _: b"<!DOCTYPE html><html>",
    "half": lambda text: text[: len(text) // 2],
    "words": lambda _: b"nothing of the sort",
}


def _sparse(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, SPARSE)


def _socket(path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109 - an address has 107 bytes, so a short name
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


# What has a document's name and is no regular file, or is one without an end.
PLACES: Mapping[str, Place] = {
    "fifo": os.mkfifo,
    "folder": lambda path: path.mkdir(),
    "socket": _socket,
    "zeroes": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "nowhere": lambda path: path.symlink_to("no/such/file"),
    "sparse": _sparse,
}


def put(path: Path, what: Place) -> None:
    """Put something else in a file's place."""
    path.unlink()
    what(path)


def _said(key: bytes, value: bytes) -> Edit:
    """Give a key of golden.toml or pending.toml another value, or its first one."""
    line = key + b" = " + value
    known = re.compile(rb"^" + key + rb" = .*$", re.MULTILINE)

    def edit(text: bytes) -> bytes:
        if known.search(text):
            return known.sub(lambda _: line, text, count=1)
        return line + b"\n" + text

    return edit


def _inside(table: bytes, line: bytes) -> Edit:
    """Put a line first into a table."""
    return lambda text: text.replace(b"[%s]\n" % table, b"[%s]\n%s\n" % (table, line))


def _instead(table: bytes, value: bytes) -> Edit:
    """Make a table something else."""

    def edit(text: bytes) -> bytes:
        without = re.sub(rb"(?ms)^\[" + table + rb"\]\n.*?(?=^\[|\Z)", b"", text)
        return table + b" = " + value + b"\n" + without

    return edit


TOML: Mapping[str, Edit] = {
    **ENCODINGS,
    "control": lambda text: b"# \x1b[2J\n" + text,
    "no end": lambda text: text + b"\nx = [",
    "same key": lambda text: b"format = 1\n" + text,
    "deep lists": lambda text: b"x = " + b"[" * DEEP + b"]" * DEEP + b"\n" + text,
    "deep tables": lambda text: b"x = %s1%s\n" % (b"{a=" * DEEP, b"}" * DEEP) + text,
    "deep key": lambda text: text + b"\n[%s]\n" % DOTTED,
    "long key": lambda text: b"%s = 1\n" % LONG + text,
    "many digits": lambda text: b"x = %s\n" % DIGITS + text,
    "many digits and lines": lambda text: b"x = %s1\n" % (b"1_" * 100_000) + text,
}
GOLDEN: Mapping[str, Edit] = {
    **TOML,
    "nothing": lambda _: b"",
    "format digits": _said(b"format", DIGITS),
    "format hex digits": _said(b"format", b"0x" + b"f" * 200_000),
    "format text": _said(b"format", b'"1"'),
    "format bool": _said(b"format", b"true"),
    "format float": _said(b"format", b"1.0"),
    "format list": _said(b"format", b"[1]"),
    "format day": _said(b"format", b"1979-05-27"),
    "format deep": _said(b"format", b"[" * 90 + b"]" * 90),
    "scenario number": _said(b"scenario", b"5"),
    "scenario list": _said(b"scenario", b'["ping"]'),
    "scenario table": _said(b"scenario", b'{ping = "ping"}'),
    "scenario nul": _said(b"scenario", rb'"ping\u0000"'),
    "description number": _said(b"description", b"5"),
    "description list": _said(b"description", b'["a"]'),
    "description table": _said(b"description", b"{}"),
    "description digits": _said(b"description", DIGITS),
    "reference number": _said(b"reference", b"nan"),
    "requires number": _said(b"requires", b"28"),
    "requires nonsense": _said(b"requires", b'"engine"'),
    "requires word": _said(b"requires", b'"engine >= x"'),
    "requires long": _said(b"requires", b'"%s"' % LONG),
    "provenance number": _instead(b"provenance", b"5"),
    "provenance list": _instead(b"provenance", b'["a"]'),
    "provenance tables": _inside(b"provenance", b"a = {b = 1}"),
    "provenance engine": _inside(b"provenance", b"aengine = 5"),
    "provenance bool": _inside(b"provenance", b"aengine = true"),
    "provenance inf": _inside(b"provenance", b"aengine = inf"),
    "provenance time": _inside(b"provenance", b"aengine = 07:32:00"),
    "provenance digits": _inside(b"provenance", b"aengine = " + DIGITS),
    "provenance key": _inside(b"provenance", DOTTED + b" = 1"),
    "provenance nul": _inside(b"provenance", rb'aengine = "\u0000"'),
    "symbols list": _instead(b"symbols", b"[1]"),
    "symbols number": _inside(b"symbols", b"a = 5"),
    "symbols deep": _inside(b"symbols", b"a = " + b"[" * 90 + b"]" * 90),
    "policy number": _instead(b"policy", b"5"),
    "policy text": _instead(b"policy", b'"any"'),
    "policies": _instead(b"policy", b"[{}]"),
    "policy no field": _inside(b"policy", b'%s = "any"' % LONG),
    "policy key": _inside(b"policy", DOTTED + b' = "any"'),
    "policy rule number": _inside(b"policy", b"ttl = 5"),
    "policy rule digits": _inside(b"policy", b"ttl = 0x" + b"f" * 200_000),
    "policy rule list": _inside(b"policy", b'ttl = ["any"]'),
    "policy rule table": _inside(b"policy", b'ttl = {ttl = "any"}'),
    "policy rule nan": _inside(b"policy", b"ttl = nan"),
    "policy rule long": _inside(b"policy", b'ttl = "%s"' % LONG),
    "policy rule deep": _inside(b"policy", b"ttl = " + b"[" * 90 + b"]" * 90),
    "waive number": _inside(b"policy", b"waive = 5"),
    "waive text": _inside(b"policy", b'waive = "canaries"'),
    "waive table": _inside(b"policy", b"waive = {a = 1}"),
    "waive numbers": _inside(b"policy", b"waive = [5]"),
    "waive lists": _inside(b"policy", b'waive = [["a"]]'),
    "waive tables": _inside(b"policy", b"waive = [{}]"),
    "waive nobody": _inside(b"policy", b'waive = ["nobody"]'),
    "waive digits": _inside(b"policy", b"waive = [0x" + b"f" * 200_000 + b"]"),
}
PENDING: Mapping[str, Edit] = {
    **TOML,
    "nothing": lambda _: b"",
    "unknown key": lambda text: b"x = 1\n" + text,
    "table": lambda text: text + b"\n[table]\n",
    "format digits": _said(b"format", DIGITS),
    "format text": _said(b"format", b'"1"'),
    "format bool": _said(b"format", b"true"),
    "format deep": _said(b"format", b"[" * 90 + b"]" * 90),
    "golden number": _said(b"golden", b"5"),
    "golden list": _said(b"golden", b'["a"]'),
    "golden nul": _said(b"golden", rb'"a\u0000"'),
    "golden digits": _said(b"golden", DIGITS),
    "base number": _said(b"base", b"5"),
    "base table": _said(b"base", b"{}"),
    "test bool": _said(b"test", b"true"),
    "test deep": _said(b"test", b"[" * 90 + b"]" * 90),
    "differs float": _said(b"differs", b"1.5"),
    "differs list": _said(b"differs", b"[[[]]]"),
    "made text": _said(b"made", b'"2024-01-01T00:00:00Z"'),
    "made number": _said(b"made", b"0"),
    "made day": _said(b"made", b"2024-01-01"),
    "made hour": _said(b"made", b"07:32:00"),
    "made local": _said(b"made", b"2024-01-01T00:00:00"),
    "made never": _said(b"made", b"2024-02-30T00:00:00Z"),
    "made zone": _said(b"made", b"2024-01-01T00:00:00+99:00"),
    "made digits": _said(b"made", DIGITS),
    "made list": _said(b"made", b"[2024-01-01T00:00:00Z]"),
}


def _json(edit: Callable[[dict[str, Any]], object]) -> Edit:
    """Change what a JSON text says."""

    def edited(text: bytes) -> bytes:
        table = json.loads(text)
        edit(table)
        return json.dumps(table).encode()

    return edited


def _set(value: object, *path: str | int) -> Edit:
    """Give something inside a JSON text another value."""

    def edit(table: Any) -> None:
        for key in path[:-1]:
            table = table[key]
        table[path[-1]] = value

    return _json(edit)


def _lost(*path: str | int) -> Edit:
    """Take something out of a JSON text."""

    def edit(table: Any) -> None:
        for key in path[:-1]:
            table = table[key]
        del table[path[-1]]

    return _json(edit)


def _raw(value: bytes, *path: str | int) -> Edit:
    """Give something inside a JSON text a value that `json` would not write."""
    marked = _set("here", *path)
    return lambda text: marked(text).replace(b'"here"', value)


VERDICT: Mapping[str, Edit] = {
    **ENCODINGS,
    "nothing": lambda _: b"",
    "list": lambda text: b"[" + text + b"]",
    "null": lambda _: b"null",
    "number": lambda _: b"1",
    "text": lambda _: b'"format"',
    "two": lambda text: text + text,
    "same key": lambda text: text.replace(b"{", b'{"error": "", "error": 5,', 1),
    "deep lists": lambda _: b"[" * DEEP + b"]" * DEEP,
    "deep tables": lambda _: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and open": lambda _: b"[" * DEEP,
    "format digits": _raw(DIGITS, "format"),
    "format text": _set("1", "format"),
    "format bool": _raw(b"true", "format"),
    "format float": _set(1.0, "format"),
    "format list": _set([1], "format"),
    "format deep": _raw(b"[" * 90 + b"]" * 90, "format"),
    "format nan": _raw(b"NaN", "format"),
    "format gone": _lost("format"),
    "unknown deep": _raw(b"[" * DEEP + b"]" * DEEP, "x"),
    "unknown digits": _raw(DIGITS, "x"),
    "error number": _set(5, "error"),
    "error table": _set({}, "error"),
    "error surrogate": _raw(SURROGATE, "error"),
    "facts list": _set([], "facts"),
    "facts text": _set("engine", "facts"),
    "facts number": _set(5, "facts", "engine"),
    "facts digits": _raw(DIGITS, "facts", "engine"),
    "facts bool": _raw(b"true", "facts", "engine"),
    "facts null": _raw(b"null", "facts", "engine"),
    "facts float": _set(1.5, "facts", "engine"),
    "facts inf": _raw(b"1e999", "facts", "engine"),
    "facts lists": _set([[1]], "facts", "engine"),
    "facts table": _set({"a": 1}, "facts", "engine"),
    "facts deep": _raw(b"[" * 90 + b"]" * 90, "facts", "engine"),
    "facts surrogate": _raw(SURROGATE, "facts", "engine"),
    "facts nul": _set("a\0", "facts", "engine"),
}
# What only those mind who read a whole verdict.
RECORD: Mapping[str, Edit] = {
    **VERDICT,
    "scenario gone": _lost("scenario"),
    "scenario number": _set(5, "scenario"),
    "test list": _set([], "test"),
    "outcome number": _set(5, "outcome"),
    "verdict gone": _lost("verdict"),
    "verdict number": _set(5, "verdict"),
    "verdict text": _set("fail", "verdict"),
    "verdict list": _set([1], "verdict"),
    "verdict outcome": _set("maybe", "verdict", "outcome"),
    "verdict unknown": _set(1, "verdict", "colour"),
    "differences number": _set(5, "verdict", "differences"),
    "differences text": _set("abc", "verdict", "differences"),
    "difference number": _set(5, "verdict", "differences", 0),
    "difference flow": _set(5, "verdict", "differences", 0, "flow"),
    "difference gone": _lost("verdict", "differences", 0, "flow"),
    "difference packet": _set("one", "verdict", "differences", 0, "packet"),
    "cause text": _set("leaked", "verdict", "differences", 0, "cause"),
    "cause name": _set([1], "verdict", "differences", 0, "cause", "name"),
    "host list": _set([], "verdict", "host"),
    "host settings": _set({"mtu": "1500"}, "verdict", "host", "settings"),
    "host setting": _set({"mtu": ["1500", 5]}, "verdict", "host", "settings"),
    "twin list": _set([], "verdict", "twin"),
    "twin name": _set({"name": 5, "about": {}}, "verdict", "twin"),
    "recorded on": _set({"engine": 5}, "verdict", "recorded_on"),
}


def _put(name: str, what: Place) -> Place:
    """Add something to a folder."""
    return lambda folder: what(folder / name)


def _hold(name: str, content: bytes) -> Place:
    """Add a file to a folder, or replace it."""
    return lambda folder: (folder / name).write_bytes(content)


def _for(what: Place) -> Place:
    """Put something in a folder's place."""

    def place(folder: Path) -> None:
        shutil.rmtree(folder)
        what(folder)

    return place


# What a folder of a host's state must not hold, or be.
HOST: Mapping[str, Place] = {
    **{f"{name} of rules": _put("rules.txt", what) for name, what in PLACES.items()},
    "somebody's": _put("rules.txt", lambda path: path.symlink_to("/etc/passwd")),
    "beside": _put("rules.txt", lambda path: path.symlink_to("../verdict.json")),
    "devices": _put("rules.txt", lambda path: path.symlink_to("/dev")),
    "terminal": _put("rules.txt", lambda path: path.symlink_to("/dev/tty")),
    "file": _for(lambda host: host.write_text("rules")),
    "a fifo": _for(os.mkfifo),
    "a socket": _for(_socket),
    "elsewhere": _for(lambda host: host.symlink_to("/etc")),
    "a loop": _for(lambda host: host.symlink_to(host.name)),
}
# What it may hold, and means nothing.
HARMLESS: Mapping[str, Place] = {
    "nothing": _for(lambda host: host.mkdir()),
    "gone": shutil.rmtree,
    "binary": _hold("rules.txt", bytes(range(256)) * 64),
    "surrogates": _hold("rules.txt", b"\xed\xa0\x80"),
    "hidden": _hold(".rules", b"\xff"),
    "counts": _hold(
        "sysctl.txt",
        b"nf_conntrack_count = %s\nnf_conntrack_max = %s" % (DIGITS, DIGITS),
    ),
    "digits of others": _hold(
        "sysctl.txt", "nf_conntrack_count = \u0665\nnf_conntrack_max = \u00b2".encode()
    ),
    "tracked": _hold("conntrack.txt", b"tcp " + b"src=1 dst=2 sport= " * 10_000),
    "half tracked": _hold("conntrack.txt", b"udp src=1.1.1.1 dport=9\nicmp id=5"),
    "rules": _hold("iptables.txt", b"*nat\n" + b"-A X -j SNAT " * 20_000),
    "many rules": _hold("iptables.txt", b"*nat\n" + b"-A X\n" * 100_000),
    "addresses": _hold("iptables.txt", b"*nat\n-A 999.999.999.999/99 ::::/999 [::]"),
    "tables": _hold("nftables.txt", b"{\ntable {\nchain {\n}\n{"),
    "no words": _hold("nftables.txt", b" {\n\t{"),
}
