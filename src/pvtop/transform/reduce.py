"""Reduce a dump to few rows, chunk by chunk, in one streaming pass."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import polars as pl

from pvtop.transform.schemas import CANDIDATES, CHUNK_TOTALS, SUM_DTYPE, UNKNOWN

FILTER_BITS = 64  # bits per title in the Bloom filter: fewer than 2 in 100 other titles pass
SAMPLES = 5  # malformed lines to keep for the log

Texts = TypeVar("Texts", pl.Series, pl.Expr)


class Reduced(NamedTuple):
    """A dump, reduced to few rows in no order.

    Attributes:
        totals: The totals of each domain in each chunk: `domain_code` String, `pages` Int64, `views` Int128.
        pages: The pages that can rank or may be excluded: `domain_code` String, `page_title` String, `views` Int64,
            `can_rank` Boolean. Includes pages that cannot rank but may be excluded, because the report counts excluded
            pages.
        malformed: The number of malformed lines.
        samples: The first few malformed lines.
    """

    totals: pl.DataFrame
    pages: pl.DataFrame
    malformed: int
    samples: list[str]


def reduce_chunks(rows: pl.LazyFrame, blacklist: pl.LazyFrame, top: int) -> Reduced:
    """Reduce a dump in one streaming pass.

    Keeps every page that `anti_join` may exclude. Of the other pages, keeps the `top` most viewed of each domain in
    each chunk, ties included. So every page that ranks is kept.

    Args:
        rows: `domain_code` String, `page_title` String, `views` Int64; for a malformed line, `page_title` is the line
            itself and the other columns are null.
        blacklist: `page_title` String, spelled as in `rows`; other columns are ignored.
        top: Number of pages per domain.
    """
    titles = blacklist.select("page_title").collect().to_series()
    maybe_excluded = TitleBloomFilter(pl.concat([titles, pl.Series([UNKNOWN])]))
    totals, pages = [CHUNK_TOTALS.to_frame()], [CANDIDATES.to_frame()]
    malformed: list[int] = []

    def reduce(chunk: pl.DataFrame) -> pl.DataFrame:
        """Add the totals and pages of a chunk to the running result. Return the chunk's first malformed lines."""
        is_malformed = chunk.get_column("domain_code").is_null()
        lines = chunk.filter(is_malformed) if is_malformed.any() else chunk.head(0)
        malformed.append(len(lines))
        total, kept = _reduce_chunk(chunk.filter(~is_malformed) if len(lines) else chunk, maybe_excluded, top)
        totals.append(total)
        pages.append(kept)
        return lines.head(SAMPLES).with_columns(detach(pl.col("page_title")))

    lines = rows.map_batches(reduce, streamable=True).collect(engine="streaming")
    samples = lines.get_column("page_title").head(SAMPLES).to_list()
    return Reduced(pl.concat(totals), pl.concat(pages, rechunk=True), sum(malformed), samples)


class TitleBloomFilter:
    """A Bloom filter of titles: no false negatives, few false positives.

    Testing one bit per row is much cheaper than joining all rows.
    """

    def __init__(self, titles: pl.Series) -> None:
        self._mask = (1 << (len(titles) * FILTER_BITS).bit_length()) - 1
        self._bits = pl.zeros(self._mask + 1, pl.Boolean, eager=True).scatter(self._positions(titles), values=True)

    def passes(self, titles: pl.Series) -> pl.Series:
        """Return a Boolean for each title: whether it may be in the set."""
        return self._bits.gather(self._positions(titles))

    def _positions(self, titles: pl.Series) -> pl.Series:
        return titles.hash() & self._mask


def _reduce_chunk(chunk: pl.DataFrame, maybe_excluded: TitleBloomFilter, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the totals of a chunk, and its pages that can rank or may be excluded.

    A dump is sorted by domain, so the rows of a domain follow each other. Finding these runs is cheaper than grouping.
    For `top` = 2, a chunk of one domain with `B` on the blacklist:

    ```
    title  views  maybe_excluded_rows  surely_kept_views  run  floor  can_rank  kept
    A          9  false                                9    0      5  true      true
    B          8  true                                -1    0      5  true      true    anti_join may exclude it
    C          5  false                                5    0      5  true      true    2nd of the surely kept views
    D          5  false                                5    0      5  true      true    a tie with C
    E          3  false                                3    0      5  false     false
    -          2  true                                -1    0      5  false     true    kept to be counted
    ```
    """
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
    """Return a copy of the strings. Otherwise they are views that keep the text of the whole chunk in memory."""
    return texts + ""
