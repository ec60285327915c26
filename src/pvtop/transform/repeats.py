"""Find the lines of a dump that list a page again. A report counts them, and a rollup counts the page once."""

from __future__ import annotations

import polars as pl

from pvtop.transform.dump import well_formed
from pvtop.transform.reduce import detach
from pvtop.transform.runs import may_repeat
from pvtop.transform.schemas import PAGE_KEY, ROWS, UNKNOWN
from pvtop.transform.sums import TOTALS
from pvtop.transform.titles import decode_code


class RepeatedPages:
    """The lines of an hour whose pages a dump may list more than once.

    Args:
        blacklist: `domain_code` String, `page_title` String: the pages to exclude.
        keep_unknown: Rank pages titled `-` like any other page.
    """

    def __init__(self, blacklist: pl.DataFrame, *, keep_unknown: bool) -> None:
        self._blacklist = blacklist if keep_unknown else blacklist.filter(pl.col("page_title") != UNKNOWN)
        self._lines = [ROWS.to_frame().select(PAGE_KEY)]

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`."""
        lines = rows.lazy().with_columns(decode_code(pl.col("domain_code"))).filter(may_repeat())
        self._lines.append(well_formed(lines).select(detach(pl.col(PAGE_KEY))).collect(engine="in-memory"))

    def corrections(self) -> pl.DataFrame:
        """Return what to add to the totals of the hour's report, so that each page counts once.

        Returns:
            The columns of `TOTALS`. The numbers of pages are negative, and views stay.
        """
        lines = pl.concat(self._lines).group_by(PAGE_KEY).len("lines")
        repeated = lines.filter(pl.col("lines") > 1).with_columns(correction=1 - pl.col("lines").cast(pl.Int64))
        blacklisted = repeated.join(self._blacklist, on=PAGE_KEY, how="semi")
        corrected = [
            repeated.select("domain_code", pages="correction"),
            blacklisted.select("domain_code", blacklisted_pages="correction"),
        ]
        return pl.concat([TOTALS.to_frame(), *corrected], how="diagonal").fill_null(0)
