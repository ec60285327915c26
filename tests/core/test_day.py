"""The day, a value."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime

import pytest

from pvtop.core.day import Day, DayLike, day_range, days_of_month, month_days, parse_month
from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour, first_runs, runs_of

APRIL = Day(date(2019, 4, 1))


def test_parse_reads_a_date() -> None:
    assert Day.parse("2019-04-01") == APRIL
    assert Day.parse("2016-02-29").date == date(2016, 2, 29)


@pytest.mark.parametrize("value", [APRIL, date(2019, 4, 1), "2019-04-01"])
def test_at_reads_days_dates_and_text(value: DayLike) -> None:
    assert Day.at(value) == APRIL
    assert day_range(value, "2019-04-02") == [APRIL, APRIL + 1]


@pytest.mark.parametrize("value", [None, 20190401, Hour.parse("2019-04-01T12")])
def test_at_refuses_what_is_not_a_day(value: object) -> None:
    with pytest.raises(UsageError, match="is not a day") as caught:
        Day.at(value)  # type: ignore[arg-type]
    assert caught.value.hint == "write it as '2019-04-01'"


@pytest.mark.parametrize("text", ["", "2019-4-1", "20190401", "2019-04", "2019-04-01T12", " 2019-04-01", "٢٠١٩-04-01"])
def test_parse_refuses_other_spellings_of_a_day(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date") as caught:
        Day.parse(text)
    assert caught.value.hint == "write it as 2019-04-01"


@pytest.mark.parametrize("text", ["2019-02-29", "2019-04-31", "2019-13-01"])
def test_parse_refuses_days_that_do_not_exist(text: str) -> None:
    with pytest.raises(UsageError, match=f"{text} does not exist"):
        Day.parse(text)


def test_day_of_the_first_dump_is_the_first_day() -> None:
    assert Day.parse("2015-05-01").hours[0] == Hour.parse("2015-05-01T01")


@pytest.mark.parametrize("text", ["2015-04-30", "1999-12-31", "0001-01-01"])
def test_day_before_the_first_dump_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"{text} is before the first dump") as caught:
        Day.parse(text)
    assert caught.value.hint == "the dumps begin with 2015-05-01"


def test_day_whose_last_hour_is_beyond_the_calendar_is_refused() -> None:
    assert Day.parse("9999-12-30").hours[-1] == Hour.parse("9999-12-31T00")
    with pytest.raises(UsageError, match="9999-12-31 is beyond the calendar"):
        Day.parse("9999-12-31")


def test_time_is_not_taken_for_a_date() -> None:
    for read in (Day, Day.at):
        with pytest.raises(UsageError, match="is a time, not a date"):
            read(datetime(2019, 4, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("2019-04-01T01", "2019-04-01"),
        ("2019-04-01T23", "2019-04-01"),
        ("2019-04-02T00", "2019-04-01"),
        ("2019-04-02T01", "2019-04-02"),
        ("2020-01-01T00", "2019-12-31"),
        ("2015-05-01T01", "2015-05-01"),
    ],
)
def test_hour_belongs_to_the_day_on_which_its_views_fall(stamp: str, day: str) -> None:
    assert Day.of_hour(Hour.parse(stamp)) == Day.of_hour(stamp) == Day.parse(day)


@pytest.mark.parametrize(("text", "last"), [("2019-04-01", "2019-04-02T00"), ("2016-12-31", "2017-01-01T00")])
def test_hours_of_a_day_are_the_stamps_01_to_23_and_00_of_the_next_day(text: str, last: str) -> None:
    stamps = [hour.iso for hour in Day.parse(text).hours]
    assert stamps == [*(f"{text}T{hour:02}" for hour in range(1, 24)), last]


@pytest.mark.parametrize("text", ["2015-05-01", "2016-02-29", "2019-03-31", "2019-12-31"])
def test_every_hour_of_a_day_belongs_to_it(text: str) -> None:
    day = Day.parse(text)
    assert {Day.of_hour(hour) for hour in day.hours} == {day}


def test_interval_of_a_day_is_that_of_its_hours() -> None:
    assert (APRIL.start, APRIL.end) == (datetime(2019, 4, 1, tzinfo=UTC), datetime(2019, 4, 2, tzinfo=UTC))
    assert (APRIL.start, APRIL.end) == (APRIL.hours[0].start, APRIL.hours[-1].stamp)


def test_names_of_a_day() -> None:
    assert (APRIL.iso, str(APRIL), APRIL.partition) == ("2019-04-01", "2019-04-01", "day=2019-04-01")


@pytest.mark.parametrize(
    ("text", "days", "wanted"),
    [
        ("2019-04-01", 0, "2019-04-01"),
        ("2019-04-01", -7, "2019-03-25"),
        ("2016-02-28", 1, "2016-02-29"),
        ("2019-12-31", 1, "2020-01-01"),
    ],
)
def test_adding_days_crosses_months_and_years(text: str, days: int, wanted: str) -> None:
    assert Day.parse(text) + days == Day.parse(wanted)


@pytest.mark.parametrize("days", [10**7, 10**12, 10**30])
def test_adding_days_beyond_the_calendar_is_refused(days: int) -> None:
    with pytest.raises(UsageError, match="beyond the calendar"):
        APRIL + days


def test_subtracting_from_the_first_day_is_refused() -> None:
    with pytest.raises(UsageError, match="before the first dump"):
        Day.parse("2015-05-01") + -1


def test_range_of_days_has_both_its_ends() -> None:
    assert [day.iso for day in day_range(Day.parse("2019-02-27"), Day.parse("2019-03-01"))] == [
        "2019-02-27",
        "2019-02-28",
        "2019-03-01",
    ]
    assert day_range(APRIL, APRIL) == [APRIL]


def test_reversed_range_of_days_is_refused() -> None:
    with pytest.raises(UsageError, match="2019-03-31 is before 2019-04-01") as caught:
        day_range(APRIL, APRIL + -1)
    assert (caught.value.hint, caught.value.remedy) == ("swap the two days", "reversed_range")


def test_range_of_too_many_days_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is 2,916,\d{3} days, more than 41,666"):
        day_range(Day.parse("2015-05-01"), Day.parse("9999-12-30"))


@pytest.mark.parametrize(
    ("month", "first", "last", "count"),
    [
        ("2019-04", "2019-04-01", "2019-04-30", 30),
        ("2016-02", "2016-02-01", "2016-02-29", 29),
        ("2019-12", "2019-12-01", "2019-12-31", 31),
        ("2015-05", "2015-05-01", "2015-05-31", 31),
    ],
)
def test_days_of_a_month_are_all_its_days(month: str, first: str, last: str, count: int) -> None:
    days = month_days(month)
    assert (days[0].iso, days[-1].iso, len(days)) == (first, last, count)
    assert days == days_of_month(*parse_month(month))


@pytest.mark.parametrize("text", ["", "2019", "2019-4", "201904", "2019-04-01", "04-2019", "2019-04\n", "٢٠١٩-04"])
def test_other_spellings_of_a_month_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a month") as caught:
        month_days(text)
    assert caught.value.hint == "write it as 2019-04"


@pytest.mark.parametrize("text", ["2019-13", "2019-00", "0000-01"])
def test_month_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"{text} does not exist"):
        month_days(text)


def test_month_before_the_first_dump_is_refused() -> None:
    with pytest.raises(UsageError, match="2015-04-01 is before the first dump"):
        month_days("2015-04")


def test_days_sort_by_time_and_equal_days_have_the_same_hash() -> None:
    assert sorted([APRIL + 1, APRIL, APRIL + -1]) == [APRIL + -1, APRIL, APRIL + 1]
    assert len({APRIL, Day.parse("2019-04-01"), APRIL + 1}) == 2


def test_runs_of_days_go_over_the_end_of_a_month() -> None:
    days = [APRIL + offset for offset in (-2, -1, 0, 3)]
    assert runs_of(days) == [(APRIL + -2, APRIL), (APRIL + 3, APRIL + 3)]
    assert first_runs(days) == "2019-03-30 to 2019-04-01, 2019-04-04"


def test_day_is_frozen() -> None:
    with pytest.raises(AttributeError):
        APRIL.date = date(2019, 4, 2)  # type: ignore[misc]


def test_day_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(APRIL)) == APRIL  # noqa: S301 - our own
