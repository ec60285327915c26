"""Day files as sorted runs: the pages of the wanted hours, without the excluded ones, merged day by day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Event
from typing import Protocol

import polars as pl

from pvtop.core.day import HOURS_OF_A_DAY
from pvtop.core.errors import InterruptedRunError
from pvtop.core.prefetch import prefetch
from pvtop.lake.day_files import HELD_GROUPS, DayFile
from pvtop.transform.merge import Segment
from pvtop.transform.schemas import DAY_PAGES, PAGE_KEY
from pvtop.transform.sums import ExcludedPages, desktop_codes, is_mobile, part_of_day, total, whole_day

WHOLE_DAY = [*PAGE_KEY, "views", "start_hours"]  # columns of a day file; counts are needed for a part of the day only

BATCH_GROUPS = 8  # row groups read at a time if there is one day: more take more memory and hardly less time


class Run(Protocol):
    """A sorted run of pages."""

    @property
    def codes(self) -> Mapping[str, range]:
        """The rows of each domain, by domain code."""

    def read(self, rows: range) -> Iterator[pl.DataFrame]:
        """Yield some rows: `page_title` String, `views` Int64, and any other columns."""


class DayRun:
    """The pages of a day file that count for a rollup.

    Args:
        day_file: The day file. It must stay open.
        start_hours: The hours of the day at which the wanted hours begin.
        excluded: The pages to leave out.
        stopped: If it is set, reading ends with an InterruptedRunError.

    Attributes:
        codes: The rows of each domain in the day file, by domain code.
    """

    def __init__(
        self, day_file: DayFile, start_hours: Collection[int], excluded: ExcludedPages, stopped: Event
    ) -> None:
        self.codes = day_file.codes
        self._file = day_file
        self._start_hours = start_hours
        self._excluded = excluded
        self._stopped = stopped
        self._totals: dict[int, pl.DataFrame] = {}
        self._held: dict[int, tuple[pl.DataFrame, pl.Series]] = {}

    @property
    def totals(self) -> list[pl.DataFrame]:
        """The totals of the pages that were read, excluded ones included, in the columns of `transform.sums.TOTALS`."""
        return list(self._totals.values())

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield all pages in order: `domain_code` String, `page_title` String, `views` Int64."""
        for first, pages in prefetch(self._batches()):
            yield self._choose(first, pages)[0]

    def _batches(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield the pages of many row groups at a time, and the number of the first of these."""
        numbers = range(self._file.groups)
        for first in numbers[::BATCH_GROUPS]:
            yield first, pl.concat(map(self._wanted, numbers[first : first + BATCH_GROUPS]))

    def read(self, rows: range) -> Iterator[pl.DataFrame]:
        """Yield the pages that count among some rows of the day file: `page_title` String, `views` Int64."""
        for number, part in self._file.parts(rows):
            kept, counts = self._group(number)
            first = counts[part.start - 1] if part.start else 0
            if count := counts[part.stop - 1] - first:
                yield kept.slice(first, count).select("page_title", "views")

    def _group(self, number: int) -> tuple[pl.DataFrame, pl.Series]:
        """Return the pages of a row group that count, and how many of them there are up to each of its rows."""
        if number not in self._held:
            while len(self._held) >= HELD_GROUPS:
                del self._held[next(iter(self._held))]
            self._held[number] = self._choose(number, self._wanted(number))
        return self._held[number]

    def _choose(self, number: int, pages: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        if self._stopped.is_set():
            raise InterruptedRunError("interrupted: the rollup was not made")
        unknown = self._excluded.unknown(pages)
        blacklisted = self._excluded.blacklisted(pages) & ~unknown
        self._totals[number] = total(pages, blacklisted)
        counts = ~unknown & ~blacklisted & (pages.get_column("hours") > 0)
        return pages.filter(counts).select(*PAGE_KEY, "views"), counts.cast(pl.UInt32).cum_sum()

    def _wanted(self, number: int) -> pl.DataFrame:
        if len(self._start_hours) == HOURS_OF_A_DAY:
            return whole_day(self._file.group(number, WHOLE_DAY))
        return part_of_day(self._file.group(number, DAY_PAGES.names()), self._start_hours)


class _Segment:
    """The pages of a domain in a run."""

    def __init__(self, run: Run, rows: range, *columns: pl.Expr) -> None:
        self.rows = len(rows)
        self._run = run
        self._range = rows
        self._columns = columns

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the columns of the run, and those added."""
        for frame in self._run.read(self._range):
            yield frame.with_columns(self._columns)


def segments(runs: Sequence[Run]) -> dict[str, list[Segment]]:
    """Return the segments of each domain."""
    found: dict[str, list[Segment]] = {}
    for run in runs:
        for code, rows in run.codes.items():
            found.setdefault(code, []).append(_Segment(run, rows))
    return found


def merged_segments(runs: Sequence[Run]) -> dict[str, list[Segment]]:
    """Return the segments of desktop, mobile and zero of a wiki together. They also have `mobile_views` Int64."""
    found: dict[str, list[Segment]] = {}
    for run in runs:
        for code, desktop in desktop_codes(run.codes).items():
            mobile = pl.col("views") if is_mobile(code) else pl.lit(0, pl.Int64)
            found.setdefault(desktop, []).append(_Segment(run, run.codes[code], mobile.alias("mobile_views")))
    return found
