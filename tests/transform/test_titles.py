"""Titles as dumps of both eras write them."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform.titles import decode_title, encode_titles


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (r'"\"Heroes\""', '"Heroes"'),
        (r'"a\"b"', 'a"b'),
        (r'"\\\"q"', r"\"q"),
        (r"AC\DC", r"AC\DC"),
        ("q\\", "q\\"),
        ("'apos'", "'apos'"),
        ("#hash", "#hash"),
        ("a,b", "a,b"),
        ('"Heroes"', '"Heroes"'),  # raw, from before February 2023
        ('a"b', 'a"b'),
        (r'"a\"b', r'"a\"b'),  # not closed
        (r'"a\nb\"c"', r'"a\nb\"c"'),  # a backslash that escapes neither quote nor backslash
        ('"', '"'),
        ('""', '""'),
    ],
)
def test_decode_title_reads_titles_of_both_eras(written: str, title: str) -> None:
    assert pl.select(decode_title(pl.lit(written))).item() == title


def test_encode_titles_returns_spellings_that_decode_to_the_title() -> None:
    titles = ["plain", '"Heroes"', 'a"b', r"AC\DC", "q\\", '"', r'"\"x\""', r'"a\\"']
    pages = pl.LazyFrame({"domain_code": ["en"] * len(titles), "page_title": titles})
    found = encode_titles(pages).with_columns(title=decode_title(pl.col("page_title"))).collect()
    by_title = {title: sorted(found.filter(title=title)["page_title"]) for title in titles}
    assert by_title == {
        "plain": ["plain"],
        '"Heroes"': ['"Heroes"', r'"\"Heroes\""'],
        'a"b': [r'"a\"b"', 'a"b'],
        r"AC\DC": [r"AC\DC"],
        "q\\": [r'"q\\"', "q\\"],
        '"': ['"', r'"\""'],
        r'"\"x\""': [r'"\"\\\"x\\\"\""'],
        r'"a\\"': [r'"\"a\\\\\""'],
    }
