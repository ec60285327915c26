"""Rank the pages of each domain, without the excluded ones. Frames in, frames out.

`reduce_chunks` turns a dump into few rows: the totals of each domain, the pages that can still rank, and the pages
that may be excluded. These functions work on those rows alone.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pvtop.transform.schemas import PAGE_KEY, SUM_DTYPE, UNKNOWN

COUNTS = ["pages", "views", "unknown_pages", "unknown_views", "blacklisted_pages", "blacklisted_views"]


class SeparatedPages(NamedTuple):
    """The pages of a reduced dump, separated into those that may rank and those that are excluded.

    Attributes:
        ranked: The pages that may rank: `domain_code` String, `page_title` String, `views` Int64.
        unknown: The pages excluded as unknown: the same columns, and `can_rank` Boolean.
        blacklisted: The pages excluded by the blacklist: the columns of `unknown`.
    """

    ranked: pl.LazyFrame
    unknown: pl.LazyFrame
    blacklisted: pl.LazyFrame


def anti_join(pages: pl.LazyFrame, blacklist: pl.LazyFrame, *, keep_unknown: bool = False) -> SeparatedPages:
    """Separate the pages that may rank from the unknown pages and from those on the blacklist.

    A page that is both unknown and on the blacklist counts as unknown.

    Args:
        pages: The `pages` of `Reduced`.
        blacklist: `domain_code` String, `page_title` String, spelled as in `pages`, without duplicates.
        keep_unknown: Rank pages titled `-` like any other page.
    """
    unknown = pl.lit(value=False) if keep_unknown else pl.col("page_title") == UNKNOWN
    known = pages.filter(~unknown)
    return SeparatedPages(
        ranked=known.filter("can_rank").join(blacklist, on=PAGE_KEY, how="anti").select(*PAGE_KEY, "views"),
        unknown=pages.filter(unknown),
        blacklisted=known.join(blacklist, on=PAGE_KEY, how="semi"),
    )


def total(totals: pl.LazyFrame, pages: SeparatedPages) -> pl.LazyFrame:
    """Return the totals of each domain.

    Args:
        totals: The `totals` of `Reduced`; they include the excluded pages.
        pages: The separated pages, for the counts of the excluded ones.

    Returns:
        `domain_code` String and `COUNTS` as Int64, ascending by `domain_code` in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: When collected, if a sum does not fit into 64 bits.
    """
    totals = totals.group_by("domain_code").agg(pl.col("pages", "views").sum())
    for name, excluded in (("unknown", pages.unknown), ("blacklisted", pages.blacklisted)):
        sums = {f"{name}_pages": pl.len(), f"{name}_views": pl.col("views").cast(SUM_DTYPE).sum()}
        totals = totals.join(excluded.group_by("domain_code").agg(**sums), on="domain_code", how="left")
    return totals.with_columns(pl.col(COUNTS).fill_null(0).cast(pl.Int64, strict=True)).sort("domain_code")


def wide_sum(counts: pl.Series) -> int:
    """Return the sum of the counts, added up in 128 bits so that it cannot overflow."""
    return int(counts.cast(SUM_DTYPE).sum())


def rank(pages: pl.LazyFrame, top: int) -> pl.LazyFrame:
    """Rank the pages of each domain: views descending, then title ascending in UTF-8 byte order.

    Args:
        pages: `domain_code` String, `page_title` String (decoded), `views` Int64, and any other columns.
        top: Number of pages per domain, 1 or more.

    Returns:
        `domain_code` String, `rank` UInt32 from 1 without gaps, `page_title` String, `views` Int64, and the other
        columns; domains ascend in byte order.

    Raises:
        polars.exceptions.ColumnNotFoundError: When collected, if one of the three columns is missing.
    """
    columns = ["domain_code", "rank", "page_title", "views"]
    return (
        pages.sort("domain_code", "views", "page_title", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("domain_code"))
        .filter(pl.col("rank") <= top)
        .select(*columns, pl.exclude(columns))
    )
