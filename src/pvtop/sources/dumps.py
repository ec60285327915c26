"""Find the dump of an hour in a folder or the cache, download it, and scan its lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from pvtop.core.address import Address, AddressLike, file_at
from pvtop.core.errors import CorruptError, NotFoundError, NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.download import Progress, download
from pvtop.sources.facts import FileFacts, LocalFile
from pvtop.sources.source import source_folder
from pvtop.storage.gzip import read_blocks, sha256_of, verify_gzip
from pvtop.storage.http import Client
from pvtop.storage.locks import shared_lock
from pvtop.storage.regular_file import FileState, is_something_else
from pvtop.transform.dump import OnRows, ignore_rows, scan_blocks, well_formed

OVERDUE_AFTER = timedelta(hours=6)  # Wikimedia's own alarm for a missing hour


def scan_dump(path: AddressLike) -> pl.LazyFrame:
    """Scan the well-formed lines of a dump.

    Args:
        path: A dump on this machine, gzip.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String (decoded), `views` Int64; in the
        order of the file. Malformed lines are skipped. Collecting raises CorruptError if the file is damaged, and
        SourceError if it cannot be read or is not a dump: never only some of its rows.

    Raises:
        UsageError: The argument does not name a file on this machine.
    """
    return well_formed(scan_rows(file_at(path)))


def scan_rows(
    path: Path,
    origin: AddressLike | None = None,
    max_bytes: int | None = None,
    on_rows: OnRows = ignore_rows,
) -> pl.LazyFrame:
    """Scan every line of a dump, malformed ones included, in the columns of `transform.dump.scan_blocks`.

    Args:
        path: A dump, gzip.
        origin: Where it comes from, for messages. By default, its path.
        max_bytes: Maximum size after decompression, in bytes.
        on_rows: Called with all rows of each block, in the order of the file.
    """
    return scan_blocks(partial(read_blocks, path, origin or path, max_bytes), on_rows)


def find_dump(hour: Hour, settings: Settings) -> LocalFile | None:
    """Return the dump of an hour if it is on this machine: in the folder of the source, or in the cache.

    Returns:
        The file with its facts, or None if it must be downloaded.

    Raises:
        NotPublishedError: The source is a folder without this dump.
        SourceError: The source is a folder that does not exist, or the dump cannot be read.
    """
    address = settings.source / hour.dump_path
    path = address.absolute().local_path
    if path is None:
        return Cache.find(Cache(settings.cache_dir).dump_path(hour), address)
    try:
        if is_something_else(path):
            raise SourceError(f"{path} is not a file", "remove it, or put the dump in its place")
        state = FileState.of(path)
        return LocalFile(path, FileFacts(str(path), state.bytes, sha256_of(path)), state=state)
    except FileNotFoundError as error:
        raise not_published(hour, source_folder(settings.source)) from error
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", "check the file and its permissions") from error


@contextlib.contextmanager
def reading(dump: LocalFile) -> Iterator[None]:
    """Keep a dump from being removed from the cache while it is read.

    Raises:
        CorruptError: The dump was replaced in the meantime.
    """
    with shared_lock(dump.path) if dump.cached else contextlib.nullcontext():
        yield
        if dump.state and dump.state != FileState.of(dump.path):
            raise CorruptError(f"{dump.facts.address} was replaced while it was read", "try again")


def cached_hours(settings: Settings) -> list[Hour]:
    """Return the hours of the source whose dumps are in the cache, the oldest first.

    Raises:
        OutputError: The cache folder cannot be read.
    """
    cache = Cache(settings.cache_dir)
    return [dump.hour for dump in cache.dumps() if cache.find(dump.path, settings.source / dump.hour.dump_path)]


async def fetch_dump(hour: Hour, client: Client, settings: Settings, progress: Progress | None) -> LocalFile:
    """Download the dump of an hour into the cache. Return the file with its facts.

    Raises:
        NotPublishedError: The source does not have the dump.
        SourceError: The dump cannot be downloaded, or fails the verification.
        OutputError: The cache folder cannot be written.
    """
    path = Cache(settings.cache_dir).dump_path(hour)
    address = settings.source / hour.dump_path
    verify = partial(verify_gzip, max_bytes=settings.max_inflated)
    try:
        facts = await download(client, address, path, verify, progress)
    except NotFoundError as error:
        raise not_published(hour, settings.source) from error
    return LocalFile(path, facts, cached=True)


def not_published(hour: Hour, source: Address | Path) -> NotPublishedError:
    """Return the error for a dump that the source does not have. Its hint says when to expect the dump."""
    now = datetime.now(UTC)
    if hour.stamp > now:
        hint = f"the hour ends at {hour}, and the clock of this machine shows {now:%Y-%m-%d %H:%M} UTC"
    elif hour.stamp + OVERDUE_AFTER > now:
        hint = f"expect it by {hour + 6}, or choose an earlier hour"
    else:
        hint = "it is overdue and may never be published: check the folder of the month at the source"
    return NotPublishedError(f"the dump of {hour} is not published at {source}", hint)
