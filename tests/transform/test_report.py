"""The text report, byte for byte, and the provenance."""

from __future__ import annotations

import json
import unicodedata

import polars as pl
import pytest

from pvtop.core.escape import UNSAFE_CHARACTERS, printable, shorten
from pvtop.core.hour import Hour
from pvtop.render.text import render_text
from pvtop.transform.report import Provenance
from support.reports import PROVENANCE, make_report

TEXT = """\
Top 25 pages per domain
Dump 2019-04-01 12:00 UTC, views from 11:00 to 12:00 UTC
1,523 domains, 25,102 entries; 5,000,000 pages with 20,123,456 views read; 1,234 pages on the blacklist, 1,400 unknown, 0 malformed lines

""  other
   1          36  Z6

commons.m  commons.wikimedia.org  desktop
   1           0  File:a.png

en  en.wikipedia.org  desktop
   1     382,051  Main_Page
   2      36,183  Climate
  10  12,345,678  Österreich_東京
"""  # noqa: E501 - one line of the report


def test_text() -> None:
    report = make_report(
        pages=[
            ("", 1, "Z6", 36),
            ("commons.m", 1, "File:a.png", 0),
            ("en", 1, "Main_Page", 382_051),
            ("en", 2, "Climate", 36_183),
            ("en", 10, "Österreich_東京", 12_345_678),
        ],
        domains=1_523,
        entries=25_102,
        rows=5_000_000,
        views=20_123_456,
        blacklisted_rows=1_234,
        unknown_rows=1_400,
    )
    assert render_text(report) == TEXT


def test_a_report_of_nothing_is_its_head() -> None:
    assert render_text(make_report(pages=[])).count("\n") == 3


def test_the_head_tells_how_many_pages_a_domain_gets() -> None:
    assert render_text(make_report(top=3)).startswith("Top 3 pages per domain\n")


def test_all_counts_of_the_head_have_thousands_separators() -> None:
    text = render_text(make_report(domains=1_000, unknown_rows=2_000, malformed=3_000))
    assert text.split("\n")[2].startswith("1,000 domains, ")
    assert text.split("\n")[2].endswith(" 2,000 unknown, 3,000 malformed lines")


def test_an_hour_stamped_midnight_began_the_day_before() -> None:
    text = render_text(make_report(hour=Hour.parse("2020-01-01T00")))
    assert text.split("\n")[1] == "Dump 2020-01-01 00:00 UTC, views from 23:00 to 00:00 UTC"


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
    assert f"\n   1           1  {shown}\n" in render_text(make_report(pages=[("en", 1, title, 1)]))


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


def test_a_code_is_escaped_like_a_title() -> None:
    head = render_text(make_report(pages=[("e\x1bn", 1, "a", 1)])).split("\n")[4]
    assert head == r"e\x1bn  e\x1bn.wikipedia.org  desktop"


def test_provenance_comes_back_from_json() -> None:
    assert Provenance.from_json(PROVENANCE.to_json()) == PROVENANCE


def test_provenance_is_a_json_object_of_its_fields() -> None:
    facts = json.loads(PROVENANCE.to_json())
    assert facts["stamp"] == "2019-04-01T12:00:00Z"
    assert facts["dump_last_modified"] is None
    assert list(facts) == list(Provenance.__dataclass_fields__)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "5", "{}", "not json", b"\xff", '{"stamp": "2019-04-01T12:00:00Z"}']
)
def test_what_is_no_provenance_is_none(text: str | bytes) -> None:
    assert Provenance.from_json(text) is None


def test_fields_of_another_version_are_none() -> None:
    facts = json.loads(PROVENANCE.to_json()) | {"weather": "fair"}
    assert Provenance.from_json(json.dumps(facts)) is None
