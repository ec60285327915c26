"""The lake: the folder or bucket that holds the reports, and reading them back."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

import polars as pl

from pvtop.core.errors import OutputError, PvtopError
from pvtop.core.hour import Hour
from pvtop.lake.layout import domains_path, failure_path, parse_partition, text_path, top_pages_path
from pvtop.lake.parquet import read_frame, read_provenance, write_parquet
from pvtop.render.text import render_text
from pvtop.storage.deadline import start_daemon
from pvtop.storage.registry import open_filesystem
from pvtop.transform.report import Provenance, Report
from pvtop.transform.schemas import DOMAINS, TOP_PAGES

LISTED_ALONE = 100  # folders
TIMEOUT = 80.0  # seconds; what the time-outs of the settings come to unless they are set

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What can be read of an hour, done or not, whichever version wrote it; None is what is not there or damaged."""

    top_pages: pl.DataFrame | None
    domains: pl.DataFrame | None
    provenance: Provenance | None


class Lake:
    """The root of all output: a folder or any address that fsspec knows.

    Args:
        output: The root; need not exist.
        patience: Seconds that a step with a file system elsewhere may take.
    """

    def __init__(self, output: str, timeout: float = TIMEOUT) -> None:
        self._files = open_filesystem(output, timeout)

    def close(self) -> None:
        """Give up what other threads wait for here: a file system that is silent, another run's lock."""
        self._files.close()

    def path(self, relative: str) -> str:
        """Give where something lies, fit to be shown."""
        return self._files.path(relative)

    def prepare(self) -> None:
        """Make the root folder, or see that the bucket answers, so that a run fails before its work and not after it.

        Raises:
            OutputError: The lake cannot be written.
        """
        self._files.prepare()

    def write(self, report: Report, check: Callable[[], object] = lambda: None) -> int:
        """Write an hour: the domains, the text, and the top pages last; their presence says that it is done.

        Each file appears under its name whole. In a folder, a disk that is full shows before anything is touched. Same
        report, same bytes.

        Args:
            report: The report.
            check: Called right before anything is touched, in a folder while other runs are kept out of the hour; what
                it raises leaves the hour as it is.

        Returns:
            The bytes of its files.

        Raises:
            OutputError: The lake cannot be written.
        """
        text = start_daemon(render_text, report)  # by Python, while Polars writes the rest
        domains = write_parquet(report.domains, report.provenance)
        top_pages = write_parquet(report.top_pages, report.provenance)
        files = {
            domains_path(report.hour): domains,
            text_path(report.hour): text.result().encode(),
            top_pages_path(report.hour): top_pages,
        }
        with self._files.translate_errors("write"), contextlib.ExitStack() as stack:
            commits = [stack.enter_context(self._files.stage(path, content)) for path, content in files.items()]
            marker = top_pages_path(report.hour)
            stack.enter_context(
                self._files.exclusive_lock(marker)
            )  # two runs with other settings would mix their files
            check()
            self._files.remove(failure_path(report.hour))
            self._files.remove(marker)  # from here on the hour is not done, until it is whole again
            for commit in commits:
                commit()
        return sum(map(len, files.values()))

    def provenance(self, hour: Hour) -> Provenance | None:
        """Tell where an hour's report comes from.

        Returns:
            None where the hour is not done, or done in a way that this version cannot read, or damaged: it is to be
            made.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._files.read(top_pages_path(hour), read_provenance)

    def provenance_of_domains(self, hour: Hour) -> Provenance | None:
        """Tell the same by the metadata of the domains, which are those of another report where the two differ."""
        return self._files.read(domains_path(hour), read_provenance)

    def read(self, hour: Hour) -> Report | None:
        """Read an hour back; None where it is not done.

        Raises:
            OutputError: The lake cannot be read, or holds what this version cannot read, or what is damaged.
        """
        if hour not in self.done([hour]):
            return None
        top_pages, domains = self._frame(top_pages_path(hour), TOP_PAGES), self._frame(domains_path(hour), DOMAINS)
        provenance = self.provenance(hour)
        if provenance is None:
            raise self._unreadable(top_pages_path(hour), "it was made by another version of pvtop, or is damaged")
        return Report(hour, top_pages, domains, provenance)

    def text(self, hour: Hour) -> str | None:
        """Read the text report of an hour; None where there is none.

        Raises:
            OutputError: The lake cannot be read.
        """
        content = self._files.content(text_path(hour))
        return None if content is None else content.decode("utf-8", "replace")

    def salvage(self, hour: Hour) -> Salvaged:
        """Read whatever there is of an hour: a report may take the place of what is damaged, whatever it holds.

        Raises:
            OutputError: The lake cannot be read.
        """
        top_pages = self._sound(top_pages_path(hour), TOP_PAGES)
        domains = self._sound(domains_path(hour), DOMAINS)
        return Salvaged(top_pages, domains, self.provenance(hour) or self.provenance_of_domains(hour))

    def _sound(self, relative: str, wanted: pl.Schema) -> pl.DataFrame | None:
        if (content := self._files.content(relative)) is None:
            return None
        try:
            return read_frame(content, wanted)
        except ValueError as error:
            log.warning("%s does not count, as it cannot be read: %s", self.path(relative), error)
            return None

    def _frame(self, relative: str, wanted: pl.Schema) -> pl.DataFrame:
        if (content := self._files.content(relative)) is None:
            raise self._unreadable(relative, "it is missing")
        try:
            return read_frame(content, wanted)
        except ValueError as error:
            raise self._unreadable(relative, str(error)) from error

    def _unreadable(self, relative: str, reason: str) -> OutputError:
        return OutputError(
            f"{self.path(relative)} cannot be read: {reason}", "pvtop report --force makes an hour again"
        )

    def done(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Tell which hours are done and when they were completed, from listings alone.

        Up to `LISTED_ALONE` days take a listing of each day's folder; more take one of the whole lake, which on
        an object store is a call for every 1,000 hours.

        Returns:
            The hours that are done, and the time of their `top_pages.parquet`; None where the file system tells none.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._listed(top_pages_path, hours)

    def incomplete(self, hours: Collection[Hour]) -> set[Hour]:
        """Tell of which hours a file is not there beside the one that says that they are done; by listings, as `done`.

        Raises:
            OutputError: The lake cannot be read.
        """
        return set(hours) - (self._listed(domains_path, hours).keys() & self._listed(text_path, hours, depth=3).keys())

    def failed(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Tell which hours have failed since they were last done, and when; by listings, as `done` does."""
        return self._listed(failure_path, hours)

    def note_failure(self, hour: Hour, error: PvtopError) -> None:
        """Leave a note that an hour failed, for `status`; the next success removes it.

        Raises:
            OutputError: The lake cannot be written.
        """
        note = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
        with self._files.translate_errors("write"), contextlib.ExitStack() as stack:
            stack.enter_context(
                self._files.stage(failure_path(hour), (json.dumps(note, ensure_ascii=False) + "\n").encode())
            )()

    def _listed(
        self, path_of: Callable[[Hour], str], hours: Collection[Hour], depth: int = 2
    ) -> dict[Hour, datetime | None]:
        """List the folders, so many levels below the root, in which a file of each hour lies; give when it changed."""
        by_path = {path_of(hour): hour for hour in hours}
        folders = sorted({"/".join(path.split("/")[:depth]) for path in by_path})
        if len(folders) > LISTED_ALONE:
            folders = [folders[0].partition("/")[0]]
        found = {}
        for folder in folders:
            for path, changed in self._files.find(folder).items():
                if hour := by_path.get(path):
                    found[hour] = changed
        return found

    def newest(self, day: date | None = None, hour: int | None = None) -> Hour | None:
        """Find the newest hour that is done, of a day or at an hour of the day where given; None where none is.

        Raises:
            OutputError: The lake cannot be read.
        """
        return next(self._newest_first(day, hour), None)

    def last(self, count: int) -> list[Hour]:
        """Find the newest hours that are done, the oldest of them first.

        Raises:
            OutputError: The lake cannot be read.
        """
        return sorted(islice(self._newest_first(), count))

    def _newest_first(self, day: date | None = None, hour: int | None = None) -> Iterator[Hour]:
        days = self._partitions("top_pages", "date=") if day is None else [day.isoformat()]
        for one in days:
            for time in self._partitions(f"top_pages/date={one}", "hour="):
                found = parse_partition(f"{one}T{time}")
                if found and hour in {None, found.stamp.hour} and self._files.exists(top_pages_path(found)):
                    yield found

    def _partitions(self, folder: str, key: str) -> list[str]:
        """Give the values of a hive partition below a folder, the largest first."""
        names = self._files.names(folder)
        return sorted((name.removeprefix(key) for name in names if name.startswith(key)), reverse=True)
