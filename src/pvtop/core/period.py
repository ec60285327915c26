"""The period: the hours that a rollup or a series is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Self, TypeAlias

from pvtop.core.arguments import is_text, is_whole
from pvtop.core.day import Day, DayLike, days_of_month, parse_month
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour, HourLike, count_hours, hour_range


class PeriodKind(StrEnum):
    """The kind of a period, which says where its rollup lies in the lake."""

    DAY = "day"
    """The 24 hours of a UTC day."""
    MONTH = "month"
    """The hours of all days of a month."""
    RANGE = "range"
    """Any other hours."""


class Step(StrEnum):
    """What a row of a series covers."""

    HOUR = "hour"
    DAY = "day"

    @classmethod
    def at(cls, value: str) -> Step:
        """Return the step that a value means: a `Step`, or its text.

        Raises:
            UsageError: The value is neither.
        """
        if not is_text(value) or value not in set(cls):
            raise UsageError(f"{shorten(repr(value))} is not a step", "write 'hour' or 'day'")
        return cls(value)


@dataclass(frozen=True, slots=True)
class Period:
    """Consecutive hours, named by their stamps.

    Args:
        first: The first hour.
        last: The last hour, which is part of the period.

    Raises:
        UsageError: The last hour is before the first, or there are more than `pvtop.core.hour.MAX_HOURS`.
    """

    first: Hour
    last: Hour

    def __post_init__(self) -> None:
        for hour in (self.first, self.last):
            if not isinstance(hour, Hour):
                raise UsageError(f"{shorten(repr(hour))} is not an hour", "use Period.of_hours, which also reads text")
        count_hours(self.first, self.last)

    @classmethod
    def at(cls, value: PeriodLike) -> Period:
        """Return the period that a value means. Every public function reads its period with this.

        Args:
            value: A period; a day, as `Day.at` reads it; a month as text, such as `2019-04`; or the first and the last
                hour, as `Hour.at` reads them.

        Raises:
            UsageError: The value is none of these.
        """
        match value:
            case Period():
                return value
            case str() if len(value) == len("2019-04"):
                return cls.of_month(*parse_month(value))
            case str() | Day() | date():
                return cls.of_day(value)
            case (first, last):
                return cls.of_hours(first, last)
        raise UsageError(
            f"{shorten(repr(value))} is not a period",
            "write it as '2019-04', as '2019-04-01', or as ('2019-04-01T01', '2019-04-01T12')",
        )

    @classmethod
    def of_day(cls, day: DayLike) -> Self:
        """Return the 24 hours of a day.

        Raises:
            UsageError: The value is not a day.
        """
        hours = Day.at(day).hours
        return cls(hours[0], hours[-1])

    @classmethod
    def of_month(cls, year: int, month: int) -> Self:
        """Return the hours of all days of a month.

        Args:
            year: The year, such as 2019.
            month: The number of the month, 1 to 12.

        Raises:
            UsageError: The month does not exist, is before the first dump or is beyond the calendar.
        """
        if not is_whole(year) or not is_whole(month):
            raise UsageError(f"{year!r} and {month!r} are not a year and a month", "write them as 2019, 4")
        days = days_of_month(year, month)
        return cls(days[0].hours[0], days[-1].hours[-1])

    @classmethod
    def of_hours(cls, first: HourLike, last: HourLike) -> Self:
        """Return the hours from the first to the last, both included, as `Hour.at` reads them.

        Raises:
            UsageError: One of them is not an hour, the last hour is before the first, or the range has too many hours.
        """
        return cls(Hour.at(first), Hour.at(last))

    def __str__(self) -> str:
        """The day, the month, or the first and the last stamp."""
        match self.kind:
            case PeriodKind.DAY:
                return f"{self.first.start:%Y-%m-%d}"
            case PeriodKind.MONTH:
                return f"{self.first.start:%Y-%m}"
            case PeriodKind.RANGE:
                return str(self.first) if self.first == self.last else f"{self.first.iso} to {self.last.iso}"

    @property
    def kind(self) -> PeriodKind:
        """The kind: hours that are a whole UTC day are a day, hours that are a whole month are a month."""
        begin, end = self.first.start, self.last.stamp
        if begin.hour or end.hour:
            return PeriodKind.RANGE
        if (end - begin).days == 1:
            return PeriodKind.DAY
        is_month = begin.day == end.day == 1 and (end.year - begin.year) * 12 + end.month - begin.month == 1
        return PeriodKind.MONTH if is_month else PeriodKind.RANGE

    @property
    def hours(self) -> list[Hour]:
        """Every hour, in order."""
        return hour_range(self.first, self.last)

    @property
    def days(self) -> dict[Day, list[Hour]]:
        """The days on which the views fall, in order, each with its hours that are in the period.

        Raises:
            UsageError: The last day is beyond the calendar.
        """
        return {day: list(hours) for day, hours in groupby(self.hours, Day.of_hour)}


PeriodLike: TypeAlias = Period | DayLike | tuple[HourLike, HourLike]
"""What `Period.at` reads."""
