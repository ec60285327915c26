"""The spool of a day: the rows of its hours, written to sorted runs in scratch space, and then merged to a day file."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pvtop._version import __version__
from pvtop.core.day import Day
from pvtop.core.errors import CorruptError, InvalidReportError, PvtopError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour
from pvtop.lake.day_writer import Totals, write_day_file
from pvtop.sources.facts import FileFacts, translate_cache_errors
from pvtop.sources.scratch import RunWriter, SortedRun
from pvtop.transform.day import DAY_RULES_VERSION, DayProvenance, DumpRecord, HoursOfPages
from pvtop.transform.dump import well_formed
from pvtop.transform.merge import merge
from pvtop.transform.report import Provenance
from pvtop.transform.runs import RunPart, RunSorter, may_repeat
from pvtop.transform.sums import sum_by_page


class HourSpool:
    """Writes the rows of one dump to sorted runs.

    Args:
        hour: The hour.
        folder: Where the runs go.
    """

    def __init__(self, hour: Hour, folder: Path) -> None:
        self.hour = hour
        self._folder = folder
        self._sorter = RunSorter()
        self._writer: RunWriter | None = None
        self._runs: list[SortedRun] = []
        self._error: PvtopError | None = None

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of a block, in the columns of `transform.dump.scan_blocks`.

        If that fails, `end` raises the error: who reads the dump may need it for something else, too.
        """
        if self._error:
            return
        try:
            with translate_overflow(self.hour):
                self._write(self._sorter.add(well_formed(rows.lazy()).collect(engine="in-memory")))
        except PvtopError as error:
            self._error = error

    def end(self) -> list[SortedRun]:
        """Complete the runs and return them.

        Raises:
            InvalidReportError: A page occurs twice.
            CorruptError: The views of a page do not fit into 64 bits.
            OutputError: The scratch space cannot be written.
        """
        if self._error:
            raise self._error
        with translate_overflow(self.hour):
            self._write(self._sorter.end())
        self._end_run()
        return self._runs

    def _write(self, parts: Iterator[RunPart]) -> None:
        for part in parts:
            refuse_repeated(part.repeated, self.hour)
            with translate_cache_errors(self._folder):
                if part.starts:
                    self._end_run()
                    self._writer = RunWriter(self._folder / f"{self.hour.iso}-{len(self._runs)}.arrow")
                if self._writer:
                    self._writer.write(part.rows)

    def _end_run(self) -> None:
        if self._writer:
            self._runs.append(self._writer.close())
        self._writer = None


@contextlib.contextmanager
def translate_overflow(time: Hour | Day) -> Iterator[None]:
    """Turn what Polars raises for a sum that does not fit into a CorruptError."""
    try:
        yield
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(f"a dump of {time} is corrupt: a page's views do not fit into 64 bits") from error


def refuse_repeated(pages: pl.DataFrame, hour: Hour) -> None:
    """Check that no page of an hour occurs twice.

    Args:
        pages: The pages that do: `domain_code` String, `page_title` String.
        hour: The hour.

    Raises:
        InvalidReportError: There is one.
    """
    if len(pages):
        code, title = pages.select("domain_code", "page_title").row(0)
        raise InvalidReportError(
            f"the dump of {hour} has a page twice: {shorten(code)!r} {shorten(title)!r}", "replace the dump"
        )


class Spooled(NamedTuple):
    """An hour in the spool.

    Attributes:
        record: The dump.
        runs: Its rows.
    """

    record: DumpRecord
    runs: list[SortedRun]


def record_of(hour: Hour, facts: FileFacts, counts: Provenance) -> DumpRecord:
    """Return what a day file records of a dump."""
    return DumpRecord(
        stamp=hour.iso,
        source=facts.address,
        dump_bytes=facts.bytes,
        dump_sha256=facts.sha256,
        dump_last_modified=facts.last_modified,
        rows=counts.rows,
        malformed=counts.malformed,
    )


def write_spooled(day: Day, hours: Mapping[Hour, Spooled], path: Path) -> None:
    """Merge the hours of a day to a day file. Hours that are not there count as missing.

    Args:
        day: The day.
        hours: Its hours.
        path: The file to write, in scratch space.

    Raises:
        InvalidReportError: A page occurs twice in an hour.
        CorruptError: The views of a page do not fit into 64 bits.
        OutputError: The scratch space cannot be written.
    """

    def describe(totals: Totals) -> DayProvenance:
        return _provenance(day, [hours[hour].record for hour in sorted(hours)], totals)

    segments = _segments({hour: hours[hour].runs for hour in sorted(hours)})
    with translate_cache_errors(path.parent), contextlib.ExitStack() as stack:
        for spooled in hours.values():
            for run in spooled.runs:
                stack.callback(run.close)
        write_day_file(path, merge(segments, finish=partial(_gather, day)), describe)


def as_runs(hours: Mapping[Hour, Spooled], folder: Path) -> list[SortedRun]:
    """Return one run for each hour. Merge the runs of an hour that has several.

    Args:
        hours: The hours.
        folder: Where merged runs go.

    Raises:
        InvalidReportError: A page occurs twice in an hour.
        CorruptError: The views of a page do not fit into 64 bits.
        OutputError: The scratch space cannot be written.
    """
    return [_as_run(hour, hours[hour].runs, folder) for hour in sorted(hours)]


def _as_run(hour: Hour, runs: Sequence[SortedRun], folder: Path) -> SortedRun:
    if len(runs) == 1:
        return runs[0]
    with translate_cache_errors(folder), translate_overflow(hour), contextlib.ExitStack() as stack:
        for run in runs:
            stack.callback(run.remove)
        writer = RunWriter(folder / f"{hour.iso}.arrow")
        for rows in merge(_segments({hour: runs})):
            _refuse_repeated(HoursOfPages(rows), Day.of_hour(hour))
            writer.write(sum_by_page(rows.drop("start_hour")))
        return writer.close()


def _segments(runs: Mapping[Hour, Sequence[SortedRun]]) -> dict[str, list[_HourSegment]]:
    """Return the segments of each domain, in the order of the hours."""
    found: dict[str, list[_HourSegment]] = {}
    for hour, of_hour in runs.items():
        for run in of_hour:
            for code in run.codes:
                found.setdefault(code, []).append(_HourSegment(run, code, hour.start.hour))
    return found


def _refuse_repeated(hours: HoursOfPages, day: Day) -> None:
    repeated = hours.repeated.filter(~may_repeat())
    if len(repeated):
        refuse_repeated(repeated, day.hours[repeated.get_column("start_hour")[0]])


def _gather(day: Day, rows: pl.DataFrame) -> pl.DataFrame:
    hours = HoursOfPages(rows)
    _refuse_repeated(hours, day)
    with translate_overflow(day):
        return hours.gather()


def _provenance(day: Day, dumps: Collection[DumpRecord], totals: Totals) -> DayProvenance:
    return DayProvenance(
        day=day.iso,
        start=f"{day.start:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{day.end:%Y-%m-%dT%H:%M:%SZ}",
        dumps=tuple(dumps),
        pages=totals.domains.total(),
        views=totals.views,
        domains=tuple(totals.domains.items()),
        rules=DAY_RULES_VERSION,
        version=__version__,
    )


class _HourSegment:
    """The pages of a domain in a run of an hour."""

    def __init__(self, run: SortedRun, code: str, start_hour: int) -> None:
        self._run = run
        self._code = code
        self._start_hour = pl.lit(start_hour, pl.UInt8)
        self.rows = len(run.codes[code])

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield `page_title` String, `views` Int64, `start_hour` UInt8."""
        for frame in self._run.read(self._code):
            yield frame.with_columns(start_hour=self._start_hour)
