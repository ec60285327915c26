"""Scan a file of many hours as one lazy frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal, get_args

import polars as pl

from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour
from pvtop.transform.scan import scan_frames
from pvtop.transform.schemas import START

Missing = Literal["error", "skip"]
"""What a scan does with hours and days that are not in the lake."""

READERS = 8  # files read at once: most of the time is spent waiting for a bucket


def check_missing(missing: str) -> None:
    """Check what a scan shall do with what is missing.

    Raises:
        UsageError: It is not one of `Missing`.
    """
    if missing not in get_args(Missing):
        raise UsageError(f"missing is {shorten(repr(missing))}", "it must be 'error' or 'skip'")


def scan_hours(hours: Sequence[Hour], read: Callable[[Hour], pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    """Scan the frames of some hours.

    Args:
        hours: The hours, in the order of the rows.
        read: Returns the frame of an hour. Called by several threads.
        schema: The columns of these frames.

    Returns:
        `start` Datetime in UTC, the beginning of the hour, and the columns of the schema. Collecting raises whatever
        `read` raises.
    """
    return scan_frames(partial(_read_all, hours, read), pl.Schema({"start": START, **schema}))


def _read_all(hours: Sequence[Hour], read: Callable[[Hour], pl.DataFrame], _: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the frame of each hour, while threads read the next ones."""

    def read_one(hour: Hour) -> pl.DataFrame:
        frame = read(hour)
        return frame.insert_column(0, pl.repeat(hour.start, len(frame), dtype=START, eager=True).alias("start"))

    with ThreadPoolExecutor(READERS) as readers:
        upcoming = deque(readers.submit(read_one, hour) for hour in hours[:READERS])
        for following in [*hours[READERS:], *[None] * len(upcoming)]:
            frame = upcoming.popleft().result()
            if following:
                upcoming.append(readers.submit(read_one, following))
            yield frame
