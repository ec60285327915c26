"""The day files of a batch, made from the same reading of the dumps as its reports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

from polars.exceptions import PanicException

from pvtop.core.day import Day
from pvtop.core.errors import NotPublishedError, PvtopError, internal_error
from pvtop.core.hour import Hour
from pvtop.pipeline.day_plan import DayAction
from pvtop.pipeline.day_survey import plan_all
from pvtop.pipeline.days import (
    DayObserver,
    carry_out,
    merge_day,
    outcome_left,
    outcome_of,
    write_day,
)
from pvtop.pipeline.hour import HourWork
from pvtop.pipeline.plan import Action, ActionKind
from pvtop.pipeline.results import DayOutcome
from pvtop.pipeline.scratch_room import announce_day
from pvtop.pipeline.session import Session
from pvtop.pipeline.spool import Spooled
from pvtop.sources.scratch import scratch_folder, sweep_scratch
from pvtop.transform.day import DayProvenance

log = logging.getLogger(__name__)


def whole_days(hours: Collection[Hour]) -> list[Day]:
    """Return the days whose 24 hours are all among the hours."""
    wanted = set(hours)
    return [day for day in _touched(wanted) if wanted.issuperset(day.hours)]


def partial_days(hours: Collection[Hour]) -> list[Day]:
    """Return the days of which some hours, but not all, are among the hours."""
    wanted = set(hours)
    return [day for day in _touched(wanted) if not wanted.issuperset(day.hours)]


def _touched(hours: Collection[Hour]) -> list[Day]:
    return sorted({Day.of_hour(hour) for hour in hours})


class DaysOfBatch:
    """Collects the spooled hours of the days that a batch makes. Use it as a context manager.

    Args:
        actions: What is to be done about the whole days of the batch.
        session: The resources of the run.

    Attributes:
        outcomes: How each day ended.
    """

    def __init__(self, actions: Sequence[DayAction], session: Session) -> None:
        self._session = session
        self._stack = contextlib.ExitStack()
        days = [_DayInWork(action) for action in actions if action.state is None]
        self._days = {hour: day for day in days for hour in day.dumps}
        self.outcomes = [outcome_left(action) for action in actions if action.state is not None]

    @classmethod
    async def of(cls, hours: Collection[Hour], session: Session) -> DaysOfBatch:
        """Plan the whole days among the hours. Before that, remove the scratch space of killed runs.

        Raises:
            PvtopError: The lake or the source cannot be read.
        """
        await asyncio.to_thread(sweep_scratch, session.settings.cache_dir)
        return cls(await plan_all(whole_days(hours), session, only_whole=True), session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def dump_of(self, hour: Hour) -> Action | None:
        """Return how to get the dump of an hour that a day needs, None if no day needs it."""
        day = self._days.get(hour)
        return day.dumps.get(hour) if day else None

    def folder(self, hour: Hour) -> Path | None:
        """Return the folder to which an hour is spooled.

        None if no day needs the hour, or its day cannot be made, or may turn out to be up to date.
        """
        day = self._days.get(hour)
        if day is None or hour not in day.dumps or day.error or day.is_verified:
            return None
        try:
            return day.folder or self._open(day)
        except PvtopError as error:
            day.error = error
            return None

    def _open(self, day: _DayInWork) -> Path:
        """Make the folder of a day in scratch space."""
        announce_day(day.action, self._session)
        day.folder = day.stack.enter_context(scratch_folder(self._session.settings.cache_dir))
        self._stack.callback(day.stack.close)
        return day.folder

    async def add(self, work: HourWork, error: PvtopError | None) -> None:
        """Take an hour that has ended. If it is the last of its day, make or verify the day file.

        Args:
            work: The work on the hour. If the report is up to date, its rows are spooled only now.
            error: Why the report failed, None if it did not, or is not wanted.
        """
        day = self._days.get(work.hour)
        if day is None or work.hour not in day.dumps:
            return
        failure = error or work.spool_error or await _spooling_error(work, day.dumps[work.hour])
        day.error = day.error or failure
        if day.error:
            day.stack.close()  # the hours that are still read may need the room
        del day.dumps[work.hour]  # after the spooling, because the last hour makes the day
        if work.spooled:
            day.spooled[work.hour] = work.spooled
        if not day.dumps:
            self.outcomes.append(await self._end(day))
            day.stack.close()
            await asyncio.to_thread(self._session.prune)

    async def _end(self, day: _DayInWork) -> DayOutcome:
        if day.is_verified:
            return await carry_out(day.action, self._session, DayObserver())
        return await outcome_of(day.action, self._merge(day))

    async def _merge(self, day: _DayInWork) -> DayProvenance:
        if day.error:
            raise day.error
        async with self._session.compute_slots:
            path = await merge_day(day.action.day, day.spooled, day.folder or Path())
        return await asyncio.to_thread(write_day, day.action, path, self._session)


async def _spooling_error(work: HourWork, dump: Action) -> PvtopError | None:
    """Spool an hour unless it is spooled. Return why that failed, None if it did not, or the dump is not published."""
    if work.spooled or not work.spools:
        return None
    try:
        await work.spool(dump)
    except NotPublishedError:
        return None
    except (Exception, PanicException) as error:  # whatever one hour meets must not stop the others
        log.debug("%s", work.hour, exc_info=True)
        return error if isinstance(error, PvtopError) else internal_error(error)
    return None


class _DayInWork:
    """A day of which hours are still read."""

    def __init__(self, action: DayAction) -> None:
        self.action = action
        self.is_verified = action.kind is ActionKind.VERIFY
        self.dumps = {one.hour: one for one in action.dumps}
        self.spooled: dict[Hour, Spooled] = {}
        self.error: PvtopError | None = None
        self.folder: Path | None = None
        self.stack = contextlib.ExitStack()
