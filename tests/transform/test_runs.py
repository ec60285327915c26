"""The rows of a dump become sorted runs: one run if the dump is sorted, and a few if it is not."""

from __future__ import annotations

from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.core.domain import SHARED_CODES
from pvtop.transform.runs import RunPart, RunSorter, is_sorted, may_repeat
from pvtop.transform.schemas import ROWS

Row = tuple[str, str, int]
SHARED = min(SHARED_CODES)

codes = st.sampled_from(["", "de", "en", "en.m", SHARED, "\U0001d11e", "\uffff"])
titles = st.text(st.sampled_from("\0\x1fab\ufffd\uffff\U00010000"), min_size=1, max_size=2)
rows = st.tuples(codes, titles, st.integers(0, 9))


def frame(*pages: Row) -> pl.DataFrame:
    return pl.DataFrame(pages, schema=ROWS, orient="row")


def sort(chunks: list[list[Row]], sorted_rows: int = 4) -> list[RunPart]:
    sorter = RunSorter(sorted_rows)
    return [part for chunk in chunks for part in sorter.add(frame(*chunk))] + list(sorter.end())


def utf8(page: Row) -> tuple[bytes, bytes]:
    return page[0].encode(), page[1].encode()


def runs_of(parts: list[RunPart]) -> list[list[Row]]:
    runs: list[list[Row]] = []
    for part in parts:
        if part.starts:
            runs.append([])
        runs[-1].extend(part.rows.rows())
    return runs


def repeats_allowed(page: Row) -> bool:
    return page[0] in SHARED_CODES or "\ufffd" in page[0] + page[1]


@given(st.lists(st.lists(rows, max_size=5) | st.lists(rows, max_size=5).map(lambda found: sorted(found, key=utf8))))
def test_runs_have_every_row_in_order(chunks: list[list[Row]]) -> None:
    parts = sort(chunks)
    found: dict[tuple[str, str], int] = defaultdict(int)
    for run in runs_of(parts):
        keys = [utf8(page) for page in run]
        assert keys == sorted(set(keys))
        for code, title, views in run:
            found[code, title] += views
    wanted: dict[tuple[str, str], int] = defaultdict(int)
    for chunk in chunks:
        for code, title, views in chunk:
            wanted[code, title] += views
    assert found == wanted


@given(st.lists(st.lists(rows, max_size=5)))
def test_repeated_page_is_named_or_in_two_runs(chunks: list[list[Row]]) -> None:
    parts = sort(chunks)
    lines = Counter((code, title) for chunk in chunks for code, title, _ in chunk)
    in_runs = Counter(page[:2] for run in runs_of(parts) for page in run)
    named = {page for part in parts for page in part.repeated.rows()}
    for page, count in lines.items():
        if repeats_allowed((*page, 0)):
            assert page not in named
        else:
            assert (page in named or in_runs[page] > 1) == (count > 1)


def test_sorted_dump_is_one_run_without_sorting() -> None:
    chunks: list[list[Row]] = [
        [("de", "b", 1), ("en", "a", 1)],
        [("en", "b", 1)],
        [],
        [("en", "c", 1), ("en.m", "a", 1)],
    ]
    parts = sort(chunks)
    assert [part.starts for part in parts] == [True, False, False]
    assert runs_of(parts) == [[row for chunk in chunks for row in chunk]]


def test_unsorted_dump_is_sorted_in_parts_of_the_wanted_size() -> None:
    parts = sort([[("en", "b", 1), ("en", "a", 2)], [("en", "d", 3), ("en", "c", 4)], [("en", "e", 5)]])
    assert runs_of(parts) == [
        [("en", "a", 2), ("en", "b", 1), ("en", "c", 4), ("en", "d", 3)],
        [("en", "e", 5)],
    ]


def test_sum_beyond_64_bits_is_an_error() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        sort([[(SHARED, "a", 2**62), (SHARED, "a", 2**62)]])


@pytest.mark.parametrize("second", [("de", "b"), ("en", "a"), ("en", "a\0"), ("en", "b"), ("en\0", "a")])
def test_is_sorted_compares_code_and_title(second: tuple[str, str]) -> None:
    pages = frame(("en", "a", 1), (*second, 1))
    assert is_sorted(pages) == (second > ("en", "a"))


def test_may_repeat_names_shared_codes_and_bytes_that_were_not_utf8() -> None:
    pages = frame((SHARED, "a", 1), ("en", "\ufffda", 1), ("\ufffd", "a", 1), ("en", "a", 1))
    assert pages.select(may_repeat()).to_series().to_list() == [True, True, True, False]
