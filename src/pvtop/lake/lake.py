"""The lake: write reports, and read and scan them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Self

import polars as pl

from pvtop.core.arguments import MAKE_SETTINGS, check_type
from pvtop.core.errors import NotInLakeError, OutputError, PvtopError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour, HourLike, hour_range, runs_of, span
from pvtop.core.html import table
from pvtop.core.period import Period, PeriodLike
from pvtop.lake.days import StoredDays
from pvtop.lake.layout import domains_path, failure_path, text_path, top_pages_path
from pvtop.lake.parquet import read_provenance, read_report_frame, write_parquet
from pvtop.lake.replacing import replace_files
from pvtop.lake.rollups import find_rollups, read_rollup, read_rollup_provenance, write_rollup
from pvtop.lake.scan import Missing, check_missing, scan_hours
from pvtop.render.text import render_text
from pvtop.settings import Settings
from pvtop.storage.deadline import start_daemon
from pvtop.transform.report import Provenance, Report
from pvtop.transform.rollup import Rollup, RollupProvenance
from pvtop.transform.schemas import DOMAINS, TOP_PAGES

log = logging.getLogger(__name__)


class Salvaged(NamedTuple):
    """What can still be read of an hour, made or not, by any version. None stands for missing or damaged."""

    top_pages: pl.DataFrame | None
    domains: pl.DataFrame | None
    provenance: Provenance | None


class Lake(StoredDays):
    """The root of all output: a folder, or any address that fsspec supports.

    Its methods take an hour as an `Hour`, as a `datetime` with a time zone, or as text such as `2024-12-31T14`. An hour
    is named by its END. They raise UsageError if a value is not an hour.

    Args:
        output: The root. It does not have to exist.
        timeout: Seconds that one call to a remote file system may take.

    Raises:
        UsageError: The root is neither a path nor an address.
        OutputError: fsspec does not support the address.
    """

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the lake of the settings.

        Raises:
            UsageError: The argument is not `Settings`.
            OutputError: It is on object storage, and the setting `offline` is set.
        """
        check_type(settings, Settings, MAKE_SETTINGS)
        if settings.offline and settings.output.local_path is None:
            raise OutputError(
                f"the lake {settings.output} is not on this machine, and pvtop is offline",
                "name a folder",
                setting="output",
            )
        return cls(settings.output, settings.timeout)

    def __repr__(self) -> str:
        return f"Lake({str(self._filesystem.address)!r})"

    def _repr_html_(self) -> str:
        """Return the address and the newest hour, as notebooks show them. Lists two or three folders."""
        try:
            newest = self.newest()
            rows = [("newest report", str(newest) if newest else "none yet")]
        except PvtopError as error:  # a notebook would show a traceback in place of the lake
            rows = [("cannot be read", str(error)), ("advice", error.hint)]
        return table(f"The lake {self.path('')}", rows)

    def prepare(self) -> None:
        """Create the root folder, or check that the bucket answers, so that a run that cannot write fails at once.

        Raises:
            OutputError: The lake cannot be written.
        """
        self._filesystem.prepare()

    def write(self, report: Report, check: Callable[[], object] = lambda: None) -> int:
        """Write the report for an hour: the domain totals, the text, and then the ranked pages.

        The ranked pages come last because they mark the hour as complete.

        Readers never see a partial file. If a step fails, the earlier files are put back. If a local disk is full,
        OutputError is raised before any file is replaced. The same report gives the same bytes.

        Args:
            report: The report.
            check: Called right before any file is changed. If the lake is a folder, the hour is locked against other
                runs during the call. If it raises, the hour stays unchanged.

        Returns:
            The size of all files, in bytes.

        Raises:
            OutputError: The lake cannot be written.
        """
        text = start_daemon(render_text, report)  # mostly Python, so it runs while Polars writes Parquet
        domains = write_parquet(report.domains, report.provenance)
        top_pages = write_parquet(report.top_pages, report.provenance)
        files = {
            domains_path(report.hour): domains,
            text_path(report.hour): text.result().encode(),
            top_pages_path(report.hour): top_pages,
        }
        replace_files(self._filesystem, files, check, failure_path(report.hour))
        return sum(map(len, files.values()))

    def provenance(self, hour: HourLike) -> Provenance | None:
        """Return the provenance of an hour's report.

        Returns:
            The provenance, or None if the report has to be made. It has to be made if it is missing, damaged, of
            another hour, or in a format of another pvtop version that this version cannot read.

        Raises:
            OutputError: The lake cannot be read.
        """
        hour = Hour.at(hour)
        return self._filesystem.read(top_pages_path(hour), partial(read_provenance, hour))

    def provenance_of_domains(self, hour: HourLike) -> Provenance | None:
        """Return the provenance in the file of the domain totals, or None as `provenance` does.

        If it differs from the result of `provenance`, the two files are from different reports.

        Raises:
            OutputError: The lake cannot be read.
        """
        hour = Hour.at(hour)
        return self._filesystem.read(domains_path(hour), partial(read_provenance, hour))

    def read(self, hour: HourLike) -> Report:
        """Read the report of an hour.

        Returns:
            The report. `Report` lists the columns of its two frames.

        Raises:
            NotInLakeError: The hour is not in the lake.
            OutputError: The lake cannot be read, a file is missing or damaged, or another version wrote the report and
                this one cannot read it.
        """
        hour = Hour.at(hour)
        self._made([hour], "error")
        top_pages = self._read_frame(top_pages_path, hour, TOP_PAGES)
        domains = self._read_frame(domains_path, hour, DOMAINS)
        provenance = self.provenance(hour)
        if provenance is None:
            raise self._unreadable(top_pages_path, hour, "it was made by another version of pvtop, or is damaged")
        return Report(hour, top_pages, domains, provenance)

    def scan_reports(self, first: HourLike, last: HourLike, *, missing: Missing = "error") -> pl.LazyFrame:
        """Scan the ranked pages of a range of hours.

        Lists which hours are in the lake. The files of these hours, and no others, are read when the frame is
        collected.

        Args:
            first: The first hour of the range.
            last: The last hour, which is included.
            missing: Whether an hour that is not in the lake is an `error`, or left out (`skip`).

        Returns:
            `start` Datetime in UTC, the beginning of the hour; `domain_code` String, `rank` UInt32, `page_title`
            String, `views` Int64; by hour, domain and rank. Collecting raises OutputError if a file is missing or
            damaged.

        Raises:
            NotInLakeError: Hours are missing, and `missing` is `error`.
            UsageError: The last hour is before the first, or `missing` is something else.
            OutputError: The lake cannot be listed.
        """
        hours = self._made(hour_range(first, last), missing)
        return scan_hours(hours, lambda hour: self._read_frame(top_pages_path, hour, TOP_PAGES), TOP_PAGES)

    def scan_totals(self, first: HourLike, last: HourLike, *, missing: Missing = "error") -> pl.LazyFrame:
        """Scan the domain totals of a range of hours, in the way of `scan_reports`.

        Args:
            first: The first hour of the range.
            last: The last hour, which is included.
            missing: Whether an hour that is not in the lake is an `error`, or left out (`skip`).

        Returns:
            `start` Datetime in UTC, the beginning of the hour; `domain_code` String; `pages`, `views`,
            `blacklisted_pages`, `blacklisted_views` Int64; by hour and domain. `pages` and `views` include the excluded
            pages. Collecting raises OutputError if a file is missing or damaged.

        Raises:
            NotInLakeError: Hours are missing, and `missing` is `error`.
            UsageError: The last hour is before the first, or `missing` is something else.
            OutputError: The lake cannot be listed.
        """
        hours = self._made(hour_range(first, last), missing)
        return scan_hours(hours, lambda hour: self._read_frame(domains_path, hour, DOMAINS), DOMAINS)

    def _made(self, hours: Sequence[Hour], missing: Missing) -> list[Hour]:
        """Return the hours that are in the lake, the oldest first.

        Raises:
            NotInLakeError: Some are not, and `missing` is `error`.
            UsageError: `missing` is neither `error` nor `skip`.
        """
        check_missing(missing)
        made = self.made_at(hours)
        lacking = [hour for hour in hours if hour not in made]
        if lacking and missing == "error":
            raise self._not_in_lake(lacking, hours)
        return sorted(made)

    def _not_in_lake(self, lacking: Sequence[Hour], hours: Sequence[Hour]) -> NotInLakeError:
        lake = f"the lake {self.path('')}"
        if len(hours) == 1:
            return NotInLakeError(
                f"{lake} has no report of {lacking[0]}",
                "make it with run_hour",
                remedy="make_report",
                about=lacking[0].iso,
            )
        runs = ", ".join(span(*run) for run in runs_of(lacking))
        return NotInLakeError(
            shorten(f"{lake} lacks {len(lacking):,} of {len(hours):,} hours: {runs}"),
            "make them with run_hours, or leave them out with missing='skip'",
        )

    def text(self, hour: HourLike) -> str | None:
        """Read the text report of an hour. Return None if there is none.

        Raises:
            OutputError: The lake cannot be read.
        """
        content = self._filesystem.content(text_path(Hour.at(hour)))
        return None if content is None else content.decode("utf-8", "replace")

    def salvage(self, hour: HourLike) -> Salvaged:
        """Read what can still be read of an hour, so that a new report can be compared with it.

        Raises:
            OutputError: The lake cannot be read.
        """
        hour = Hour.at(hour)
        top_pages = self._salvage_frame(top_pages_path, hour, TOP_PAGES)
        domains = self._salvage_frame(domains_path, hour, DOMAINS)
        return Salvaged(top_pages, domains, self.provenance(hour) or self.provenance_of_domains(hour))

    def _salvage_frame(self, path: Callable[[Hour], str], hour: Hour, schema: pl.Schema) -> pl.DataFrame | None:
        if (content := self._filesystem.content(path(hour))) is None:
            return None
        try:
            return read_report_frame(content, schema, hour)
        except ValueError as error:
            log.warning("ignoring %s, which cannot be read: %s", self.path(path(hour)), error)
            return None

    def _read_frame(self, path: Callable[[Hour], str], hour: Hour, schema: pl.Schema) -> pl.DataFrame:
        if (content := self._filesystem.content(path(hour))) is None:
            raise self._unreadable(path, hour, "it is missing")
        try:
            return read_report_frame(content, schema, hour)
        except ValueError as error:
            raise self._unreadable(path, hour, str(error)) from error

    def _unreadable(self, path: Callable[[Hour], str], hour: Hour, reason: str) -> OutputError:
        return OutputError(
            f"cannot read {self.path(path(hour))}: {reason}",
            "make the report again",
            setting="force",
            remedy="remake_report",
            about=hour.iso,
        )

    def note_failure(self, hour: HourLike, error: PvtopError) -> None:
        """Write a note that an hour failed, for the status of the lake. The next success removes it.

        Raises:
            OutputError: The lake cannot be written.
        """
        note = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
        path, content = failure_path(Hour.at(hour)), (json.dumps(note, ensure_ascii=False) + "\n").encode()
        with self._filesystem.translate_errors("write"), self._filesystem.stage(path, content) as commit:
            commit()

    def rollup(self, period: PeriodLike, *, merged: bool = False) -> Rollup | None:
        """Read the rollup of a period. Return None if it is not in the lake.

        Args:
            period: The hours, as `run_rollup` takes them.
            merged: Whether desktop, mobile and zero of a wiki are added up.

        Returns:
            The rollup. `Rollup` lists the columns of its two frames.

        Raises:
            UsageError: The value is not a period.
            OutputError: The lake cannot be read, a file is missing or damaged, or another version wrote the rollup.
        """
        return read_rollup(self._filesystem, Period.at(period), merged=merged)

    def rollup_provenance(self, period: PeriodLike, *, merged: bool = False) -> RollupProvenance | None:
        """Return the provenance of a rollup, or None if the rollup has to be made, as `provenance` does.

        Raises:
            OutputError: The lake cannot be read.
        """
        return read_rollup_provenance(self._filesystem, Period.at(period), merged=merged)

    def rollups(self) -> list[tuple[Period, bool]]:
        """Return the period of each rollup in the lake, and whether it merges access. Reads only folder listings.

        Raises:
            OutputError: The lake cannot be read.
        """
        return find_rollups(self._filesystem)

    def write_rollup(self, rollup: Rollup, check: Callable[[Sequence[Hour]], object] = lambda _: None) -> None:
        """Write a rollup: the domain totals, and then the ranked pages. Works like `write`.

        Calls `check` with the lost hours: the rollup lacks them, and the one in the lake has or may have them.

        Raises:
            OutputError: The lake cannot be written.
        """
        write_rollup(self._filesystem, rollup, check)
