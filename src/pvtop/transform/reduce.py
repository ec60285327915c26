"""The reduction: a dump in few rows, chunk by chunk, in one streaming pass."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import polars as pl

from pvtop.transform.schemas import CANDIDATES, CHUNK_TOTALS, SUM_DTYPE, UNKNOWN

FILTER_BITS = 64  # for each title in the filter: of the titles that are not, fewer than 2 in 100 pass

SAMPLES = 5  # malformed lines kept, for the log


Texts = TypeVar("Texts", pl.Series, pl.Expr)


class Reduced(NamedTuple):
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


def reduce_chunks(rows: pl.LazyFrame, blacklist: pl.LazyFrame, top: int) -> Reduced:
    """Condense a dump in one streaming pass.

    Of each chunk it keeps every page that `anti_join` may leave out; and of all pages those with at least the `top`-th
    largest count of the others within their domain and the chunk, ties included, and so every one that ranks.

    Args:
        rows: `domain_code` String, `page_title` String, `views` Int64; of a malformed line `page_title` is the line
            itself and the others are null.
        blacklist: `page_title` String, spelled as in `rows`, and whatever else.
        top: How many pages a domain gets.
    """
    titles = blacklist.select("page_title").collect().to_series()
    maybe_excluded = TitleBloomFilter(pl.concat([titles, pl.Series([UNKNOWN])]))
    totals, pages = [CHUNK_TOTALS.to_frame()], [CANDIDATES.to_frame()]
    malformed: list[int] = []

    def take(chunk: pl.DataFrame) -> pl.DataFrame:
        """Keep what there is of a chunk, and pass the first malformed lines on."""
        lost = chunk.get_column("domain_code").is_null()
        lines = chunk.filter(lost) if lost.any() else chunk.head(0)
        malformed.append(len(lines))
        total, kept = _reduce_chunk(chunk.filter(~lost) if len(lines) else chunk, maybe_excluded, top)
        totals.append(total)
        pages.append(kept)
        return lines.head(SAMPLES).with_columns(detach(pl.col("page_title")))

    lines = rows.map_batches(take, streamable=True).collect(engine="streaming")
    samples = lines.get_column("page_title").head(SAMPLES).to_list()
    return Reduced(pl.concat(totals), pl.concat(pages, rechunk=True), sum(malformed), samples)


class TitleBloomFilter:
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


def _reduce_chunk(chunk: pl.DataFrame, maybe_excluded: TitleBloomFilter, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give a chunk's totals and pages. Dumps are sorted, so that a domain is a run of rows: cheaper than a group."""
    codes, titles, views = chunk.get_columns()
    maybe_excluded_rows = maybe_excluded.passes(titles)
    surely_kept_views, run = views.set(maybe_excluded_rows, -1).alias("surely_kept_views"), codes.rle_id().alias("run")
    runs = (
        pl.DataFrame([codes, views, surely_kept_views, run])
        .group_by("run", maintain_order=True)
        .agg(
            detach(pl.col("domain_code").first()),
            pages=pl.len().cast(pl.Int64),
            views=pl.col("views").cast(SUM_DTYPE).sum(),
            floor=pl.col("surely_kept_views").top_k(top).min(),
        )
    )
    if not runs.get_column("domain_code").is_sorted():
        return _reduce_chunk(chunk.sort("domain_code"), maybe_excluded, top)
    can_rank = (views >= runs.get_column("floor").gather(run)).alias("can_rank")
    kept = can_rank | maybe_excluded_rows
    pages = [detach(codes.filter(kept)), detach(titles.filter(kept)), views.filter(kept), can_rank.filter(kept)]
    return runs.select(CHUNK_TOTALS.names()), pl.DataFrame(pages)


def detach(texts: Texts) -> Texts:
    """Copy strings that stay: they are views into the chunk's text otherwise, and would hold on to all of it."""
    return texts + ""
