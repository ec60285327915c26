"""Sums of pages over hours and days."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform import sums
from pvtop.transform.schemas import BLACKLIST
from pvtop.transform.sums import ExcludedPages, TopPages, part_of_day, sum_by_page, total, whole_day
from support.days import day_pages

PAGES = day_pages({("de", "Klima"): {0: 7, 23: 1}, ("en", "Climate"): {1: 2, 2: 0}, ("en", "Éclair"): {12: 5}})
MAX_VIEWS = 2**63 - 1


def test_whole_day_counts_the_hours_of_each_page() -> None:
    assert whole_day(PAGES).get_column("hours").to_list() == [2, 2, 1]


def test_part_of_day_adds_up_the_wanted_hours() -> None:
    found = part_of_day(PAGES, [2, 12, 23])
    assert found.rows() == [("de", "Klima", 1, 1), ("en", "Climate", 0, 1), ("en", "Éclair", 5, 1)]
    assert found.schema == whole_day(PAGES).schema


def test_part_of_day_keeps_pages_without_views_in_the_wanted_hours() -> None:
    assert part_of_day(PAGES, [23]).get_column("hours").to_list() == [1, 0, 0]


def test_part_of_day_does_not_overflow_between_pages() -> None:
    pages = day_pages({("en", "a"): {0: MAX_VIEWS}, ("en", "b"): {0: MAX_VIEWS}})
    assert part_of_day(pages, [0]).get_column("views").to_list() == [MAX_VIEWS, MAX_VIEWS]


def test_domain_without_wanted_hours_has_no_totals() -> None:
    pages = part_of_day(PAGES, [23])
    assert total(pages, pages.get_column("hours") < 0).rows() == [("de", 1, 1, 0, 0)]


def test_excluded_pages_are_those_of_code_and_title() -> None:
    blacklist = pl.DataFrame({"domain_code": ["de", "en", "zz"], "page_title": ["Climate", "Éclair", "x"]})
    excluded = ExcludedPages(blacklist, keep_unknown=False)
    assert excluded.blacklisted(PAGES).to_list() == [False, False, True]
    assert not ExcludedPages(BLACKLIST.to_frame(), keep_unknown=False).blacklisted(PAGES).any()


def test_unknown_pages_are_excluded_unless_kept() -> None:
    pages = day_pages({("en", "-"): {0: 1}, ("en", "--"): {0: 1}})
    for keep, expected in ((False, [True, False]), (True, [False, False])):
        assert ExcludedPages(BLACKLIST.to_frame(), keep_unknown=keep).unknown(pages).to_list() == expected


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
