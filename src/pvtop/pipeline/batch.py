"""Many hours: planned from listings, downloaded ahead of computing. A failed hour does not stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from polars.exceptions import PanicException

from pvtop.core.errors import NotPublishedError, OutputError, PvtopError, exhausted, internal_error
from pvtop.core.hour import Hour, HourLike, hours_at, runs_of, span
from pvtop.core.html import first_rows, table
from pvtop.core.states import HourState, counts_as_text
from pvtop.pipeline.days_of_batch import DaysOfBatch
from pvtop.pipeline.hour import HourWork, make_hour, reason_left
from pvtop.pipeline.lookup import explain_unpublished
from pvtop.pipeline.metrics import count_hour
from pvtop.pipeline.plan import Action
from pvtop.pipeline.progress import bars_where_seen
from pvtop.pipeline.results import DayOutcome, HourOutcome, rows_of_days
from pvtop.pipeline.session import BESIDE_DOWNLOADS, Session, run_sync
from pvtop.pipeline.survey import plan_hours
from pvtop.settings import Settings

log = logging.getLogger(__name__)

PRUNE_EVERY = 24  # hours

AfterHour = Callable[[Hour], object]
"""What is called after each hour, such as the loader of a mart."""


class BatchObserver(Protocol):
    """Receives the progress of a batch."""

    def planned(self, actions: Sequence[Action]) -> None:
        """Receive the plan, an action for each hour."""

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Receive the progress of a download: the bytes so far, and the size of the dump or None."""

    def computing(self, hour: Hour) -> None:
        """Receive the hour whose report is computed now."""

    def finished(self, outcome: HourOutcome) -> None:
        """Receive the outcome of an hour that was not up to date."""


@dataclass(slots=True)
class BatchResult:
    """The result of a batch.

    Attributes:
        counts: The number of hours in each state: `made`, `unchanged`, `not_published`, `failed`.
        failures: The outcomes of the hours that failed.
        not_published: The hours that the source does not have.
        layout: How the layout of the source explains that it has none of the hours. Empty if it does not, or if the
            source has some of them.
        days: How the day files ended.
    """

    counts: Counter[HourState] = field(default_factory=Counter)
    failures: list[HourOutcome] = field(default_factory=list)
    not_published: list[Hour] = field(default_factory=list)
    layout: str = ""
    days: list[DayOutcome] = field(default_factory=list)

    def add(self, outcome: HourOutcome) -> None:
        """Count the outcome of an hour, and keep it if the hour failed."""
        self.counts[outcome.state] += 1
        if outcome.state is HourState.FAILED:
            self.failures.append(outcome)
        if outcome.state is HourState.NOT_PUBLISHED:
            self.not_published.append(outcome.hour)

    def __repr__(self) -> str:
        return f"<BatchResult: {self._counts}>"

    def _repr_html_(self) -> str:
        """Return the counts, the hours that failed or are not published, and the days, as notebooks show them."""
        failed = [(outcome.hour.iso, f"failed: {outcome.error}") for outcome in self.failures]
        runs = [(span(*run), HourState.NOT_PUBLISHED.label) for run in runs_of(sorted(self.not_published))]
        rows = [*first_rows(failed, "failed hour"), *first_rows(runs, "such period"), *rows_of_days(self.days)]
        return table(f"Batch: {self._counts}", rows, filter(None, [self.layout]))

    @property
    def _counts(self) -> str:
        return counts_as_text(self.counts) or "no hours"


def plan_batch(hours: Sequence[Hour], settings: Settings) -> list[Action]:
    """Return what `run_hours` would do. Write nothing but the cache of the blacklist.

    Raises:
        PvtopError: The lake, the source or the blacklist cannot be read.
    """

    async def make() -> list[Action]:
        async with Session(settings) as session:
            return await plan_hours(hours, session)

    return run_sync(make())


def run_hours(  # noqa: PLR0913 - each is a choice of its own
    hours: HourLike | Iterable[HourLike],
    settings: Settings,
    observer: BatchObserver | None = None,
    *,
    days: bool = False,
    after: AfterHour | None = None,
    progress: bool = True,
) -> BatchResult:
    """Make the reports of many hours: the missing and the outdated ones.

    A failed hour does not stop the others. Works in a running event loop, too, as notebooks have one.

    Args:
        hours: An hour, or several in the order in which they are taken. Each is named by its END: an `Hour`, a
            `datetime` with a time zone, or text such as `2024-12-31T14`. Repeats count once.
        settings: Everything else.
        observer: Receives the progress of the batch. Without one, bars show it in a notebook and on a terminal.
        days: Also make the day files of the UTC days whose 24 hours are all among the hours, from the same reading of
            the dumps.
        after: Called for each hour whose report is in the lake, as soon as it is: one call at a time, in a thread. It
            is not called for other hours. If it raises an error, the hour has failed, but its report stays.
        progress: Whether to show these bars.

    Returns:
        How many hours are in each state, and which ones failed or are not published.

    Raises:
        UsageError: A value is not an hour, or there are none.
        PvtopError: The lake, the source or the blacklist cannot be read at all. Failed hours are in the result.
    """
    wanted = hours_at(hours)
    with bars_where_seen() if progress and observer is None else contextlib.nullcontext() as bars:
        seen = observer or bars or _NoObserver()
        return run_sync(_run_hours(wanted, settings, seen, _Follower(after), days=days))


async def _run_hours(
    hours: Sequence[Hour], settings: Settings, observer: BatchObserver, follower: _Follower, *, days: bool
) -> BatchResult:
    result = BatchResult()
    async with Session(settings) as session:
        actions = await plan_hours(hours, session)
        observer.planned(actions)
        for action in actions:
            if action.state is not None:
                result.add(await follower.follow(_left(action, session, observer)))
        to_do = {action.hour for action in actions if action.state is None}

        async def finish(outcome: HourOutcome) -> None:
            outcome = await follower.follow(outcome)
            result.add(outcome)
            observer.finished(outcome)
            if result.counts.total() % PRUNE_EVERY == 0:
                session.prune()

        with await DaysOfBatch.of(hours if days else [], session) as spool:
            wanted = iter([(hour, hour in to_do) for hour in hours if hour in to_do or spool.dump_of(hour)])
            async with asyncio.TaskGroup() as workers:
                for _ in range(settings.connections + BESIDE_DOWNLOADS):
                    workers.create_task(_work(wanted, session, observer, finish, spool))
            result.days = sorted(spool.outcomes, key=lambda outcome: outcome.day)
        if len(result.not_published) == len(hours):
            result.layout = await explain_unpublished(hours, session.source)
        session.prune()
    return result


def _left(action: Action, session: Session, observer: BatchObserver) -> HourOutcome:
    """Return the outcome of an hour that is not worked on. Report it unless it is up to date."""
    outcome = HourOutcome(action.hour, action.state or HourState.UNCHANGED)
    if outcome.state is HourState.FAILED:
        outcome = replace(outcome, error=reason_left(action, session.settings))
    count_hour(session.metrics, outcome.state)
    if outcome.state is not HourState.UNCHANGED:
        observer.finished(outcome)
    return outcome


async def _work(
    hours: Iterator[tuple[Hour, bool]],
    session: Session,
    observer: BatchObserver,
    finish: Callable[[HourOutcome], Awaitable[None]],
    days: DaysOfBatch,
) -> None:
    """Make hours one at a time. Semaphores of the session order the workers.

    Args:
        hours: Each hour, and whether its report is made. If not, its dump is only read for its day.
        session: The resources of the run.
        observer: Receives the progress.
        finish: Receives the outcome of each report.
        days: Receives the rows of the hours that a day needs.
    """
    for hour, is_reported in hours:
        progress, computing = partial(observer.downloading, hour), partial(observer.computing, hour)
        work = HourWork(hour, session, progress, computing, days.folder(hour))
        outcome = await _outcome(work) if is_reported else None
        if outcome:
            await finish(outcome)
        await days.add(work, outcome.error if outcome else None)


async def _outcome(work: HourWork) -> HourOutcome:
    """Make the report for an hour and return the outcome.

    If it fails, write a note to the lake, so that `status` can show the failure.
    """
    hour = work.hour
    try:
        result = await make_hour(work)
    except NotPublishedError:
        return HourOutcome(hour, HourState.NOT_PUBLISHED)
    except (Exception, PanicException) as error:  # whatever one hour meets, even a bug, must not stop the others
        log.debug("%s", hour, exc_info=True)
        failure = error if isinstance(error, PvtopError) else internal_error(error)
        with contextlib.suppress(OutputError):
            await asyncio.to_thread(work.session.lake.note_failure, hour, failure)
        return HourOutcome(hour, HourState.FAILED, error=failure)
    return HourOutcome(hour, result.state, result)


class _Follower:
    """Calls a function after each hour, one call at a time.

    Args:
        function: The function. None if there is none.
    """

    def __init__(self, function: AfterHour | None) -> None:
        self._function = function
        self._one_at_a_time = asyncio.Lock()

    async def follow(self, outcome: HourOutcome) -> HourOutcome:
        """Call the function if the report of an hour is in the lake. Return the outcome, which failed if that fails."""
        if self._function is None or outcome.state not in {HourState.MADE, HourState.UNCHANGED}:
            return outcome
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._function, outcome.hour)
            except (Exception, PanicException) as error:  # its error must not stop the other hours
                log.debug("%s", outcome.hour, exc_info=True)
                return HourOutcome(outcome.hour, HourState.FAILED, error=_reason(error))
        return outcome


def _reason(error: BaseException) -> PvtopError:
    """Return why a function of the caller failed."""
    if isinstance(error, PvtopError):
        return error
    message = f"the report is in the lake, but the function `after` failed: {type(error).__name__}: {error}"
    return exhausted(error) or PvtopError(message)


class _NoObserver:
    """Ignores everything."""

    def planned(self, actions: Sequence[Action]) -> None:
        """Ignore the plan."""

    def downloading(self, hour: Hour, done: int, total: int | None) -> None:
        """Ignore the bytes."""

    def computing(self, hour: Hour) -> None:
        """Ignore the hour."""

    def finished(self, outcome: HourOutcome) -> None:
        """Ignore the outcome."""
