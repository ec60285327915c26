"""Collect the facts that the plans of days need: from the lake, the cache and the source's listings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from pvtop.core.day import Day
from pvtop.core.errors import OutputError
from pvtop.lake.day_files import DAMAGED
from pvtop.pipeline.day_plan import DayAction, DayEntry, decide_day, needs_listing
from pvtop.pipeline.plan import HourFacts
from pvtop.pipeline.session import Session
from pvtop.pipeline.survey import look_at_dumps, with_listing


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
            return DayEntry(day_file.provenance)
    except OutputError as error:
        if error.remedy not in DAMAGED:
            raise
        return DayEntry(None)
