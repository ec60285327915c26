"""Add up the views of pages over many hours, and keep the pages that can rank. Frames in, frames out.

The pages come from day files, in order of domain code and title. So the rows of a domain follow each other, and so do
the rows of a page that was merged from several days.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import Domain
from pvtop.transform.day import Lists
from pvtop.transform.ranking import rank, wide_sum
from pvtop.transform.reduce import detach
from pvtop.transform.schemas import PAGE_KEY, ROWS, SUM_DTYPE, UNKNOWN

FEW_ENTRIES = 16  # for so many, a binary search in Python is faster than a call of Polars
HELD_ROWS = 500_000  # pages that can rank, which are kept until they are ranked against each other
COUNTS = pl.Schema(
    {"pages": pl.Int64(), "views": SUM_DTYPE, "blacklisted_pages": pl.Int64(), "blacklisted_views": SUM_DTYPE}
)
TOTALS = pl.Schema({"domain_code": pl.String(), **COUNTS})
"""The totals of each domain in a part of the hours."""


class ExcludedRows(NamedTuple):
    """The rows of excluded pages, ascending.

    Attributes:
        unknown: The unknown pages.
        blacklisted: The pages on the blacklist that are not unknown.
    """

    unknown: list[int]
    blacklisted: list[int]


class ExcludedPages:
    """Finds the pages that a rollup excludes.

    The titles of a domain are in order, so each entry is looked up among them. There are far fewer entries than pages.

    Args:
        blacklist: `domain_code` String, `page_title` String, spelled as in day files.
        keep_unknown: Rank pages titled `-` like any other page.
    """

    def __init__(self, blacklist: pl.DataFrame, *, keep_unknown: bool) -> None:
        entries = blacklist.cast({"page_title": pl.Binary}).unique().sort(PAGE_KEY)
        self._unknown = [] if keep_unknown else [UNKNOWN.encode()]
        known = entries.filter(~entries.get_column("page_title").is_in(self._unknown))
        parts = known.partition_by("domain_code", as_dict=True, include_key=False)
        self._entries = {code: part.get_column("page_title").to_list() for (code,), part in parts.items()}

    def find(self, code: str, titles: pl.Series) -> ExcludedRows:
        """Return the rows of the pages of a domain that are excluded.

        Args:
            code: The domain code.
            titles: The titles as bytes, ascending. There is at least one.
        """
        return ExcludedRows(_places(self._unknown, titles), _places(self._entries.get(code, []), titles))


def _places(entries: Sequence[bytes], titles: pl.Series) -> list[int]:
    """Return the rows of the titles that are among the entries. Both ascend."""
    start, stop = bisect_left(entries, titles[0]), bisect_right(entries, titles[-1])
    inner = entries[start:stop]
    if len(inner) <= FEW_ENTRIES:
        rows = [bisect_left(titles, title) for title in inner]
        return [row for row, title in zip(rows, inner, strict=True) if titles[row] == title]
    sought = pl.Series(inner, dtype=pl.Binary)
    found = titles.search_sorted(sought)
    return found.filter(titles[found] == sought).to_list()


def part_of_day(start_hours: Lists, counts: Lists, wanted: Collection[int]) -> tuple[pl.Series, pl.Series]:
    """Add up the views of some hours of a day. The pages without views in them stay, with no hours.

    Args:
        start_hours: The hours of pages, as in `DAY_PAGES`.
        counts: Their views in these hours, as in `DAY_PAGES`.
        wanted: The hours of the day at which the wanted hours begin.

    Returns:
        The views of each page, and in how many of these hours it was viewed.

    Raises:
        polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
    """
    is_wanted = start_hours.values.is_in(sorted(wanted))
    ends, views = start_hours.lengths.cum_sum(), counts.values.set(~is_wanted, 0)
    return _sums_up_to(ends, views), _sums_up_to(ends, is_wanted.cast(pl.Int64))


def _sums_up_to(ends: pl.Series, values: pl.Series) -> pl.Series:
    """Return the sum of each run of values.

    Args:
        ends: The end of each run.
        values: The values of the runs.

    Raises:
        polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
    """
    sums = values.cast(SUM_DTYPE).cum_sum().gather(ends - 1)
    return (sums - sums.shift(fill_value=0)).cast(pl.Int64)


def total(code: str, views: pl.Series, hours: pl.Series, blacklisted: list[int]) -> tuple[str, int, int, int, int]:
    """Return the totals of a domain, in the columns of `TOTALS`.

    Args:
        code: The domain code.
        views: The views of its pages, those excluded included.
        hours: The number of the hours in which each of them was viewed.
        blacklisted: The rows of the pages that the blacklist excludes.
    """
    excluded = (int(hours[blacklisted].sum()), wide_sum(views[blacklisted])) if blacklisted else (0, 0)
    return code, int(hours.sum()), wide_sum(views), *excluded


def total_of_hour(code: str, views: pl.Series, blacklisted: list[int]) -> tuple[str, int, int, int, int]:
    """Return the totals of a domain in an hour, in the columns of `TOTALS`.

    Args:
        code: The domain code.
        views: The views of its pages, those excluded included.
        blacklisted: The rows of the pages that the blacklist excludes.
    """
    return code, len(views), wide_sum(views), len(blacklisted), wide_sum(views[blacklisted]) if blacklisted else 0


def add_up_totals(totals: pl.DataFrame, *, merged: bool) -> pl.DataFrame:
    """Add up the totals of parts of the hours.

    Args:
        totals: The columns of `TOTALS`. A domain may have many rows. Some numbers may be negative.
        merged: Add up desktop, mobile and zero of a wiki.

    Returns:
        The columns of `DOMAINS`, or of `MERGED_DOMAINS`, ascending by domain code in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
    """
    sums = _add_up(totals).filter(pl.col("pages") > 0)
    if not merged:
        return sums
    codes = sums.get_column("domain_code").to_list()
    mobile = pl.Series([bool(Domain.of(code).is_mobile) for code in codes], dtype=pl.Boolean)
    by_wiki = sums.with_columns(
        pl.Series("domain_code", [Domain.of(code).merged_code for code in codes], pl.String),
        sums.get_column("views").set(~mobile, 0).alias("mobile_views"),
    )
    return without_split(_add_up(by_wiki))


def _add_up(totals: pl.DataFrame) -> pl.DataFrame:
    return (
        totals.group_by("domain_code")
        .agg(pl.exclude("domain_code").cast(SUM_DTYPE).sum().cast(pl.Int64))
        .sort("domain_code")
    )


def ambiguous_codes(totals: pl.DataFrame) -> tuple[str, ...]:
    """Return the domain codes in some totals that may also mean the wiki of a chapter."""
    codes = totals.filter(pl.col("pages") > 0).get_column("domain_code").unique().sort()
    return tuple(code for code in codes if Domain.of(code).ambiguous)


def without_split(frame: pl.DataFrame) -> pl.DataFrame:
    """Set `mobile_views` to null if the domain code is empty or unknown."""
    codes = frame.get_column("domain_code").unique()
    unknown = [code for code in codes if Domain.of(code).desktop_code is None]
    return frame.with_columns(mobile_views=pl.when(~pl.col("domain_code").is_in(unknown)).then(pl.col("mobile_views")))


def sum_by_page(rows: pl.DataFrame) -> pl.DataFrame:
    """Add up the rows of each page.

    Args:
        rows: `domain_code` String, `page_title` String, and Int64 columns; the rows of a page follow each other.

    Returns:
        The same columns and order, one row for each page.

    Raises:
        polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
    """
    code, title = (rows.get_column(name) for name in PAGE_KEY)
    last = ((code != code.shift(-1)) | (title != title.shift(-1))).fill_null(value=True).arg_true()
    sums = [_sums_up_to(last + 1, values) for values in rows.drop(PAGE_KEY).get_columns()]
    return rows.select(PAGE_KEY)[last].with_columns(sums)


class Floors:
    """The views that a page of each domain needs to rank among the pages seen so far. Threads may share it.

    Args:
        top: Number of pages per domain.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._best: dict[str, pl.Series] = {}

    def can_rank(self, code: str, views: pl.Series) -> pl.Series:
        """Return a Boolean for each page of a domain: whether it can rank. Ties can.

        Args:
            code: The domain code.
            views: Int64, -1 for a page that cannot rank. There is at least one. No page comes again.
        """
        best = self._best.get(code, views.clear())
        passed = views >= self._floor(best)
        if not passed.any():
            return passed
        best = pl.concat([best, views.filter(passed)]).sort(descending=True).head(self._top)
        self._best[code] = best  # if a thread has set it in between, the floor is lower than it could be, but right
        return views >= self._floor(best)

    def _floor(self, best: pl.Series) -> int:
        return int(best[-1]) if len(best) == self._top else 0


class TopPages:
    """The pages that can rank among those seen so far.

    Args:
        top: Number of pages per domain.
        merged: Whether the pages have `mobile_views` Int64.
    """

    def __init__(self, top: int, *, merged: bool) -> None:
        self._top = top
        self._held = [pl.Schema({**ROWS, **({"mobile_views": pl.Int64()} if merged else {})}).to_frame()]
        self._new_rows = 0

    def add(self, pages: pl.DataFrame) -> None:
        """Take pages. Keep those of each domain at or above the count of the `top`-th.

        Args:
            pages: `domain_code` String, `page_title` String, `views` Int64, and `mobile_views` if access is merged;
                without excluded pages. The rows of a domain follow each other, and no page comes again.
        """
        kept = pages.filter(self._can_rank(pages)).with_columns(detach(pl.col(PAGE_KEY)))
        self._held.append(kept)
        self._new_rows += len(kept)
        if self._new_rows > HELD_ROWS:
            self._held = [self.ranked().drop("rank")]
            self._new_rows = 0

    def ranked(self) -> pl.DataFrame:
        """Return the ranked pages, in the columns of `transform.ranking.rank`."""
        return rank(pl.concat(self._held).lazy(), self._top).collect(engine="in-memory")

    def _can_rank(self, pages: pl.DataFrame) -> pl.Series:
        views, run = pages.get_column("views"), pages.get_column("domain_code").rle_id().alias("run")
        floors = pl.DataFrame([run, views]).group_by("run", maintain_order=True).agg(pl.col("views").top_k(self._top))
        return views >= floors.get_column("views").list.min().gather(run)
