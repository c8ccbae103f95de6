"""What a terminal may be given: letters of any script, and no commands."""

from __future__ import annotations

import json

import pytest

from pytest_netlab.terminal import escaped, joined, one_line, safe_json

SPELLED = {
    "\x1b[31m": r"\x1b[31m",
    "\x9b31m": r"\x9b31m",
    "\x07\x08\x7f": r"\x07\x08\x7f",
    "a\rb\nc\x0bd\x85e": r"a\rb\nc\x0bd\x85e",
    "a\u2028b\u2029": r"a\u2028b\u2029",
    "\u202eabc\u2066\u200e\u200f\u061c": r"\u202eabc\u2066\u200e\u200f\u061c",
    "zero\u200b\ufeff\xad": r"zero\u200b\ufeff\xad",
    "tag \U000e0041": r"tag \U000e0041",
    "no text \udcff\ud800": r"no text \udcff\ud800",
}
KEPT = (
    "",
    "plain ~ \\x1b",
    "a\ttab",
    "Ünïcödé",
    "日本語　の",
    "עברית",
    "עמוד\xa01",
    "e\u0301 \U0001f600",
)


@pytest.mark.parametrize("text", SPELLED)
def test_spelled(text: str) -> None:
    """What cannot be seen is spelled as Python would, and only once."""
    assert one_line(text) == SPELLED[text]
    assert one_line(one_line(text)) == SPELLED[text]


@pytest.mark.parametrize("text", KEPT)
def test_kept(text: str) -> None:
    """What can be seen stays, in any script, with spaces and tabs."""
    assert one_line(text) == text
    assert safe_json(f'"{text}"\n') == f'"{text}"\n'


def test_lines() -> None:
    """A text keeps its lines; a field among others begins none."""
    assert escaped("one\n\ntwo\r\n\x1b") == "one\n\ntwo\\r\n\\x1b"
    assert joined(["one", "two\nthree"]) == "one\ntwo\\nthree"


@pytest.mark.parametrize("text", SPELLED)
def test_json(text: str) -> None:
    """JSON stays JSON of the same value, however it was written."""
    for is_ascii in (True, False):
        spelled = safe_json(json.dumps([text], ensure_ascii=is_ascii, indent=1))

        assert json.loads(spelled) == [text]
        assert spelled.replace("\n", "").isprintable()
