"""A source of dumps, and the hours that it has published: over http(s), in a folder, or over fsspec."""

from __future__ import annotations

import errno
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

from pvtop.core.address import Address
from pvtop.core.errors import NotFoundError, NotPublishedError, SourceError
from pvtop.core.hour import Hour, described
from pvtop.sources.listing import parse_listing
from pvtop.storage.deadline import await_daemon
from pvtop.storage.filesystem import FileSystem, ListedFile, Purpose
from pvtop.storage.http import MAX_LISTING_BYTES, Client, check_listing_length, unreachable
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.registry import open_filesystem

FOLDERS = "a source has folders like 2019/2019-04/"
SOURCE_LAYOUT = f"{FOLDERS} with files like pageviews-20190401-120000.gz"
YEAR = re.compile(r"\d{4}", re.ASCII)
MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)
FOLDERS_TO_EXPLAIN = 8  # to look into; a source may be slow
TRANSIENT_ERRNOS = {errno.EBUSY, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH}

T = TypeVar("T")


def check_found(found: T | None, address: Address) -> T:
    """Return what was found at an address. Raise NotFoundError if it is None."""
    if found is None:
        raise NotFoundError(f"{address} does not exist")
    return found


def _source_error(error: Exception, verb: str, address: Address, reason: str) -> SourceError:
    """Return the error for a failure: NotFoundError, UnreachableError if it may be temporary, or SourceError."""
    if verb == "list" and address.local_path:
        return SourceError(f"cannot list {address}: {reason}", SOURCE_LAYOUT, setting="source")
    match error:
        case FileNotFoundError():
            return NotFoundError(f"{address} does not exist")
        case ImportError():
            hint = "install it; for S3, install pvtop with its extra named s3"
            return SourceError(f"{address} needs a package that is not installed: {reason}", hint)
        case TimeoutError():
            return unreachable(f"{address} did not answer in time")
    if isinstance(error, ConnectionError) or getattr(error, "errno", None) in TRANSIENT_ERRNOS:
        return unreachable(f"{address}: connection failed: {reason}")
    return SourceError(f"cannot read {address}: {reason}", "check the address and the credentials", setting="source")


SOURCE = Purpose(_source_error)


async def call_source(address: Address, function: Callable[..., T], *args: object) -> T:
    """Call a function that reads an address in a daemon thread, and return its result.

    Raises:
        SourceError: The function raises it, or the machine refuses the thread.
    """
    try:
        return await await_daemon(function, *args)
    except RuntimeError as error:
        raise _source_error(error, "read", address, str(error)) from error


class Source(Protocol):
    """A root with the layout of Wikimedia's server."""

    @property
    def root(self) -> Address:
        """The address of the root."""

    async def listing(self, folder: str) -> list[ListedFile]:
        """List a folder below the root. If the folder does not exist, return an empty list.

        Raises:
            SourceError: The source cannot be read.
        """

    async def text(self, path: str) -> str:
        """Return the text of a short file below the root. Bytes that are not UTF-8 become U+FFFD.

        Raises:
            NotFoundError: The file does not exist.
            SourceError: The source cannot be read.
        """


@dataclass(frozen=True)
class FolderSource:
    """A folder on this machine. Its files are read in place, not copied to the cache."""

    root: Address

    async def listing(self, folder: str) -> list[ListedFile]:
        """List a folder, with sizes and times. Names that cannot be looked up are skipped."""
        found = _in_place(source_folder(self.root) / folder).listing("")
        return [file for file in found if file.size is not None]

    async def text(self, path: str) -> str:
        """Return the text of a file."""
        files = _in_place(Path(self.root, path))
        return await call_source(files.address, _text, files)


def _in_place(path: Path) -> FileSystem:
    """Return the file system of a folder or a file on this machine."""
    return LocalFileSystem(Address.at(path), SOURCE, path)


def source_folder(root: Address) -> Path:
    """Return the folder of a source on this machine.

    Raises:
        SourceError: It does not exist, is not a folder, or cannot be looked up.
    """
    folder = Path(root)
    try:
        if folder.is_dir():
            return folder
        what = "is not a folder" if Path(root.absolute()).exists() else "does not exist"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise SourceError(f"the source {folder} {what}", "give an address or a folder", setting="source")


@dataclass(frozen=True)
class RemoteSource:
    """A source at any other address that fsspec supports, such as `s3://bucket/prefix`."""

    root: Address
    client: Client

    async def listing(self, folder: str) -> list[ListedFile]:
        """List a folder, with sizes. Retry if that may help.

        Without times: a download from here records none, so the planner has nothing to compare them with.
        """
        try:
            found = await self._retry(lambda files: files.listing(""), folder)
        except NotFoundError:  # the folder is in an archive that does not exist
            return []
        return [ListedFile(file.name, file.size) for file in found]

    async def text(self, path: str) -> str:
        """Return the text of a file. Retry if that may help."""
        return await self._retry(_text, path)

    async def _retry(self, step: Callable[[FileSystem], T], path: str) -> T:
        """Call a function with the file system at a path. Retry if that may help."""
        address, timeout = self.root / path, self.client.settings.timeout
        self.client.check_online(address)
        async for attempt in self.client.retries():
            with attempt:
                return await call_source(address, lambda: step(open_filesystem(address, SOURCE, timeout)))
        raise AssertionError  # never reached: the last attempt returns or raises


def _text(files: FileSystem) -> str:
    """Return the text of the file at the root. Read one byte more than allowed, to detect a file that is too long."""
    content = check_found(files.read("", lambda file: file.read(MAX_LISTING_BYTES + 1)), files.address)
    check_listing_length(content, files.address)
    return content.decode("utf-8", "replace")


@dataclass(frozen=True)
class HttpSource:
    """Wikimedia's server, a mirror, or any other http(s) server that lists its folders as links."""

    root: Address
    client: Client

    async def listing(self, folder: str) -> list[ListedFile]:
        """List a folder, with sizes and times if the server is nginx."""
        address = self.root / (f"{folder}/" if folder else "")
        try:
            return parse_listing(await self.client.text(address), address)
        except NotFoundError:
            return []

    async def text(self, path: str) -> str:
        """Return the text of a file."""
        return await self.client.text(self.root / path)


def open_source(root: Address, client: Client) -> Source:
    """Return the source of an address.

    Args:
        root: An http(s) address, a folder, or any address that fsspec supports.
        client: The client whose connections and time limits the source uses.
    """
    if root.local_path:
        return FolderSource(root)
    return HttpSource(root, client) if root.is_http else RemoteSource(root, client)


async def newest(source: Source, day: date | None = None, hour: int | None = None) -> Hour:
    """Return the newest published hour of a source, or the newest of a day or at an hour of the day.

    Raises:
        NotPublishedError: The source has no such hour.
        SourceError: The source cannot be read.
    """
    months = _months(source) if day is None else _only(f"{day:%Y/%Y-%m}")
    async for month in months:
        hours = await list_month(source, month)
        wanted = [one for one in hours if day in {None, one.stamp.date()} and hour in {None, one.stamp.hour}]
        if wanted:
            return max(wanted)
    hint = await explain_layout(source) or SOURCE_LAYOUT
    raise NotPublishedError(f"{source.root} has no dump{described(day, hour)}", hint, setting="source")


async def last(source: Source, count: int) -> list[Hour]:
    """Return the newest published hours of a source, the oldest of them first.

    Raises:
        NotPublishedError: The source has no dump.
        SourceError: The source cannot be read.
    """
    found: list[Hour] = []
    async for month in _months(source):
        found += sorted(await list_month(source, month), reverse=True)
        if len(found) >= count:
            break
    if not found:
        hint = await explain_layout(source) or SOURCE_LAYOUT
        raise NotPublishedError(f"{source.root} has no dump", hint, setting="source")
    return sorted(found[:count])


async def list_month(source: Source, month: str) -> dict[Hour, ListedFile]:
    """Return the dumps of a month, `2019/2019-04`, by hour. If the source lacks the month, there are none.

    Raises:
        SourceError: The source cannot be read.
    """
    return {hour: entry for entry in await source.listing(month) if (hour := Hour.from_dump_name(entry.name))}


async def _months(source: Source) -> AsyncIterator[str]:
    """Yield the month folders of a source, the newest first."""
    years = {entry.name for entry in await source.listing("") if YEAR.fullmatch(entry.name)}
    for year in sorted(years, reverse=True):
        months = {entry.name for entry in await source.listing(year)}
        for month in sorted(months, reverse=True):
            if re.fullmatch(rf"{year}-\d\d", month, re.ASCII):
                yield f"{year}/{month}"


async def explain_layout(source: Source) -> str:
    """Return what a root without year folders has instead. Return an empty string if that explains nothing.

    Lists the root and at most `FOLDERS_TO_EXPLAIN` folders in it. If one of them cannot be listed, that is not an
    error.
    """
    names = await _names(source, "")
    if any(map(YEAR.fullmatch, names)):
        return ""
    if found := next((name for name in names if Hour.from_dump_name(name) or MONTH.fullmatch(name)), None):
        return f"found {found} in the root: {FOLDERS}{_too_low(source.root)}"
    folders = sorted((name for name in names if "." not in name), key=lambda name: name != "pageviews")
    for folder in folders[:FOLDERS_TO_EXPLAIN]:
        if year := next(filter(YEAR.fullmatch, await _names(source, folder)), None):
            return f"found {folder}/{year}/ below the root: use {source.root / folder}"
    return ""


async def _names(source: Source, folder: str) -> list[str]:
    """Return the names in a folder, sorted. If it is a file, or cannot be listed, there are none."""
    try:
        return sorted(entry.name for entry in await source.listing(folder))
    except SourceError:
        return []


def _too_low(root: Address) -> str:
    """Return the end of the explanation for a root that is the folder of a year or a month."""
    if re.search(r"(?:^|/)\d{4}/\d{4}-\d\d/*$", str(root), re.ASCII):
        return "; use the folder two levels above"
    return "; use the folder above" if re.search(r"(?:^|/)\d{4}/*$", str(root), re.ASCII) else ""


async def _only(month: str) -> AsyncIterator[str]:
    yield month
