"""The hour: the stamp of a dump, with the paths and the interval that follow from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Protocol, Self, TypeAlias, TypeVar

from pvtop.core.arguments import is_text, is_whole, several
from pvtop.core.counted import counted
from pvtop.core.errors import UsageError
from pvtop.core.escape import shorten

DUMP_NAME = re.compile(r"pageviews-(\d{8})-(\d{2})0000\.gz", re.ASCII)
LAST_YEAR = 2100  # of the name of a dump: a later one is a mistake of the source
STAMP = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<hour>\d{2})(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?)?"
    r"(?:Z|(?P<sign>[+-])(?P<ahead>[01]\d|2[0-3])(?::?(?P<minutes_ahead>[0-5]\d))?)?",
    re.ASCII,
)
ONE_HOUR = timedelta(hours=1)
MAX_HOURS = 1_000_000  # in a range: more than a century is a typing error
RUNS_NAMED = 5  # runs of hours or days in a message


@dataclass(frozen=True, order=True, slots=True)
class Hour:
    """A UTC hour, named by the stamp of its dump, which is the END of the hour whose views the dump counts.

    Args:
        stamp: A whole hour in UTC, not before `FIRST_STAMP`.

    Raises:
        UsageError: The stamp is not a whole hour in UTC, or is before the first dump.
    """

    stamp: datetime

    def __post_init__(self) -> None:
        _check_zone(self.stamp)
        if (
            self.stamp.utcoffset() != timedelta(0)
            or self.stamp.replace(minute=0, second=0, microsecond=0) != self.stamp
        ):
            raise UsageError(
                f"{self.stamp.isoformat()} is not a whole hour in UTC",
                "the stamp is the end of an hour, such as 14:00 UTC",
            )
        object.__setattr__(self, "stamp", self.stamp.astimezone(UTC))  # a zone such as London is UTC only in winter
        if self.stamp < FIRST_STAMP:
            raise UsageError(
                f"{self} is before the first dump", f"the dumps begin with {FIRST_STAMP:%Y-%m-%d %H:%M} UTC"
            )

    @classmethod
    def of(cls, day: date | str, hour: int) -> Self:
        """Return the hour with the stamp `hour` (0 to 23) of a day.

        Args:
            day: The date of the stamp, or text such as `2019-04-01`.
            hour: The hour of the stamp.

        Raises:
            UsageError: The hour does not exist, or is before the first dump.
        """
        check_hour_of_day(hour)
        return cls(datetime.combine(date_at(day), time(hour), UTC))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `2019-04-01T12`, also with minutes, seconds, and `Z` or an offset: `2019-04-01T14:00:00+02:00`.

        Raises:
            UsageError: The text is not a whole hour in UTC, or the hour is before the first dump.
        """
        match = STAMP.fullmatch(text) if is_text(text) else None
        if match is None:
            raise UsageError(f"{shorten(repr(text))} is not an hour", "write it as 2019-04-01T12, in UTC")
        try:
            stamp = _local_time(match) - _offset(match)
        except OverflowError:
            raise UsageError(f"{text!r} is beyond the calendar", "check the year") from None
        if stamp.minute or stamp.second:
            raise UsageError(f"{text!r} is not a whole hour in UTC", "write it as 2019-04-01T12, in UTC")
        return cls(stamp)

    @classmethod
    def at(cls, value: HourLike) -> Hour:
        """Return the hour that a value means. Every public function reads its hours with this.

        Args:
            value: An hour; its stamp as a `datetime` with a time zone, which is converted to UTC; or text that `parse`
                reads. The stamp is the END of the hour.

        Raises:
            UsageError: The value is none of these, has no time zone, is not a whole hour in UTC, or is before the first
                dump.
        """
        match value:
            case Hour():
                return value
            case str():
                return cls.parse(value)
            case datetime():
                return cls(_in_utc(value))
        raise UsageError(f"{shorten(repr(value))} is not an hour", "write it as '2019-04-01T12', in UTC")

    @classmethod
    def from_dump_name(cls, name: str) -> Self | None:
        """Parse the file name of a dump. Return None if it is not the name of a dump that can exist."""
        match = DUMP_NAME.fullmatch(name)
        if match is None or int(match[1][:4]) > LAST_YEAR:
            return None
        try:
            return cls(datetime.strptime(match[1] + match[2], "%Y%m%d%H").replace(tzinfo=UTC))
        except (ValueError, UsageError):
            return None

    @classmethod
    def now(cls) -> Self:
        """Return the hour whose stamp is the last full hour. Its dump is not published yet."""
        return cls(datetime.now(UTC).replace(minute=0, second=0, microsecond=0))

    def __str__(self) -> str:
        return f"{self.stamp:%Y-%m-%d %H:%M} UTC"

    def __repr__(self) -> str:
        return f"Hour.parse({self.iso!r})"

    def __add__(self, hours: int) -> Hour:
        try:
            return Hour(self.stamp + hours * ONE_HOUR)
        except OverflowError:
            raise UsageError(f"{self} plus {hours:,} hours is beyond the calendar", "check the number") from None

    @property
    def iso(self) -> str:
        """The stamp as `2019-04-01T12`. `parse` accepts it."""
        return f"{self.stamp:%Y-%m-%dT%H}"

    @property
    def start(self) -> datetime:
        """The start of the hour whose views are counted. It ends at `stamp`."""
        return self.stamp - ONE_HOUR

    @property
    def month_folder(self) -> str:
        """The folder of the month, `2019/2019-04`: the same on the server, in the cache and in the lake."""
        return f"{self.stamp:%Y/%Y-%m}"

    @property
    def dump_path(self) -> str:
        """The path of the dump below a source: `2019/2019-04/pageviews-20190401-120000.gz`."""
        return f"{self.month_folder}/pageviews-{self.stamp:%Y%m%d-%H}0000.gz"

    @property
    def partition(self) -> str:
        """The hive partition: `date=2019-04-01/hour=12`."""
        return f"date={self.stamp:%Y-%m-%d}/hour={self.stamp:%H}"


HourLike: TypeAlias = Hour | datetime | str
"""What `Hour.at` reads."""

FIRST_STAMP = datetime(2015, 5, 1, 1, tzinfo=UTC)  # pageviews-20150501-010000.gz
LAST_STAMP = datetime(9999, 12, 31, 23, tzinfo=UTC)  # the calendar of Python ends here


def _in_utc(time: datetime) -> datetime:
    """Return a time in UTC, as a plain `datetime`: a subclass, such as that of pandas, has a finer resolution.

    Raises:
        UsageError: The time has no zone, or its day in UTC is beyond the calendar.
    """
    _check_zone(time)
    try:
        in_utc = time.astimezone(UTC)
    except OverflowError:
        raise UsageError(f"{time.isoformat()} is beyond the calendar", "check the year") from None
    return datetime.combine(in_utc.date(), in_utc.time(), UTC)


def _check_zone(time: datetime) -> None:
    """Check that a value is a time with a zone.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(time, datetime):
        raise UsageError(f"{shorten(repr(time))} is not a time", "use Hour.at, which also reads text")
    if time.utcoffset() is None:
        raise UsageError(
            f"{time.isoformat()} has no time zone",
            "add one, such as tzinfo=datetime.UTC; text without an offset is in UTC",
        )


def _local_time(match: re.Match[str]) -> datetime:
    """Return the time that a match of `STAMP` names, without its offset.

    Raises:
        UsageError: The day or the hour does not exist.
    """
    day, hour = parse_date(match["date"]), int(match["hour"])
    check_hour_of_day(hour)
    return datetime.combine(day, time(hour, int(match["minute"] or 0), int(match["second"] or 0)), UTC)


def _offset(match: re.Match[str]) -> timedelta:
    """Return the offset of a match of `STAMP` from UTC."""
    ahead = timedelta(hours=int(match["ahead"] or 0), minutes=int(match["minutes_ahead"] or 0))
    return -ahead if match["sign"] == "-" else ahead


def parse_date(text: str) -> date:
    """Parse `2019-04-01`.

    Raises:
        UsageError: The text is not a date, or the date does not exist.
    """
    if not is_text(text) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise UsageError(f"{shorten(repr(text))} is not a date", "write it as 2019-04-01")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text} does not exist", "check the month and the day") from None


def date_at(value: date | str) -> date:
    """Return the date that a value means: a date, or text that `parse_date` reads.

    Raises:
        UsageError: It is neither, or the date does not exist.
    """
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    return value if is_date else parse_date(value)  # type: ignore[arg-type,return-value] # parse_date refuses others


def check_hour_of_day(hour: int) -> None:
    """Check that an hour of the day is 0 to 23.

    Raises:
        UsageError: It is not.
    """
    if not is_whole(hour) or not 0 <= hour <= 23:  # noqa: PLR2004 - hours of a day
        raise UsageError(f"hour {shorten(repr(hour))} does not exist", "the hours of a day are 0 to 23, in UTC")


def count_hours(first: Hour, last: Hour) -> int:
    """Return the number of hours from the first to the last, both included.

    Raises:
        UsageError: The last hour is before the first, or the range has more than `MAX_HOURS`.
    """
    if last < first:
        raise UsageError(f"{last} is before {first}", "swap the two hours", remedy="reversed_range")
    count = (last.stamp - first.stamp) // ONE_HOUR + 1
    if count > MAX_HOURS:
        raise UsageError(f"{first} to {last} is {count:,} hours, more than {MAX_HOURS:,}", "check the last hour")
    return count


def hours_at(values: HourLike | Iterable[HourLike]) -> list[Hour]:
    """Return hours in their order and without repeats, as `Hour.at` reads them.

    Args:
        values: An hour, or several.

    Raises:
        UsageError: A value is not an hour, or there are none.
    """
    return list(dict.fromkeys(map(Hour.at, several(values, (Hour, datetime, str), "hours"))))


def hour_range(first: HourLike, last: HourLike) -> list[Hour]:
    """Return every hour from the first to the last, both included.

    Args:
        first: The first hour, named by its END: an `Hour`, a `datetime` with a time zone, or text such as
            `2024-12-31T14`.
        last: The last hour, in the same way.

    Raises:
        UsageError: One of them is not an hour, the last is before the first, or the range has more than `MAX_HOURS`.
    """
    first, last = Hour.at(first), Hour.at(last)
    return [first + i for i in range(count_hours(first, last))]


def hours_around(hour: Hour, distance: int) -> list[Hour]:
    """Return the hours that are at most `distance` hours away, as far as there are any. They include the hour."""
    before = min(distance, (hour.stamp - FIRST_STAMP) // ONE_HOUR)
    after = min(distance, (LAST_STAMP - hour.stamp) // ONE_HOUR)
    return hour_range(hour + -before, hour + after)


def described(day: date | str | None, hour: int | None) -> str:
    """Return a day and an hour of the day as words for a message: ` of 2024-08-03`, ` at hour 6`, or nothing."""
    return "".join([f" of {day}" if day else "", f" at hour {hour}" if hour is not None else ""])


class Consecutive(Protocol):
    """An hour or a day: what has a successor."""

    @property
    def iso(self) -> str:
        """Its name as text."""

    def __add__(self, count: int, /) -> Self:
        """Return the one that is so many later."""


Time = TypeVar("Time", bound=Consecutive)


def span(first: Consecutive, last: Consecutive) -> str:
    """Return a range of hours or days as text: `2024-08-01T00 to 2024-08-02T21`, or only the hour if it is one."""
    return first.iso + (f" to {last.iso}" if first != last else "")


def runs_of(times: Sequence[Time]) -> list[tuple[Time, Time]]:
    """Return the first and the last of each run of consecutive hours or days."""
    if not times:
        return []
    breaks = [(before, after) for before, after in pairwise(times) if before + 1 != after]
    firsts = [times[0], *(after for _, after in breaks)]
    lasts = [*(before for before, _ in breaks), times[-1]]
    return list(zip(firsts, lasts, strict=True))


def first_runs(times: Sequence[Consecutive]) -> str:
    """Return hours or days as text: the first runs of consecutive ones, and how many more there are."""
    runs = [span(*run) for run in runs_of(times)]
    left = len(runs) - RUNS_NAMED
    more = [f"and {counted(left, 'more such period')}"] if left > 0 else []
    return ", ".join([*runs[:RUNS_NAMED], *more])
