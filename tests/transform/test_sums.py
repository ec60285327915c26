"""Sums of pages over hours and days."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform import sums
from pvtop.transform.day import Lists
from pvtop.transform.schemas import PAGE_KEY
from pvtop.transform.sums import (
    TOTALS,
    ExcludedPages,
    Floors,
    TopPages,
    add_up_totals,
    part_of_day,
    sum_by_page,
    total,
)

START_HOURS = Lists(pl.Series([2, 2, 1]), pl.Series([0, 23, 1, 2, 12], dtype=pl.UInt8))
COUNTS = Lists(START_HOURS.lengths, pl.Series([7, 1, 2, 0, 5]))
MAX_VIEWS = 2**63 - 1


def test_part_of_day_adds_up_the_wanted_hours() -> None:
    views, hours = part_of_day(START_HOURS, COUNTS, [2, 12, 23])
    assert (views.to_list(), hours.to_list()) == ([1, 0, 5], [1, 1, 1])
    assert {views.dtype, hours.dtype} == {pl.Int64()}


def test_part_of_day_keeps_pages_without_views_in_the_wanted_hours() -> None:
    _, hours = part_of_day(START_HOURS, COUNTS, [23])
    assert hours.to_list() == [1, 0, 0]


def test_part_of_day_does_not_overflow_between_pages() -> None:
    lengths = pl.Series([1, 1])
    hours, counts = Lists(lengths, pl.Series([0, 0])), Lists(lengths, pl.Series([MAX_VIEWS] * 2))
    assert part_of_day(hours, counts, [0])[0].to_list() == [MAX_VIEWS, MAX_VIEWS]


def test_total_counts_pages_by_hour() -> None:
    views, hours = pl.Series([5, MAX_VIEWS, MAX_VIEWS]), pl.Series([2, 0, 1])
    assert total("en", views, hours, [0, 2]) == ("en", 3, 5 + 2 * MAX_VIEWS, 3, 5 + MAX_VIEWS)
    assert total("en", views, hours, []) == ("en", 3, 5 + 2 * MAX_VIEWS, 0, 0)


def test_domain_without_wanted_hours_has_no_totals() -> None:
    totals = pl.DataFrame([("de", 1, 1, 0, 0), ("en", 0, 0, 0, 0)], TOTALS, orient="row")
    assert add_up_totals(totals, merged=False).rows() == [("de", 1, 1, 0, 0)]


@pytest.mark.parametrize("few", [0, 32])
def test_excluded_pages_are_those_of_code_and_title(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(sums, "FEW_ENTRIES", few)
    entries = [
        ("de", "a"),
        ("en", ""),
        ("en", "Éclair"),
        ("en", "b"),
        ("en", "b"),
        ("en", "z"),
        ("en", "é"),
        ("zz", "b"),
    ]
    excluded = ExcludedPages(pl.DataFrame(entries, PAGE_KEY, orient="row"), keep_unknown=False)
    titles = pl.Series(["a", "b", "c", "d", "é"]).cast(pl.Binary)
    assert excluded.find("en", titles).blacklisted == [1, 4]
    assert excluded.find("fr", titles).blacklisted == []
    assert excluded.find("en", titles.slice(2, 2)).blacklisted == []


def test_unknown_pages_are_excluded_unless_kept() -> None:
    blacklist, titles = pl.DataFrame([("en", "-")], PAGE_KEY, orient="row"), pl.Series([b"!", b"-", b"--"])
    for keep, expected in ((False, ([1], [])), (True, ([], [1]))):
        assert ExcludedPages(blacklist, keep_unknown=keep).find("en", titles) == expected


def test_floors_let_ties_pass() -> None:
    floors = Floors(2)
    passed = [
        floors.can_rank("en", pl.Series(views)).to_list() for views in ([0], [-1, 5, 0], [5, 4, 0, -1], [-1, 6, 5])
    ]
    assert passed == [[True], [False, True, True], [True, False, False, False], [False, True, True]]
    assert floors.can_rank("de", pl.Series([0, -1])).to_list() == [True, False]


def test_sum_by_page_adds_up_neighbouring_rows() -> None:
    rows = pl.DataFrame(
        [("de", "a", 1), ("en", "a", 2), ("en", "a", 3), ("en", "b", 4)],
        schema=["domain_code", "page_title", "views"],
        orient="row",
    )
    assert sum_by_page(rows).rows() == [("de", "a", 1), ("en", "a", 5), ("en", "b", 4)]
    assert sum_by_page(rows.head(0)).rows() == []


def test_sum_of_a_page_beyond_64_bits_is_an_error() -> None:
    rows = pl.DataFrame({"domain_code": ["en"] * 2, "page_title": ["a"] * 2, "views": [MAX_VIEWS, 1]})
    with pytest.raises(pl.exceptions.InvalidOperationError):
        sum_by_page(rows)


@pytest.mark.parametrize("held", [0, 5, 1_000])
def test_top_pages_ranks_all_parts_together(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(sums, "HELD_ROWS", held)
    parts = [
        pl.DataFrame({"domain_code": ["de", "en"], "page_title": ["x", f"{number:02}"], "views": [1, number % 7]})
        for number in range(40)
    ]
    parts = [part if number == 20 else part.tail(1) for number, part in enumerate(parts)]
    top = TopPages(3, merged=False)
    for part in parts:
        top.add(part)
    assert top.ranked().rows() == [("de", 1, "x", 1), ("en", 1, "06", 6), ("en", 2, "13", 6), ("en", 3, "20", 6)]


def test_top_pages_without_pages_is_empty() -> None:
    assert TopPages(3, merged=True).ranked().columns == ["domain_code", "rank", "page_title", "views", "mobile_views"]
