"""Series: the views of pages over time, from day files and, where there are none, from the dumps at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import polars as pl

from pvtop.core.arguments import several
from pvtop.core.counted import counted
from pvtop.core.day import Day
from pvtop.core.domain import Domain
from pvtop.core.errors import CorruptError, NoDayFilesError, NotInLakeError, NotPublishedError
from pvtop.core.hour import Hour, first_runs, span
from pvtop.core.html import Blocks, Columns, Link, Row, more_rows, table
from pvtop.core.known_issues import notes_on
from pvtop.core.page import Page, PageLike
from pvtop.core.period import Period, PeriodLike, Step
from pvtop.core.sparkline import sparkline
from pvtop.lake.lake import Lake
from pvtop.pipeline.compute import check_malformed
from pvtop.pipeline.spool import refuse_repeated
from pvtop.settings import Settings
from pvtop.sources.dumps import find_dump, reading, scan_rows
from pvtop.sources.facts import LocalFile
from pvtop.transform.series import Sought, count_day, count_hour, fill_series, pick_titles, raw_titles, seek_pages

DEFAULT_DAYS = 7
PAGES_SHOWN = 10  # in a notebook
LINE_WIDTH = 48  # columns of a sparkline in a notebook
READERS = 2  # files read at once: two keep two cores busy


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """The views of pages over time.

    Attributes:
        pages: The pages, in the order of the request and without repeats. With merged access, with desktop codes.
        period: The hours that it is about.
        step: What a row covers.
        frame: A row for each page and hour or day, in the columns that `read_series` describes.
        hours: The starts of the hours or days, each with the number of its hours that have data.
        hours_without_data: The hours without data, in order.
        days_without_file: The days of the period that have no day file, in order.
    """

    pages: list[Page]
    period: Period
    step: Step
    frame: pl.DataFrame
    hours: Mapping[datetime, int]
    hours_without_data: list[Hour]
    days_without_file: list[Day]

    def __repr__(self) -> str:
        return f"<SeriesResult of {self.period}: {self._counts}>"

    def _repr_html_(self) -> str:
        """Return the total of the first pages, the least and the most, and a sparkline, as notebooks show them."""
        merged = "mobile_views" in self.frame.columns
        shown = self.pages[:PAGES_SHOWN]
        names = ["page", "views", *(["mobile"] if merged else []), "least", "most", f"by {self.step}"]
        rows = [_row(page, self._rows(number)) for number, page in enumerate(shown)]
        more = more_rows(len(self.pages) - len(shown), "page")
        notes = [*self._notes(), *notes_on(self.period.hours, self.hours_without_data)]
        return table(f"Views in {self.period}: {self._counts}", [Columns(names), *rows, *more], notes)

    @property
    def _counts(self) -> str:
        missing = [f"{counted(len(self.hours_without_data), 'hour')} without data"] if self.hours_without_data else []
        return ", ".join([f"{counted(len(self.pages), 'page')} by {self.step}", *missing])

    def _rows(self, number: int) -> pl.DataFrame:
        """Return the rows of a page."""
        times = len(self.hours)
        return self.frame.slice(number * times, times)

    def _notes(self) -> list[str]:
        """Return what to know about the days: which ones have no day file, and which are only partly covered."""
        notes = (
            [f"No day file, so read from dumps: {first_runs(self.days_without_file)}"] if self.days_without_file else []
        )
        partial = self.partial_days if self.step is Step.DAY else []
        return [*notes, *([f"Only some hours are in the period: {first_runs(partial)}"] if partial else [])]

    @property
    def partial_days(self) -> list[Day]:
        """The days of which only some hours are in the period: the first, the last, or both."""
        return [day for day, hours in self.period.days.items() if len(hours) < len(day.hours)]

    @property
    def never_seen(self) -> list[Page]:
        """The pages without views in the period."""
        most = self.frame.get_column("views").reshape((len(self.pages), -1)).arr.max()
        return [page for page, views in zip(self.pages, most, strict=True) if not views]


def _row(page: Page, rows: pl.DataFrame) -> Row:
    """Return the row of a page in a notebook."""
    views = rows.get_column("views").to_list()
    known = [count for count in views if count is not None]
    mobile = [_sum(rows.get_column("mobile_views"))] if "mobile_views" in rows.columns else []
    link = Link(str(page), Domain.of(page.domain_code).page_address(page.title))
    numbers = [f"{sum(known):,}", *mobile, f"{min(known):,}", f"{max(known):,}"]
    return [link, *numbers, Blocks(sparkline(views, LINE_WIDTH))]


def _sum(counts: pl.Series) -> str:
    """Return a sum as text, or a dash if nothing is known."""
    known = counts.drop_nulls().to_list()
    return f"{sum(known):,}" if known else "-"


def last_days(settings: Settings) -> Period:
    """Return the period of the last days in the lake: at most 7, which end with the newest day that has a day file.

    Raises:
        NotInLakeError: The lake has no day file.
        OutputError: The lake cannot be read.
    """
    lake = Lake.of(settings)
    days = lake.days()
    if not days:
        hint = "make day files, or name the first and the last hour"
        raise NotInLakeError(f"the lake {lake.path('')} has no day files", hint, remedy="name_period")
    recent = [day for day in days if (days[-1].date - day.date).days < DEFAULT_DAYS]
    return Period.of_hours(recent[0].hours[0], recent[-1].hours[-1])


def read_series(
    pages: PageLike | Iterable[PageLike],
    period: PeriodLike,
    settings: Settings,
    step: str = Step.HOUR,
    *,
    merge_access: bool = False,
) -> SeriesResult:
    """Read the views of pages over time. All pages are looked up in one pass.

    The hours of a day come from its day file in the lake. For a day without one, they come from the dumps at hand:
    those in the source, if it is a folder, or else in the cache. Nothing is downloaded. Reading 24 dumps takes a minute
    or more; reading a day file takes a fraction of a second.

    The blacklist does not apply, and neither does the rule for pages titled `-`.

    Args:
        pages: A page, or several: each a `Page`, text such as `en:Climate`, or the address of an article. Repeats count
            once.
        period: The hours: a `Period`; a UTC day or a month, such as `2024-12-30` or `2024-12`; or the first and the
            last hour. A stamp is the END of an hour.
        settings: Name the lake, the source and the cache.
        step: Whether a row covers an `hour`, or the hours of a UTC `day` that are in the period.
        merge_access: Whether a page stands for its title on desktop, mobile and zero: `en:Climate` then has the views
            of `en`, `en.m` and `en.zero`, and so has `en.m:Climate`. A page with an unknown code stays as it is.

    Returns:
        The series. Its frame has a row for each page and hour or day, even if there is no data, ordered by page as
        requested, and then by time:

        - `start` Datetime (microseconds, UTC): the start of the hour or the day.
        - `domain_code` String: as in the dump, empty for projects without their own code. If access is merged, the
          desktop code.
        - `page_title` String.
        - `views` Int64: the number of views. 0 if there are none, null if there is no data. For a day, the sum of its
          hours that have data, null if none has.
        - `mobile_views` Int64, only if access is merged: how many of `views` are mobile or zero. Null if there is no
          data, or if the code is unknown.

    Raises:
        UsageError: There are no pages, or a value is not a page, a period or a step.
        NotInLakeError: No hour of the period has data.
        OutputError: The lake or the cache cannot be read, or a day file is damaged.
        SourceError: A dump at hand is damaged, the source is a folder that does not exist, or the views of a page do
            not fit into 64 bits.
        MalformedError: The share of malformed lines in a dump at hand is above the limit of the settings.
        InvalidReportError: A dump at hand has one of the pages twice.
    """
    period, step = Period.at(period), Step.at(step)
    sought = seek_pages(map(Page.at, several(pages, (Page, str), "pages")), merge_access=merge_access)
    reader = _Reader(sought, period, settings, step)
    days, hours = reader.read_all()
    missing = sorted(
        [hour for found in days.values() if found for hour in found.missing]
        + [hour for hour, counts in hours.items() if counts is None]
    )
    without_file = [day for day, found in days.items() if found is None]
    if len(missing) == len(period.hours):
        raise _no_data(period, settings, without_file)
    covered = _covered(period, missing, step)
    counts = [found.counts for found in days.values() if found] + [one for one in hours.values() if one is not None]
    try:
        frame = fill_series(sought.pages, covered, counts, merged=merge_access)
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(f"the views of a page in {period} do not fit into 64 bits") from error
    return SeriesResult(sought.pages, period, step, frame, covered, missing, without_file)


def _no_data(period: Period, settings: Settings, without_file: Sequence[Day]) -> NotInLakeError:
    """Return the error for a period of which no hour has data."""
    lake = Lake.of(settings).path("")
    if not without_file:
        return NotInLakeError(
            f"all dumps of {period} were missing when the day files in the lake {lake} were made",
            "choose another period",
        )
    return NoDayFilesError(
        f"the lake {lake} has no day file for {period}, and none of its dumps is on this machine",
        f"make the day files of {span(without_file[0], without_file[-1])} with build_days",
        days=[day.iso for day in without_file],
    )


def _covered(period: Period, missing: Iterable[Hour], step: Step) -> dict[datetime, int]:
    """Return the start of each hour or day, with the number of its hours that have data."""
    lacking = set(missing)
    if step is Step.HOUR:
        return {hour.start: int(hour not in lacking) for hour in period.hours}
    return {day.start: sum(hour not in lacking for hour in hours) for day, hours in period.days.items()}


class _FromFile(NamedTuple):
    """What a day file has: the counts of the pages, and the hours of the period that it lacks."""

    counts: pl.DataFrame
    missing: list[Hour]


class _Reader:
    """Reads the pages of a series from day files and dumps.

    Args:
        sought: The pages.
        period: The hours.
        settings: Name the lake, the source and the cache.
        step: What a row covers.
    """

    def __init__(self, sought: Sought, period: Period, settings: Settings, step: Step) -> None:
        self._sought = sought.rows
        self._titles = raw_titles(sought.rows)
        self._period = period
        self._settings = settings
        self._step = step
        self._lake = Lake.of(settings)

    def read_all(self) -> tuple[dict[Day, _FromFile | None], dict[Hour, pl.DataFrame | None]]:
        """Return what each day of the period has, and what each hour of the days without a day file has."""
        of_day = self._period.days
        with ThreadPoolExecutor(READERS) as threads:
            try:
                days = dict(zip(of_day, threads.map(self._read_day, of_day), strict=True))
                hours = [hour for day, found in days.items() if found is None for hour in of_day[day]]
                return days, dict(zip(hours, threads.map(self._read_hour, hours), strict=True))
            except BaseException:
                self._lake.close()  # a thread may wait for a silent file system
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _read_day(self, day: Day) -> _FromFile | None:
        """Return what a day file has, None if there is none."""
        with self._lake.day_file(day) as file:
            if file is None:
                return None
            found = file.find(self._sought)
            counts = count_day(found, self._sought, day.start, self._period, self._step)
            first, last = self._period.first, self._period.last
            return _FromFile(counts, [hour for hour in file.provenance.missing if first <= hour <= last])

    def _read_hour(self, hour: Hour) -> pl.DataFrame | None:
        """Return the counts of the pages in a dump, None if it is not at hand."""
        dump = _dump_at_hand(hour, self._settings)
        if dump is None:
            return None
        address, settings = dump.facts.address, self._settings
        with reading(dump):
            picked = pick_titles(scan_rows(dump.path, address, settings.max_inflated), self._titles)
        check_malformed(picked.malformed, picked.lines, picked.samples, dump.facts, settings.malformed_limit)
        refuse_repeated(picked.repeated, hour)
        return count_hour(picked.rows, self._sought, hour.start, self._step)


def _dump_at_hand(hour: Hour, settings: Settings) -> LocalFile | None:
    """Return the dump of an hour if it is on this machine.

    Raises:
        SourceError: The source is a folder that does not exist, or the dump cannot be read.
    """
    try:
        return find_dump(hour, settings)
    except NotPublishedError:
        return None
