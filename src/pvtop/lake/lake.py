"""The lake: write reports, read them back, and list which hours are made."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Self

import polars as pl

from pvtop.core.address import local_path, public
from pvtop.core.day import Day
from pvtop.core.errors import OutputError, PvtopError
from pvtop.core.hour import Hour
from pvtop.core.period import Period
from pvtop.lake.day_files import DayFile
from pvtop.lake.layout import (
    day_path,
    domains_path,
    failure_path,
    parse_day_partition,
    parse_partition,
    text_path,
    top_pages_path,
)
from pvtop.lake.parquet import read_frame, read_provenance, write_parquet
from pvtop.lake.replacing import replace_files
from pvtop.lake.rollups import read_rollup, read_rollup_provenance, write_rollup
from pvtop.render.text import render_text
from pvtop.settings import Settings
from pvtop.storage.deadline import start_daemon
from pvtop.storage.registry import open_filesystem
from pvtop.transform.report import Provenance, Report
from pvtop.transform.rollup import Rollup, RollupProvenance
from pvtop.transform.schemas import DOMAINS, TOP_PAGES

MAX_LISTINGS = 100  # of single folders; beyond that, one listing of the whole tree costs less
DEFAULT_TIMEOUT = 80.0  # seconds; the default of `Settings.timeout`

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What can still be read of an hour, made or not, by any version. None stands for missing or damaged."""

    top_pages: pl.DataFrame | None
    domains: pl.DataFrame | None
    provenance: Provenance | None


class Lake:
    """The root of all output: a folder, or any address that fsspec supports.

    Args:
        output: The root. It does not have to exist.
        timeout: Seconds that one call to a remote file system may take.
    """

    def __init__(self, output: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._filesystem = open_filesystem(output, timeout)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the lake of the settings.

        Raises:
            OutputError: It is on object storage, and the setting `offline` is set.
        """
        if settings.offline and local_path(settings.output) is None:
            raise OutputError(
                f"the lake {public(settings.output)} is not on this machine, and pvtop is offline",
                "name a folder",
                setting="output",
            )
        return cls(settings.output, settings.timeout)

    def close(self) -> None:
        """Cancel what other threads wait for: a silent file system, or the lock of another run."""
        self._filesystem.close()

    def path(self, relative: str) -> str:
        """Return the full path or address of a file, without secrets."""
        return self._filesystem.path(relative)

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

    def provenance(self, hour: Hour) -> Provenance | None:
        """Return the provenance of an hour's report.

        Returns:
            The provenance, or None if the report has to be made. It has to be made if it is missing, damaged, or in a
            format of another pvtop version that this version cannot read.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._filesystem.read(top_pages_path(hour), read_provenance)

    def provenance_of_domains(self, hour: Hour) -> Provenance | None:
        """Return the provenance in the file of the domain totals, or None as `provenance` does.

        If it differs from the result of `provenance`, the two files are from different reports.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._filesystem.read(domains_path(hour), read_provenance)

    def read(self, hour: Hour) -> Report | None:
        """Read the report of an hour. Return None if the hour is not in the lake.

        Raises:
            OutputError: The lake cannot be read, a file is missing or damaged, or another version wrote the report and
                this one cannot read it.
        """
        if hour not in self.made_at([hour]):
            return None
        top_pages = self._read_frame(top_pages_path(hour), TOP_PAGES)
        domains = self._read_frame(domains_path(hour), DOMAINS)
        provenance = self.provenance(hour)
        if provenance is None:
            raise self._unreadable(top_pages_path(hour), "it was made by another version of pvtop, or is damaged")
        return Report(hour, top_pages, domains, provenance)

    def text(self, hour: Hour) -> str | None:
        """Read the text report of an hour. Return None if there is none.

        Raises:
            OutputError: The lake cannot be read.
        """
        content = self._filesystem.content(text_path(hour))
        return None if content is None else content.decode("utf-8", "replace")

    def salvage(self, hour: Hour) -> Salvaged:
        """Read what can still be read of an hour, so that a new report can be compared with it.

        Raises:
            OutputError: The lake cannot be read.
        """
        top_pages = self._salvage_frame(top_pages_path(hour), TOP_PAGES)
        domains = self._salvage_frame(domains_path(hour), DOMAINS)
        return Salvaged(top_pages, domains, self.provenance(hour) or self.provenance_of_domains(hour))

    def _salvage_frame(self, relative: str, schema: pl.Schema) -> pl.DataFrame | None:
        if (content := self._filesystem.content(relative)) is None:
            return None
        try:
            return read_frame(content, schema)
        except ValueError as error:
            log.warning("ignoring %s, which cannot be read: %s", self.path(relative), error)
            return None

    def _read_frame(self, relative: str, schema: pl.Schema) -> pl.DataFrame:
        if (content := self._filesystem.content(relative)) is None:
            raise self._unreadable(relative, "it is missing")
        try:
            return read_frame(content, schema)
        except ValueError as error:
            raise self._unreadable(relative, str(error)) from error

    def _unreadable(self, relative: str, reason: str) -> OutputError:
        return OutputError(
            f"cannot read {self.path(relative)}: {reason}",
            "make the report again",
            setting="force",
            remedy="remake_report",
        )

    def made_at(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Return which of the hours are in the lake, and when each was completed.

        Reads only folder listings, not files.

        Lists one folder for each day if there are at most `MAX_LISTINGS`. Otherwise lists the whole tree, which takes
        an object store one call for every 1,000 hours.

        Returns:
            The hours that have the marker `top_pages.parquet`, each with the time of that file, or None if the file
            system does not report it.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._find_files(top_pages_path, hours)

    def lacking_files(self, hours: Collection[Hour]) -> set[Hour]:
        """Return the hours that lack the domain totals or the text report. Reads only folder listings, not files.

        Raises:
            OutputError: The lake cannot be read.
        """
        domains = self._find_files(domains_path, hours)
        texts = self._find_files(text_path, hours, depth=3)
        return set(hours) - (domains.keys() & texts.keys())

    def failed(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Return the hours that failed after they were last made, each with the time of its failure.

        Reads only folder listings, not files.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._find_files(failure_path, hours)

    def note_failure(self, hour: Hour, error: PvtopError) -> None:
        """Write a note that an hour failed, for the status of the lake. The next success removes it.

        Raises:
            OutputError: The lake cannot be written.
        """
        note = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
        with self._filesystem.translate_errors("write"), contextlib.ExitStack() as stack:
            stack.enter_context(
                self._filesystem.stage(failure_path(hour), (json.dumps(note, ensure_ascii=False) + "\n").encode())
            )()

    @contextlib.contextmanager
    def day_file(self, day: Day) -> Iterator[DayFile | None]:
        """Open the day file of a day. Yield None if the day is not in the lake.

        Raises:
            OutputError: The lake cannot be read, or the day file is damaged or was made by another version.
        """
        file = self._filesystem.open(day_path(day))
        if file is None:
            yield None
            return
        with file:
            yield DayFile(file, self.path(day_path(day)))

    def write_day(self, day: Day, local: Path) -> None:
        """Put a day file into the lake. It appears complete or not at all.

        Args:
            day: The day.
            local: The file, on this machine.

        Raises:
            OutputError: The lake cannot be written.
        """
        self._filesystem.put(day_path(day), local)

    def days(self) -> list[Day]:
        """Return the days that have a day file, the oldest first. Reads only folder listings.

        Raises:
            OutputError: The lake cannot be read.
        """
        found = (parse_day_partition(name) for name in self._partitions("days", "day="))
        return sorted(day for day in found if day and self._filesystem.exists(day_path(day)))

    def rollup(self, period: Period, *, merged: bool = False) -> Rollup | None:
        """Read the rollup of a period. Return None if it is not in the lake.

        Args:
            period: The hours.
            merged: Whether desktop, mobile and zero of a wiki are added up.

        Raises:
            OutputError: The lake cannot be read, a file is missing or damaged, or another version wrote the rollup.
        """
        return read_rollup(self._filesystem, period, merged=merged)

    def rollup_provenance(self, period: Period, *, merged: bool = False) -> RollupProvenance | None:
        """Return the provenance of a rollup, or None if the rollup has to be made, as `provenance` does.

        Raises:
            OutputError: The lake cannot be read.
        """
        return read_rollup_provenance(self._filesystem, period, merged=merged)

    def write_rollup(self, rollup: Rollup, check: Callable[[], object] = lambda: None) -> None:
        """Write a rollup: the domain totals, and then the ranked pages. Works like `write`.

        Raises:
            OutputError: The lake cannot be written.
        """
        write_rollup(self._filesystem, rollup, check)

    def _find_files(
        self, path_of: Callable[[Hour], str], hours: Collection[Hour], depth: int = 2
    ) -> dict[Hour, datetime | None]:
        """Return the hours whose file exists, each with the time of the file.

        Args:
            path_of: Returns the path of the file of an hour.
            hours: The hours to look for.
            depth: How many levels below the root the folders to list are.
        """
        by_path = {path_of(hour): hour for hour in hours}
        folders = sorted({"/".join(path.split("/")[:depth]) for path in by_path})
        if len(folders) > MAX_LISTINGS:
            folders = [folders[0].partition("/")[0]]
        found = {}
        for folder in folders:
            for path, changed in self._filesystem.find(folder).items():
                if hour := by_path.get(path):
                    found[hour] = changed
        return found

    def newest(self, day: date | None = None, hour: int | None = None) -> Hour | None:
        """Return the newest hour in the lake, or None if there is none.

        Args:
            day: Only hours that are stamped on this day.
            hour: Only hours that are stamped at this hour of the day.

        Raises:
            OutputError: The lake cannot be read.
        """
        return next(self._newest_first(day, hour), None)

    def last(self, count: int) -> list[Hour]:
        """Return the newest hours in the lake, the oldest of them first.

        Raises:
            OutputError: The lake cannot be read.
        """
        return sorted(islice(self._newest_first(), count))

    def _newest_first(self, day: date | None = None, hour: int | None = None) -> Iterator[Hour]:
        dates = self._partitions("top_pages", "date=") if day is None else [day.isoformat()]
        for stamp_date in dates:
            for stamp_hour in self._partitions(f"top_pages/date={stamp_date}", "hour="):
                found = parse_partition(f"{stamp_date}T{stamp_hour}")
                if found and hour in {None, found.stamp.hour} and self._filesystem.exists(top_pages_path(found)):
                    yield found

    def _partitions(self, folder: str, key: str) -> list[str]:
        """Return the values of a hive partition key in a folder, largest first."""
        names = self._filesystem.names(folder)
        return sorted((name.removeprefix(key) for name in names if name.startswith(key)), reverse=True)
