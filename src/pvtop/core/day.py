"""The day: the 24 hours whose views fall on one UTC day."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

from pvtop.core.arguments import several
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import FIRST_STAMP, LAST_STAMP, MAX_HOURS, Hour, HourLike, hour_range, parse_date

FIRST_DATE = FIRST_STAMP.date()  # the first dump counts its first hour
LAST_DATE = LAST_STAMP.date() - dt.timedelta(days=1)  # the last hour of a day has a stamp of the next
HOURS_OF_A_DAY = 24


@dataclass(frozen=True, order=True, slots=True)
class Day:
    """A UTC day. Its hours have the stamps 01 to 23 of the day and 00 of the next, because a stamp is an END.

    Args:
        date: The date, not before that of the first dump.

    Raises:
        UsageError: The date is before the first dump, beyond the calendar, or a `datetime`.
    """

    date: dt.date

    def __post_init__(self) -> None:
        if isinstance(self.date, dt.datetime):
            raise UsageError(f"{self.date.isoformat()} is a time, not a date", "pass a date, in UTC")
        if not isinstance(self.date, dt.date):
            raise UsageError(f"{shorten(repr(self.date))} is not a date", "use Day.at, which also reads text")
        if self.date < FIRST_DATE:
            raise UsageError(f"{self} is before the first dump", f"the dumps begin with {FIRST_DATE}")
        if self.date > LAST_DATE:
            raise UsageError(f"{self} is beyond the calendar", "check the year")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `2019-04-01`.

        Raises:
            UsageError: The text is not a date, or the day does not exist, is before the first dump or is beyond the
                calendar.
        """
        return cls(parse_date(text))

    @classmethod
    def at(cls, value: DayLike) -> Day:
        """Return the day that a value means. Every public function reads its days with this.

        Args:
            value: A day; its date; or text that `parse` reads.

        Raises:
            UsageError: The value is none of these, or the day is before the first dump or beyond the calendar.
        """
        match value:
            case Day():
                return value
            case str():
                return cls.parse(value)
            case dt.date():
                return cls(value)
        raise UsageError(f"{shorten(repr(value))} is not a day", "write it as '2019-04-01'")

    @classmethod
    def of_hour(cls, hour: HourLike) -> Self:
        """Return the day on which the views of an hour fall. Stamp 00 belongs to the day that it ends.

        Raises:
            UsageError: The value is not an hour, or the day is beyond the calendar.
        """
        return cls(Hour.at(hour).start.date())

    def __str__(self) -> str:
        return self.iso

    def __add__(self, days: int) -> Day:
        try:
            return Day(self.date + days * dt.timedelta(days=1))
        except OverflowError:
            raise UsageError(f"{self} plus {days:,} days is beyond the calendar", "check the number of days") from None

    @property
    def iso(self) -> str:
        """The date as `2019-04-01`. `parse` accepts it."""
        return self.date.isoformat()

    @property
    def partition(self) -> str:
        """The hive partition: `day=2019-04-01`."""
        return f"day={self.iso}"

    @property
    def start(self) -> dt.datetime:
        """The start of the day, in UTC."""
        return dt.datetime.combine(self.date, dt.time(), dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The end of the day, in UTC: the start of the next."""
        return self.start + dt.timedelta(days=1)

    @property
    def hours(self) -> list[Hour]:
        """The 24 hours of the day, in order."""
        return hour_range(Hour.of(self.date, 1), Hour(self.end))


DayLike: TypeAlias = Day | dt.date | str
"""What `Day.at` reads."""


def days_at(values: DayLike | Iterable[DayLike]) -> list[Day]:
    """Return days in their order and without repeats, as `Day.at` reads them.

    Args:
        values: A day, or several.

    Raises:
        UsageError: A value is not a day, or there are none.
    """
    return list(dict.fromkeys(map(Day.at, several(values, (Day, dt.date, str), "days"))))


def day_range(first: DayLike, last: DayLike) -> list[Day]:
    """Return every day from the first to the last, both included, as `Day.at` reads them.

    Raises:
        UsageError: One of them is not a day, the last day is before the first, or the range has more than `MAX_HOURS`.
    """
    first, last = Day.at(first), Day.at(last)
    if last < first:
        raise UsageError(f"{last} is before {first}", "swap the two days", remedy="reversed_range")
    count = (last.date - first.date).days + 1
    if count * HOURS_OF_A_DAY > MAX_HOURS:
        limit = MAX_HOURS // HOURS_OF_A_DAY
        raise UsageError(f"{first} to {last} is {count:,} days, more than {limit:,}", "check the last day")
    return [first + i for i in range(count)]


def parse_month(text: str) -> tuple[int, int]:
    """Parse `2019-04`. Return the year and the number of the month, which `days_of_month` checks.

    Raises:
        UsageError: The text is not a month.
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII)
    if match is None:
        raise UsageError(f"{text!r} is not a month", "write it as 2019-04")
    return int(match[1]), int(match[2])


def days_of_month(year: int, month: int) -> list[Day]:
    """Return every day of a month.

    Raises:
        UsageError: The month does not exist, is before the first dump or is beyond the calendar.
    """
    try:
        first, count = dt.date(year, month, 1), monthrange(year, month)[1]
    except (ValueError, OverflowError):
        raise UsageError(f"{year:04}-{month:02} does not exist", "check the year and the month") from None
    return day_range(Day(first), Day(first.replace(day=count)))


def month_days(text: str) -> list[Day]:
    """Return every day of a month that is written as `2019-04`.

    Raises:
        UsageError: The text is not a month, or the month does not exist, is before the first dump or is beyond the
            calendar.
    """
    return days_of_month(*parse_month(text))
