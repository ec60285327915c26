"""What a lake holds of a range of hours, from listings alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pvtop.core.errors import SourceError
from pvtop.core.hour import Hour
from pvtop.core.states import HourState
from pvtop.pipeline.session import Session, run_sync
from pvtop.settings import Settings
from pvtop.sources.source import published


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """What a lake holds of a range of hours.

    Attributes:
        states: The state of each hour, in the order that was asked for.
        unlisted: Why the source could not be listed, so that hours which are not published count as missing.
    """

    states: Mapping[Hour, HourState]
    unlisted: str = ""

    @property
    def counts(self) -> Counter[HourState]:
        """How many hours are in each state."""
        return Counter(self.states.values())

    @property
    def gaps(self) -> list[tuple[Hour, Hour]]:
        """The runs of hours that are missing or failed: the first and the last of each."""
        return _runs([hour for hour, state in self.states.items() if state in {HourState.MISSING, HourState.FAILED}])


def lake_status(hours: Sequence[Hour], settings: Settings) -> LakeStatus:
    """Look up which hours are done, and which of the others are published.

    Reads listings: of the lake as `Lake.completed` does, and of the source one for each month with an hour that is not
    done.

    Raises:
        OutputError: The lake cannot be read.
    """

    async def look() -> LakeStatus:
        async with Session(settings) as run:
            done = await asyncio.to_thread(run.lake.completed, hours)
            failed = await asyncio.to_thread(run.lake.failed, hours)
            try:
                found = await _published({hour.month_folder for hour in hours if hour not in done}, run)
            except SourceError as error:
                return LakeStatus({hour: _state(hour, done, failed, hours) for hour in hours}, str(error))
            return LakeStatus({hour: _state(hour, done, failed, found) for hour in hours})

    return run_sync(look())


async def _published(months: Iterable[str], run: Session) -> set[Hour]:
    found: set[Hour] = set()
    for month in sorted(months):
        found |= set(await published(run.source, month))
    return found


def _state(hour: Hour, done: Iterable[Hour], failed: Iterable[Hour], published: Iterable[Hour]) -> HourState:
    if hour in done:
        return HourState.MADE
    if hour in failed:
        return HourState.FAILED
    return HourState.MISSING if hour in published else HourState.NOT_PUBLISHED


def _runs(hours: Sequence[Hour]) -> list[tuple[Hour, Hour]]:
    """Join hours that follow each other."""
    if not hours:
        return []
    breaks = [(before, after) for before, after in pairwise(hours) if before + 1 != after]
    firsts = [hours[0], *(after for _, after in breaks)]
    lasts = [*(before for before, _ in breaks), hours[-1]]
    return list(zip(firsts, lasts, strict=True))
