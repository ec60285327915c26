"""Day files of many days: planned, made from the dumps of their hours, and written to the lake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from polars.exceptions import PanicException

from pvtop.core.day import Day, DayLike, days_at
from pvtop.core.errors import InvalidReportError, NotPublishedError, PvtopError, internal_error
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.lake.day_files import DayFile
from pvtop.lake.layout import day_path
from pvtop.pipeline.day_plan import DayAction, lacking
from pvtop.pipeline.day_survey import plan_all
from pvtop.pipeline.hour import HourWork
from pvtop.pipeline.lookup import explain_unpublished
from pvtop.pipeline.plan import Action, ActionKind, holds
from pvtop.pipeline.results import DayOutcome, DaysResult
from pvtop.pipeline.scratch_room import announce_day
from pvtop.pipeline.session import BESIDE_DOWNLOADS, Session, run_sync, run_workers
from pvtop.pipeline.spool import Spooled, write_spooled
from pvtop.settings import Settings
from pvtop.sources.scratch import scratch_folder, sweep_scratch
from pvtop.storage.http import offline
from pvtop.transform.day import DayProvenance

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DayObserver:
    """Receives the progress of days. Each function may be called from the loop of the run only.

    Attributes:
        planned: Called with the plan.
        downloading: Called with an hour, the bytes so far, and the size of the dump or None.
        downloaded: Called with an hour of a later day whose dump has been downloaded.
        computing: Called with an hour that is read now.
        spooled: Called with an hour that has been read, or turned out not to be published.
        merging: Called with a day whose hours have all been read.
        finished: Called with the outcome of a day.
    """

    planned: Callable[[Sequence[DayAction]], object] = lambda _: None
    downloading: Callable[[Hour, int, int | None], None] = lambda *_: None
    downloaded: Callable[[Hour], object] = lambda _: None
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
        for number, action in enumerate(actions):
            later = next((one for one in actions[number + 1 :] if one.state is None), None)
            outcome = await carry_out(action, session, observer, later)
            result.outcomes.append(outcome)
            observer.finished(outcome)
            await session.ahead.cancel(action.day.hours)
        await asyncio.to_thread(session.prune)
        if result.counts[HourState.NOT_PUBLISHED] == len(days):
            result.layout = await explain_unpublished([hour for day in days for hour in day.hours], session.source)
    return result


async def carry_out(
    action: DayAction, session: Session, observer: DayObserver, later: DayAction | None = None
) -> DayOutcome:
    """Carry out the action of a day. Return its outcome.

    Args:
        action: The action.
        session: The resources of the run.
        observer: Receives the progress.
        later: The next day that is worked on. Its dumps are downloaded while the hours of this day are merged.
    """
    if action.state is not None:
        return outcome_left(action)
    return await outcome_of(action, _make_unless_it_holds(action, session, observer, later))


async def outcome_of(action: DayAction, making: Awaitable[DayProvenance | None]) -> DayOutcome:
    """Return how a day ends.

    Args:
        action: What is done about it.
        making: Returns the provenance of the new day file, None if the one in the lake holds.
    """
    try:
        provenance = await making
    except NotPublishedError as error:
        return DayOutcome(action.day, HourState.NOT_PUBLISHED, "not published", action.provenance, error)
    except (Exception, PanicException) as error:  # whatever one day meets, even a bug, must not stop the others
        log.debug("%s", action.day, exc_info=True)
        failure = error if isinstance(error, PvtopError) else internal_error(error)
        return DayOutcome(action.day, HourState.FAILED, str(failure), action.provenance, failure)
    if provenance is None:
        return DayOutcome(action.day, HourState.UNCHANGED, "up to date", action.provenance)
    return DayOutcome(action.day, HourState.MADE, action.reason, provenance)


def outcome_left(action: DayAction) -> DayOutcome:
    """Return the outcome of a day that is not worked on."""
    state = action.state or HourState.UNCHANGED
    error = _reason_left(action) if state is HourState.FAILED else None
    return DayOutcome(action.day, state, action.reason, action.provenance, error)


def _reason_left(action: DayAction) -> PvtopError:
    """Return the error for a day that cannot be made."""
    if action.setting == "offline":
        return offline(f"a dump of {action.day}")
    return _lacks_hours(action.day, action.reason, action.setting)


def _lacks_hours(day: Day, reason: str, setting: str) -> InvalidReportError:
    """Return the error for a day file that stays. It cannot be read, so a new one may lose any of its hours."""
    advice = {
        "force": "the lake is unchanged; get the dumps; to make the day without them, use force",
        "source": "the lake is unchanged; name a source that has the dumps",
    }
    return InvalidReportError(f"the day file of {day} is {reason}", advice[setting], setting=setting)


async def _holds(action: DayAction, session: Session, observer: DayObserver) -> bool:
    """Return whether the dumps that must be verified are those that the day file was made from."""
    for one in action.to_verify:
        dump = await HourWork(one.hour, session, partial(observer.downloading, one.hour), lambda: None).get_dump(one)
        if not holds(one, dump.facts.sha256):
            return False
    return True


async def _make_unless_it_holds(
    action: DayAction, session: Session, observer: DayObserver, later: DayAction | None
) -> DayProvenance | None:
    """Make a day file and put it into the lake. Return None if the one in the lake holds."""
    if action.kind is ActionKind.VERIFY and await _holds(action, session, observer):
        return None
    announce_day(action, session)
    with scratch_folder(session.settings.cache_dir) as folder:
        spooled = await spool_day(action.dumps, session, folder, observer)
        await asyncio.to_thread(session.prune)
        if later:
            _download_ahead(later, session, observer)
        observer.merging(action.day)
        path = await merge_day(action.day, spooled, folder)
        return await asyncio.to_thread(write_day, action, path, session)


def _download_ahead(action: DayAction, session: Session, observer: DayObserver) -> None:
    """Begin to download the dumps of a day."""
    for one in () if session.in_place else action.to_verify or action.dumps:
        work = HourWork(one.hour, session, partial(observer.downloading, one.hour), lambda: None)
        work.download_ahead(one, partial(observer.downloaded, one.hour))


async def spool_day(
    dumps: Sequence[Action], session: Session, folder: Path, observer: DayObserver
) -> dict[Hour, Spooled]:
    """Spool the hours of a day. Return those that are published.

    Args:
        dumps: How to get the dump of each hour.
        session: The resources of the run.
        folder: A folder in scratch space.
        observer: Receives the progress.

    Raises:
        PvtopError: A dump cannot be read or downloaded, or breaks a rule.
    """
    spooled, to_do = dict[Hour, Spooled](), iter(dumps)

    async def work() -> None:
        for one in to_do:
            if found := await _spool(one, session, folder, observer):
                spooled[one.hour] = found
            observer.spooled(one.hour)

    await run_workers(work, session.settings.connections + BESIDE_DOWNLOADS)
    return spooled


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
        InvalidReportError: It lacks an hour that the earlier one has or may have, or is much smaller.
        OutputError: The lake cannot be written.
    """
    with path.open("rb") as file:
        made = DayFile(file, str(path)).provenance
    if action.unreadable and made.missing and not session.settings.force:
        raise _lacks_hours(action.day, lacking(made.missing), "force")
    if action.provenance:
        _check_replacement(made, action.provenance, session)
    session.lake.write_day(action.day, path)
    return made


def _check_replacement(made: DayProvenance, earlier: DayProvenance, session: Session) -> None:
    settings, path = session.settings, session.lake.path(day_path(Day.parse(made.day)))
    if lost := [hour for hour in made.missing if hour not in earlier.missing]:
        raise InvalidReportError(
            f"the dump of {lost[0]} is gone, and the day file of {made.day} was made from it",
            f"the lake is unchanged; to make the day without that hour, remove {path}",
        )
    if not settings.force and made.views < settings.min_share * earlier.views:
        raise InvalidReportError(
            f"the new day file of {made.day} has {made.views:,} views, and the earlier one has {earlier.views:,}",
            "the lake is unchanged; to replace the day file anyway, use force",
            setting="force",
        )
