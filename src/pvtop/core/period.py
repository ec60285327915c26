"""The period: the hours that a rollup or a series is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Self

from pvtop.core.day import Day, days_of_month
from pvtop.core.hour import Hour, count_hours, hour_range


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
        count_hours(self.first, self.last)

    @classmethod
    def of_day(cls, day: Day) -> Self:
        """Return the 24 hours of a day."""
        hours = day.hours
        return cls(hours[0], hours[-1])

    @classmethod
    def of_month(cls, year: int, month: int) -> Self:
        """Return the hours of all days of a month.

        Raises:
            UsageError: The month does not exist, is before the first dump or is beyond the calendar.
        """
        days = days_of_month(year, month)
        return cls(days[0].hours[0], days[-1].hours[-1])

    @classmethod
    def of_hours(cls, first: Hour, last: Hour) -> Self:
        """Return the hours from the first to the last, both included.

        Raises:
            UsageError: The last hour is before the first, or the range has too many hours.
        """
        return cls(first, last)

    def __str__(self) -> str:
        """The day, the month, or the first and the last stamp."""
        match self.kind:
            case PeriodKind.DAY:
                return f"{self.first.start:%Y-%m-%d}"
            case PeriodKind.MONTH:
                return f"{self.first.start:%Y-%m}"
            case PeriodKind.RANGE:
                return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

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
