"""Which hours a lake has. Reads only listings of folders, not files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice

from pvtop.core.address import Address, AddressLike, parse_root
from pvtop.core.arguments import check_whole
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour, HourLike, check_hour_of_day, date_at
from pvtop.core.redaction import redacted
from pvtop.lake.failures import LAKE
from pvtop.lake.layout import (
    domains_path,
    failure_path,
    parse_partition,
    parse_top_pages_path,
    text_path,
    top_pages_path,
)
from pvtop.storage.registry import open_filesystem

MAX_LISTINGS = 100  # of single folders; beyond that, one listing of the whole tree costs less
DEFAULT_TIMEOUT = 80.0  # seconds; the default of `Settings.timeout`


def root_of(output: object) -> Address:
    """Return the address of the root of a lake.

    Raises:
        UsageError: It is neither a path nor a valid address.
    """
    if not isinstance(output, AddressLike) or not str(output):
        hint = "pass a folder, or an address such as s3://bucket/prefix; Lake.of takes settings"
        raise UsageError(_not_a_lake(output), hint)
    try:
        return parse_root(output) if isinstance(output, str) else Address.at(output)
    except ValueError as error:
        raise UsageError(f"{_not_a_lake(output)}: it {error}") from None


def _not_a_lake(output: object) -> str:
    return f"{shorten(redacted(repr(output)))} is not the address of a lake"


class ListedHours:
    """The part of `Lake` that finds hours.

    Args:
        output: The root. It does not have to exist.
        timeout: Seconds that one call to a remote file system may take.

    Raises:
        UsageError: The root is neither a path nor an address.
        OutputError: fsspec does not support the address.
    """

    def __init__(self, output: AddressLike, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._filesystem = open_filesystem(root_of(output), LAKE, timeout)

    def close(self) -> None:
        """Cancel what other threads wait for: a silent file system, or the lock of another run."""
        self._filesystem.close()

    def path(self, relative: str) -> str:
        """Return the full path or address of a file, without secrets."""
        return self._filesystem.path(relative)

    def made_at(self, hours: Iterable[HourLike]) -> dict[Hour, datetime | None]:
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

    def lacking_files(self, hours: Iterable[HourLike]) -> set[Hour]:
        """Return the hours that lack the domain totals or the text report. Reads only folder listings, not files.

        Raises:
            OutputError: The lake cannot be read.
        """
        wanted = set(map(Hour.at, hours))
        domains = self._find_files(domains_path, wanted)
        texts = self._find_files(text_path, wanted, depth=3)
        return wanted - (domains.keys() & texts.keys())

    def failed(self, hours: Iterable[HourLike]) -> dict[Hour, datetime | None]:
        """Return the hours that failed after they were last made, each with the time of its failure.

        Reads only folder listings, not files.

        Raises:
            OutputError: The lake cannot be read.
        """
        return self._find_files(failure_path, hours)

    def _find_files(
        self, path_of: Callable[[Hour], str], hours: Iterable[HourLike], depth: int = 2
    ) -> dict[Hour, datetime | None]:
        """Return the hours whose file exists, each with the time of the file.

        Args:
            path_of: Returns the path of the file of an hour.
            hours: The hours to look for.
            depth: How many levels below the root the folders to list are.
        """
        by_path = {path_of(hour): hour for hour in map(Hour.at, hours)}
        folders = sorted({"/".join(path.split("/")[:depth]) for path in by_path})
        if len(folders) > MAX_LISTINGS:
            folders = [folders[0].partition("/")[0]]
        found = {}
        for folder in folders:
            for path, changed in self._filesystem.find(folder).items():
                if hour := by_path.get(path):
                    found[hour] = changed
        return found

    def hours(self) -> list[Hour]:
        """Return all hours in the lake, the oldest first. Reads only folder listings.

        Raises:
            OutputError: The lake cannot be read.
        """
        return sorted(filter(None, map(parse_top_pages_path, self._filesystem.find("top_pages"))))

    def newest(self, day: date | str | None = None, hour: int | None = None) -> Hour | None:
        """Return the newest hour in the lake, or None if there is none.

        Args:
            day: Only hours that are stamped on this date: a date, or text such as `2024-12-31`.
            hour: Only hours that are stamped at this hour of the day, 0 to 23.

        Raises:
            UsageError: There is no such date or hour.
            OutputError: The lake cannot be read.
        """
        if hour is not None:
            check_hour_of_day(hour)
        return next(self._newest_first(None if day is None else date_at(day), hour), None)

    def last(self, count: int) -> list[Hour]:
        """Return the newest hours in the lake, the oldest of them first.

        Args:
            count: How many, 1 or more.

        Raises:
            UsageError: The count is not such a number.
            OutputError: The lake cannot be read.
        """
        check_whole("count", count, 1)
        return sorted(islice(self._newest_first(), count))

    def _newest_first(self, day: date | None = None, hour: int | None = None) -> Iterator[Hour]:
        dates = self._partitions("top_pages", "date=") if day is None else [day.isoformat()]
        for stamp_date in dates:
            for stamp_hour in self._partitions(f"top_pages/date={stamp_date}", "hour="):
                found = parse_partition(f"{stamp_date}T{stamp_hour}")
                if found and hour in {None, found.stamp.hour} and self._filesystem.look_up(top_pages_path(found)):
                    yield found

    def _partitions(self, folder: str, key: str) -> list[str]:
        """Return the values of a hive partition key in a folder, largest first."""
        names = [file.name for file in self._filesystem.listing(folder)]
        return sorted((name.removeprefix(key) for name in names if name.startswith(key)), reverse=True)
