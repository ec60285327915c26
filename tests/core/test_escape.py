"""Text that is safe to show on a terminal."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from pvtop.core.escape import UNSAFE_CHARACTERS, printable, shorten


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc", r"a\x0ab\x0d\x09c"),
        ("\x00\x7f\x85\x9b", r"\x00\x7f\x85\x9b"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\u202a\u202b\u202c\u202d\u202e", r"\u202a\u202b\u202c\u202d\u202e"),
        ("a\u200eb\u200fc\u061cd", r"a\u200eb\u200fc\u061cd"),
        ("\u2066\u2067\u2068\u2069", r"\u2066\u2067\u2068\u2069"),
    ],
)
def test_what_a_terminal_acts_on_is_escaped(title: str, shown: str) -> None:
    assert printable(title) == shown


@pytest.mark.parametrize(
    "title", ["Main_Page", "AC\\DC", '"Heroes"', "عربى", "a\u200cb", "a\u00a0b\u3000c", "😀", "\ufffd"]
)
def test_all_else_is_shown_as_it_is(title: str) -> None:
    assert printable(title) == title


EVERY_CHARACTER = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]  # all but surrogates
BIDIRECTIONAL_FORMATTING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
BIDIRECTIONAL_MARKS = {"\u200e", "\u200f", "\u061c"}


def is_unsafe(character: str) -> bool:
    """Return whether Unicode lists the character as a control, a separator of lines, or a change of direction."""
    turns = unicodedata.bidirectional(character) in BIDIRECTIONAL_FORMATTING or character in BIDIRECTIONAL_MARKS
    return turns or unicodedata.category(character) in {"Cc", "Zl", "Zp"}


def test_controls_separators_and_changes_of_direction_are_escaped_and_no_other_characters() -> None:
    escaped = [character for character in EVERY_CHARACTER if printable(character) != character]
    assert escaped == [character for character in EVERY_CHARACTER if is_unsafe(character)]


def test_polars_finds_the_characters_that_python_escapes() -> None:
    every = pl.Series(EVERY_CHARACTER)
    found = every.filter(every.str.contains(UNSAFE_CHARACTERS)).to_list()
    assert found == [character for character in EVERY_CHARACTER if printable(character) != character]


def test_no_lawful_title_is_shortened() -> None:
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 3_000) == "x" * 300 + "... (3,000 characters)"
