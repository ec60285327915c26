"""One hour, end to end: from two files to a report in the lake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from time import monotonic

from pvtop.core.address import join, local_path, public
from pvtop.core.errors import CorruptError, NotPublishedError
from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.pipeline.metrics import Metrics
from pvtop.pipeline.plan import Fingerprint
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.blacklists import Blacklist, load_blacklist
from pvtop.sources.download import Progress
from pvtop.sources.dumps import fetch_dump, find_dump, has_changed
from pvtop.sources.facts import FileFacts, LocalFile
from pvtop.sources.source import newest, open_source
from pvtop.storage.http import Client
from pvtop.transform.report import Provenance
from pvtop.validation.acceptance import accept_in_place

log = logging.getLogger(__name__)


class Status(StrEnum):
    """What became of an hour."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Seconds:
    """What the time of an hour went to.

    Attributes:
        obtaining: Seconds until the dump was at hand: looking, waiting, downloading.
        computing: Seconds from there to the report in the lake, waiting for a turn included.
    """

    obtaining: float
    computing: float


@dataclass(frozen=True, slots=True)
class HourResult:
    """What came of an hour; picklable.

    Attributes:
        hour: The hour.
        status: Whether a report was written, or the one in the lake still holds.
        provenance: Where the report comes from, with its counts.
        text: Where the text report lies.
        top_pages: Where the Parquet of the ranked pages lies.
        domains: Where the Parquet of the domain totals lies.
        written_bytes: The size of the three, 0 where nothing was written.
        seconds: What the time went to.
    """

    hour: Hour
    status: Status
    provenance: Provenance
    text: str
    top_pages: str
    domains: str
    written_bytes: int = 0
    seconds: Seconds = Seconds(0, 0)


def run_hour(hour: Hour, settings: Settings, progress: Progress | None = None) -> HourResult:
    """Make the report of one hour, unless the one in the lake still holds.

    Args:
        hour: The hour.
        settings: Everything else.
        progress: Told of every chunk of the dump that is downloaded.

    Raises:
        PvtopError: One of its kinds, by what went wrong; the lake then has no half of the hour as if it were done.
    """

    async def run() -> HourResult:
        async with Session(settings) as shared:
            return await make_hour(hour, shared, progress)

    return run_sync(run())


def newest_hour(settings: Settings, day: date | None = None, hour: int | None = None) -> Hour:
    """Find the newest hour that the source has published, of a day or at an hour of the day where given.

    Raises:
        NotPublishedError: The source has no such hour.
        SourceError: The source cannot be read.
    """

    async def find() -> Hour:
        async with Client(settings) as client:
            return await newest(open_source(settings.source, client), day, hour)

    return run_sync(find())


def configured_blacklist(settings: Settings) -> Blacklist:
    """Read the blacklist of the settings, downloading it where it is not at hand.

    Raises:
        BlacklistError: It cannot be had, or is none.
    """

    async def load() -> Blacklist:
        async with Client(settings) as client:
            return await load_blacklist(client, settings)

    return run_sync(load())


async def make_hour(
    hour: Hour, run: Session, progress: Progress | None = None, computing: Callable[[], None] = lambda: None
) -> HourResult:
    """Make the report of one hour within a run, unless the one in the lake still holds; and measure it.

    Args:
        hour: The hour.
        run: What it shares with other hours.
        progress: Told of every chunk of the dump that is downloaded.
        computing: Called when the computing begins.

    Raises:
        PvtopError: As for `run_hour`.
    """
    try:
        result = await _make_hour(hour, run, progress, computing)
    except Exception as error:
        published = not isinstance(error, NotPublishedError)
        run.metrics.count("hours", outcome="failed" if published else "not_published")
        if published:
            run.metrics.count("failures")
        raise
    _measure(result, run.metrics)
    return result


async def _make_hour(hour: Hour, run: Session, progress: Progress | None, computing: Callable[[], None]) -> HourResult:
    settings, started = run.settings, monotonic()
    await asyncio.to_thread(run.lake.prepare)
    done = await asyncio.to_thread(run.lake.provenance, hour)
    dump = await asyncio.to_thread(find_dump, hour, settings)
    recipe = await run.recipe()
    if await _must_refresh(hour, dump, done, run):
        dump = await fetch_dump(hour, run.client, settings, progress)
    still = done and not settings.force and _still_holds(done, hour, dump, recipe, settings)
    if done and still and not await asyncio.to_thread(run.lake.incomplete, [hour]):
        return _result(run.lake, hour, Status.UNCHANGED, done)
    dump = dump or await fetch_dump(hour, run.client, settings, progress)
    fetched = monotonic()
    try:
        report = await run.compute(hour, dump, computing)
    except CorruptError as error:
        if not dump.cached:
            raise
        log.warning("%s; downloading it again", error)
        dump = await fetch_dump(hour, run.client, settings, progress)
        report = await run.compute(hour, dump, computing)
    check = partial(accept_in_place, report, run.lake, settings)
    size = await asyncio.to_thread(run.lake.write, report, check)
    seconds = Seconds(fetched - started, monotonic() - fetched)
    return replace(_result(run.lake, hour, Status.WRITTEN, report.provenance), written_bytes=size, seconds=seconds)


def _measure(result: HourResult, metrics: Metrics) -> None:
    metrics.count("hours", outcome=result.status)
    if result.status is not Status.WRITTEN:
        return
    facts = result.provenance
    metrics.count("dump.lines", facts.rows + facts.malformed)
    metrics.count("dump.bytes", facts.dump_bytes)
    metrics.count("dump.malformed_lines", facts.malformed)
    metrics.gauge("report.entries", facts.entries)
    metrics.gauge("report.bytes", result.written_bytes)
    metrics.timing("download.seconds", result.seconds.obtaining)
    metrics.timing("compute.seconds", result.seconds.computing)


async def _must_refresh(hour: Hour, dump: LocalFile | None, done: Provenance | None, run: Session) -> bool:
    """Tell whether what is known of a dump does not count, and it is to be downloaded in any case."""
    settings = run.settings
    if local_path(settings.source):
        return False
    known = dump.facts if dump else _facts(done)
    if settings.check_source and known and not settings.refresh_dump:
        return await has_changed(hour, known, run.source)
    return settings.refresh_dump


def _facts(done: Provenance | None) -> FileFacts | None:
    """Give what a report tells of its dump."""
    if done is None:
        return None
    return FileFacts(done.source, done.dump_bytes, done.dump_sha256, done.dump_etag, done.dump_last_modified)


def _still_holds(done: Provenance, hour: Hour, dump: LocalFile | None, recipe: Fingerprint, settings: Settings) -> bool:
    """Tell whether a report was made from the same dump by the same recipe, and would be accepted again."""
    if dump is None:
        same_dump = done.source == public(join(settings.source, hour.dump_path))
    else:
        same_dump = done.dump_sha256 == dump.facts.sha256
    return same_dump and not recipe.reason_outdated(done)


def _result(lake: Lake, hour: Hour, status: Status, provenance: Provenance) -> HourResult:
    return HourResult(
        hour,
        status,
        provenance,
        text=lake.path(text_path(hour)),
        top_pages=lake.path(top_pages_path(hour)),
        domains=lake.path(domains_path(hour)),
    )
