"""Frames of a few rows, typed by hand, and their ranking."""

from __future__ import annotations

import polars as pl

from pvtop.transform.ranking import anti_join, rank, total
from pvtop.transform.reduce import Reduced, reduce_chunks

NO_BLACKLIST = pl.LazyFrame(schema={"domain_code": pl.String, "page_title": pl.String})


def rows(*lines: str) -> pl.LazyFrame:
    """Return a dump's rows from `code title views`, malformed ones from `!anything`."""
    return pl.LazyFrame(
        [
            (None, line[1:], None) if line.startswith("!") else (*line.split(" ")[:2], int(line.split(" ")[2]))
            for line in lines
        ],
        schema={"domain_code": pl.String, "page_title": pl.String, "views": pl.Int64},
        orient="row",
    )


def pages(*lines: str) -> pl.LazyFrame:
    """Return pages from `code title`."""
    found = [line.split(" ") for line in lines]
    return pl.LazyFrame(found, schema={"domain_code": pl.String, "page_title": pl.String}, orient="row")


def top(
    dump: pl.LazyFrame, blacklist: pl.LazyFrame = NO_BLACKLIST, n: int = 25, *, keep_unknown: bool = False
) -> list[str]:
    """Return the ranking of a dump as lines `code rank title views`."""
    return top_of(reduce_chunks(dump, blacklist, n), blacklist, n, keep_unknown=keep_unknown)


def top_of(reduced: Reduced, blacklist: pl.LazyFrame, n: int, *, keep_unknown: bool = False) -> list[str]:
    """Return the ranking of reduced chunks as lines `code rank title views`."""
    pages = anti_join(reduced.pages.lazy(), blacklist, keep_unknown=keep_unknown)
    return [" ".join(map(str, row)) for row in rank(pages.ranked, n).collect().rows()]


def totals(
    dump: pl.LazyFrame, blacklist: pl.LazyFrame = NO_BLACKLIST, *, keep_unknown: bool = False
) -> list[tuple[object, ...]]:
    """Return the rows of a dump's domain totals."""
    reduced = reduce_chunks(dump, blacklist, 25)
    pages = anti_join(reduced.pages.lazy(), blacklist, keep_unknown=keep_unknown)
    return total(reduced.totals.lazy(), pages).collect().rows()
