"""Sums of pages over hours and days."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform import sums
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
    whole_day,
)
from support.days import day_pages

PAGES = day_pages({("de", "Klima"): {0: 7, 23: 1}, ("en", "Climate"): {1: 2, 2: 0}, ("en", "Éclair"): {12: 5}})
MAX_VIEWS = 2**63 - 1


def test_whole_day_counts_the_hours_of_each_page() -> None:
    assert whole_day(PAGES).get_column("hours").to_list() == [2, 2, 1]


def test_part_of_day_adds_up_the_wanted_hours() -> None:
    found = part_of_day(PAGES, [2, 12, 23])
    assert found.rows() == [(1, 1), (0, 1), (5, 1)]
    assert found.schema == whole_day(PAGES).schema


def test_part_of_day_keeps_pages_without_views_in_the_wanted_hours() -> None:
    assert part_of_day(PAGES, [23]).get_column("hours").to_list() == [1, 0, 0]


def test_part_of_day_does_not_overflow_between_pages() -> None:
    pages = day_pages({("en", "a"): {0: MAX_VIEWS}, ("en", "b"): {0: MAX_VIEWS}})
    assert part_of_day(pages, [0]).get_column("views").to_list() == [MAX_VIEWS, MAX_VIEWS]


def test_total_counts_pages_by_hour() -> None:
    pages = pl.DataFrame({"views": [5, MAX_VIEWS, MAX_VIEWS], "hours": [2, 0, 1]})
    rows = pl.Series([0, 2], dtype=pl.UInt32)
    assert total("en", pages, rows) == ("en", 3, 5 + 2 * MAX_VIEWS, 3, 5 + MAX_VIEWS)
    assert total("en", pages, rows.head(0)) == ("en", 3, 5 + 2 * MAX_VIEWS, 0, 0)


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
    assert excluded.find("en", titles).blacklisted.to_list() == [1, 4]
    assert excluded.find("fr", titles).blacklisted.to_list() == []
    assert excluded.find("en", titles.slice(2, 2)).blacklisted.to_list() == []


def test_unknown_pages_are_excluded_unless_kept() -> None:
    blacklist, titles = pl.DataFrame([("en", "-")], PAGE_KEY, orient="row"), pl.Series([b"!", b"-", b"--"])
    for keep, expected in ((False, ([1], [])), (True, ([], [1]))):
        found = ExcludedPages(blacklist, keep_unknown=keep).find("en", titles)
        assert (found.unknown.to_list(), found.blacklisted.to_list()) == expected


@pytest.mark.parametrize("first_rows", [1, 4_096])
def test_floors_let_ties_pass(monkeypatch: pytest.MonkeyPatch, first_rows: int) -> None:
    monkeypatch.setattr(sums, "FIRST_ROWS", first_rows)
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
