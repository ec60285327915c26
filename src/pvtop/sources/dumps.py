"""The two files of an hour: at hand in a folder or the cache, or downloaded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from pvtop.core.address import join, local_path, public
from pvtop.core.errors import NotFoundError, NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.download import Progress, download
from pvtop.sources.facts import FileFacts, FileState, LocalFile
from pvtop.storage.gzip import read_blocks, sha256_of, verify_gzip
from pvtop.storage.http import Client
from pvtop.transform.dump import scan_blocks, well_formed

log = logging.getLogger(__name__)

LATE_AFTER = timedelta(hours=6)  # upstream's own alarm for an hour that is not there


def scan_dump(path: Path | str) -> pl.LazyFrame:
    """Scan the well-formed lines of a dump.

    Args:
        path: A dump, gzip.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String (decoded), `views` Int64; in the
        order of the file. Malformed lines are left out; `scan_rows` has them. Collecting all of it raises what
        `storage.gzip.read_blocks` does: a file that is broken gives an error, never some of its rows.
    """
    return well_formed(scan_rows(Path(path)))


def scan_rows(path: Path, shown: str | None = None, max_bytes: int | None = None) -> pl.LazyFrame:
    """Scan every line of a dump, malformed ones included, in the columns of `transform.dump.scan_blocks`.

    Args:
        path: A dump, gzip.
        shown: How to call it in errors; its path otherwise.
        max_bytes: How many bytes it may inflate to.
    """
    return scan_blocks(partial(read_blocks, path, shown or str(path), max_bytes))


def find_dump(hour: Hour, settings: Settings) -> LocalFile | None:
    """Give the dump of an hour that is at hand: in the source's folder, or in the cache.

    Returns:
        None where it has to be downloaded.

    Raises:
        NotPublishedError: The source is a folder and does not hold it.
        SourceError: The source is a folder that does not exist or cannot be read.
    """
    folder = local_path(settings.source)
    if folder is None:
        return Cache.find(Cache(settings.cache_dir).dump(hour), join(settings.source, hour.dump_path))
    path = folder.absolute() / hour.dump_path
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path} is not a file", "remove what is there in its place")
        state = FileState.of(path)
        return LocalFile(path, FileFacts(str(path), state.bytes, sha256_of(path)), state=state)
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise SourceError(f"the source {folder} does not exist", "--source takes an address or a folder") from error
        raise not_published(hour, str(folder)) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}", "check the file and its permissions") from error


async def fetch_dump(hour: Hour, client: Client, settings: Settings, progress: Progress | None) -> LocalFile:
    """Download the dump of an hour into the cache.

    Raises:
        NotPublishedError: The source does not hold it.
        SourceError: It cannot be had.
        OutputError: The cache cannot be written.
    """
    path = Cache(settings.cache_dir).dump(hour)
    address = join(settings.source, hour.dump_path)
    verify = partial(verify_gzip, max_bytes=settings.max_inflated)
    log.info("downloading %s", public(address))
    try:
        facts = await download(client, address, path, verify, progress)
    except NotFoundError as error:
        raise not_published(hour, public(settings.source)) from error
    return LocalFile(path, facts, cached=True)


def not_published(hour: Hour, source: str) -> NotPublishedError:
    """Say that a source does not hold an hour, and when it can be expected."""
    now = datetime.now(UTC)
    if hour.stamp > now:
        hint = f"the hour ends at {hour}; its dump follows within hours"
    elif hour.stamp + LATE_AFTER > now:
        hint = f"dumps follow within hours: expect it by {hour + 6}, or leave out --date for the newest"
    else:
        hint = "it is overdue, so perhaps missing for good: look at the month's folder of the source"
    return NotPublishedError(f"the dump of {hour} is not published at {source}", hint)
