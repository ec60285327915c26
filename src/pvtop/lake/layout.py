"""The paths of files in a lake, relative to its root."""

from __future__ import annotations

import re

from pvtop.core.day import Day
from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour
from pvtop.core.period import Period, PeriodKind

ROLLUP_ROOTS = ("rollups", "rollups_merged")  # the second merges access


def parse_partition(text: str) -> Hour | None:
    """Parse the hour from the values of the hive partitions. Return None if they are not an hour as pvtop writes it."""
    try:
        hour = Hour.parse(text)
    except UsageError:
        return None
    return hour if hour.iso == text else None


def parse_day_partition(text: str) -> Day | None:
    """Parse the day from the value of its hive partition. Return None if it is not a day as pvtop writes it."""
    try:
        return Day.parse(text)
    except UsageError:
        return None


def parse_top_pages_path(path: str) -> Hour | None:
    """Parse the hour from the path of its ranked pages. Return None if it is not such a path as pvtop writes it."""
    match = re.fullmatch(r"top_pages/date=([^/]+)/hour=([^/]+)/top_pages\.parquet", path)
    return parse_partition(f"{match[1]}T{match[2]}") if match else None


def parse_rollup_path(path: str) -> tuple[Period, bool] | None:
    """Parse the period of a rollup, and whether it merges access, from the path of its ranked pages.

    Return None if it is not such a path as pvtop writes it.
    """
    match = re.fullmatch(r"rollups(_merged)?/[a-z]+/top_pages/(.+)/top_pages\.parquet", path)
    values = [part.partition("=")[2] for part in match[2].split("/")] if match else []
    try:
        period = Period.at((values[0], values[1]) if len(values) == 2 else values[0])  # noqa: PLR2004 - first and last
    except (UsageError, IndexError):
        return None
    merged = match is not None and match[1] is not None
    return (period, merged) if rollup_top_pages_path(period, merged=merged) == path else None


def top_pages_path(hour: Hour) -> str:
    """Return the path of the ranked pages of an hour. This file is the marker: if it exists, the hour is made."""
    return f"top_pages/{hour.partition}/top_pages.parquet"


def domains_path(hour: Hour) -> str:
    """Return the path of the domain totals of an hour."""
    return f"domains/{hour.partition}/domains.parquet"


def failure_path(hour: Hour) -> str:
    """Return the path of the note that an hour failed."""
    return f"failures/{hour.partition}.json"


def text_path(hour: Hour) -> str:
    """Return the path of the text report of an hour."""
    return f"text/{hour.month_folder}/top_pages-{hour.stamp:%Y%m%d-%H}0000.txt"


def day_path(day: Day) -> str:
    """Return the path of a day file."""
    return f"days/{day.partition}/pages.parquet"


def rollup_top_pages_path(period: Period, *, merged: bool) -> str:
    """Return the path of the ranked pages of a rollup. This file is the marker: if it exists, the rollup is made."""
    return _rollup_path(period, "top_pages", merged=merged)


def rollup_domains_path(period: Period, *, merged: bool) -> str:
    """Return the path of the domain totals of a rollup."""
    return _rollup_path(period, "domains", merged=merged)


def _rollup_path(period: Period, what: str, *, merged: bool) -> str:
    return f"{ROLLUP_ROOTS[merged]}/{period.kind}/{what}/{_rollup_partition(period)}/{what}.parquet"


def _rollup_partition(period: Period) -> str:
    """Return the hive partition of a period: its day, its month, or its first and its last stamp."""
    match period.kind:
        case PeriodKind.DAY:
            return f"day={period.first.start:%Y-%m-%d}"
        case PeriodKind.MONTH:
            return f"month={period.first.start:%Y-%m}"
        case PeriodKind.RANGE:
            return f"start={period.first.iso}/end={period.last.iso}"
