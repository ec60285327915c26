"""The period, a value."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime

import pytest

from pvtop.core.day import Day
from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour, hour_range
from pvtop.core.period import Period, PeriodLike


def period(first: str, last: str) -> Period:
    return Period.of_hours(Hour.parse(first), Hour.parse(last))


def test_period_of_a_day_is_its_24_hours() -> None:
    day = Day.parse("2019-04-01")
    assert Period.of_day(day) == period("2019-04-01T01", "2019-04-02T00")
    assert Period.of_day(day).hours == day.hours


def test_periods_are_read_from_times_dates_and_text() -> None:
    assert Period.of_day("2019-04-01") == Period.of_day(date(2019, 4, 1)) == Period.of_day(Day.parse("2019-04-01"))
    last = datetime(2019, 4, 1, 14, tzinfo=UTC)
    assert Period.of_hours("2019-04-01T13", last) == period("2019-04-01T13", "2019-04-01T14")


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        (Period.of_month(2019, 4), "2019-04-01T01", "2019-05-01T00"),
        ("2019-04", "2019-04-01T01", "2019-05-01T00"),
        ("2019-04-01", "2019-04-01T01", "2019-04-02T00"),
        (date(2019, 4, 1), "2019-04-01T01", "2019-04-02T00"),
        (Day.parse("2019-04-01"), "2019-04-01T01", "2019-04-02T00"),
        (("2019-04-01T13", datetime(2019, 4, 1, 14, tzinfo=UTC)), "2019-04-01T13", "2019-04-01T14"),
    ],
)
def test_a_period_is_read_from_months_days_and_pairs_of_hours(value: PeriodLike, first: str, last: str) -> None:
    assert Period.at(value) == period(first, last)


@pytest.mark.parametrize("value", ["2019-13", "2019", "April", "2019-04-01T13", 2019, None, ("2019-04-01T13",)])
def test_what_is_no_period_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"is not a (period|date|month)|does not exist|no such"):
        Period.at(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("year", "month", "first", "last", "hours"),
    [
        (2019, 4, "2019-04-01T01", "2019-05-01T00", 720),
        (2016, 2, "2016-02-01T01", "2016-03-01T00", 696),
        (2019, 12, "2019-12-01T01", "2020-01-01T00", 744),
        (2015, 5, "2015-05-01T01", "2015-06-01T00", 744),
    ],
)
def test_period_of_a_month_is_the_hours_of_its_days(year: int, month: int, first: str, last: str, hours: int) -> None:
    assert Period.of_month(year, month) == period(first, last)
    assert len(Period.of_month(year, month).hours) == hours


@pytest.mark.parametrize(("year", "month"), [(2019, 13), (2019, 0), (0, 1), (10_000, 1), (10**30, 1), (-1, 1)])
def test_period_of_a_month_that_does_not_exist_is_refused(year: int, month: int) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        Period.of_month(year, month)


@pytest.mark.parametrize(("year", "month"), [(2015, 4), (1, 1)])
def test_period_of_a_month_before_the_first_dump_is_refused(year: int, month: int) -> None:
    with pytest.raises(UsageError, match="is before the first dump"):
        Period.of_month(year, month)


@pytest.mark.parametrize(
    ("first", "last", "kind", "text"),
    [
        ("2019-04-01T01", "2019-04-02T00", "day", "2019-04-01"),
        ("2019-12-31T01", "2020-01-01T00", "day", "2019-12-31"),
        ("2019-04-01T01", "2019-05-01T00", "month", "2019-04"),
        ("2016-02-01T01", "2016-03-01T00", "month", "2016-02"),
        ("2019-12-01T01", "2020-01-01T00", "month", "2019-12"),
        ("2019-04-01T00", "2019-04-01T23", "range", "2019-04-01T00 to 2019-04-01T23"),
        ("2019-04-01T01", "2019-04-01T23", "range", "2019-04-01T01 to 2019-04-01T23"),
        ("2019-04-01T02", "2019-04-02T00", "range", "2019-04-01T02 to 2019-04-02T00"),
        ("2019-04-01T01", "2019-04-08T00", "range", "2019-04-01T01 to 2019-04-08T00"),
        ("2019-04-02T01", "2019-05-02T00", "range", "2019-04-02T01 to 2019-05-02T00"),
        ("2019-04-01T01", "2019-06-01T00", "range", "2019-04-01T01 to 2019-06-01T00"),
        ("2019-04-01T01", "2020-05-01T00", "range", "2019-04-01T01 to 2020-05-01T00"),
        ("2019-04-01T12", "2019-04-01T12", "range", "2019-04-01 12:00 UTC"),
    ],
)
def test_whole_days_and_months_are_recognised(first: str, last: str, kind: str, text: str) -> None:
    assert (period(first, last).kind, str(period(first, last))) == (kind, text)


def test_hours_of_a_period_have_both_its_ends() -> None:
    first, last = Hour.parse("2019-03-31T22"), Hour.parse("2019-04-01T03")
    assert Period(first, last).hours == hour_range(first, last)


def test_days_of_a_period_have_only_its_hours() -> None:
    touched = period("2019-03-31T23", "2019-04-02T01").days
    stamps = {str(day): [hour.iso for hour in hours] for day, hours in touched.items()}
    assert list(stamps) == ["2019-03-31", "2019-04-01", "2019-04-02"]
    assert stamps["2019-03-31"] == ["2019-03-31T23", "2019-04-01T00"]
    assert touched[Day.parse("2019-04-01")] == Day.parse("2019-04-01").hours
    assert stamps["2019-04-02"] == ["2019-04-02T01"]


def test_hours_of_the_days_of_a_period_are_its_hours() -> None:
    month = Period.of_month(2016, 2)
    assert [hour for hours in month.days.values() for hour in hours] == month.hours
    assert len(month.days) == 29


def test_reversed_period_is_refused() -> None:
    with pytest.raises(UsageError, match="2019-04-01 11:00 UTC is before 2019-04-01 12:00 UTC") as caught:
        period("2019-04-01T12", "2019-04-01T11")
    assert (caught.value.hint, caught.value.remedy) == ("swap the two hours", "reversed_range")


def test_period_of_too_many_hours_is_refused() -> None:
    with pytest.raises(UsageError, match="hours, more than 1,000,000"):
        period("2015-05-01T01", "9999-12-31T23")


def test_equal_periods_have_the_same_hash_and_can_be_pickled() -> None:
    month = Period.of_month(2019, 4)
    assert {month, period("2019-04-01T01", "2019-05-01T00")} == {pickle.loads(pickle.dumps(month))}  # noqa: S301 - our own
