"""Estimate the scratch space of a day file or a rollup, log it, and check that there is room."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import sqrt

from pvtop.core.period import Period
from pvtop.pipeline.day_plan import DayAction
from pvtop.pipeline.plan import Action
from pvtop.pipeline.session import Session
from pvtop.sources.scratch import check_room

# Scratch space for each byte of gzip.
DAY_SHARE = 3.5  # 2.1 for the runs of the hours, 0.4 for the day file, and a reserve
RUNS_SHARE = 2.5  # 2.1 for the runs of the hours, and a reserve
UNKNOWN_DUMP_BYTES = 60_000_000  # the size of a dump if the source lists none

log = logging.getLogger(__name__)


def announce_day(action: DayAction, session: Session) -> None:
    """Log how much scratch space a day file takes, and check that there is room.

    Raises:
        OutputError: There is too little room.
    """
    _announce(str(action.day), DAY_SHARE * sum(_sizes(action.dumps, session)), session)


def announce_rollup(
    period: Period, dumps: Sequence[Sequence[Action]], day_files: Sequence[Sequence[int]], session: Session
) -> None:
    """Log how much scratch space a rollup takes, if it takes any, and check that there is room.

    Args:
        period: The period.
        dumps: How to get the dumps that are read, day by day.
        day_files: For each merge of day files in scratch space, the sizes of the dumps that they were made from.
        session: The resources of the run.

    Raises:
        OutputError: There is too little room.
    """
    days = [_sizes(of_day, session) for of_day in dumps]
    sums = [*(days if len(days) > 1 else []), *day_files]
    wanted = max(map(_bytes_of_runs, days), default=0) + sum(map(_bytes_of_sum, sums))
    if wanted:
        _announce(f"rollup of {period}", wanted, session)


def _bytes_of_runs(hours: Sequence[int]) -> float:
    """Return the scratch space of the runs of hours. While the runs of an hour are merged, it takes twice its space."""
    return RUNS_SHARE * (sum(hours) + max(hours))


def _bytes_of_sum(hours: Sequence[int]) -> float:
    """Return the scratch space of the sum of hours. In n hours, about √n times as many pages occur as in one."""
    return RUNS_SHARE * sum(hours) / sqrt(max(len(hours), 1))


def _announce(what: str, wanted: float, session: Session) -> None:
    cache = session.settings.cache_dir
    log.info("%s: needs %s MB of scratch space in %s", what, f"{wanted / 10**6:,.0f}", cache)
    check_room(cache, int(wanted))


def _sizes(actions: Sequence[Action], session: Session) -> list[int]:
    """Return the sizes of dumps."""
    return [_size(one, session) for one in actions]


def _size(action: Action, session: Session) -> int:
    path = session.dump_address(action.hour).local_path or session.cache.dump_path(action.hour)
    try:
        return path.stat().st_size
    except OSError:
        return action.download_bytes or UNKNOWN_DUMP_BYTES
