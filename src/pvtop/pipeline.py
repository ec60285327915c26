"""One hour, end to end: from two files to a report in the lake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.metadata import version
from typing import Any, TypeVar

import polars as pl

from pvtop import ranking
from pvtop.addresses import join, local_path, public
from pvtop.cache import LocalFile
from pvtop.download import Facts, Progress
from pvtop.dump import decode_title, encode_titles, reading, scan_rows
from pvtop.errors import CorruptError, MalformedError
from pvtop.hours import Hour
from pvtop.http import Client
from pvtop.lake import Lake, domains_path, text_path, top_pages_path
from pvtop.obtain import Blacklist, fetch_dump, find_dump, has_changed, obtain_blacklist
from pvtop.report import DOMAINS, RULES, Provenance, Report
from pvtop.settings import Settings
from pvtop.source import newest, open_source
from pvtop.validation import validate

log = logging.getLogger(__name__)

T = TypeVar("T")


class Status(StrEnum):
    """What became of an hour."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"


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
    """

    hour: Hour
    status: Status
    provenance: Provenance
    text: str
    top_pages: str
    domains: str


def run_hour(hour: Hour, settings: Settings, progress: Progress | None = None) -> HourResult:
    """Make the report of one hour, unless the one in the lake still holds.

    Args:
        hour: The hour.
        settings: Everything else.
        progress: Told of every chunk of the dump that is downloaded.

    Raises:
        PvtopError: One of its kinds, by what went wrong; the lake is then as it was.
    """
    return run_sync(_run_hour(hour, settings, progress))


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


def load_blacklist(settings: Settings) -> Blacklist:
    """Read the blacklist of the settings, downloading it where it is not at hand.

    Raises:
        BlacklistError: It cannot be had, or is none.
    """

    async def load() -> Blacklist:
        async with Client(settings) as client:
            return await obtain_blacklist(client, settings)

    return run_sync(load())


def run_sync(step: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(step)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, step).result()


async def _run_hour(hour: Hour, settings: Settings, progress: Progress | None) -> HourResult:
    lake = Lake(settings.output)
    lake.prepare()
    done = lake.provenance(hour)
    async with Client(settings) as client:
        dump = find_dump(hour, settings)
        blacklist = await obtain_blacklist(client, settings)
        if await _must_refresh(hour, dump, done, client, settings):
            dump = await fetch_dump(hour, client, settings, progress)
        if done and not settings.force and _still_holds(done, hour, dump, blacklist, settings):
            return _result(lake, hour, Status.UNCHANGED, done)
        try:
            dump = dump or await fetch_dump(hour, client, settings, progress)
            report = await asyncio.to_thread(make_report, hour, dump, blacklist, settings)
        except CorruptError as error:
            if dump is None or not dump.cached:
                raise
            log.warning("%s; downloading it again", error)
            dump = await fetch_dump(hour, client, settings, progress)
            report = await asyncio.to_thread(make_report, hour, dump, blacklist, settings)
    if not settings.no_validate:
        validate(report, blacklist.pages)
    lake.write(report)
    return _result(lake, hour, Status.WRITTEN, report.provenance)


async def _must_refresh(
    hour: Hour, dump: LocalFile | None, done: Provenance | None, client: Client, settings: Settings
) -> bool:
    """Tell whether what is known of a dump does not count, and it is to be downloaded in any case."""
    if local_path(settings.source):
        return False
    known = (
        dump.facts
        if dump
        else done and Facts(done.source, done.dump_bytes, done.dump_sha256, done.dump_etag, done.dump_last_modified)
    )
    if settings.check_source and known:
        return settings.refresh_dump or await has_changed(hour, known, open_source(settings.source, client))
    return settings.refresh_dump


def _still_holds(
    done: Provenance, hour: Hour, dump: LocalFile | None, blacklist: Blacklist, settings: Settings
) -> bool:
    """Tell whether a report was made from the same dump, blacklist and settings by the same rules."""
    if dump is None:
        same_dump = done.source == public(join(settings.source, hour.dump_path))
    else:
        same_dump = done.dump_sha256 == dump.facts.sha256
    made_with = (done.blacklist_sha256, done.top, done.keep_unknown, done.rules)
    return same_dump and made_with == (blacklist.sha256, settings.top, settings.keep_unknown, RULES)


def make_report(hour: Hour, dump: LocalFile, blacklist: Blacklist, settings: Settings) -> Report:
    """Compute the report of an hour from its files, in one streaming pass over the dump.

    Raises:
        CorruptError: The dump is truncated, corrupt or empty, or a domain's views do not fit into 64 bits.
        MalformedError: More of its lines are malformed than the settings allow.
    """
    shown = dump.facts.address
    left_out = encode_titles(blacklist.pages.lazy()).collect().lazy()
    rows = scan_rows(dump.path)
    with reading(dump.path, shown):
        condensed = ranking.condense(rows, left_out, settings.top, keep_unknown=settings.keep_unknown).collect(
            engine="streaming"
        )
    malformed = _count_malformed(condensed, shown, settings.malformed_limit)
    try:
        totals = ranking.total(condensed.lazy()).collect()
    except pl.exceptions.InvalidOperationError as error:
        raise CorruptError(f"{shown} is corrupt: a domain's views do not fit into 64 bits") from error
    pages = ranking.candidates(condensed.lazy()).with_columns(decode_title(pl.col("page_title")))
    top_pages = ranking.rank(pages, settings.top).collect()
    inputs = _inputs(hour, dump.facts, blacklist, settings)
    provenance = Provenance(**inputs, **_counts(totals, top_pages), malformed=malformed)
    return Report(hour, top_pages, totals.select(DOMAINS.names()), provenance)


def _count_malformed(condensed: pl.DataFrame, shown: str, limit: float) -> int:
    """Count the malformed lines and log the first few.

    Raises:
        CorruptError: There are no lines at all.
        MalformedError: Their share is above the limit.
    """
    lines = int(condensed.get_column("pages").sum())
    if not lines:
        raise CorruptError(f"{shown} holds no lines", "an hour has millions; the file may still be being copied")
    lost = condensed.filter(pl.col("domain_code").is_null())
    malformed = int(lost.get_column("pages").sum())
    samples = lost.get_column("malformed").explode().head(ranking.SAMPLES).to_list()
    if malformed:
        log.warning(
            "%s has %s malformed lines, such as %s",
            shown,
            f"{malformed:,}",
            ", ".join(repr(line[:80]) for line in samples),
        )
    if malformed > limit * lines:
        raise MalformedError(
            f"{malformed:,} of {lines:,} lines of {shown} are malformed, such as {samples[0][:80]!r}",
            f"more than {limit:.2%} is refused; PVTOP_MALFORMED_LIMIT raises that",
        )
    return malformed


def _inputs(hour: Hour, dump: Facts, blacklist: Blacklist, settings: Settings) -> dict[str, Any]:
    """Give the part of the provenance that is known before the work."""
    return {
        "stamp": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "start": f"{hour.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{hour.stamp:%Y-%m-%dT%H:%M:%SZ}",
        "source": dump.address,
        "dump_bytes": dump.bytes,
        "dump_sha256": dump.sha256,
        "dump_etag": dump.etag,
        "dump_last_modified": dump.last_modified,
        "top": settings.top,
        "keep_unknown": settings.keep_unknown,
        "blacklist": blacklist.address,
        "blacklist_sha256": blacklist.sha256,
        "rules": RULES,
        "version": version("pvtop"),
    }


def _counts(totals: pl.DataFrame, top_pages: pl.DataFrame) -> dict[str, Any]:
    """Give the part of the provenance that is counted. Sums are Python's own, which do not overflow."""
    counted = {name: sum(totals.get_column(name)) for name in ranking.COUNTS}
    return {
        "rows": counted["pages"],
        "views": counted["views"],
        "unknown_rows": counted["unknown_pages"],
        "unknown_views": counted["unknown_views"],
        "blacklisted_rows": counted["blacklisted_pages"],
        "blacklisted_views": counted["blacklisted_views"],
        "domains": top_pages.get_column("domain_code").n_unique(),
        "entries": len(top_pages),
        "entry_views": sum(top_pages.get_column("views")),
    }


def _result(lake: Lake, hour: Hour, status: Status, provenance: Provenance) -> HourResult:
    return HourResult(
        hour,
        status,
        provenance,
        text=lake.path(text_path(hour)),
        top_pages=lake.path(top_pages_path(hour)),
        domains=lake.path(domains_path(hour)),
    )
