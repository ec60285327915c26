"""Find the few pages of many hours that can rank, without the sums of all pages.

The hourly ranked pages of a domain add up to a lower bound of the sum that a page needs to rank. Counters give an upper
bound of the sum of each page: a page adds its views to the counter at its position, and others may share the counter.
This is a count-min sketch of one row (Cormode and Muthukrishnan, 2005). A page whose upper bound is below the lower one
of its domain cannot rank. A page that passes because it shares a counter does no harm: its sum is right, too.
"""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

import polars as pl

from pvtop.core.domain import Domain
from pvtop.transform.dump import well_formed
from pvtop.transform.positions import POSITIONS, Pages, wiki_of
from pvtop.transform.reduce import detach
from pvtop.transform.schemas import PAGE_KEY, ROWS, SUM_DTYPE

HELD_SUMS = 500_000  # sums of ranked pages; with more, the smallest ones of each domain are dropped
KEPT_SUMS = 4  # times the number of pages that rank
MOST = 2**16 - 1  # counters stay at this value, which takes 128 MiB for all of them
ACCESSES = 3  # desktop, mobile and zero


class Bounds:
    """Lower bounds of the sums that pages need to rank. They rise with each report that is added.

    Args:
        top: Number of pages per domain.
        merged: Add up desktop, mobile and zero of a wiki.
        held_sums: Number of sums to hold.
    """

    def __init__(self, top: int, *, merged: bool, held_sums: int = HELD_SUMS) -> None:
        self._top = top
        self._merged = merged
        self._held_sums = held_sums
        self._sums = pl.DataFrame(schema={**ROWS, "views": SUM_DTYPE})

    def add(self, top_pages: pl.DataFrame) -> None:
        """Take the ranked pages of an hour, without those that the sums exclude.

        Args:
            top_pages: The columns of `TOP_PAGES`.
        """
        codes = top_pages.get_column("domain_code").unique()
        wikis = [wiki_of(code, merged=self._merged) for code in codes]
        pages = top_pages.select(
            pl.col("domain_code").replace_strict(codes, wikis, return_dtype=pl.String),
            "page_title",
            pl.col("views").cast(SUM_DTYPE),
        )
        self._sums = pl.concat([self._sums, pages]).group_by(PAGE_KEY).agg(pl.col("views").sum())
        if len(self._sums) > self._held_sums:
            place = pl.col("views").rank("ordinal", descending=True).over("domain_code")
            self._sums = self._sums.filter(place <= KEPT_SUMS * self._top)

    def floors(self) -> dict[str, int]:
        """Return the sum that a page of each domain needs. The pages of other domains need none."""
        floors = (
            self._sums.group_by("domain_code")
            .agg(pl.col("views").top_k(self._top).min(), pages=pl.len())
            .filter(pl.col("pages") >= self._top)
        )
        return dict(floors.select("domain_code", "views").iter_rows())


class PageFilter(NamedTuple):
    """Tells which pages can rank.

    Attributes:
        counts: UInt16: the counter at each position.
        floors: By domain, the count that a page needs. The pages of other domains need none.
    """

    counts: pl.Series
    floors: dict[str, int]

    def passing(self, pages: Pages) -> pl.Series:
        """Return a Boolean for each page."""
        floors = pl.Series([self.floors.get(wiki, 0) for wiki in pages.wikis], dtype=pl.UInt16)
        return self.counts.gather(pages.positions()) >= floors.gather(pages.run)


class Candidates:
    """Collects the pages that can rank, hour by hour. Threads may share it.

    Most lines are small, and need not be counted: in all hours together, a page may lack half of the lower bound. The
    other half is then compared with the counters.

    Args:
        top: Number of pages per domain.
        merged: Add up desktop, mobile and zero of a wiki.
    """

    def __init__(self, top: int, *, merged: bool) -> None:
        self.merged = merged
        self._bounds = Bounds(top, merged=merged)
        self._reports = 0
        self._lacking: dict[str, int] = {}
        self._counts = pl.zeros(POSITIONS, pl.UInt16, eager=True)
        self._lock = Lock()

    def add_report(self, top_pages: pl.DataFrame) -> None:
        """Take the ranked pages of an hour, without those that the sums exclude, in the columns of `TOP_PAGES`."""
        with self._lock:
            self._bounds.add(top_pages)
            self._reports += 1

    def start_hour(self) -> HourCounter:
        """Return what takes the lines of the next hour."""
        with self._lock:
            return HourCounter(self, {wiki: self._allow(wiki, floor) for wiki, floor in self._bounds.floors().items()})

    def _allow(self, wiki: str, floor: int) -> int:
        """Return how many views a page may lack in the next hour."""
        lacking = self._lacking.get(wiki, 0)
        allowed = min(floor // (2 * self._reports), floor // 2 - lacking)
        self._lacking[wiki] = lacking + allowed
        return allowed

    def count(self, positions: pl.Series, views: pl.Series) -> None:
        """Add views to the counters.

        Args:
            positions: UInt32, the positions.
            views: Int64, not negative.
        """
        added = pl.DataFrame({"position": positions, "views": views.clip(upper_bound=MOST)})
        added = added.group_by("position").agg(pl.col("views").sum())
        places = added.get_column("position")
        with self._lock:
            counts = self._counts.gather(places) + added.get_column("views")
            self._counts.scatter(places, counts.clip(upper_bound=MOST).cast(pl.UInt16))

    def filter(self) -> PageFilter:
        """Return the filter, once all hours are counted."""
        with self._lock:
            floors = {
                wiki: min(floor - self._lacking.get(wiki, 0), MOST) for wiki, floor in self._bounds.floors().items()
            }
            return PageFilter(self._counts, floors)


class HourCounter:
    """Counts the lines of an hour.

    Args:
        candidates: The counters.
        allowed: By domain, how many views a page may lack.

    Attributes:
        ascends: Whether the lines so far ascend by code and title. If so, no page has occurred twice.
    """

    def __init__(self, candidates: Candidates, allowed: dict[str, int]) -> None:
        self.ascends = True
        self._candidates = candidates
        self._small = {wiki: views // self._lines(wiki) for wiki, views in allowed.items()}
        self._last: tuple[str, str] | None = None

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`."""
        pages = Pages(rows, merged=self._candidates.merged)
        if not len(pages.rows):
            return
        self.ascends = self.ascends and pages.ascend(self._last)
        self._last = pages.key(-1)
        small = pl.Series([self._small_line(wiki) for wiki in pages.wikis], dtype=pl.Int64)
        large = pages.views > small.gather(pages.run)
        self._candidates.count(pages.positions().filter(large), pages.views.filter(large))

    def _small_line(self, wiki: str) -> int:
        """Return the views of a line that need not be counted. A page may have many lines if they do not ascend."""
        return self._small.get(wiki, 0) if self.ascends else 0

    def _lines(self, wiki: str) -> int:
        """Return how many lines a page may have in an hour whose lines ascend."""
        return ACCESSES if self._candidates.merged and Domain.of(wiki).desktop_code is not None else 1


class FilteredPages:
    """The pages of an hour that pass a filter.

    Args:
        page_filter: The filter.
        merged: Add up desktop, mobile and zero of a wiki.
    """

    def __init__(self, page_filter: PageFilter, *, merged: bool) -> None:
        self._filter = page_filter
        self._merged = merged
        self._kept = [ROWS.to_frame()]

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`."""
        pages = Pages(rows, merged=self._merged)
        kept = pages.rows.filter(self._filter.passing(pages))
        self._kept.append(well_formed(kept.lazy()).with_columns(detach(pl.col(PAGE_KEY))).collect(engine="in-memory"))

    def pages(self) -> pl.DataFrame:
        """Return them with codes and titles decoded, in the columns of `ROWS`. A page may have several rows."""
        return pl.concat(self._kept)
