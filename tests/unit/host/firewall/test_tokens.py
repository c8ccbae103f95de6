"""Where a line is split: at spaces, but not at those in quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.host.firewall.tokens import split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-s c1 -j DROP", ["-s", "c1", "-j", "DROP"]),
        ('--comment "a b" -j', ["--comment", '"a b"', "-j"]),
        (r'"a \" -j b" -j', [r'"a \" -j b"', "-j"]),
        (r'"a\\" -j', [r'"a\\"', "-j"]),
        ('"a b', ['"a b']),
        ('a"b c"', ['a"b', 'c"']),
        ("a  b ", ["a", "", "b", ""]),
        ("", [""]),
        ('"" "a"', ['""', '"a"']),
    ],
)
def test_split(text: str, words: list[str]) -> None:
    """A quote at the beginning of a word ends at the next one that nothing escapes."""
    assert split(text, escapes=True) == words


def test_quotes_that_nothing_escapes() -> None:
    """Nft has no way to write a quote into a text."""
    assert split(r'"a\" drop "b c",', escapes=False) == [r'"a\"', "drop", '"b c",']


@given(st.text('ab "\\\n'), st.booleans())
def test_nothing_is_lost(text: str, escapes: bool) -> None:  # noqa: FBT001 - hypothesis
    """With spaces between them the words are the text again."""
    assert " ".join(split(text, escapes=escapes)) == text
