"""Add up the views of some pages over many hours, and rank the sums."""

from __future__ import annotations

import polars as pl

from pvtop.core.domain import Domain
from pvtop.transform.positions import wiki_of
from pvtop.transform.ranking import rank
from pvtop.transform.schemas import PAGE_KEY, ROWS, SUM_DTYPE, UNKNOWN
from pvtop.transform.sums import without_split

HELD_ROWS = 500_000  # rows that are kept until they are added up


class PageSums:
    """The views of pages, added up hour by hour.

    Args:
        blacklist: `domain_code` String, `page_title` String: the pages to exclude.
        keep_unknown: Rank pages titled `-` like any other page.
        merged: Add up desktop, mobile and zero of a wiki.
    """

    def __init__(self, blacklist: pl.DataFrame, *, keep_unknown: bool, merged: bool) -> None:
        self._blacklist = blacklist
        self._keep_unknown = keep_unknown
        self._merged = merged
        views = {"views": SUM_DTYPE, **({"mobile_views": SUM_DTYPE} if merged else {})}
        self._sums = pl.DataFrame(schema={**ROWS, **views})
        self._new = [self._sums]
        self._new_rows = 0

    def add(self, pages: pl.DataFrame) -> None:
        """Take pages of an hour, in the columns of `ROWS`. The excluded ones are dropped, by the code of the line."""
        known = pages if self._keep_unknown else pages.filter(pl.col("page_title") != UNKNOWN)
        wanted = known.join(self._blacklist, on=PAGE_KEY, how="anti").with_columns(pl.col("views").cast(SUM_DTYPE))
        self._new.append(self._merge(wanted) if self._merged else wanted)
        self._new_rows += len(wanted)
        if self._new_rows > HELD_ROWS:
            self._add_up()

    def ranked(self, top: int) -> pl.DataFrame:
        """Return the ranked pages, in the columns of `Rollup.top_pages`.

        Args:
            top: Number of pages per domain.

        Raises:
            polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
        """
        self._add_up()
        sums = self._sums.with_columns(pl.exclude(PAGE_KEY).cast(pl.Int64))
        ranked = rank(sums.lazy(), top).collect(engine="in-memory")
        return without_split(ranked) if self._merged else ranked

    def _merge(self, pages: pl.DataFrame) -> pl.DataFrame:
        """Return the pages under the codes that are summed, with their mobile views."""
        codes = pages.get_column("domain_code").unique().to_list()
        wikis = [wiki_of(code, merged=True) for code in codes]
        mobile = pl.col("domain_code").is_in([code for code in codes if Domain.of(code).is_mobile])
        return pages.with_columns(
            pl.col("domain_code").replace_strict(codes, wikis, return_dtype=pl.String),
            mobile_views=pl.when(mobile).then(pl.col("views")).otherwise(pl.lit(0, SUM_DTYPE)),
        )

    def _add_up(self) -> None:
        self._sums = pl.concat([self._sums, *self._new]).group_by(PAGE_KEY).agg(pl.exclude(PAGE_KEY).sum())
        self._new, self._new_rows = [], 0
