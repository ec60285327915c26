"""How the options say which hours are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvtop.cli.hours import (
    hour_in_lake,
    hours_in_lake,
    parse_bound,
    parse_hours_of_day,
    published_hour,
    published_hours,
)
from pvtop.core.errors import NotPublishedError, UsageError
from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.lake.layout import top_pages_path
from pvtop.settings import Settings
from support.samples import DATA

IN_LAKE = ["2024-08-02T23", "2024-08-03T05", "2024-08-03T06"]


def iso(hours: list[Hour]) -> list[str]:
    return [hour.iso for hour in hours]


@pytest.fixture
def sample() -> Settings:
    """Return settings whose source is the sample. Its newest hour is 2025-01-01T01."""
    return Settings.load(source=str(DATA / "source"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Make a lake that lists three hours."""
    for text in IN_LAKE:
        path = tmp_path / "lake" / top_pages_path(Hour.parse(text))
        path.parent.mkdir(parents=True)
        path.touch()
    return Lake(str(tmp_path / "lake"))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019-04-01T12", "2019-04-01T12", "2019-04-01T12"),
        ("2019-04-01 12:00", "2019-04-01T12", "2019-04-01T12"),
        ("2019-04-01T12:00:00Z", "2019-04-01T12", "2019-04-01T12"),
        ("2019-04-01T01:00+02:00", "2019-03-31T23", "2019-03-31T23"),
        ("2019-04-01", "2019-04-01T00", "2019-04-01T23"),
        ("2016-02-29", "2016-02-29T00", "2016-02-29T23"),
        ("2015-05-01", "2015-05-01T01", "2015-05-01T23"),
    ],
)
def test_bound_is_an_hour_or_the_first_or_last_hour_of_a_date(text: str, first: str, last: str) -> None:
    assert parse_bound(text, end=False).iso == first
    assert parse_bound(text, end=True).iso == last


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2019-04", "2019-04-01T", "2019-02-29", "2019-04-01T24", "2015-04-30"]
)
def test_bound_that_is_not_an_hour_or_a_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_bound(text, end=False)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("0", {0}), ("23", {23}), ("0,6,12-14", {0, 6, 12, 13, 14}), (" 5 , 5-6", {5, 6}), ("0-23", set(range(24)))],
)
def test_hours_of_day_are_a_list_of_hours_and_ranges(text: str, hours: set[int]) -> None:
    assert parse_hours_of_day(text) == hours


@pytest.mark.parametrize("text", ["", ",", "24", "12-24", "6-5", "1-2-3", "-1", "noon", "1.5", "٣", "123"])
def test_hours_of_day_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an hour of the day or a range of them") as caught:
        parse_hours_of_day(text)
    assert "0,6,12-17" in caught.value.hint


@pytest.mark.parametrize(
    ("date", "hour", "wanted"),
    [
        (None, None, "2025-01-01T01"),
        ("2016-02-29", None, "2016-02-29T02"),
        (None, 23, "2024-12-31T23"),
        ("2019-04-01", 12, "2019-04-01T12"),
    ],
)
def test_published_hour_is_the_named_one_or_the_newest_that_fits(
    sample: Settings, date: str | None, hour: int | None, wanted: str
) -> None:
    assert published_hour(sample, date, hour).iso == wanted


def test_published_hour_is_not_published_if_the_source_has_none_that_fits(sample: Settings) -> None:
    with pytest.raises(NotPublishedError):
        published_hour(sample, "2019-04-01", None)


@pytest.mark.parametrize(("date", "hour"), [("2019-02-30", 1), ("2015-04-30", None), ("2015-05-01", 0), (None, 24)])
def test_hour_that_does_not_exist_is_refused(sample: Settings, date: str | None, hour: int | None, lake: Lake) -> None:
    with pytest.raises(UsageError):
        published_hour(sample, date, hour)
    with pytest.raises(UsageError):
        hour_in_lake(lake, date, hour)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("2019-04-01T22", "2019-04-02T00", None, None), ["2019-04-01T22", "2019-04-01T23", "2019-04-02T00"]),
        (("2019-04-01", None, None, "6,12-13"), ["2019-04-01T06", "2019-04-01T12", "2019-04-01T13"]),
        (("2019-04-01T12", None, None, None), ["2019-04-01T12"]),
        ((None, None, 2, None), ["2025-01-01T00", "2025-01-01T01"]),
        ((None, None, None, None), ["2024-12-31T23", "2025-01-01T00", "2025-01-01T01"]),
        ((None, None, None, "23"), ["2024-12-31T23"]),
    ],
)
def test_published_hours_are_a_range_or_the_newest(
    sample: Settings, options: tuple[str | None, str | None, int | None, str | None], wanted: list[str]
) -> None:
    assert iso(published_hours(sample, *options, default=3)) == wanted


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [("2019-04-01", None, 2), (None, "2019-04-01", 2), (None, "2019-04-01", None), ("2019-04-02", "2019-04-01", None)],
)
def test_ranges_that_make_no_sense_are_refused(
    sample: Settings, start: str | None, end: str | None, last: int | None, lake: Lake
) -> None:
    with pytest.raises(UsageError):
        published_hours(sample, start, end, last, None, default=24)
    with pytest.raises(UsageError):
        hours_in_lake(lake, None, None, start, end, last)


@pytest.mark.parametrize(
    ("date", "hour", "wanted"),
    [
        (None, None, "2024-08-03T06"),
        ("2024-08-02", None, "2024-08-02T23"),
        (None, 5, "2024-08-03T05"),
        ("2019-04-01", 12, "2019-04-01T12"),
    ],
)
def test_hour_in_lake_is_the_named_one_or_the_newest_that_fits(
    lake: Lake, date: str | None, hour: int | None, wanted: str
) -> None:
    assert hours_in_lake(lake, date, hour, None, None, None) == [hour_in_lake(lake, date, hour)] == [Hour.parse(wanted)]


def test_no_hour_in_lake_fits(lake: Lake) -> None:
    assert hour_in_lake(lake, "2019-04-01", None) is None
    assert hours_in_lake(lake, None, 12, None, None, None) == []


def test_hours_in_lake_are_a_range_or_the_newest(lake: Lake) -> None:
    assert iso(hours_in_lake(lake, None, None, "2024-08-03T04", "2024-08-03T05", None)) == [
        "2024-08-03T04", "2024-08-03T05",
    ]  # fmt: skip
    assert iso(hours_in_lake(lake, None, None, None, None, 2)) == IN_LAKE[-2:]


@pytest.mark.parametrize(
    ("hour", "start", "last"), [(5, "2019-04-01", None), (5, None, 2), (None, "2019-04-01", 2), (5, "2019-04-01", 2)]
)
def test_an_hour_and_a_range_and_last_exclude_each_other(
    lake: Lake, hour: int | None, start: str | None, last: int | None
) -> None:
    with pytest.raises(UsageError, match="give only one of"):
        hours_in_lake(lake, None, hour, start, None, last)


def test_range_without_any_of_the_hours_of_the_day_is_refused(sample: Settings) -> None:
    with pytest.raises(UsageError, match="no hour of the range is stamped at 3") as caught:
        published_hours(sample, "2024-12-31T12", "2024-12-31T13", None, "3", default=24)
    assert caught.value.hint == "widen the range, or leave out --hours"
