"""Periods whose dumps are complete but have numbers that are known to be wrong.

Sources: Wikimedia's notes on the pageview data, and its issue tracker (T141506 for the main pages).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from pvtop.core.counted import counted
from pvtop.core.hour import Hour, first_runs


class KnownIssue(NamedTuple):
    """A period whose numbers are known to be wrong.

    Attributes:
        first: The first affected day, in UTC.
        last: The last affected day.
        what: What is wrong, as a clause. It is part of the text report, so rewording it changes reports.
    """

    first: date
    last: date
    what: str

    def __str__(self) -> str:
        return f"{self.what} ({self.first} to {self.last})"


KNOWN_ISSUES = (
    KnownIssue(
        date(2016, 7, 1), date(2016, 8, 31), "main pages of some languages have 3 to 4 times their views, from bots"
    ),
    KnownIssue(
        date(2020, 4, 1), date(2020, 4, 30), "views by automated agents are excluded from this month on, some 5.6 %"
    ),
    KnownIssue(date(2021, 6, 4), date(2022, 1, 27), "2 to 8 % of the views were lost"),
    KnownIssue(date(2025, 3, 1), date(2025, 8, 31), "bots that were not told from users have raised the views"),
)


def known_issues(hours: Iterable[Hour]) -> list[KnownIssue]:
    """Return the known issues that affect any of the hours, the oldest first.

    An hour belongs to the day on which it begins: the dump stamped midnight counts the last hour of the day before.
    """
    days = {hour.start.date() for hour in hours}
    return [issue for issue in KNOWN_ISSUES if any(issue.first <= day <= issue.last for day in days)]


def notes_on(hours: Collection[Hour], missing: Sequence[Hour]) -> list[str]:
    """Return what is known to be wrong with the hours of a result: the known issues, and the hours without data."""
    without_data = [f"{counted(len(missing), 'hour')} without data: {first_runs(missing)}"] if missing else []
    return [*map(str, known_issues(hours)), *without_data]
