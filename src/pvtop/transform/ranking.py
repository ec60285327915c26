"""The ranking: which pages of each domain are on top. Pure: frames in, frames out, no file in sight.

A dump is condensed chunk by chunk in one streaming pass into few rows: a chunk's totals per domain, the only pages of
it that can still rank, and those that may have to be left out. What follows works on these alone.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import polars as pl

PAGE = ["domain_code", "page_title"]
COUNTS = ["pages", "views", "unknown_pages", "unknown_views", "blacklisted_pages", "blacklisted_views"]
UNKNOWN = "-"
FILTER_BITS = 64  # for each title in the filter: of the titles that are not, fewer than 2 in 100 pass
WIDE = pl.Int128()  # of sums, which then cannot overflow
SAMPLES = 5  # malformed lines kept, for the log
TOTALS = pl.Schema({"domain_code": pl.String(), "pages": pl.Int64(), "views": WIDE})
PAGES = pl.Schema(
    {"domain_code": pl.String(), "page_title": pl.String(), "views": pl.Int64(), "can_rank": pl.Boolean()}
)

Texts = TypeVar("Texts", pl.Series, pl.Expr)


class Condensed(NamedTuple):
    """A dump in few rows, in no order.

    Attributes:
        totals: How many `pages` (Int64) a domain (`domain_code` String) has in a chunk, and their `views` (Int128).
        pages: `domain_code` String, `page_title` String, `views` Int64, and whether the page can rank (`can_rank`
            Boolean): the others are there as they may be left out, which is counted.
        malformed: How many lines are malformed.
        samples: The first few of these.
    """

    totals: pl.DataFrame
    pages: pl.DataFrame
    malformed: int
    samples: list[str]


def condense(rows: pl.LazyFrame, blacklist: pl.LazyFrame, top: int) -> Condensed:
    """Condense a dump in one streaming pass.

    Of each chunk it keeps every page that `leave_out` may leave out; and of all pages those with at least the `top`-th
    largest count of the others within their domain and the chunk, ties included, and so every one that ranks.

    Args:
        rows: `domain_code` String, `page_title` String, `views` Int64; of a malformed line `page_title` is the line
            itself and the others are null.
        blacklist: `page_title` String, spelled as in `rows`, and whatever else.
        top: How many pages a domain gets.
    """
    titles = blacklist.select("page_title").collect().to_series()
    doubtful = _Filter(pl.concat([titles, pl.Series([UNKNOWN])]))
    totals, pages = [TOTALS.to_frame()], [PAGES.to_frame()]
    malformed: list[int] = []

    def take(chunk: pl.DataFrame) -> pl.DataFrame:
        """Keep what there is of a chunk, and pass the first malformed lines on."""
        lost = chunk.get_column("domain_code").is_null()
        lines = chunk.filter(lost) if lost.any() else chunk.head(0)
        malformed.append(len(lines))
        total, kept = _condense_chunk(chunk.filter(~lost) if len(lines) else chunk, doubtful, top)
        totals.append(total)
        pages.append(kept)
        return lines.head(SAMPLES).with_columns(_owned(pl.col("page_title")))

    lines = rows.map_batches(take, streamable=True).collect(engine="streaming")
    samples = lines.get_column("page_title").head(SAMPLES).to_list()
    return Condensed(pl.concat(totals), pl.concat(pages, rechunk=True), sum(malformed), samples)


class _Filter:
    """A set of titles that lets pass all that are in it, and of the others a few.

    To look at one bit for each row of a dump costs much less than to join all of them.
    """

    def __init__(self, titles: pl.Series) -> None:
        self._mask = (1 << (len(titles) * FILTER_BITS).bit_length()) - 1
        self._bits = pl.zeros(self._mask + 1, pl.Boolean, eager=True).scatter(self._places(titles), values=True)

    def passes(self, titles: pl.Series) -> pl.Series:
        """Tell which titles pass."""
        return self._bits.gather(self._places(titles))

    def _places(self, titles: pl.Series) -> pl.Series:
        return titles.hash() & self._mask


def _condense_chunk(chunk: pl.DataFrame, doubtful: _Filter, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give a chunk's totals and pages. Dumps are sorted, so that a domain is a run of rows: cheaper than a group."""
    codes, titles, views = chunk.get_columns()
    in_doubt = doubtful.passes(titles)
    certain, run = views.set(in_doubt, -1).alias("certain"), codes.rle_id().alias("run")
    runs = (
        pl.DataFrame([codes, views, certain, run])
        .group_by("run", maintain_order=True)
        .agg(
            _owned(pl.col("domain_code").first()),
            pages=pl.len().cast(pl.Int64),
            views=pl.col("views").cast(WIDE).sum(),
            floor=pl.col("certain").top_k(top).min(),
        )
    )
    if not runs.get_column("domain_code").is_sorted():
        return _condense_chunk(chunk.sort("domain_code"), doubtful, top)
    can_rank = (views >= runs.get_column("floor").gather(run)).alias("can_rank")
    kept = can_rank | in_doubt
    pages = [_owned(codes.filter(kept)), _owned(titles.filter(kept)), views.filter(kept), can_rank.filter(kept)]
    return runs.select(TOTALS.names()), pl.DataFrame(pages)


def _owned(texts: Texts) -> Texts:
    """Copy strings that stay: they are views into the chunk's text otherwise, and would hold on to all of it."""
    return texts + ""


class Pages(NamedTuple):
    """The pages that are left of a condensed dump, by what becomes of them.

    Attributes:
        ranked: Those that may rank: `domain_code` String, `page_title` String, `views` Int64.
        unknown: All that are left out for their title; the same columns and `can_rank` Boolean.
        blacklisted: All that are left out for the blacklist; likewise.
    """

    ranked: pl.LazyFrame
    unknown: pl.LazyFrame
    blacklisted: pl.LazyFrame


def leave_out(pages: pl.LazyFrame, blacklist: pl.LazyFrame, *, keep_unknown: bool = False) -> Pages:
    """Leave out the pages that are not to rank: by an anti-join with the blacklist, and those that are unknown.

    A page that is both counts as unknown.

    Args:
        pages: As `Condensed` has them.
        blacklist: `domain_code` String, `page_title` String, spelled as in `pages`, no row twice.
        keep_unknown: Rank pages titled `-` like any other.
    """
    unknown = pl.lit(value=False) if keep_unknown else pl.col("page_title") == UNKNOWN
    known = pages.filter(~unknown)
    return Pages(
        ranked=known.filter("can_rank").join(blacklist, on=PAGE, how="anti").select(*PAGE, "views"),
        unknown=pages.filter(unknown),
        blacklisted=known.join(blacklist, on=PAGE, how="semi"),
    )


def total(totals: pl.LazyFrame, pages: Pages) -> pl.LazyFrame:
    """Add the chunks' totals up, for each domain.

    Args:
        totals: As `Condensed` has them.
        pages: What is left out counts, too.

    Returns:
        `domain_code` String and `COUNTS` as Int64, ascending by `domain_code` in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: When collected, a sum that does not fit into 64 bits.
    """
    totals = totals.group_by("domain_code").agg(pl.col("pages", "views").sum())
    for name, left_out in (("unknown", pages.unknown), ("blacklisted", pages.blacklisted)):
        sums = {f"{name}_pages": pl.len(), f"{name}_views": pl.col("views").cast(WIDE).sum()}
        totals = totals.join(left_out.group_by("domain_code").agg(**sums), on="domain_code", how="left")
    return totals.with_columns(pl.col(COUNTS).fill_null(0).cast(pl.Int64, strict=True)).sort("domain_code")


def wide_sum(counts: pl.Series) -> int:
    """Add counts up in 128 bits, which cannot overflow."""
    return int(counts.cast(WIDE).sum())


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
