"""Many hours: planned from listings, downloads running ahead of computing, one failure stopping no other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from pvtop.core.address import local_path, public
from pvtop.core.errors import NotPublishedError, OutputError, PvtopError, internal_error
from pvtop.core.hour import Hour
from pvtop.pipeline.hour import HourResult, make_hour
from pvtop.pipeline.plan import Action, LakeEntry, PlanContext, Step, plan
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.cache import Cache
from pvtop.sources.listing import Entry
from pvtop.sources.source import last, published

log = logging.getLogger(__name__)

BESIDE_DOWNLOADS = 4  # hours under way: two computing, two waiting for that; bounds memory and an interrupt's loss
FOOTERS_AT_ONCE = 16  # readers of provenances; on object storage they wait far more than they work
PRUNE_EVERY = 24  # hours


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one hour of a batch.

    Attributes:
        hour: The hour.
        status: `written`, `unchanged`, `not published` or `failed`.
        result: The result of an hour that succeeded.
        error: The failure of one that did not.
    """

    hour: Hour
    status: str
    result: HourResult | None = None
    error: PvtopError | None = None


class BatchObserver(Protocol):
    """Is told how a batch goes."""

    def planned(self, actions: Sequence[Action]) -> None:
        """Hear what is to be done."""

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Hear how far a download is, in bytes."""

    def computing(self, hour: Hour) -> None:
        """Hear that an hour is being computed."""

    def finished(self, outcome: Outcome) -> None:
        """Hear what became of an hour."""


@dataclass(slots=True)
class BatchResult:
    """What came of a batch.

    Attributes:
        counts: How many hours are `written`, `unchanged`, `done`, `not published`, `failed`.
        failures: The outcomes of those that failed.
        unpublished: The hours that the source does not have.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)
    unpublished: list[Hour] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome into account."""
        self.counts[outcome.status] += 1
        if outcome.status == "failed":
            self.failures.append(outcome)
        if outcome.status == Step.NOT_PUBLISHED:
            self.unpublished.append(outcome.hour)


def last_hours(settings: Settings, count: int) -> list[Hour]:
    """Find the newest published hours, the oldest of them first.

    Raises:
        NotPublishedError: The source has none.
        SourceError: The source cannot be read.
    """

    async def find() -> list[Hour]:
        async with Session(settings) as run:
            return await last(run.source, count)

    return run_sync(find())


def plan_hours(hours: Sequence[Hour], settings: Settings) -> list[Action]:
    """Plan a batch, and touch nothing but the blacklist's cache.

    Raises:
        PvtopError: The lake, the source or the blacklist cannot be read.
    """

    async def make() -> list[Action]:
        async with Session(settings) as run:
            return await _plan(hours, run)

    return run_sync(make())


def run_hours(hours: Sequence[Hour], settings: Settings, watch: BatchObserver | None = None) -> BatchResult:
    """Make the reports of many hours: those that are missing, and those that do not hold any more.

    Args:
        hours: The hours, in the order they are taken.
        settings: Everything else.
        watch: Told how it goes.

    Raises:
        PvtopError: The lake, the source or the blacklist cannot be read at all; an hour that fails is in the result.
    """
    return run_sync(_run_hours(hours, settings, watch or _Unwatched()))


async def _run_hours(hours: Sequence[Hour], settings: Settings, watch: BatchObserver) -> BatchResult:
    result = BatchResult()
    async with Session(settings) as run:
        actions = await _plan(hours, run)
        watch.planned(actions)
        result.counts["done"] = sum(action.step is Step.DONE for action in actions)
        for action in actions:
            if action.step is Step.NOT_PUBLISHED:
                outcome = Outcome(action.hour, action.step)
                run.metrics.count("hours", outcome="not_published")
                result.add(outcome)
                watch.finished(outcome)
        to_make = iter([action.hour for action in actions if action.step in {Step.MAKE, Step.AGAIN}])

        def finish(outcome: Outcome) -> None:
            result.add(outcome)
            watch.finished(outcome)
            if sum(result.counts.values()) % PRUNE_EVERY == 0:
                prune(settings)

        async with asyncio.TaskGroup() as workers:
            for _ in range(settings.connections + BESIDE_DOWNLOADS):
                workers.create_task(_work(to_make, run, watch, finish))
    prune(settings)
    return result


async def _work(hours: Iterator[Hour], run: Session, watch: BatchObserver, finish: Callable[[Outcome], None]) -> None:
    """Take one hour after the other. Its neighbours are at other stages: the run's semaphores order them."""
    for hour in hours:
        finish(await _outcome(hour, run, watch))


async def _outcome(hour: Hour, run: Session, watch: BatchObserver) -> Outcome:
    """Make an hour, and give what became of it; a failure leaves a note in the lake for `status`."""
    try:
        result = await make_hour(hour, run, partial(watch.downloading, hour), partial(watch.computing, hour))
    except NotPublishedError:
        return Outcome(hour, Step.NOT_PUBLISHED)
    except Exception as error:  # whatever one hour meets, a bug too, must not stop the others; it is told as a failure
        log.debug("%s", hour, exc_info=True)
        failure = error if isinstance(error, PvtopError) else internal_error(error)
        with contextlib.suppress(OutputError):
            await asyncio.to_thread(run.lake.note_failure, hour, failure)
        return Outcome(hour, "failed", error=failure)
    return Outcome(hour, result.status, result)


async def _plan(hours: Sequence[Hour], run: Session) -> list[Action]:
    settings = run.settings
    in_place = local_path(settings.source) is not None
    again = settings.force or settings.refresh_dump
    terms = PlanContext(await run.recipe(), public(settings.source).rstrip("/"), in_place, settings.check_source, again)
    done = await asyncio.to_thread(_read_done, hours, run)
    every_month = in_place or settings.check_source
    months = {hour.month_folder for hour in hours if every_month or hour not in done}
    listed: dict[Hour, Entry] = {}
    for found in await asyncio.gather(*(published(run.source, month) for month in sorted(months))):
        listed |= found
    return plan(hours, done, listed, terms)


def _read_done(hours: Sequence[Hour], run: Session) -> dict[Hour, LakeEntry]:
    """Read the provenance of each hour that is done."""
    completed = run.lake.completed(hours)
    incomplete = run.lake.incomplete(completed)
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as readers:
        made = readers.map(run.lake.provenance, completed)
        facts = dict(zip(completed, made, strict=True))
    return {hour: LakeEntry(when, facts[hour], hour not in incomplete) for hour, when in completed.items()}


def prune(settings: Settings) -> None:
    """Keep the cache within `cache_max_age` and `cache_max_size`, where they are set."""
    if settings.cache_max_age is None and settings.cache_max_size is None:
        return
    cache = Cache(settings.cache_dir)
    for dump in cache.prunable(settings.cache_max_age, settings.cache_max_size):
        if cache.remove(dump):
            log.info("removed %s from the cache", dump.path.name)


class _Unwatched:
    """Tells nobody."""

    def planned(self, actions: Sequence[Action]) -> None:
        """Tell nobody."""

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Tell nobody."""

    def computing(self, hour: Hour) -> None:
        """Tell nobody."""

    def finished(self, outcome: Outcome) -> None:
        """Tell nobody."""
