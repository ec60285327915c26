"""The lake: the folder or bucket that holds the reports, and reading them back."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import fsspec
import polars as pl
from fsspec.implementations.local import LocalFileSystem

from pvtop.addresses import join, local_path, public, redacted
from pvtop.errors import OutputError, PvtopError, UsageError
from pvtop.files import alone, become, check_writable, hint, staged
from pvtop.hours import Hour
from pvtop.report import DOMAINS, TOP_PAGES, Provenance, Report
from pvtop.steps import Waiting

PROVENANCE_KEY = "pvtop"
TEMPORARY = ".tmp"
DAYS_LISTED_ALONE = 100
PATIENCE = 80.0  # seconds; what the time-outs of the settings come to unless they are set

log = logging.getLogger(__name__)

T = TypeVar("T")


class Lake:
    """The root of all output: a folder or any address that fsspec knows.

    Args:
        output: The root; need not exist.
        patience: Seconds that a step with a file system elsewhere may take.
    """

    def __init__(self, output: str, patience: float = PATIENCE) -> None:
        self.output = output
        self._waiting = Waiting(patience)
        folder = local_path(output)
        with self._failures("opened"):
            self._files, self._root = self._waiting.step(fsspec.core.url_to_fs, str(folder) if folder else output)
        self._local = isinstance(self._files, LocalFileSystem)

    def close(self) -> None:
        """Give up what other threads wait for here: a file system that is silent, another run's lock."""
        self._waiting.end()

    def _do(self, step: Callable[..., T], *args: object) -> T:
        """Do a step with the file system; one that is elsewhere may never answer, and its libraries wait for long."""
        return step(*args) if self._local else self._waiting.step(step, *args)

    def path(self, relative: str) -> str:
        """Give where something lies, fit to be shown."""
        return join(public(self.output), relative)

    def prepare(self) -> None:
        """Make the root folder, or see that the bucket answers, so that a run fails before its work and not after it.

        Raises:
            OutputError: The lake cannot be written.
        """
        with self._failures("written"):
            if self._local:
                self._files.makedirs(self._root, exist_ok=True)
            else:
                self._do(self._files.exists, self._root)  # a bucket is not made, but that it answers is seen

    def write(self, report: Report) -> int:
        """Write an hour: the domains, the text, and the top pages last; their presence says that it is done.

        Each file appears under its name whole. In a folder, a disk that is full shows before anything is touched. Same
        report, same bytes.

        Returns:
            The bytes of its files.

        Raises:
            OutputError: The lake cannot be written.
        """
        facts = report.provenance.to_json()
        files = {
            domains_path(report.hour): _parquet(report.domains, facts),
            text_path(report.hour): report.to_text().encode(),
            top_pages_path(report.hour): _parquet(report.top_pages, facts),
        }
        with self._failures("written"), contextlib.ExitStack() as stack:
            puts = [self._prepare(path, content, stack) for path, content in files.items()]
            if self._local:  # two runs with other settings would mix their files otherwise
                folder = Path(self._full(top_pages_path(report.hour))).parent
                stack.enter_context(alone(folder, self._waiting.pause))
            self._remove(top_pages_path(report.hour))  # from here on the hour is not done, until it is whole again
            for put in puts:
                put()
        self._remove(failure_path(report.hour))
        return sum(map(len, files.values()))

    def provenance(self, hour: Hour) -> Provenance | None:
        """Tell where an hour's report comes from.

        Returns:
            None where the hour is not done, or done in a way that this version cannot read, so that it is to be made.

        Raises:
            OutputError: The lake cannot be read.
        """
        with self._failures("read"):
            try:
                return self._do(partial(self._opened, top_pages_path(hour), _provenance))
            except FileNotFoundError:
                return None

    def is_whole(self, hour: Hour) -> bool:
        """Tell whether every file of an hour is there, not only the one that says that it is done.

        Raises:
            OutputError: The lake cannot be read.
        """
        with self._failures("read"):
            paths = [self._full(path(hour)) for path in (top_pages_path, domains_path, text_path)]
            return all(self._do(self._files.exists, path) for path in paths)

    def _opened(self, relative: str, read: Callable[[BinaryIO], T]) -> T:
        with self._files.open(self._full(relative), "rb") as file:
            return read(file)

    def _full(self, relative: str) -> str:
        return f"{self._root}/{relative}"

    def _prepare(self, relative: str, content: bytes, stack: contextlib.ExitStack) -> Callable[[], object]:
        """Do all that can be done before a file gets its name; give what does that."""
        if not self._local:
            # An object appears when it is whole.
            return partial(self._do, self._files.pipe_file, self._full(relative), content)
        # Not in the partition: readers of a folder of Parquet trip over any other file in it.
        target, folder = Path(self._full(relative)), Path(self._full(TEMPORARY))
        file = stack.enter_context(staged(target, content, folder))
        check_writable(target.parent)
        return partial(become, file, target)

    def _remove(self, relative: str) -> None:
        with self._failures("written"), contextlib.suppress(FileNotFoundError):
            self._do(self._files.rm_file, self._full(relative))

    @contextlib.contextmanager
    def _failures(self, verb: str) -> Iterator[None]:
        """Turn what a file system raises into our words.

        Raises:
            OutputError: Whatever was raised: file systems raise what their libraries do, so nothing narrower will do.
        """
        try:
            yield
        except PvtopError:
            raise
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            what_to_do = hint(error, "choose another with --output, or check its permissions and credentials")
            if isinstance(error, TimeoutError):
                what_to_do = "try again later; PVTOP_READ_TIMEOUT is how long it is waited for"
            message = f"the lake {public(self.output)} cannot be {verb}: {redacted(reason)}"
            raise OutputError(message, what_to_do) from error

    def read(self, hour: Hour) -> Report | None:
        """Read an hour back; None where it is not done.

        Raises:
            OutputError: The lake cannot be read, or holds what this version cannot read.
        """
        if hour not in self.done([hour]):
            return None
        with self._failures("read"):
            top_pages, domains = self._frame(top_pages_path(hour)), self._frame(domains_path(hour))
            provenance = self.provenance(hour)
            if provenance is None:
                raise ValueError(f"the report of {hour} was made by another version of pvtop")
        return Report(hour, top_pages, domains, provenance)

    def text(self, hour: Hour) -> str | None:
        """Read the text report of an hour; None where there is none.

        Raises:
            OutputError: The lake cannot be read.
        """
        with self._failures("read"):
            try:
                content: bytes = self._do(self._files.cat_file, self._full(text_path(hour)))
            except FileNotFoundError:
                return None
        return content.decode("utf-8", "replace")

    def frames(self, hour: Hour) -> tuple[pl.DataFrame, pl.DataFrame] | None:
        """Read the top pages and the domains of an hour, whichever version wrote them.

        Returns:
            None where there are none, or none that can be read: a report may take their place whatever it holds.
        """
        try:
            with self._failures("read"):
                frames = self._frame(top_pages_path(hour)), self._frame(domains_path(hour))
        except OutputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                log.warning("what is there of %s does not count, as %s", hour, error)
            return None
        sound = all(
            set(wanted) <= set(frame.columns) for frame, wanted in zip(frames, (TOP_PAGES, DOMAINS), strict=True)
        )
        return frames if sound else None

    def _frame(self, relative: str) -> pl.DataFrame:
        return self._do(partial(self._opened, relative, pl.read_parquet))

    def done(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Tell which hours are done and when they were completed, from listings alone.

        Up to `DAYS_LISTED_ALONE` days take a listing of each day's folder; more take one of the whole lake, which on
        an object store is a call for every 1,000 hours.

        Returns:
            The hours that are done, and the time of their `top_pages.parquet`; None where the file system tells none.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._listed("top_pages", top_pages_path, hours)

    def failed(self, hours: Collection[Hour]) -> dict[Hour, datetime | None]:
        """Tell which hours have failed since they were last done, and when; by listings, as `done` does."""
        return self._listed("failures", failure_path, hours)

    def note_failure(self, hour: Hour, error: PvtopError) -> None:
        """Leave a note that an hour failed, for `status`; the next success removes it.

        Raises:
            OutputError: The lake cannot be written.
        """
        note = {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
        with self._failures("written"), contextlib.ExitStack() as stack:
            self._prepare(failure_path(hour), (json.dumps(note, ensure_ascii=False) + "\n").encode(), stack)()

    def _listed(
        self, folder: str, path_of: Callable[[Hour], str], hours: Collection[Hour]
    ) -> dict[Hour, datetime | None]:
        days = sorted({f"{folder}/date={hour.stamp:%Y-%m-%d}" for hour in hours})
        by_path = {self._full(path_of(hour)): hour for hour in hours}
        found = {}
        with self._failures("read"):
            self._files.invalidate_cache()
            for one in days if len(days) <= DAYS_LISTED_ALONE else [folder]:
                for path, facts in self._find(self._full(one)).items():
                    if hour := by_path.get(path):
                        found[hour] = _completed(facts)
        return found

    def _find(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """List all files below a folder, by their paths; none where there is no such folder.

        Raises:
            OSError: It cannot be listed; fsspec passes over local folders that cannot, unless it is told otherwise.
        """
        strictly = {"on_error": _unless_missing} if self._local else {}
        return self._do(partial(self._files.find, folder, detail=True, **strictly))

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
                found = _hour(f"{one}T{time}")
                if found and hour in {None, found.stamp.hour} and self._is_done(found):
                    yield found

    def _is_done(self, hour: Hour) -> bool:
        with self._failures("read"):
            try:
                self._do(self._files.info, self._full(top_pages_path(hour)))
            except FileNotFoundError:
                return False
            return True

    def _partitions(self, folder: str, key: str) -> list[str]:
        """Give the values of a hive partition below a folder, the largest first."""
        with self._failures("read"):
            try:
                paths = self._do(partial(self._files.ls, self._full(folder), detail=False))
            except FileNotFoundError:
                return []
        names = [path.rstrip("/").rpartition("/")[2] for path in paths]
        return sorted((name.removeprefix(key) for name in names if name.startswith(key)), reverse=True)


def _completed(facts: Mapping[str, Any]) -> datetime | None:
    """Read a file's time as file systems tell it: seconds, or a time under their own name for it."""
    time = facts.get("mtime") or facts.get("LastModified") or facts.get("created")
    return datetime.fromtimestamp(time, UTC) if isinstance(time, int | float) else time


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _hour(text: str) -> Hour | None:
    """Read the hour that folders of a lake name; None where they name none."""
    try:
        return Hour.parse(text)
    except UsageError:
        return None


def top_pages_path(hour: Hour) -> str:
    """Give where the ranked pages of an hour lie; their presence says that the hour is done."""
    return f"top_pages/{hour.partition}/top_pages.parquet"


def domains_path(hour: Hour) -> str:
    """Give where the domain totals of an hour lie."""
    return f"domains/{hour.partition}/domains.parquet"


def failure_path(hour: Hour) -> str:
    """Give where the note lies that an hour failed."""
    return f"failures/{hour.partition}.json"


def text_path(hour: Hour) -> str:
    """Give where the text report of an hour lies."""
    return f"text/{hour.month_folder}/top_pages-{hour.stamp:%Y%m%d-%H}0000.txt"


def _provenance(file: BinaryIO) -> Provenance | None:
    """Read the provenance in the footer of a Parquet file; None where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(file).metadata or {}
    except pa.ArrowInvalid:
        return None
    return Provenance.from_json(metadata.get(PROVENANCE_KEY.encode(), b"null"))


def _parquet(frame: pl.DataFrame, facts: str) -> bytes:
    """Write a frame as Parquet with its provenance; by Polars, as pyarrow takes longer to import than to write."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", metadata={PROVENANCE_KEY: facts})
    return buffer.getvalue()
