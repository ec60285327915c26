"""Day files of many days: planned, made from the dumps of their hours, and written to the lake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from polars.exceptions import PanicException

from pvtop.core.day import Day, DayLike, days_at
from pvtop.core.errors import InvalidReportError, NotPublishedError, OutputError, PvtopError, internal_error
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.day_files import DayFile
from pvtop.pipeline.day_plan import DayAction, DayEntry, decide_day, needs_listing
from pvtop.pipeline.hour import HourWork
from pvtop.pipeline.lookup import explain_unpublished
from pvtop.pipeline.plan import Action, ActionKind, HourFacts, holds
from pvtop.pipeline.results import DayOutcome, DaysResult
from pvtop.pipeline.session import BESIDE_DOWNLOADS, Session, run_sync
from pvtop.pipeline.spool import Spooled, write_spooled
from pvtop.pipeline.survey import look_at_dumps, with_listing
from pvtop.settings import Settings
from pvtop.sources.scratch import check_room, scratch_folder, sweep_scratch
from pvtop.storage.http import offline
from pvtop.transform.day import DayProvenance

SCRATCH_SHARE = 3.5  # scratch space for each byte of gzip: 2.1 for the runs, 0.4 for the day file, and some
UNKNOWN_DUMP_BYTES = 60_000_000  # the size of a dump if the source lists none

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DayObserver:
    """Receives the progress of days. Each function may be called from the loop of the run only.

    Attributes:
        planned: Called with the plan.
        downloading: Called with an hour, the bytes so far, and the size of the dump or None.
        computing: Called with an hour that is read now.
        spooled: Called with an hour that has been read.
        merging: Called with a day whose hours have all been read.
        finished: Called with the outcome of a day.
    """

    planned: Callable[[Sequence[DayAction]], object] = lambda _: None
    downloading: Callable[[Hour, int, int | None], None] = lambda *_: None
    computing: Callable[[Hour], None] = lambda _: None
    spooled: Callable[[Hour], None] = lambda _: None
    merging: Callable[[Day], object] = lambda _: None
    finished: Callable[[DayOutcome], object] = lambda _: None


def plan_days(days: Sequence[Day], settings: Settings, *, only_whole: bool = False) -> list[DayAction]:
    """Return what `build_days` would do.

    Raises:
        PvtopError: The lake or the source cannot be read.
    """

    async def make() -> list[DayAction]:
        async with Session(settings) as session:
            return await plan_all(days, session, only_whole=only_whole)

    return run_sync(make())


def build_days(
    days: DayLike | Iterable[DayLike], settings: Settings, observer: DayObserver | None = None
) -> DaysResult:
    """Make the day files of many UTC days: the missing and the outdated ones. A failed day does not stop the others.

    Works in a running event loop, too, as notebooks have one.

    Args:
        days: A day, or several in the order in which they are made: each a `Day`, a date, or text such as
            `2024-12-31`. Repeats count once.
        settings: Everything else.
        observer: Receives the progress.

    Returns:
        How each day ended.

    Raises:
        UsageError: A value is not a day, or there are none.
        PvtopError: The lake or the source cannot be read at all. Failed days are in the result.
    """
    return run_sync(_build_days(days_at(days), settings, observer or DayObserver()))


async def _build_days(days: Sequence[Day], settings: Settings, observer: DayObserver) -> DaysResult:
    result = DaysResult()
    async with Session(settings) as session:
        await asyncio.to_thread(session.lake.prepare)
        await asyncio.to_thread(sweep_scratch, settings.cache_dir)
        actions = await plan_all(days, session)
        observer.planned(actions)
        for action in actions:
            outcome = await _outcome(action, session, observer)
            result.outcomes.append(outcome)
            observer.finished(outcome)
        if result.counts[HourState.NOT_PUBLISHED] == len(days):
            result.layout = await explain_unpublished([hour for day in days for hour in day.hours], session.source)
    return result


async def plan_all(days: Sequence[Day], session: Session, *, only_whole: bool = False) -> list[DayAction]:
    """Plan days. Lists only the months whose listing can change a plan.

    Args:
        days: The days.
        session: The resources of the run.
        only_whole: Whether a day with hours that are not published yet waits until it is overdue.

    Raises:
        PvtopError: The lake or the source cannot be read.
    """
    context = session.dump_context()
    entries = await asyncio.to_thread(_read_entries, days, session)
    facts = await asyncio.to_thread(lambda: {day: look_at_dumps(day.hours, session) for day in days})

    def decide(day: Day, known: Sequence[HourFacts]) -> DayAction:
        is_due = not only_whole or session.started >= day.end + session.settings.days_overdue
        return decide_day(day, entries[day], known, context, is_due=is_due)

    unlisted = [decide(day, facts[day]) for day in days]
    hours = [hour for action in unlisted if needs_listing(action, context) for hour in action.day.hours]
    months = {hour.month_folder for hour in hours if hour.stamp <= session.started}
    await asyncio.gather(*map(session.list_month, sorted(months)))
    return [decide(day, [await with_listing(one, session) for one in facts[day]]) for day in days]


def _read_entries(days: Iterable[Day], session: Session) -> dict[Day, DayEntry | None]:
    return {day: _read_entry(day, session) for day in days}


def _read_entry(day: Day, session: Session) -> DayEntry | None:
    try:
        with session.lake.day_file(day) as day_file:
            if day_file is None:
                return None
            return DayEntry(day_file.provenance if day_file.provenance.day == day.iso else None)
    except OutputError as error:
        if error.remedy != "remake_day":
            raise
        return DayEntry(None)


async def _outcome(action: DayAction, session: Session, observer: DayObserver) -> DayOutcome:
    """Carry out the action of a day. Return its outcome."""
    if action.state is not None:
        return outcome_left(action)
    try:
        if action.kind is ActionKind.VERIFY and await _holds(action, session, observer):
            return DayOutcome(action.day, HourState.UNCHANGED, "up to date", action.provenance)
        provenance = await _make(action, session, observer)
    except NotPublishedError as error:
        return DayOutcome(action.day, HourState.NOT_PUBLISHED, "not published", action.provenance, error)
    except (Exception, PanicException) as error:  # whatever one day meets, even a bug, must not stop the others
        log.debug("%s", action.day, exc_info=True)
        failure = error if isinstance(error, PvtopError) else internal_error(error)
        return DayOutcome(action.day, HourState.FAILED, str(failure), action.provenance, failure)
    return DayOutcome(action.day, HourState.MADE, action.reason, provenance)


def outcome_left(action: DayAction) -> DayOutcome:
    """Return the outcome of a day that is not worked on."""
    state = action.state or HourState.UNCHANGED
    error = offline(f"a dump of {action.day}") if state is HourState.FAILED else None
    return DayOutcome(action.day, state, action.reason, action.provenance, error)


async def _holds(action: DayAction, session: Session, observer: DayObserver) -> bool:
    """Return whether the dumps that must be verified are those that the day file was made from."""
    for one in action.to_verify:
        dump = await HourWork(one.hour, session, partial(observer.downloading, one.hour), lambda: None).get_dump(one)
        if not holds(one, dump.facts.sha256):
            return False
    return True


async def _make(action: DayAction, session: Session, observer: DayObserver) -> DayProvenance:
    """Make a day file and put it into the lake."""
    announce(action, session)
    with scratch_folder(session.settings.cache_dir) as folder:
        path = await make_day_file(action.day, action.dumps, session, folder, observer)
        return await asyncio.to_thread(write_day, action, path, session)


def announce(action: DayAction, session: Session) -> None:
    """Log how much scratch space the day takes, and check that there is room."""
    wanted = int(SCRATCH_SHARE * sum(_size(one, session) for one in action.dumps))
    log.info("%s: needs %s MB of scratch space in %s", action.day, f"{wanted / 10**6:,.0f}", session.settings.cache_dir)
    check_room(session.settings.cache_dir, wanted)


def _size(action: Action, session: Session) -> int:
    path = Path(session.dump_address(action.hour)) if session.in_place else session.cache.dump_path(action.hour)
    try:
        return path.stat().st_size
    except OSError:
        return action.download_bytes or UNKNOWN_DUMP_BYTES


async def make_day_file(
    day: Day, dumps: Sequence[Action], session: Session, folder: Path, observer: DayObserver | None = None
) -> Path:
    """Make a day file in scratch space from the dumps of some hours of the day.

    Args:
        day: The day.
        dumps: How to get the dump of each hour. The other hours of the day count as missing.
        session: The resources of the run.
        folder: A folder in scratch space.
        observer: Receives the progress.

    Raises:
        NotPublishedError: The source has none of the dumps.
        PvtopError: A dump cannot be read or downloaded, or breaks a rule.
    """
    watcher, spooled, to_do = observer or DayObserver(), dict[Hour, Spooled](), iter(dumps)

    async def work() -> None:
        for one in to_do:
            if found := await _spool(one, session, folder, watcher):
                spooled[one.hour] = found
                watcher.spooled(one.hour)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(session.settings.connections + BESIDE_DOWNLOADS):
                workers.create_task(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    watcher.merging(day)
    return await merge_day(day, spooled, folder)


async def merge_day(day: Day, spooled: Mapping[Hour, Spooled], folder: Path) -> Path:
    """Merge the spooled hours of a day to a day file in scratch space. Return its path.

    Raises:
        NotPublishedError: No hour is spooled.
        PvtopError: A page occurs twice in an hour, or the scratch space cannot be written.
    """
    if not spooled:
        raise NotPublishedError(f"none of the hours of {day} is published", "choose an earlier day")
    path = folder / f"{day.iso}.parquet"
    await asyncio.to_thread(write_spooled, day, spooled, path)
    return path


async def _spool(action: Action, session: Session, folder: Path, observer: DayObserver) -> Spooled | None:
    """Spool an hour. Return None if the source does not have its dump after all."""
    hour = action.hour
    work = HourWork(hour, session, partial(observer.downloading, hour), partial(observer.computing, hour), folder)
    try:
        await work.spool(action)
    except NotPublishedError:
        return None
    return work.spooled


def write_day(action: DayAction, path: Path, session: Session) -> DayProvenance:
    """Put a day file into the lake, unless it would lose what the one that it replaces has.

    Raises:
        InvalidReportError: It lacks an hour, or is much smaller.
        OutputError: The lake cannot be written.
    """
    with path.open("rb") as file:
        made = DayFile(file, str(path)).provenance
    if action.provenance:
        _check_replacement(made, action.provenance, session.settings)
    session.lake.write_day(action.day, path)
    return made


def _check_replacement(made: DayProvenance, earlier: DayProvenance, settings: Settings) -> None:
    if lost := [hour for hour in made.missing if hour not in earlier.missing]:
        raise InvalidReportError(
            f"the dump of {lost[0]} is gone, and the day file of {made.day} was made from it",
            "the lake is unchanged; to make the day without that hour, remove its day file",
        )
    if not settings.force and made.views < settings.min_share * earlier.views:
        raise InvalidReportError(
            f"the new day file of {made.day} has {made.views:,} views, and the earlier one has {earlier.views:,}",
            "the lake is unchanged; to replace the day file anyway, use force",
            setting="force",
        )
