"""Find the lines of a dump that list a page again. A report counts them, and a rollup counts the page once.

A first reading keeps only the hashes of the pages that may repeat, which takes little memory. A second reading compares
the pages themselves, but only those whose hash occurs more than once.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pvtop.transform.dump import well_formed
from pvtop.transform.reduce import detach
from pvtop.transform.runs import may_repeat
from pvtop.transform.schemas import PAGE_KEY, UNKNOWN
from pvtop.transform.sums import TOTALS
from pvtop.transform.titles import decode_code

HELD_HASHES = 500_000  # compared in one reading of the dump
HASH = pl.col("domain_code").hash(1) ^ pl.col("page_title").hash()
LINES = pl.Schema({"domain_code": pl.String(), "page_title": pl.String(), "lines": pl.UInt32()})


class PageHashes:
    """The hashes of the lines of an hour whose page the dump may list more than once."""

    def __init__(self) -> None:
        self._hashes = [pl.Series(dtype=pl.UInt64)]

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`."""
        self._hashes.append(_pages(rows).select(HASH).collect(engine="in-memory").to_series())

    def repeated(self) -> Iterator[pl.Series]:
        """Return the hashes that occur more than once, in parts. Each part takes one more reading of the dump."""
        hashes = pl.concat(self._hashes)
        repeated = hashes.filter(hashes.is_duplicated()).unique()
        return (repeated.slice(start, HELD_HASHES) for start in range(0, len(repeated), HELD_HASHES))


class RepeatedPages:
    """The pages of an hour that have one of these hashes.

    Args:
        hashes: UInt64, the hashes.
        blacklist: `domain_code` String, `page_title` String: the pages to exclude.
        keep_unknown: Rank pages titled `-` like any other page.
    """

    def __init__(self, hashes: pl.Series, blacklist: pl.DataFrame, *, keep_unknown: bool) -> None:
        self._hashes = hashes
        self._blacklist = blacklist if keep_unknown else blacklist.filter(pl.col("page_title") != UNKNOWN)
        self._lines = [LINES.to_frame()]

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`."""
        found = _pages(rows).filter(HASH.is_in(self._hashes.implode())).group_by(PAGE_KEY).len("lines")
        self._lines.append(found.with_columns(detach(pl.col(PAGE_KEY))).collect(engine="in-memory"))

    def corrections(self) -> pl.DataFrame:
        """Return what to add to the totals of the hour's report, so that each of the pages counts once.

        Returns:
            The columns of `TOTALS`. The numbers of pages are negative. Those of views are 0.
        """
        lines = pl.concat(self._lines).group_by(PAGE_KEY).agg(pl.col("lines").cast(pl.Int64).sum())
        repeated = lines.filter(pl.col("lines") > 1).with_columns(correction=1 - pl.col("lines"))
        blacklisted = repeated.join(self._blacklist, on=PAGE_KEY, how="semi")
        corrected = [
            repeated.group_by("domain_code").agg(pages=pl.col("correction").sum()),
            blacklisted.group_by("domain_code").agg(blacklisted_pages=pl.col("correction").sum()),
        ]
        return pl.concat([TOTALS.to_frame(), *corrected], how="diagonal").fill_null(0)


def _pages(rows: pl.DataFrame) -> pl.LazyFrame:
    """Return the pages of the lines that may repeat a page: `domain_code` String, `page_title` String; decoded."""
    lines = rows.lazy().with_columns(decode_code(pl.col("domain_code"))).filter(may_repeat())
    return well_formed(lines).select(PAGE_KEY)
