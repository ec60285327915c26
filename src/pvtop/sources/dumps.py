"""The two files of an hour: at hand in a folder or the cache, or downloaded."""

from __future__ import annotations

import contextlib
import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

import polars as pl

from pvtop.core.address import join, local_path, public
from pvtop.core.errors import BlacklistError, MissingError, NotPublishedError, SourceError
from pvtop.core.hour import Hour
from pvtop.pipeline.plan import is_other
from pvtop.settings import Settings
from pvtop.sources.cache import Cache, LocalFile, State
from pvtop.sources.download import Facts, Progress, download
from pvtop.sources.source import Source
from pvtop.storage.atomic import write_whole
from pvtop.storage.gzip import sha256_of, verify_gzip
from pvtop.storage.http import Client
from pvtop.transform.blacklist import no_blacklist, parse_blacklist, read_bytes, verify_blacklist
from pvtop.transform.dump import encode_titles
from pvtop.transform.report import RULES

log = logging.getLogger(__name__)

LATE_AFTER = timedelta(hours=6)  # upstream's own alarm for an hour that is not there
NONE = "none"


@dataclass(frozen=True)
class Blacklist:
    """The blacklist of a run.

    Attributes:
        address: Where it came from, without secrets, or `none`.
        sha256: Its digest, in hex; None for none.
        pages: `domain_code` String, `page_title` String, in both spellings.
    """

    address: str
    sha256: str | None
    pages: pl.DataFrame

    @cached_property
    def written(self) -> pl.DataFrame:
        """The pages with their titles as dumps write them; worked out once for all hours of a run."""
        return encode_titles(self.pages.lazy()).collect(engine="in-memory")


async def obtain_blacklist(client: Client, settings: Settings) -> Blacklist:
    """Read the blacklist, downloading it first where it is neither local nor in the cache.

    Raises:
        BlacklistError: It cannot be had, or is none.
        OutputError: The cache cannot be written.
    """
    address = settings.blacklist
    if address == NONE:
        return Blacklist(NONE, None, no_blacklist())
    cache = Cache(settings.cache_dir)
    if path := local_path(address):
        absolute = str(path.absolute())
        return _read(path, str(path), absolute, cache.parsed_blacklist(absolute))
    path = cache.blacklist(address)
    if settings.refresh_blacklist or not Cache.find(path, address):
        try:
            await download(client, address, path, verify_blacklist)
        except SourceError as error:
            hint = error.hint or "--blacklist takes an address, a path, or none"
            raise BlacklistError(f"the blacklist cannot be had: {error}", hint) from error
    return _read(path, public(address), public(address), cache.parsed_blacklist(address))


def _read(path: Path, shown: str, address: str, parsed: Path) -> Blacklist:
    """Read a blacklist; what it was parsed into is kept, as parsing takes a tenth of the time of an hour."""
    content = read_bytes(path)
    digest = sha256(content).hexdigest()
    pages = _kept_pages(parsed, digest)
    if pages is None:
        pages = parse_blacklist(content, shown)
        _keep_pages(pages, parsed, digest)
    return Blacklist(address, digest, pages)


def _kept_pages(path: Path, digest: str) -> pl.DataFrame | None:
    """Read what was kept of the blacklist of a digest; None where it is of another, by other rules, or damaged."""
    try:
        head, _, frame = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return pl.read_parquet(frame) if head == _head(frame, digest) else None


def _keep_pages(pages: pl.DataFrame, path: Path, digest: str) -> None:
    """Keep the pages of a blacklist; where they cannot be, they are parsed again the next time."""
    buffer = io.BytesIO()
    pages.write_parquet(buffer, compression="lz4")  # read in half the time that Arrow's own format takes
    frame = buffer.getvalue()
    with contextlib.suppress(OSError):
        write_whole(path, _head(frame, digest) + b"\n" + frame)


def _head(frame: bytes, digest: str) -> bytes:
    """Give the line before a frame that is kept: what it was parsed from and how, and the digest of its bytes."""
    return f"{digest} {RULES} {pl.__version__} {sha256(frame).hexdigest()}".encode()


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
        state = State.of(path)
        return LocalFile(path, Facts(str(path), state.bytes, sha256_of(path)), state=state)
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
    verify = partial(verify_gzip, most=settings.max_inflated)
    log.info("downloading %s", public(address))
    try:
        facts = await download(client, address, path, verify, progress)
    except MissingError as error:
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


async def has_changed(hour: Hour, known: Facts, source: Source) -> bool:
    """Tell from the month's listing whether the source's file is another than the one that is known.

    A listing without sizes cannot tell, which counts as changed. A file that is gone counts as unchanged.

    Raises:
        SourceError: The source cannot be read.
    """
    name = hour.dump_path.rpartition("/")[2]
    listed = {entry.name: entry for entry in await source.listing(hour.month_folder)}
    if name not in listed:
        log.warning("%s is no longer listed at %s", name, public(source.root))
        return False
    return is_other(listed[name], known.bytes, known.last_modified)
