"""Rankings and domain totals, on rows typed by hand."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform.ranking import anti_join, rank, total
from pvtop.transform.reduce import reduce_chunks
from support.frames import NO_BLACKLIST, pages, rows, top, totals


def test_ranking_has_the_documented_columns() -> None:
    reduced = reduce_chunks(rows("en A 1"), NO_BLACKLIST, 25)
    pages = anti_join(reduced.pages.lazy(), NO_BLACKLIST)
    ranked = rank(pages.ranked, 25).collect()
    assert ranked.schema == {
        "domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64
    }  # fmt: skip
    assert set(total(reduced.totals.lazy(), pages).collect().schema.dtypes()[1:]) == {pl.Int64()}


def test_rank_orders_each_domain_by_views() -> None:
    dump = rows("en B 5", "en A 7", "en.m A 2", "en.m C 9")
    assert top(dump) == ["en 1 A 7", "en 2 B 5", "en.m 1 C 9", "en.m 2 A 2"]


def test_rank_breaks_ties_by_title_in_byte_order() -> None:
    # U+FF21 comes before U+1F600 in UTF-8, and after it in UTF-16.
    dump = rows("en é 5", "en 😀 5", "en Ａ 5", "en a 5", "en Z 5")
    assert top(dump) == ["en 1 Z 5", "en 2 a 5", "en 3 é 5", "en 4 Ａ 5", "en 5 😀 5"]


def test_ties_at_the_last_rank_are_cut_by_title() -> None:
    dump = rows("en D 5", "en C 5", "en B 5", "en A 5", "en E 9")
    assert top(dump, n=3) == ["en 1 E 9", "en 2 A 5", "en 3 B 5"]


def test_rank_keeps_the_top_pages_only() -> None:
    dump = rows(*(f"en T{i:02} {i}" for i in range(40)))
    ranked = top(dump)
    assert len(ranked) == 25
    assert ranked[0] == "en 1 T39 39"
    assert ranked[-1] == "en 25 T15 15"


def test_domains_ascend_in_byte_order() -> None:
    dump = rows("é A 1", "en.m A 1", "en A 1", " A 1", "en-x A 1", "Z A 1")
    assert [line.split(" ")[0] for line in top(dump)] == ["", "Z", "en", "en-x", "en.m", "é"]


def test_unknown_pages_are_excluded_and_counted() -> None:
    dump = rows("en - 9", "en A 5", "de - 3")
    assert top(dump) == ["en 1 A 5"]
    assert totals(dump) == [("de", 1, 3, 1, 3, 0, 0), ("en", 2, 14, 1, 9, 0, 0)]


def test_unknown_pages_rank_if_kept() -> None:
    dump = rows("en - 9", "en A 5")
    assert top(dump, keep_unknown=True) == ["en 1 - 9", "en 2 A 5"]
    assert totals(dump, keep_unknown=True) == [("en", 2, 14, 0, 0, 0, 0)]


def test_blacklisted_pages_are_excluded_before_ranking() -> None:
    dump = rows("en A 9", "en B 8", "en C 7", "en D 6")
    assert top(dump, pages("en A", "en C"), n=2) == ["en 1 B 8", "en 2 D 6"]
    assert totals(dump, pages("en A", "en C")) == [("en", 4, 30, 0, 0, 2, 16)]


def test_blacklist_entry_excludes_pages_of_its_own_domain_only() -> None:
    assert top(rows("en A 9", "en.m A 8"), pages("en A")) == ["en.m 1 A 8"]


def test_domain_with_no_page_left_is_counted_but_not_ranked() -> None:
    dump = rows("en A 9", "de B 1")
    assert top(dump, pages("en A")) == ["de 1 B 1"]
    assert totals(dump, pages("en A")) == [("de", 1, 1, 0, 0, 0, 0), ("en", 1, 9, 0, 0, 1, 9)]


def test_unknown_pages_on_the_blacklist_count_once() -> None:
    dump = rows("en - 9")
    assert totals(dump, pages("en -")) == [("en", 1, 9, 1, 9, 0, 0)]
    assert totals(dump, pages("en -"), keep_unknown=True) == [("en", 1, 9, 0, 0, 1, 9)]


def test_pages_without_views_rank() -> None:
    assert top(rows("en B 0", "en A 0")) == ["en 1 A 0", "en 2 B 0"]


def test_repeated_page_is_two_rows() -> None:
    assert top(rows("en A 3", "en A 4")) == ["en 1 A 4", "en 2 A 3"]


def test_sum_of_views_beyond_64_bits_is_refused() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        totals(rows(f"en A {2**63 - 1}", "en B 1"))
