"""A source of dumps, and the hours that it has published: over http(s), in a folder, or over fsspec."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pvtop.core.address import Address
from pvtop.core.errors import NotFoundError, NotPublishedError, SourceError
from pvtop.core.hour import Hour, described
from pvtop.sources.facts import FileState
from pvtop.sources.listing import ListedFile, parse_listing
from pvtop.storage.http import MAX_LISTING_BYTES, Client, check_listing_length
from pvtop.storage.regular_file import open_regular
from pvtop.storage.remote import call_fsspec, translate_fsspec_errors

FOLDERS = "a source has folders like 2019/2019-04/"
SOURCE_LAYOUT = f"{FOLDERS} with files like pageviews-20190401-120000.gz"
YEAR = re.compile(r"\d{4}", re.ASCII)
MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)
FOLDERS_TO_EXPLAIN = 8  # to look into; a source may be slow

T = TypeVar("T")


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
        """List a folder, with sizes and times."""
        root = source_folder(self.root)
        try:
            return [file for path in (root / folder).iterdir() if (file := listed_file(path))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SourceError(
                f"cannot list {root / folder}: {error.strerror}", SOURCE_LAYOUT, setting="source"
            ) from error

    async def text(self, path: str) -> str:
        """Return the text of a file."""
        file = Path(self.root, path)
        with translate_fsspec_errors(file):
            content = await asyncio.to_thread(_read, file)
        return _decoded(content, file)


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


def _read(path: Path) -> bytes:
    """Read at most `MAX_LISTING_BYTES + 1` bytes of a file.

    The extra byte tells the caller that the file is too long.
    """
    with open_regular(path) as file:
        return file.read(MAX_LISTING_BYTES + 1)


def listed_file(path: Path) -> ListedFile | None:
    """Return a name in a folder with its size and time, None if it cannot be looked up, as a link to nowhere."""
    try:
        state = FileState.of(path)
        return ListedFile(path.name, state.bytes, state.modified)
    except (OSError, ValueError, OverflowError):  # also of a time that no calendar has
        return None


@dataclass(frozen=True)
class FsspecSource:
    """A source at any other address that fsspec supports, such as `s3://bucket/prefix`."""

    root: Address
    client: Client

    async def listing(self, folder: str) -> list[ListedFile]:
        """List a folder, with sizes. Retry if that may help."""
        address = self.root / folder
        try:
            async for attempt in self.client.retries():
                with attempt:
                    found = await call_fsspec(self.client, address, _list, address.with_secrets())
        except NotFoundError:
            return []
        return [ListedFile(info["name"].rstrip("/").rpartition("/")[2], info.get("size")) for info in found]

    async def text(self, path: str) -> str:
        """Return the text of a file. Retry if that may help."""
        address = self.root / path
        async for attempt in self.client.retries():
            with attempt:
                content = await call_fsspec(self.client, address, _read_remote, address.with_secrets())
        return _decoded(content, address)


def _read_remote(address: str) -> bytes:
    """Return at most `MAX_LISTING_BYTES + 1` bytes of a remote file, so that the caller can detect a longer file."""
    import fsspec

    with fsspec.open(address, "rb") as file:
        return bytes(file.read(MAX_LISTING_BYTES + 1))


def _decoded(content: bytes, origin: Address | Path) -> str:
    check_listing_length(content, origin)
    return content.decode("utf-8", "replace")


def _list(address: str) -> list[dict[str, Any]]:
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(address)
    filesystem.invalidate_cache()
    found: list[dict[str, Any]] = filesystem.ls(path, detail=True)
    return found


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
    return HttpSource(root, client) if root.is_http else FsspecSource(root, client)


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
