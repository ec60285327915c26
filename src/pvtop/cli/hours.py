"""Which hours are meant: the one place that reads --date, --hour, --day, --start, --end, --last and --hours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pvtop.cli.help import HOURS
from pvtop.core.day import Day
from pvtop.core.errors import NoDayFilesError, UsageError
from pvtop.core.hour import FIRST_STAMP, Hour, check_hour_of_day, parse_date
from pvtop.core.period import Period

if TYPE_CHECKING:
    from pvtop.lake.lake import Lake
    from pvtop.settings import Settings

ALL_DAY = frozenset(range(24))

Date = Annotated[
    str | None,
    typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the hour's end, in UTC.", rich_help_panel=HOURS),
]
HourOfDay = Annotated[
    int | None,
    typer.Option(
        "--hour",
        metavar="0-23",
        help="Hour at which it ends, in UTC: 6 means 05:00 to 06:00.",
        rich_help_panel=HOURS,
    ),
]
DayInLake = Annotated[
    str | None,
    typer.Option(
        "--day",
        metavar="YYYY-MM-DD",
        help="The 24 hours of this UTC day. The default is the newest day in the lake.",
        rich_help_panel=HOURS,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="STAMP",
        help="First hour of the range in UTC, for example 2024-08-03T00, or with an offset: 2024-08-03T02:00+02:00. "
        "A date without an hour means T00 of that date.",
        rich_help_panel=HOURS,
    ),
]
End = Annotated[
    str | None,
    typer.Option(
        "--end",
        metavar="STAMP",
        help="Last hour of the range, written in the same way. A date without an hour means T23 of that date. "
        "The default is the hour or the date of --start.",
        rich_help_panel=HOURS,
    ),
]
Last = Annotated[
    int | None, typer.Option("--last", min=1, metavar="N", help="The N newest published hours.", rich_help_panel=HOURS)
]
LastInLake = Annotated[
    int | None,
    typer.Option("--last", min=1, metavar="N", help="The N newest hours in the lake.", rich_help_panel=HOURS),
]
WholeDay = Annotated[
    str | None,
    typer.Option("--day", metavar="YYYY-MM-DD", help="The 24 hours of this UTC day.", rich_help_panel=HOURS),
]
Month = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", help="The hours of all UTC days of this month.", rich_help_panel=HOURS),
]
HoursOfDay = Annotated[
    str | None,
    typer.Option("--hours", metavar="LIST", help="Only these hours of each day: 0,6,12-17.", rich_help_panel=HOURS),
]


def read_period(day: str | None, month: str | None, start: str | None, end: str | None) -> Period | None:
    """Return the hours that --day, --month, or --start and --end name. Return None if none of them is given.

    Raises:
        UsageError: The options contradict each other, or one is invalid.
    """
    named = hours_of_days(day, month)
    if named and (start, end) != (None, None):
        raise UsageError("--day and --month cannot be combined with --start or --end", "give one of them")
    hours = named or _read_range(start, end)
    return Period.of_hours(hours[0], hours[-1]) if hours else None


def published_hour(settings: Settings, date: str | None, hour: int | None) -> Hour:
    """Return the hour that --date and --hour name. Without both of them, the newest published one that fits.

    Raises:
        UsageError: There is no such day or hour, or it is before the first dump.
        NotPublishedError: The source has published no hour that fits.
        SourceError: The source cannot be read.
    """
    day, named = _read_hour(date, hour)
    if named:
        return named
    from pvtop.pipeline.lookup import newest_hour

    return newest_hour(settings, day, hour)


def hour_in_lake(lake: Lake, date: str | None, hour: int | None) -> Hour | None:
    """Return the hour that --date and --hour name. Without both of them, the newest one in the lake that fits.

    None if no hour in the lake fits.

    Raises:
        UsageError: There is no such day or hour, or it is before the first dump.
        OutputError: The lake cannot be read.
    """
    day, named = _read_hour(date, hour)
    return named or lake.newest(day, hour)


def hours_of_days(day: str | None, month: str | None) -> list[Hour]:
    """Return the hours of a UTC day or of all days of a month. Empty if neither is given.

    Raises:
        UsageError: Both are given, or there is no such day or month.
    """
    from pvtop.core.day import Day, month_days

    if day is not None and month is not None:
        raise UsageError("--day cannot be combined with --month", "give one of them")
    days = month_days(month) if month is not None else [Day.parse(day)] if day is not None else []
    return [hour for one in days for hour in one.hours]


def day_in_lake(lake: Lake, text: str | None) -> Day:
    """Return the day that --day names. Without it, the newest day in the lake.

    Raises:
        UsageError: There is no such day, or it is before the first dump.
        NoDayFilesError: The default is wanted, and the lake has no day.
        OutputError: The lake cannot be read.
    """
    if text is not None:
        return Day.parse(text)
    days = lake.days()
    if not days:
        raise NoDayFilesError(f"the lake {lake.path('')} has no day files", "make some with build_days")
    return days[-1]


def published_hours(
    settings: Settings,
    start: str | None,
    end: str | None,
    last: int | None,
    hours: str | None,
    default: int,
    whole_days: Sequence[Hour] = (),
) -> list[Hour]:
    """Return the hours of a range, of whole days, or the `last` published ones: `default` of them if none is given.

    Raises:
        UsageError: The options contradict each other, or one is invalid.
        SourceError: The source cannot be listed for the newest hours.
    """
    if last is not None and (start, end) != (None, None):
        raise UsageError("--last cannot be combined with --start or --end", "give a range, or a number of newest hours")
    if whole_days and (last, start, end) != (None, None, None):
        raise UsageError("--day and --month cannot be combined with --start, --end or --last", "give one of them")
    of_day = ALL_DAY if hours is None else parse_hours_of_day(hours)
    chosen = list(whole_days) or _read_range(start, end)
    if not chosen:
        from pvtop.pipeline.lookup import last_hours

        chosen = last_hours(settings, last or default)
    wanted = [hour for hour in chosen if hour.stamp.hour in of_day]
    if not wanted:
        raise UsageError(f"no hour of the range is stamped at {hours}", "widen the range, or leave out --hours")
    return wanted


def hours_in_lake(
    lake: Lake, date: str | None, hour: int | None, start: str | None, end: str | None, last: int | None
) -> list[Hour]:
    """Return the hours in the lake that the options select.

    The options select a range, the `last` newest hours, or one hour as in `hour_in_lake`.

    The result is empty if no hour in the lake matches.

    Raises:
        UsageError: The options contradict each other, or one is invalid.
        OutputError: The lake cannot be read.
    """
    if (date is not None or hour is not None) + ((start, end) != (None, None)) + (last is not None) > 1:
        raise UsageError(
            "give only one of: an hour, a range, --last",
            "give an hour (--date, --hour), a range (--start, --end), or --last",
        )
    if chosen := _read_range(start, end):
        return chosen
    if last is not None:
        return lake.last(last)
    one = hour_in_lake(lake, date, hour)
    return [one] if one else []


def parse_bound(text: str, *, end: bool) -> Hour:
    """Parse the start or end of a range: an hour as `Hour.parse` reads it, or a date.

    A date means its first hour, or its last if `end` is true.

    Raises:
        UsageError: The text is neither, or there is no such hour.
    """
    if "T" in text or " " in text:
        return Hour.parse(text)
    day = parse_date(text)
    first = Hour(FIRST_STAMP)
    return first if not end and day == first.stamp.date() else Hour.of(day, 23 if end else 0)


def parse_hours_of_day(text: str) -> frozenset[int]:
    """Parse hours of the day: `0,6,12-17`.

    Raises:
        UsageError: The text is not such a list.
    """
    hours: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part.strip(), re.ASCII)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not low <= high <= 23:  # noqa: PLR2004 - hours of a day
            raise UsageError(f"{part.strip()!r} is not an hour of the day or a range of them", "write 0,6,12-17")
        hours |= set(range(low, high + 1))
    return frozenset(hours)


def _read_range(start: str | None, end: str | None) -> list[Hour]:
    """Return the hours from --start to --end. Empty if neither is given.

    Raises:
        UsageError: There is an end without a start, or one of them cannot be read.
    """
    if start is not None:
        return Period(parse_bound(start, end=False), parse_bound(start if end is None else end, end=True)).hours
    if end is not None:
        raise UsageError("--end needs --start", "give both")
    return []


def _read_hour(text: str | None, hour: int | None) -> tuple[date | None, Hour | None]:
    """Return the day, and the hour if both are given.

    Raises:
        UsageError: There is no such day or hour, or it is before the first dump.
    """
    day = parse_date(text) if text is not None else None
    if hour is not None:
        check_hour_of_day(hour)
    if day is not None and hour is None:
        Hour.of(day, 23)
    return day, Hour.of(day, hour) if day is not None and hour is not None else None
