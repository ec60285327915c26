"""Candidates: every page that can rank passes, however few lines are counted."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvtop.transform.candidates import MOST, Bounds, Candidates, FilteredPages, PageFilter
from pvtop.transform.positions import Pages
from pvtop.transform.schemas import ROWS, TOP_PAGES

Row = tuple[str, str, int]


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def ranked(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame([(code, 1, title, views) for code, title, views in rows], schema=TOP_PAGES, orient="row")


def report_of(rows: list[Row], top: int) -> pl.DataFrame:
    return ranked(sorted(rows, key=lambda row: -row[2])[:top])


def filter_of(hours: list[list[Row]], top: int = 1, *, merged: bool = False, block: int = 7) -> PageFilter:
    """Return the filter of hours, whose lines come in blocks."""
    candidates = Candidates(top, merged=merged)
    for rows in hours:
        counter = candidates.start_hour()
        for start in range(0, len(rows), block):
            counter.add(frame(rows[start : start + block]))
        candidates.add_report(report_of(rows, top))
    return candidates.filter()


def passing(page_filter: PageFilter, rows: list[Row], *, merged: bool = False) -> list[str]:
    kept = FilteredPages(page_filter, merged=merged)
    kept.add(frame(rows))
    return kept.pages().get_column("page_title").to_list()


def test_floor_is_the_last_ranked_sum() -> None:
    bounds = Bounds(2, merged=False)
    bounds.add(ranked([("en", "a", 10), ("en", "b", 6), ("de", "a", 1)]))
    bounds.add(ranked([("en", "b", 5), ("en", "c", 4)]))
    assert bounds.floors() == {"en": 10}  # de has too few pages


def test_floor_is_of_merged_codes() -> None:
    bounds = Bounds(1, merged=True)
    bounds.add(ranked([("en", "a", 5), ("en.m", "a", 8), ("x.y.z", "a", 3)]))
    assert bounds.floors() == {"en": 13, "x.y.z": 3}


def test_floor_stays_if_small_sums_are_dropped() -> None:
    bounds = Bounds(1, merged=False, held_sums=0)
    for hour in range(9):
        bounds.add(ranked([("en", "a", 5), *(("en", f"p{hour}-{number}", number) for number in range(5))]))
        assert bounds.floors() == {"en": 5 * (hour + 1)}


def test_page_at_the_floor_passes_and_others_do_not() -> None:
    hours: list[list[Row]] = [
        [("en", "a", 10), ("en", "b", 5), ("en", "c", 1)],
        [("en", "a", 1), ("en", "b", 6), ("en", "d", 4)],
    ]
    assert passing(filter_of(hours), [*hours[0], hours[1][2]]) == ["a", "b"]


def test_counters_stay_at_the_largest_value() -> None:
    rows = [("en", "a", 2**63 - 1), ("en", "b", MOST)]
    page_filter = filter_of([rows, rows])
    assert page_filter.floors == {"en": MOST}
    assert passing(page_filter, [*rows, ("en", "c", 2**62)]) == ["a", "b"]


counts = st.integers(0, 9) | st.integers(0, 100_000)
hours_of_lines = st.dictionaries(
    st.tuples(st.sampled_from(["en", "en.m", "en.zero"]), st.sampled_from("abcdef")), counts
)


@settings(max_examples=50)
@given(st.lists(hours_of_lines, min_size=1, max_size=8), st.integers(1, 3), st.booleans(), st.booleans())
def test_page_that_ranks_passes(
    hours: list[dict[tuple[str, str], int]], top: int, merged: bool, ascending: bool
) -> None:
    written = [
        [(code, title, views) for (code, title), views in sorted(hour.items(), reverse=not ascending)] for hour in hours
    ]
    page_filter = filter_of(written, top, merged=merged)
    sums: Counter[tuple[str, str]] = Counter()
    for hour in written:
        for code, title, views in hour:
            sums["en" if merged else code, title] += views
    for wiki in {code for code, _ in sums}:
        of_wiki = {title: views for (code, title), views in sums.items() if code == wiki}
        last = sorted(of_wiki.values(), reverse=True)[:top][-1]
        rank = [(wiki, title, views) for title, views in sorted(of_wiki.items()) if views >= last]
        assert passing(page_filter, rank, merged=merged) == [title for _, title, _ in rank]


def test_page_at_the_floor_passes_though_its_small_lines_are_skipped() -> None:
    hours: list[list[Row]] = [[("en", "a", 100), ("en", "b", 50)], [("en", "b", 50), ("en", "c", 60)]]
    assert passing(filter_of(hours), [("en", "b", 1), ("en", "d", 1)]) == ["b"]


def test_lines_of_desktop_mobile_and_zero_are_skipped_only_if_they_are_small_together() -> None:
    others = [(code, title, 35) for code, title in [("en", "c"), ("en.m", "d"), ("en.zero", "e")]]
    hour = sorted([*others, ("en", "b", 34), ("en.m", "b", 33), ("en.zero", "b", 33)])
    assert passing(filter_of([[("en", "a", 100)], hour], merged=True), [("en", "b", 1)], merged=True) == ["b"]


@pytest.mark.parametrize("block", [1, 2, 1000])
@pytest.mark.parametrize("titles", ["c" * 100, "ca" * 50, "ac" * 50])
def test_repeated_page_is_counted_whole_though_each_line_is_small(titles: str, block: int) -> None:
    hour = [("en", title, 3) for title in titles]
    page_filter = filter_of([[("en", "x", 100)], [*hour, ("en", "y", 4)]], block=block)
    assert passing(page_filter, [("en", "c", 1), ("en", "d", 1)]) == ["c"]


def test_page_has_one_position_in_both_eras_and_under_merged_codes() -> None:
    rows = frame([("en", 'say_"x"', 1), ("en.m", '"say_\\"x\\""', 1), ("de", 'say_"x"', 1)])
    first, second, other = Pages(rows, merged=True).positions()
    assert first == second != other


@pytest.mark.parametrize(
    ("rows", "ascend"),
    [
        ([("a", "x", 1), ("a", "y", 1), ("b", "x", 1)], True),
        ([("a", "x", 1), ("a", "x", 1)], False),
        ([("a", "y", 1), ("a", "x", 1)], False),
        ([("b", "x", 1), ("a", "y", 1)], False),
        ([("a", '"q\\"', 1), ("a", '"q\\""', 1)], True),
        ([("", "x", 1), ('""', "x", 1)], False),
    ],
)
def test_order_of_lines_proves_that_no_page_repeats(rows: list[Row], ascend: bool) -> None:
    assert Pages(frame(rows), merged=False).ascend(None) is ascend
    first, second = Pages(frame(rows[:-1]), merged=False), Pages(frame(rows[-1:]), merged=False)
    assert (first.ascend(None) and second.ascend(first.key(-1))) is ascend
