"""The paths of files in a lake, relative to its root."""

from __future__ import annotations

from pvtop.core.day import Day
from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour


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
