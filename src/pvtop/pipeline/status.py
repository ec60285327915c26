"""The status of a lake: the state of each hour of a range, from listings alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from pvtop.core.errors import SourceError
from pvtop.core.hour import Hour, runs_of
from pvtop.core.states import HourState
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings

GAP_STATES = {HourState.MISSING, HourState.FAILED}


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """The state of each hour of a range.

    Attributes:
        states: The state of each hour, in the order of the request.
        unlisted: The error from listing the source, or empty. If listing failed, unpublished hours count as missing.
    """

    states: Mapping[Hour, HourState]
    unlisted: str = ""

    @property
    def counts(self) -> Counter[HourState]:
        """The number of hours in each state."""
        return Counter(self.states.values())

    @property
    def gaps(self) -> list[tuple[Hour, Hour]]:
        """The gaps of missing or failed hours: the first and the last hour of each."""
        return runs_of([hour for hour, state in self.states.items() if state in GAP_STATES])


def lake_status(hours: Sequence[Hour], settings: Settings) -> LakeStatus:
    """Look up which hours are in the lake, and which of the others are published.

    Read listings only: those of the lake, and one of the source for each month with an hour that is not in the lake.

    Raises:
        OutputError: The lake cannot be read.
    """

    async def look() -> LakeStatus:
        async with Session(settings) as session:
            made = await asyncio.to_thread(session.lake.made_at, hours)
            failed = await asyncio.to_thread(session.lake.failed, hours)
            try:
                listed = await _list_source([hour for hour in hours if hour not in made], session)
            except SourceError as error:
                return LakeStatus({hour: _state(hour, made, failed, hours) for hour in hours}, str(error))
            return LakeStatus({hour: _state(hour, made, failed, listed) for hour in hours})

    return run_sync(look())


async def _list_source(hours: Sequence[Hour], session: Session) -> set[Hour]:
    """Return all published hours in the months that contain these hours."""
    months = sorted({hour.month_folder for hour in hours})
    return {hour for month in months for hour in await session.list_month(month)}


def _state(hour: Hour, made: Container[Hour], failed: Container[Hour], published: Container[Hour]) -> HourState:
    if hour in made:
        return HourState.MADE
    if hour in failed:
        return HourState.FAILED
    return HourState.MISSING if hour in published else HourState.NOT_PUBLISHED
