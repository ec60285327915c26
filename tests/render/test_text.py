"""The text report, byte for byte."""

from __future__ import annotations

from pvtop.core.hour import Hour
from pvtop.render.text import render_text
from support.reports import make_report

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


def test_text_report_has_the_documented_layout() -> None:
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


def test_empty_report_is_a_head_only() -> None:
    assert render_text(make_report(pages=[])).count("\n") == 3


def test_head_names_the_top() -> None:
    assert render_text(make_report(top=3)).startswith("Top 3 pages per domain\n")


def test_counts_in_the_head_have_thousands_separators() -> None:
    text = render_text(make_report(domains=1_000, unknown_rows=2_000, malformed=3_000))
    assert text.split("\n")[2].startswith("1,000 domains, ")
    assert text.split("\n")[2].endswith(" 2,000 unknown, 3,000 malformed lines")


def test_midnight_hour_shows_its_interval() -> None:
    text = render_text(make_report(hour=Hour.parse("2020-01-01T00")))
    assert text.split("\n")[1] == "Dump 2020-01-01 00:00 UTC, views from 23:00 to 00:00 UTC"


def test_domain_codes_are_escaped() -> None:
    head = render_text(make_report(pages=[("e\x1bn", 1, "a", 1)])).split("\n")[4]
    assert head == r"e\x1bn  other"


def test_titles_are_escaped() -> None:
    text = render_text(make_report(pages=[("en", 1, "a\x1b[31mb\u200ec", 1)]))
    assert text.endswith("\n   1           1  a\\x1b[31mb\\u200ec\n")
