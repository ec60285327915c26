"""Chunks of a dump, reduced to candidates and totals."""

from __future__ import annotations

import polars as pl
import pytest

from pvtop.transform import reduce
from pvtop.transform.ranking import anti_join, total
from pvtop.transform.reduce import Reduced, reduce_chunks
from support.frames import NO_BLACKLIST, pages, rows, top, top_of, totals


@pytest.mark.parametrize("bits", [0, 1, 2, 64])
def test_false_positives_of_the_filter_are_not_excluded(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduce, "FILTER_BITS", bits)
    dump = rows("de A 1", "!one", "de B 2", "en A 4", "en B 8", "en C 16", "!two", "fr B 32", " A 64")
    blacklist = pages("en A", "en X", "fr B", " A", "de C", "zh A")
    assert top(dump, blacklist) == ["de 1 B 2", "de 2 A 1", "en 1 C 16", "en 2 B 8"]
    assert top(dump, blacklist, n=1) == ["de 1 B 2", "en 1 C 16"]
    assert [(row[0], *row[-2:]) for row in totals(dump, blacklist)] == [
        ("", 1, 64), ("de", 0, 0), ("en", 1, 4), ("fr", 1, 32)
    ]  # fmt: skip
    assert top(rows("!one", "!two"), blacklist) == []


def test_page_with_a_blacklisted_title_of_another_domain_ranks() -> None:
    """Rank pages that pass the filter below some that do not, and above."""
    dump = rows("en A 9", "en B 8", "en C 7", "en.m A 9", "en.m B 8", "en.m C 7")
    blacklist = pages("de B", "en C", "en.m A")
    assert top(dump, blacklist, n=2) == ["en 1 A 9", "en 2 B 8", "en.m 1 B 8", "en.m 2 C 7"]
    assert top(dump, blacklist) == ["en 1 A 9", "en 2 B 8", "en.m 1 B 8", "en.m 2 C 7"]


def test_malformed_lines_are_counted_and_never_rank() -> None:
    dump = rows("!one", "en A 1", "!-", *(f"!{i}" for i in range(7)))
    reduced = reduce_chunks(dump, pages("en -"), 25)
    assert reduced.malformed == 9
    assert reduced.samples == ["one", "-", "0", "1", "2"]
    assert top(dump) == ["en 1 A 1"]
    assert totals(dump) == [("en", 1, 1, 0, 0, 0, 0)]


def test_ranking_does_not_depend_on_chunks() -> None:
    """Rank across many chunks what each chunk alone would rank otherwise."""
    lines = [f"en T{i % 977:03} {i * 7919 % 501}" for i in range(5_000)]
    whole = rows(*lines)
    parts = pl.concat([rows(*lines[i : i + 37]) for i in range(0, len(lines), 37)], rechunk=False)
    split = [reduce_chunks(rows(*lines[i : i + 37]), NO_BLACKLIST, 25) for i in range(0, len(lines), 37)]
    joined = Reduced(pl.concat(part.totals for part in split), pl.concat(part.pages for part in split), 0, [])
    assert top_of(joined, NO_BLACKLIST, 25) == top(whole) == top(parts)
    pages = anti_join(joined.pages.lazy(), NO_BLACKLIST)
    assert total(joined.totals.lazy(), pages).collect().rows() == totals(whole)
