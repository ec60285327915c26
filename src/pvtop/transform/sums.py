"""Add up the views of pages over many hours, and keep the pages that can rank. Frames in, frames out.

The pages come from day files, in order of domain code and title. So the rows of a domain follow each other, and so do
the rows of a page that was merged from several days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from pvtop.core.domain import Domain
from pvtop.transform.ranking import rank
from pvtop.transform.reduce import TitleBloomFilter, detach
from pvtop.transform.schemas import PAGE_KEY, ROWS, SUM_DTYPE, UNKNOWN

HELD_ROWS = 500_000  # pages that can rank, which are kept until they are ranked against each other
COUNTS = pl.Schema(
    {"pages": pl.Int64(), "views": SUM_DTYPE, "blacklisted_pages": pl.Int64(), "blacklisted_views": SUM_DTYPE}
)
KEY_SEPARATOR = " "  # no code contains a space, so code and title with one between them stand for one page
TOTALS = pl.Schema({"domain_code": pl.String(), **COUNTS})
"""The totals of each domain in a part of the hours."""


class ExcludedPages:
    """Finds the pages that a rollup excludes.

    Args:
        blacklist: `domain_code` String, `page_title` String, spelled as in day files.
        keep_unknown: Rank pages titled `-` like any other page.
    """

    def __init__(self, blacklist: pl.DataFrame, *, keep_unknown: bool) -> None:
        codes, titles = (blacklist.get_column(name) for name in PAGE_KEY)
        self._keys = (codes + KEY_SEPARATOR + titles).sort()
        self._filter = TitleBloomFilter(titles)
        self._keep_unknown = keep_unknown

    def unknown(self, pages: pl.DataFrame) -> pl.Series:
        """Return a Boolean for each page: whether it is excluded as unknown."""
        titles = pages.get_column("page_title")
        return titles.is_in([]) if self._keep_unknown else titles == UNKNOWN

    def blacklisted(self, pages: pl.DataFrame) -> pl.Series:
        """Return a Boolean for each page: whether it is on the blacklist.

        Few titles pass the filter, and each is looked up in the sorted list. Joining the list with every frame of a
        month would take longer than anything else.
        """
        found = pl.zeros(len(pages), pl.Boolean, eager=True)
        if self._keys.is_empty():
            return found
        codes, titles = (pages.get_column(name) for name in PAGE_KEY)
        suspects = self._filter.passes(titles).arg_true()
        keys = codes.gather(suspects) + KEY_SEPARATOR + titles.gather(suspects)
        places = self._keys.search_sorted(keys).clip(upper_bound=len(self._keys) - 1)
        return found.scatter(suspects.filter(self._keys.gather(places) == keys), values=True)


def whole_day(pages: pl.DataFrame) -> pl.DataFrame:
    """Return the pages with the number of hours in which they were viewed.

    Args:
        pages: The columns of `DAY_PAGES` without `counts`.

    Returns:
        `domain_code` String, `page_title` String, `views` Int64, `hours` Int64.
    """
    return pages.select(*PAGE_KEY, "views", hours=pl.col("start_hours").list.len().cast(pl.Int64))


def part_of_day(pages: pl.DataFrame, start_hours: Collection[int]) -> pl.DataFrame:
    """Add up the views of some hours of a day. The pages without views in them stay, with no hours.

    Args:
        pages: The columns of `DAY_PAGES`.
        start_hours: The hours of the day at which the wanted hours begin.

    Returns:
        The columns of `whole_day`.
    """
    wanted = pages.get_column("start_hours").explode(empty_as_null=False).is_in(sorted(start_hours))
    counts = pages.get_column("counts").explode(empty_as_null=False).set(~wanted, 0)
    ends = pages.get_column("start_hours").list.len().cum_sum()
    sums = [_sums_up_to(ends, counts).alias("views"), _sums_up_to(ends, wanted.cast(pl.Int64)).alias("hours")]
    return pages.select(PAGE_KEY).with_columns(sums)


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


def total(pages: pl.DataFrame, blacklisted: pl.Series) -> pl.DataFrame:
    """Return the totals of each domain.

    Args:
        pages: The columns of `whole_day`, ascending by domain code; those excluded included.
        blacklisted: Whether each page is excluded by the blacklist.

    Returns:
        The columns of `TOTALS`. Domains of which no page was viewed are not there.
    """
    hours, views, excluded = pl.col("hours"), pl.col("views").cast(SUM_DTYPE), pl.col("blacklisted")
    counts = [hours.sum(), views.sum(), hours.filter(excluded).sum(), views.filter(excluded).sum()]
    named = [count.alias(name) for name, count in zip(COUNTS, counts, strict=True)]
    marked, codes = pages.with_columns(blacklisted.alias("blacklisted")), pages.get_column("domain_code")
    if len(codes) and codes[0] == codes[-1]:  # one large domain, as most row groups: grouping takes twice as long
        totals = marked.select(pl.col("domain_code").first(), *named)
    else:
        totals = marked.group_by("domain_code").agg(*named)
    return totals.filter(pl.col("pages") > 0).with_columns(detach(pl.col("domain_code")))


def add_up_totals(totals: Sequence[pl.DataFrame], *, merged: bool) -> pl.DataFrame:
    """Add up the totals of parts of the hours.

    Args:
        totals: At least one result of `total`.
        merged: Add up desktop, mobile and zero of a wiki.

    Returns:
        The columns of `DOMAINS`, or of `MERGED_DOMAINS`, ascending by domain code in byte order.

    Raises:
        polars.exceptions.InvalidOperationError: A sum does not fit into 64 bits.
    """
    sums = _add_up(pl.concat(totals))
    if not merged:
        return sums
    codes = sums.get_column("domain_code").to_list()
    mobile = pl.Series([is_mobile(code) for code in codes], dtype=pl.Boolean)
    by_wiki = sums.with_columns(
        pl.Series("domain_code", list(desktop_codes(codes).values()), pl.String),
        sums.get_column("views").set(~mobile, 0).alias("mobile_views"),
    )
    return without_split(_add_up(by_wiki))


def _add_up(totals: pl.DataFrame) -> pl.DataFrame:
    return (
        totals.group_by("domain_code")
        .agg(pl.exclude("domain_code").cast(SUM_DTYPE).sum().cast(pl.Int64))
        .sort("domain_code")
    )


def desktop_codes(codes: Collection[str]) -> dict[str, str]:
    """Return the code under which each domain code is merged: the desktop code, or itself if it is unknown."""
    found = {code: Domain.of(code).desktop_code for code in codes}
    return {code: code if desktop is None else desktop for code, desktop in found.items()}


def is_mobile(code: str) -> bool:
    """Return whether the views of a domain code are mobile ones: mobile or zero."""
    return Domain.of(code).access in {"mobile", "zero"}


def ambiguous_codes(totals: Sequence[pl.DataFrame]) -> tuple[str, ...]:
    """Return the domain codes in some totals that may also mean the wiki of a chapter."""
    codes = pl.concat(totals).get_column("domain_code").unique().sort()
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
