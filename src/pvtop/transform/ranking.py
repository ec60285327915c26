"""The ranking: which pages of each domain are on top. Pure: frames in, frames out, no file in sight.

A dump is condensed chunk by chunk in one streaming pass into few rows: a chunk's totals per domain, the only pages of
it that can still rank, and those that may have to be left out. What follows works on these alone.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pvtop.transform.schemas import PAGE_KEY, SUM_DTYPE, UNKNOWN

COUNTS = ["pages", "views", "unknown_pages", "unknown_views", "blacklisted_pages", "blacklisted_views"]


class SeparatedPages(NamedTuple):
    """The pages that are left of a condensed dump, by what becomes of them.

    Attributes:
        ranked: Those that may rank: `domain_code` String, `page_title` String, `views` Int64.
        unknown: All that are left out for their title; the same columns and `can_rank` Boolean.
        blacklisted: All that are left out for the blacklist; likewise.
    """

    ranked: pl.LazyFrame
    unknown: pl.LazyFrame
    blacklisted: pl.LazyFrame


def anti_join(pages: pl.LazyFrame, blacklist: pl.LazyFrame, *, keep_unknown: bool = False) -> SeparatedPages:
    """Leave out the pages that are not to rank: by an anti-join with the blacklist, and those that are unknown.

    A page that is both counts as unknown.

    Args:
        pages: As `Reduced` has them.
        blacklist: `domain_code` String, `page_title` String, spelled as in `pages`, no row twice.
        keep_unknown: Rank pages titled `-` like any other.
    """
    unknown = pl.lit(value=False) if keep_unknown else pl.col("page_title") == UNKNOWN
    known = pages.filter(~unknown)
    return SeparatedPages(
        ranked=known.filter("can_rank").join(blacklist, on=PAGE_KEY, how="anti").select(*PAGE_KEY, "views"),
        unknown=pages.filter(unknown),
        blacklisted=known.join(blacklist, on=PAGE_KEY, how="semi"),
    )


def total(totals: pl.LazyFrame, pages: SeparatedPages) -> pl.LazyFrame:
    """Add the chunks' totals up, for each domain.

    Args:
        totals: As `Reduced` has them.
        pages: What is left out counts, too.

    Returns:
        `domain_code` String and `COUNTS` as Int64, ascending by `domain_code` in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: When collected, a sum that does not fit into 64 bits.
    """
    totals = totals.group_by("domain_code").agg(pl.col("pages", "views").sum())
    for name, left_out in (("unknown", pages.unknown), ("blacklisted", pages.blacklisted)):
        sums = {f"{name}_pages": pl.len(), f"{name}_views": pl.col("views").cast(SUM_DTYPE).sum()}
        totals = totals.join(left_out.group_by("domain_code").agg(**sums), on="domain_code", how="left")
    return totals.with_columns(pl.col(COUNTS).fill_null(0).cast(pl.Int64, strict=True)).sort("domain_code")


def wide_sum(counts: pl.Series) -> int:
    """Add counts up in 128 bits, which cannot overflow."""
    return int(counts.cast(SUM_DTYPE).sum())


def rank(pages: pl.LazyFrame, top: int) -> pl.LazyFrame:
    """Rank each domain's pages by itself: views descending, then title ascending in UTF-8 byte order.

    Args:
        pages: `domain_code` String, `page_title` String (decoded), `views` Int64.
        top: How many pages a domain gets.

    Returns:
        `domain_code` String, `rank` UInt32 from 1 without gaps, `page_title` String, `views` Int64; domains
        ascending in byte order.
    """
    return (
        pages.sort("domain_code", "views", "page_title", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("domain_code"))
        .filter(pl.col("rank") <= top)
        .select("domain_code", "rank", "page_title", "views")
    )
