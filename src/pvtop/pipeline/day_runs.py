"""Day files and hours in scratch space as sorted runs: the pages that count for a rollup, domain by domain."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from threading import Event
from typing import NamedTuple, Protocol

import polars as pl

from pvtop.core.domain import Domain
from pvtop.core.errors import InterruptedRunError
from pvtop.core.hour import Hour
from pvtop.core.prefetch import parallel
from pvtop.lake.day_files import HELD_GROUPS, DayFile
from pvtop.sources.scratch import SortedRun
from pvtop.transform.merge import Segment
from pvtop.transform.sums import (
    TOTALS,
    ExcludedPages,
    Floors,
    part_of_day,
    total,
    total_of_hour,
)

BATCH_GROUPS = 4  # row groups read at a time if there is one day: more take more memory and hardly less time


class Run(Protocol):
    """A sorted run of pages that count for a rollup."""

    @property
    def codes(self) -> Mapping[str, range]:
        """The rows of each domain, by domain code."""

    def read(self, code: str) -> Iterator[pl.DataFrame]:
        """Yield the pages of a domain: `page_title` String, `views` Int64, and any other columns. No frame is empty."""


class _Pages(NamedTuple):
    """The pages of a domain in a part of a day file.

    Attributes:
        code: The domain code.
        titles: Their titles as bytes.
        views: Their views in the wanted hours, -1 for a page that does not count.
    """

    code: str
    titles: pl.Series
    views: pl.Series


class _Group(NamedTuple):
    """The pages of a row group that count.

    Attributes:
        pages: `page_title` String, `views` Int64.
        running: For each row of the row group, the number of these pages up to and including it.
        unread: The rows of the row group that are not read yet.
    """

    pages: pl.DataFrame
    running: pl.Series
    unread: int

    def slice(self, rows: range) -> pl.DataFrame:
        """Return the pages in some rows of the row group."""
        first = self.running[rows.start - 1] if rows.start else 0
        return self.pages.slice(first, self.running[rows.stop - 1] - first)


class DayRun:
    """The pages of a day file that count for a rollup.

    Args:
        day_file: The day file. It must stay open.
        start_hours: The hours of the day at which the wanted hours begin.
        excluded: The pages to exclude.
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
        self._is_whole = {Hour.parse(dump.stamp).start.hour for dump in day_file.provenance.dumps} <= set(start_hours)
        self._excluded = excluded
        self._stopped = stopped
        self._totals: dict[int, list[tuple[object, ...]]] = {}
        self._held: dict[int, _Group] = {}

    @property
    def totals(self) -> pl.DataFrame:
        """The totals of the pages that were read, excluded ones included, in the columns of `transform.sums.TOTALS`."""
        return pl.DataFrame(list(chain.from_iterable(self._totals.values())), TOTALS, orient="row")

    def candidates(self, top: int) -> Iterator[pl.DataFrame]:
        """Read the whole day file. Yield, domain by domain, the pages that can rank, and few others.

        Args:
            top: Number of pages per domain.

        Yields:
            `domain_code` String, `page_title` String, `views` Int64.
        """
        floors, numbers = Floors(top), range(self._file.groups)
        parts = [numbers[first : first + BATCH_GROUPS] for first in numbers[::BATCH_GROUPS]]
        return parallel(lambda part: self._candidates(part, floors), parts)

    def _candidates(self, groups: range, floors: Floors) -> pl.DataFrame:
        kept = list[_Pages]()
        for code, titles, views in self._load(groups):
            can_rank = floors.can_rank(code, views)
            kept.append(_Pages(code, titles.filter(can_rank), views.filter(can_rank)))
        codes = pl.Series(list(chain.from_iterable([code] * len(views) for code, _, views in kept)), dtype=pl.String)
        titles, views = pl.concat(pages.titles for pages in kept), pl.concat(pages.views for pages in kept)
        return pl.DataFrame({"domain_code": codes, "page_title": self._file.as_text(titles), "views": views})

    def read(self, code: str) -> Iterator[pl.DataFrame]:
        """Yield the pages of a domain that count: `page_title` String, `views` Int64."""
        for number, part in self._file.parts(self.codes[code]):
            if len(pages := self._group(number, len(part)).slice(part)):
                yield pages

    def _group(self, number: int, rows: int) -> _Group:
        """Return a row group, for a caller that reads some of its rows. Each row is read once.

        It is kept until all its rows are read, or until others take its place.
        """
        group = self._held.pop(number, None) or self._read_group(number)
        left = group._replace(unread=group.unread - rows)
        if left.unread:
            while len(self._held) >= HELD_GROUPS:
                del self._held[next(iter(self._held))]
            self._held[number] = left
        return group

    def _read_group(self, number: int) -> _Group:
        parts = self._load(range(number, number + 1))
        titles, views = pl.concat(part.titles for part in parts), pl.concat(part.views for part in parts)
        counts = views >= 0
        pages = pl.DataFrame({"page_title": self._file.as_text(titles), "views": views})
        return _Group(pages.filter(counts), counts.cast(pl.UInt32).cum_sum(), unread=len(views))

    def _load(self, groups: range) -> list[_Pages]:
        """Read row groups, and find the pages that count. Keep the totals."""
        check_stopped(self._stopped)
        titles, (views, hours) = self._file.titles(groups), self._views_and_hours(groups)
        counted = views.set(hours == 0, -1)
        found, totals = list[_Pages](), list[tuple[object, ...]]()
        for code, rows in self._file.domains(groups).items():
            part = slice(rows.start, rows.stop)
            unknown, blacklisted = self._excluded.find(code, titles[part])
            totals.append(total(code, views[part], hours[part], blacklisted))
            found.append(_Pages(code, titles[part], counted[part].scatter([*unknown, *blacklisted], -1)))
        self._totals[groups.start] = totals
        return found

    def _views_and_hours(self, groups: range) -> tuple[pl.Series, pl.Series]:
        """Return the views of each page in the wanted hours, and in how many of them it was viewed."""
        start_hours = self._file.lists(groups, "start_hours")
        if self._is_whole:
            return self._file.views(groups), start_hours.lengths
        return part_of_day(start_hours, self._file.lists(groups, "counts"), self._start_hours)


class HourRun:
    """The pages of an hour in scratch space that count for a rollup.

    Args:
        run: All pages of the hour.
        excluded: Finds the pages to exclude.
        stopped: If it is set, reading ends with an InterruptedRunError.

    Attributes:
        codes: The rows of each domain, by domain code.
    """

    def __init__(self, run: SortedRun, excluded: ExcludedPages, stopped: Event) -> None:
        self.codes = run.codes
        self._run = run
        self._excluded = excluded
        self._stopped = stopped
        self._totals: list[tuple[object, ...]] = []

    @property
    def totals(self) -> pl.DataFrame:
        """The totals of the pages that were read, excluded ones included, in the columns of `transform.sums.TOTALS`."""
        return pl.DataFrame(self._totals, TOTALS, orient="row")

    def read(self, code: str) -> Iterator[pl.DataFrame]:
        """Yield the pages of a domain that count: `page_title` String, `views` Int64."""
        check_stopped(self._stopped)
        for pages in self._run.read(code):
            titles, views = pages.get_columns()
            unknown, blacklisted = self._excluded.find(code, titles.cast(pl.Binary))
            self._totals.append(total_of_hour(code, views, blacklisted))
            kept = _without(pages, [*unknown, *blacklisted]) if unknown or blacklisted else pages
            if len(kept):
                yield kept


def _without(pages: pl.DataFrame, rows: Sequence[int]) -> pl.DataFrame:
    """Return the pages without some rows."""
    return pages.filter(pl.repeat(value=True, n=len(pages), eager=True).scatter(rows, values=False))


def check_stopped(stopped: Event) -> None:
    """Raise InterruptedRunError if nobody waits for the rollup any more."""
    if stopped.is_set():
        raise InterruptedRunError("interrupted: the rollup was not made")


class _Segment:
    """The pages of a domain in a run."""

    def __init__(self, run: Run, code: str, *columns: pl.Expr) -> None:
        self.rows = len(run.codes[code])
        self._run = run
        self._code = code
        self._columns = columns

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the columns of the run, and those added."""
        for frame in self._run.read(self._code):
            yield frame.with_columns(self._columns) if self._columns else frame


def segments(runs: Sequence[Run]) -> dict[str, list[Segment]]:
    """Return the segments of each domain."""
    found: dict[str, list[Segment]] = {}
    for run in runs:
        for code in run.codes:
            found.setdefault(code, []).append(_Segment(run, code))
    return found


def merged_segments(runs: Sequence[Run]) -> dict[str, list[Segment]]:
    """Return the segments of desktop, mobile and zero of a wiki together. They also have `mobile_views` Int64."""
    found: dict[str, list[Segment]] = {}
    for run in runs:
        for code in run.codes:
            domain = Domain.of(code)
            mobile = pl.col("views") if domain.is_mobile else pl.lit(0, pl.Int64)
            found.setdefault(domain.merged_code, []).append(_Segment(run, code, mobile.alias("mobile_views")))
    return found
