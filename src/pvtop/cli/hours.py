"""Which hours are meant: the one place that reads --date, --hour, --start, --end, --last and --hours."""

from __future__ import annotations

import re

from pvtop.core.errors import UsageError
from pvtop.core.hour import FIRST_STAMP, Hour, parse_date


def parse_bound(text: str, *, end: bool) -> Hour:
    """Read one end of a range: `2019-04-01T12`, or a date alone for its first or last stamp.

    Raises:
        UsageError: It is neither, or there is no such hour.
    """
    if "T" in text or " " in text:
        return Hour.parse(text)
    day = parse_date(text)
    first = Hour(FIRST_STAMP)
    return first if not end and day == first.stamp.date() else Hour.of(day, 23 if end else 0)


def parse_hours_of_day(text: str) -> frozenset[int]:
    """Read hours of the day: `0,6,12-17`.

    Raises:
        UsageError: It is no such list.
    """
    hours: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part.strip(), re.ASCII)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not low <= high <= 23:  # noqa: PLR2004 - hours of a day
            raise UsageError(f"{part.strip()!r} is not an hour of the day or a range of them", "write 0,6,12-17")
        hours |= set(range(low, high + 1))
    return frozenset(hours)
