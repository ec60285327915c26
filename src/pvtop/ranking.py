"""The ranking: which pages of each domain are on top. Pure: frames in, frames out, no file in sight.

A dump is condensed chunk by chunk in one streaming pass into few rows: a chunk's totals per domain, and the only pages
of it that can still rank. What follows works on these alone.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import polars as pl

PAGE = ["domain_code", "page_title"]
COUNTS = ["pages", "views", "unknown_pages", "unknown_views", "blacklisted_pages", "blacklisted_views"]
FILTER_BITS = 1 << 22  # half a megabyte; of 60,000 entries, fewer than 2 rows in 100 pass without being listed
WIDE = pl.Int128()  # of sums, which then cannot overflow
SAMPLES = 5  # malformed lines kept of each chunk, for the log
CONDENSED = pl.Schema(
    [
        ("domain_code", pl.String()),
        *((name, WIDE) for name in COUNTS),
        ("candidate_titles", pl.List(pl.String)),
        ("candidate_views", pl.List(pl.Int64)),
        ("malformed", pl.List(pl.String)),
    ]
)


def condense(rows: pl.LazyFrame, blacklist: pl.LazyFrame, top: int, *, keep_unknown: bool = False) -> pl.LazyFrame:
    """Condense a dump in one streaming pass: an anti-join with the blacklist that counts, and a prune.

    The blacklist is joined so that its rows stay, marked, for the domain's totals. The prune drops every page
    below its domain's `top`-th largest count within the chunk, ties kept, and so never one that ranks. A page
    that is unknown and on the blacklist counts as unknown.

    Args:
        rows: `domain_code` String, `page_title` String, `views` Int64, `malformed` String; where `malformed` is
            not null the others are.
        blacklist: `domain_code` String, `page_title` String, spelled as in `rows`, no row twice.
        top: How many pages a domain gets.
        keep_unknown: Rank pages titled `-` like any other.

    Returns:
        The columns of `CONDENSED`, one row for each chunk and domain, counts as Int128; and where `domain_code`
        is null, the number of malformed lines as `pages` and the first few as `malformed`.
    """
    unknown = pl.lit(value=False) if keep_unknown else (pl.col("page_title") == "-").fill_null(value=False)
    step = partial(_condense_chunk, blacklist=_Marks(blacklist.collect()), top=top)
    return rows.with_columns(unknown=unknown).map_batches(step, schema=CONDENSED, streamable=True)


class _Marks:
    """The blacklist, ready to be joined with one chunk after the other.

    A join with all of it would hash every row of a dump twice over, and its hash table again for each chunk. So a
    filter by a hash of the title alone leaves the few rows that may be listed, and the join is with the entries of the
    chunk's domains.
    """

    def __init__(self, pages: pl.DataFrame) -> None:
        self._pages = pages.sort("domain_code")
        places = _place(pages.get_column("page_title")).unique()
        self._may_be_listed = pl.zeros(FILTER_BITS, pl.Boolean, eager=True).scatter(places, values=True)

    def of(self, chunk: pl.DataFrame) -> pl.Series:
        """Tell which rows of a chunk are listed."""
        marks = pl.zeros(len(chunk), pl.Boolean, eager=True)
        titles = chunk.get_column("page_title")  # null where a line is malformed
        row = (self._may_be_listed.gather(_place(titles)) & titles.is_not_null()).arg_true()
        if row.is_empty():
            return marks
        rows = pl.DataFrame([*(chunk.get_column(name).gather(row) for name in PAGE), row.alias("row")])
        listed, met = self._pages.get_column("domain_code"), rows.get_column("domain_code")
        first = listed.search_sorted(cast("str", met.min()), "left")
        last = listed.search_sorted(cast("str", met.max()), "right")
        entries = self._pages.slice(first, last - first)
        return marks.scatter(rows.join(entries, on=PAGE, how="semi").get_column("row"), values=True)


def _place(titles: pl.Series) -> pl.Series:
    """Give the place of each title in the filter."""
    return titles.hash() & (FILTER_BITS - 1)


def _condense_chunk(chunk: pl.DataFrame, blacklist: _Marks, top: int) -> pl.DataFrame:
    """Condense one chunk. Dumps are sorted, so that a domain is a run of rows, which is cheaper than a group."""
    views, listed, unknown = pl.col("views"), pl.col("listed"), pl.col("unknown")
    chunk = chunk.with_columns(blacklist.of(chunk).alias("listed")).with_columns(listed=listed & ~unknown)
    in_runs = chunk if chunk.get_column("domain_code").is_sorted() else chunk.sort("domain_code")
    rows = in_runs.with_columns(
        run=pl.col("domain_code").rle_id(),
        rankable=pl.when(~(listed | unknown)).then(views),
        unknown_views=pl.when(unknown).then(views),
        blacklisted_views=pl.when(listed).then(views),
    )
    totals = rows.group_by("run", maintain_order=True).agg(
        pl.col("domain_code").first(),
        pages=pl.len().cast(WIDE),
        views=views.cast(WIDE).sum(),
        unknown_pages=unknown.sum().cast(WIDE),
        unknown_views=pl.col("unknown_views").cast(WIDE).sum(),
        blacklisted_pages=listed.sum().cast(WIDE),
        blacklisted_views=pl.col("blacklisted_views").cast(WIDE).sum(),
        floor=pl.col("rankable").top_k(top).min(),
    )
    floor = pl.lit(totals.get_column("floor")).gather(pl.col("run"))
    can_rank = rows.filter(pl.col("rankable") >= floor)
    candidates = can_rank.group_by("run").agg(candidate_titles=_kept("page_title"), candidate_views="views")
    samples = chunk.get_column("malformed").drop_nulls().head(SAMPLES).to_list()
    return (
        totals.join(candidates, on="run", how="left")
        .with_columns(
            _kept("domain_code"),
            malformed=pl.when(pl.col("domain_code").is_null()).then(pl.lit(samples, pl.List(pl.String))),
        )
        .select(CONDENSED.names())
    )


def _kept(text: str) -> pl.Expr:
    """Copy a string that stays: it is a view into the chunk's text otherwise, and would hold on to all of it."""
    return pl.concat_str(text, pl.lit(""))


def total(condensed: pl.LazyFrame) -> pl.LazyFrame:
    """Add the chunks' totals up, for each domain.

    Returns:
        `domain_code` String and `COUNTS` as Int64, ascending by `domain_code` in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: When collected, a sum that does not fit into 64 bits.
    """
    return (
        condensed.filter(pl.col("domain_code").is_not_null())
        .group_by("domain_code")
        .agg(pl.col(COUNTS).sum())
        .with_columns(pl.col(COUNTS).cast(pl.Int64, strict=True))
        .sort("domain_code")
    )


def candidates(condensed: pl.LazyFrame) -> pl.LazyFrame:
    """Give the pages that can still rank: `domain_code` String, `page_title` String, `views` Int64."""
    return condensed.select("domain_code", page_title="candidate_titles", views="candidate_views").explode(
        "page_title", "views", empty_as_null=False, keep_nulls=False
    )


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
