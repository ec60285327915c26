"""The reference for days, series and rollups against expectations typed by hand, one rule at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.day_reference import day_pages, hours_of_pages, rollup, series
from support.reference import MAX_COUNT, entries_of, reference
from support.strategies import blacklists, dumps

NIGHT, MORNING = b"en A 5 0\nen B 7 0\n", b"de A 1 0\nen A 6 0\n"
DESKTOP = {"en": "en", "en.m": "en", "en.zero": "en", "m.wd": "www.wd", "www.wd": "www.wd"}


def test_day_has_every_page_with_its_hours() -> None:
    assert day_pages([NIGHT, None, MORNING, b"en B 2 0\nen - 0 0\n"]) == [
        ("de", "A", 1, [2], [1]),
        ("en", "-", 0, [3], [0]),
        ("en", "A", 11, [0, 2], [5, 6]),
        ("en", "B", 9, [0, 3], [7, 2]),
    ]


def test_day_is_sorted_in_byte_order() -> None:
    found = day_pages(["en.m a 1 0\nen é 1 0\nen z 1 0\nen Z 1 0\nen \uffff 1 0\nen 𝄞 1 0\n".encode()])
    assert [page[:2] for page in found] == [
        *[("en", title) for title in ("Z", "z", "é", "\uffff", "𝄞")],
        ("en.m", "a"),
    ]


def test_day_decodes_titles_and_skips_malformed_lines() -> None:
    assert day_pages([b'\xef\xbb\xbfen "\\"a\\"" 1 0\r\n\nshort\nen b x 0\n Z6 4 0\n"" Z6 1 0\n']) == [
        ("", "Z6", 5, [0], [5]),
        ("en", '"a"', 1, [0], [1]),
    ]


def test_pages_that_never_occur_are_left_out() -> None:
    assert hours_of_pages([NIGHT, MORNING], {("en", "A"), ("en", "Z")}) == {("en", "A"): {0: 5, 1: 6}}


def test_series_tells_zero_from_no_data() -> None:
    hours = [NIGHT, None, b"", MORNING, b"en A 0 0"]
    assert series(hours, ("en", "A")) == [5, None, 0, 6, 0]
    assert series(hours, ("en", "Z")) == [0, None, 0, 0, 0]


def test_rollup_ranks_the_sums_not_the_hours() -> None:
    hours = [b"en A 5 0\nen C 4 0\n", b"en B 5 0\nen C 4 0\n", None]
    assert rollup(hours, top=1).top_pages == [("en", 1, "C", 8, None)]
    assert rollup(hours).top_pages == [("en", 1, "C", 8, None), ("en", 2, "A", 5, None), ("en", 3, "B", 5, None)]


def test_rollup_sums_the_totals_of_the_hours() -> None:
    found = rollup([NIGHT, MORNING, b"en - 9 0\nfr - 1 0\n"], {("en", "B"), ("de", "A")})
    assert found.top_pages == [("en", 1, "A", 11, None)]
    assert found.domains == [("de", 1, 1, 1, 1), ("en", 4, 27, 1, 7), ("fr", 1, 1, 0, 0)]


def test_rollup_counts_a_repeated_page_once_in_an_hour() -> None:
    night = b"nl X 1 0\nnl.m X 2 0\nnl.m X 3 0\nnl.m Y 4 0\nnl.m Y 5 0\n"
    found = rollup([night, b"nl.m X 1 0\n"], {("nl.m", "Y")})
    assert found.domains == [("nl", 1, 1, 0, 0), ("nl.m", 3, 15, 1, 9)]
    merged = rollup([night, b"nl.m X 1 0\n"], {("nl.m", "Y")}, desktop_code={"nl": "nl", "nl.m": "nl"}.get)
    assert merged.domains == [("nl", 4, 16, 1, 9)]


def test_rollup_keeps_unknown_pages_when_asked() -> None:
    hours = [b"en - 9 0\nen A 1 0\n", b"en - 9 0\n"]
    assert rollup(hours, {("en", "-")}).domains == [("en", 3, 19, 0, 0)]
    assert rollup(hours, {("en", "-")}, keep_unknown=True).domains == [("en", 3, 19, 2, 18)]
    assert rollup(hours, keep_unknown=True).top_pages[0] == ("en", 1, "-", 18, None)


def test_rollup_merges_desktop_and_mobile() -> None:
    night = b"en A 5 0\nen B 7 0\nen.m A 4 0\n"
    hours = [night, b"en.zero A 1 0\nm.wd Q1 3 0\n", b"en.m C 1 0\n x 1 0\nodd.x y 1 0\n"]
    found = rollup(hours, desktop_code=DESKTOP.get)
    assert found.top_pages == [
        ("", 1, "x", 1, None),
        ("en", 1, "A", 10, 5),
        ("en", 2, "B", 7, 0),
        ("en", 3, "C", 1, 1),
        ("odd.x", 1, "y", 1, None),
        ("www.wd", 1, "Q1", 3, 3),
    ]
    assert found.domains[1] == ("en", 5, 18, 0, 0)


def test_rollup_applies_the_blacklist_before_merging() -> None:
    hours = [b"en A 5 0\nen.m A 4 0\nen B 7 0\nen.m B 3 0\n"]
    found = rollup(hours, {("en.m", "A"), ("en", "B")}, desktop_code=DESKTOP.get)
    assert found.top_pages == [("en", 1, "A", 5, 0), ("en", 2, "B", 3, 3)]
    assert found.domains == [("en", 4, 19, 2, 11)]


@pytest.mark.parametrize("of", [rollup, day_pages])
def test_sum_beyond_64_bits_is_an_error(of: type) -> None:
    largest = f"en A {MAX_COUNT} 0\n".encode()
    with pytest.raises(OverflowError):
        of([largest, b"en A 1 0\n"])


def views_of(totals: tuple[str, int, int, int, int]) -> tuple[str, int, int]:
    """Return code, views and blacklisted views of a domain."""
    code, _, views, _, blacklisted_views = totals
    return code, views, blacklisted_views


@settings(max_examples=40)
@given(dump=dumps(), blacklist=blacklists(), keep_unknown=st.booleans())
def test_rollup_of_an_hour_is_its_report(dump: bytes, blacklist: bytes, keep_unknown: bool) -> None:
    found = rollup([dump, None], entries_of(blacklist), keep_unknown=keep_unknown)
    expected = reference(dump, blacklist, keep_unknown=keep_unknown)
    if len(hours_of_pages([dump])) == expected.rows:  # a report counts and ranks a repeated page twice
        assert found.domains == expected.domains
        assert [row[:4] for row in found.top_pages] == expected.top_pages
    else:
        assert [views_of(row) for row in found.domains] == [views_of(row) for row in expected.domains]
        assert sum(row[1] for row in found.domains) == len(hours_of_pages([dump]))
