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
def test_printable_escapes_control_characters(title: str, shown: str) -> None:
    assert printable(title) == shown


@pytest.mark.parametrize(
    "title", ["Main_Page", "AC\\DC", '"Heroes"', "عربى", "a\u200cb", "a\u00a0b\u3000c", "😀", "\ufffd"]
)
def test_printable_keeps_all_other_characters(title: str) -> None:
    assert printable(title) == title


BIDIRECTIONAL_FORMATTING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
BIDIRECTIONAL_MARKS = {"\u200e", "\u200f", "\u061c"}


@pytest.fixture(scope="module")
def every_character() -> list[str]:
    """Return all characters but surrogates."""
    return [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def is_unsafe(character: str) -> bool:
    """Return whether Unicode lists the character as a control, a separator of lines, or a change of direction."""
    turns = unicodedata.bidirectional(character) in BIDIRECTIONAL_FORMATTING or character in BIDIRECTIONAL_MARKS
    return turns or unicodedata.category(character) in {"Cc", "Zl", "Zp"}


def test_printable_escapes_controls_separators_and_direction_changes_only(every_character: list[str]) -> None:
    escaped = [character for character in every_character if printable(character) != character]
    assert escaped == [character for character in every_character if is_unsafe(character)]


def test_polars_pattern_matches_what_printable_escapes(every_character: list[str]) -> None:
    every = pl.Series(every_character)
    found = every.filter(every.str.contains(UNSAFE_CHARACTERS)).to_list()
    assert found == [character for character in every_character if printable(character) != character]


def test_shorten_keeps_titles_of_legal_length() -> None:
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 3_000) == "x" * 300 + "... (3,000 characters)"
