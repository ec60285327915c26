"""Sources: where dumps lie, under which addresses, and what is published. http(s) by aiohttp, the rest by fsspec."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pvtop.core.address import is_http, join, local_path, public
from pvtop.core.errors import NotFoundError, NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.sources.facts import FileState
from pvtop.sources.listing import Entry, parse_listing
from pvtop.storage.atomic import open_regular
from pvtop.storage.http import MAX_LISTING_BYTES, Client, check_listing_length
from pvtop.storage.remote import fsspec_step, translate_fsspec_errors

LAYOUT = "a source has folders like 2019/2019-04/ with files like pageviews-20190401-120000.gz"

T = TypeVar("T")


class Source(Protocol):
    """A root with the layout of Wikimedia's server."""

    @property
    def root(self) -> str:
        """The address of the root, secrets and all."""

    async def listing(self, folder: str) -> list[Entry]:
        """List a folder below the root; empty where there is no such folder.

        Raises:
            SourceError: The source cannot be read.
        """

    async def text(self, path: str) -> str:
        """Read a short file below the root; bytes that are not UTF-8 become U+FFFD.

        Raises:
            MissingError: There is no such file.
            SourceError: The source cannot be read.
        """


@dataclass(frozen=True)
class FolderSource:
    """A folder on this machine, read in place."""

    root: str

    async def listing(self, folder: str) -> list[Entry]:
        """List a folder, with sizes."""
        root = local_path(self.root)
        if root is None or not root.is_dir():
            what = "is not a folder" if root and root.exists() else "does not exist"
            raise SourceError(f"the source {root} {what}", "--source takes an address or a folder")
        try:
            return [_entry(path) for path in (root / folder).iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SourceError(f"{root / folder} cannot be listed: {error.strerror}", LAYOUT) from error

    async def text(self, path: str) -> str:
        """Read a file."""
        file = (local_path(self.root) or Path()) / path
        with translate_fsspec_errors(str(file)):
            content = await asyncio.to_thread(_read, file)
        return _decoded(content, str(file))


def _read(path: Path) -> bytes:
    """Read a file, or one byte more than a listing can have."""
    with open_regular(path) as file:
        return file.read(MAX_LISTING_BYTES + 1)


def _entry(path: Path) -> Entry:
    """Look a file up; without size and time where it is gone, or a link that leads nowhere."""
    try:
        state = FileState.of(path)
    except FileNotFoundError:
        return Entry(path.name)
    return Entry(path.name, state.bytes, state.modified)


@dataclass(frozen=True)
class FsspecSource:
    """Any other address that fsspec knows, such as `s3://bucket/prefix`."""

    root: str
    client: Client

    async def listing(self, folder: str) -> list[Entry]:
        """List a folder, with sizes."""
        address = join(self.root, folder)
        try:
            async for attempt in self.client.retries():
                with attempt:
                    found = await fsspec_step(self.client, address, _list, address)
        except NotFoundError:
            return []
        return [Entry(one["name"].rstrip("/").rpartition("/")[2], one.get("size")) for one in found]

    async def text(self, path: str) -> str:
        """Read a file, trying again where that helps."""
        address = join(self.root, path)
        async for attempt in self.client.retries():
            with attempt:
                content = await fsspec_step(self.client, address, _read_remote, address)
        return _decoded(content, public(address))


def _read_remote(address: str) -> bytes:
    """Do so with a file system of fsspec."""
    import fsspec

    with fsspec.open(address, "rb") as file:
        return bytes(file.read(MAX_LISTING_BYTES + 1))


def _decoded(content: bytes, shown: str) -> str:
    check_listing_length(content, shown)
    return content.decode("utf-8", "replace")


def _list(address: str) -> list[dict[str, Any]]:
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(address)
    filesystem.invalidate_cache()
    found: list[dict[str, Any]] = filesystem.ls(path, detail=True)
    return found


@dataclass(frozen=True)
class HttpSource:
    """Wikimedia's server, a mirror of it, or any server that lists its folders as links."""

    root: str
    client: Client

    async def listing(self, folder: str) -> list[Entry]:
        """List a folder, with sizes and times where the server is nginx."""
        address = join(self.root, f"{folder}/" if folder else "")
        try:
            return parse_listing(await self.client.text(address), address)
        except NotFoundError:
            return []

    async def text(self, path: str) -> str:
        """Fetch a file."""
        return await self.client.text(join(self.root, path))


def open_source(root: str, client: Client) -> Source:
    """Make the source of an address.

    Args:
        root: An http(s) address, a folder, or any fsspec address.
        client: Whose connections an http(s) source uses, and whose patience any other.
    """
    if local_path(root):
        return FolderSource(root)
    return HttpSource(root, client) if is_http(root) else FsspecSource(root, client)


async def newest(source: Source, day: date | None = None, hour: int | None = None) -> Hour:
    """Find the newest published hour from the listings, of a day or at an hour of the day where given.

    Raises:
        NotPublishedError: The source has no such hour.
        SourceError: The source cannot be read.
    """
    months = _months(source) if day is None else _only(f"{day:%Y/%Y-%m}")
    async for month in months:
        hours = await published(source, month)
        wanted = [one for one in hours if day in {None, one.stamp.date()} and hour in {None, one.stamp.hour}]
        if wanted:
            return max(wanted)
    when = "".join([f" of {day}" if day else "", f" at hour {hour}" if hour is not None else ""])
    raise NotPublishedError(f"{public(source.root)} has no dump{when}", LAYOUT)


async def last(source: Source, count: int) -> list[Hour]:
    """Find the newest published hours from the listings, the oldest of them first.

    Raises:
        NotPublishedError: The source has none.
        SourceError: The source cannot be read.
    """
    found: list[Hour] = []
    async for month in _months(source):
        found += sorted(await published(source, month), reverse=True)
        if len(found) >= count:
            break
    if not found:
        raise NotPublishedError(f"{public(source.root)} has no dump", LAYOUT)
    return sorted(found[:count])


async def published(source: Source, month: str) -> dict[Hour, Entry]:
    """List the dumps of a month, `2019/2019-04`; none where the source does not have it.

    Raises:
        SourceError: The source cannot be read.
    """
    return {hour: entry for entry in await source.listing(month) if (hour := Hour.of_dump(entry.name))}


async def _months(source: Source) -> AsyncIterator[str]:
    """Give the month folders of a source, the newest first."""
    years = {entry.name for entry in await source.listing("") if re.fullmatch(r"\d{4}", entry.name, re.ASCII)}
    for year in sorted(years, reverse=True):
        months = {entry.name for entry in await source.listing(year)}
        for month in sorted(months, reverse=True):
            if re.fullmatch(rf"{year}-\d\d", month, re.ASCII):
                yield f"{year}/{month}"


async def _only(month: str) -> AsyncIterator[str]:
    yield month
