"""The part of a lake that has day files."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from pvtop.core.day import Day, DayLike, day_range
from pvtop.core.errors import NotInLakeError, OutputError
from pvtop.core.escape import shorten
from pvtop.core.hour import runs_of, span
from pvtop.core.prefetch import prefetch
from pvtop.lake.day_files import DAMAGED, DayFile
from pvtop.lake.hours import ListedHours
from pvtop.lake.layout import day_path, parse_day_partition
from pvtop.lake.scan import Missing, check_missing
from pvtop.transform.day import DayProvenance
from pvtop.transform.scan import scan_frames
from pvtop.transform.schemas import DAYS


class StoredDays(ListedHours):
    """The part of `Lake` that has day files."""

    @contextlib.contextmanager
    def day_file(self, day: DayLike) -> Iterator[DayFile | None]:
        """Open the day file of a day. Yield None if the day is not in the lake.

        Raises:
            UsageError: The value is not a day.
            OutputError: The lake cannot be read, or the day file is damaged, of another version, or of another day.
        """
        day = Day.at(day)
        path = self.path(day_path(day))
        file = self._filesystem.open(day_path(day))
        if file is None:
            yield None
            return
        with file:
            day_file = DayFile(file, path)
            if day_file.provenance.day != day.iso:
                raise self._unreadable_day(day, f"it is the day file of {day_file.provenance.day}")
            yield day_file

    def day_provenance(self, day: DayLike) -> DayProvenance | None:
        """Return the provenance of a day file.

        Returns:
            The provenance, or None if the day file has to be made. It has to be made if it is missing, damaged, of
            another version, or of another day.

        Raises:
            UsageError: The value is not a day.
            OutputError: The lake cannot be read.
        """
        try:
            with self.day_file(day) as day_file:
                return day_file.provenance if day_file else None
        except OutputError as error:
            if error.remedy not in DAMAGED:
                raise
            return None

    def write_day(self, day: DayLike, local: Path) -> None:
        """Put a day file into the lake. It appears complete or not at all.

        Args:
            day: The day.
            local: The file, on this machine.

        Raises:
            UsageError: The value is not a day.
            OutputError: The lake cannot be written.
        """
        self._filesystem.put(day_path(Day.at(day)), local)

    def days(self) -> list[Day]:
        """Return the days that have a day file, the oldest first. Reads only folder listings.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._stored(self._days_with_folders())

    def scan_days(self, first: DayLike, last: DayLike, *, missing: Missing = "error") -> pl.LazyFrame:
        """Scan the day files of a range of UTC days: every page, with the excluded and the unknown ones.

        Lists which days are in the lake. Only the columns that are needed are read, when the frame is collected, a part
        of a file at a time.

        Args:
            first: The first day of the range: a `Day`, a date, or text such as `2024-12-30`.
            last: The last day, which is included.
            missing: Whether a day that is not in the lake, or an hour that a day file lacks, is an `error`, or skipped
                (`skip`).

        Returns:
            `start` Datetime in UTC, the beginning of the day; `domain_code`, `page_title` String; `views` Int64, of the
            day; `start_hours` List(UInt8), the hours of the day with views, 0 for 00:00 to 01:00 UTC; `counts`
            List(Int64), the views in these hours; by day, domain and title. Collecting raises OutputError if a file is
            missing, damaged or that of another day, and NotInLakeError if a day file lacks hours and `missing` is
            `error`.

        Raises:
            NotInLakeError: Days are missing, and `missing` is `error`.
            UsageError: A value is not a day, the last day is before the first, or `missing` is something else.
            OutputError: The lake cannot be listed.
        """
        check_missing(missing)
        wanted = day_range(first, last)
        stored = self._stored(self._days_with_folders().intersection(wanted))
        if missing == "error" and len(stored) < len(wanted):
            raise self._lacks(len(wanted), sorted(set(wanted).difference(stored)))
        return scan_frames(partial(self._pages, stored, missing), DAYS)

    def _pages(self, days: Sequence[Day], missing: Missing, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the pages of some days, in these columns of `DAYS`."""
        names = [name for name in columns if name != "start"] or ["views"]  # rows cannot be counted without a column
        for day in days:
            with self.day_file(day) as found:
                for frame in prefetch(self._whole(day, found, missing).frames(names)):
                    yield frame.select(pl.lit(day.start, DAYS["start"]).alias("start"), pl.all())

    def _whole(self, day: Day, day_file: DayFile | None, missing: Missing) -> DayFile:
        """Return a day file.

        Raises:
            OutputError: It has been removed meanwhile.
            NotInLakeError: It lacks hours, and `missing` is `error`.
        """
        if day_file is None:
            raise self._unreadable_day(day, "it is missing")
        if missing == "error" and (lacking := day_file.provenance.missing):
            runs = ", ".join(span(*run) for run in runs_of(lacking))
            raise NotInLakeError(
                shorten(f"the day file {self.path(day_path(day))} lacks {len(lacking)} of 24 hours: {runs}"),
                "make it again if they are published now, or leave them out with missing='skip'",
            )
        return day_file

    def _unreadable_day(self, day: Day, reason: str) -> OutputError:
        message = f"cannot read {self.path(day_path(day))}: {reason}"
        return OutputError(message, "make the day file again", remedy="remake_day", about=day.iso)

    def _lacks(self, count: int, lacking: Sequence[Day]) -> NotInLakeError:
        runs = ", ".join(span(*run) for run in runs_of(lacking))
        return NotInLakeError(
            shorten(f"the lake {self.path('')} lacks {len(lacking):,} of {count:,} days: {runs}"),
            "make them with build_days, or leave them out with missing='skip'",
        )

    def _days_with_folders(self) -> set[Day]:
        return {day for name in self._partitions("days", "day=") if (day := parse_day_partition(name))}

    def _stored(self, days: Collection[Day]) -> list[Day]:
        """Return which of the days have a day file, the oldest first."""
        return sorted(day for day in days if self._filesystem.look_up(day_path(day)))
