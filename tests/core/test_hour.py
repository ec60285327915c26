"""The hour, a value."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour, hour_range, parse_date

NOON = Hour(datetime(2019, 4, 1, 12, tzinfo=UTC))
FIRST = Hour(datetime(2015, 5, 1, 1, tzinfo=UTC))
PATHS = [
    ("2019-04-01T12", "2019/2019-04/pageviews-20190401-120000.gz", "date=2019-04-01/hour=12"),
    ("2019-04-01T03", "2019/2019-04/pageviews-20190401-030000.gz", "date=2019-04-01/hour=03"),
    ("2016-02-29T23", "2016/2016-02/pageviews-20160229-230000.gz", "date=2016-02-29/hour=23"),
    ("2019-05-01T00", "2019/2019-05/pageviews-20190501-000000.gz", "date=2019-05-01/hour=00"),
    ("2020-01-01T00", "2020/2020-01/pageviews-20200101-000000.gz", "date=2020-01-01/hour=00"),
]


@pytest.mark.parametrize(
    "text", ["2019-04-01T12", "2019-04-01 12", "2019-04-01T12:00", "2019-04-01T12Z", "2019-04-01T12:00Z"]
)
def test_parse(text: str) -> None:
    assert Hour.parse(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019-04-01",
        "12",
        "2019-04-01T12:30",
        "2019-04-01T12:00:00",
        "2019-04-01T12+02:00",
        "2019-04-01T7",
        "2019-4-1T12",
        "20190401T12",
        " 2019-04-01T12",
        "2019-04-01T12\n",
        "٢٠١٩-04-01T12",
    ],
)
def test_what_is_written_otherwise_is_no_hour(text: str) -> None:
    with pytest.raises(UsageError, match="is not an hour") as caught:
        Hour.parse(text)
    assert "2019-04-01T12" in caught.value.hint


@pytest.mark.parametrize("day", ["2019-02-29", "2019-04-31", "2019-13-01", "2019-00-01", "2019-01-00", "2100-02-29"])
def test_days_that_do_not_exist(day: str) -> None:
    with pytest.raises(UsageError, match=f"{day} does not exist"):
        Hour.parse(f"{day}T12")


@pytest.mark.parametrize("hour", [-1, 24, 99])
def test_hours_that_do_not_exist(hour: int) -> None:
    with pytest.raises(UsageError, match=f"hour {hour} does not exist"):
        Hour.of(date(2019, 4, 1), hour)


def test_hour_24_is_not_read_as_the_next_midnight() -> None:
    with pytest.raises(UsageError, match="hour 24 does not exist"):
        Hour.parse("2019-04-01T24")


def test_of() -> None:
    assert Hour.of(date(2019, 4, 1), 12) == NOON


@pytest.mark.parametrize(
    "stamp",
    [
        datetime(2019, 4, 1, 12),  # noqa: DTZ001 - the naive stamp that is refused
        datetime(2019, 4, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        datetime(2019, 7, 1, 12, tzinfo=ZoneInfo("Europe/London")),
        datetime(2019, 4, 1, 12, 30, tzinfo=UTC),
        datetime(2019, 4, 1, 12, 0, 1, tzinfo=UTC),
        datetime(2019, 4, 1, 12, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_a_stamp_is_a_whole_hour_in_utc(stamp: datetime) -> None:
    with pytest.raises(UsageError, match="is not a whole hour in UTC"):
        Hour(stamp)


def test_the_first_hour() -> None:
    assert Hour.parse("2015-05-01T01") == FIRST


@pytest.mark.parametrize("text", ["2015-05-01T00", "2015-04-30T23", "1999-01-01T00", "0001-01-01T00"])
def test_there_is_nothing_before_the_first_hour(text: str) -> None:
    with pytest.raises(UsageError, match="before the first dump") as caught:
        Hour.parse(text)
    assert caught.value.hint == "the dumps begin with 2015-05-01 01:00 UTC"


@pytest.mark.parametrize(("text", "dump", "partition"), PATHS)
def test_paths(text: str, dump: str, partition: str) -> None:
    hour = Hour.parse(text)
    assert (hour.dump_path, hour.month_folder, hour.partition) == (dump, dump.rpartition("/")[0], partition)


@pytest.mark.parametrize(("text", "dump", "_"), PATHS)
def test_the_name_of_a_dump_tells_its_hour(text: str, dump: str, _: str) -> None:
    assert Hour.from_dump_name(dump.rpartition("/")[2]) == Hour.parse(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "projectviews-20190401-120000",
        "pageviews-20190401-120000",
        "pageviews-20190401-120000.gz.json",
        ".pageviews-20190401-120000.gz.1a2b3c4d.part",
        "pageviews-20190401-123000.gz",
        "pageviews-20190401-240000.gz",
        "pageviews-20190431-120000.gz",
        "pageviews-20190229-120000.gz",
        "pageviews-20191301-120000.gz",
        "pageviews-20150501-000000.gz",
        "pageviews-٢٠١٩٠٤٠١-120000.gz",
        "pageviews-20190401-120000xgz",
    ],
)
def test_other_names_tell_no_hour(name: str) -> None:
    assert Hour.from_dump_name(name) is None


@pytest.mark.parametrize("text", ["2019-04-01T12", "2016-02-29T00", "2015-05-01T01"])
def test_iso_is_what_parse_reads(text: str) -> None:
    assert Hour.parse(text).iso == text


def test_the_stamp_is_the_end_of_the_interval() -> None:
    assert NOON.start == datetime(2019, 4, 1, 11, tzinfo=UTC)
    assert Hour.parse("2020-01-01T00").start == datetime(2019, 12, 31, 23, tzinfo=UTC)


def test_str() -> None:
    assert str(NOON) == "2019-04-01 12:00 UTC"


@pytest.mark.parametrize(
    ("text", "hours", "wanted"),
    [
        ("2019-04-01T12", 1, "2019-04-01T13"),
        ("2019-04-01T12", 0, "2019-04-01T12"),
        ("2019-04-01T12", -13, "2019-03-31T23"),
        ("2016-02-28T23", 1, "2016-02-29T00"),
        ("2019-02-28T23", 1, "2019-03-01T00"),
        ("2019-12-31T23", 1, "2020-01-01T00"),
        ("2019-01-01T00", 8_760, "2020-01-01T00"),
    ],
)
def test_adding_hours(text: str, hours: int, wanted: str) -> None:
    assert Hour.parse(text) + hours == Hour.parse(wanted)


def test_adding_hours_stays_in_utc() -> None:
    winter = Hour(datetime(2019, 1, 1, tzinfo=ZoneInfo("Europe/London")))
    assert winter + 24 * 181 == Hour.parse("2019-07-01T00")


def test_the_first_hour_has_none_before_it() -> None:
    with pytest.raises(UsageError, match="before the first dump"):
        FIRST + -1


@pytest.mark.parametrize("hours", [1, 10**12, 10**30])
def test_the_calendar_ends(hours: int) -> None:
    with pytest.raises(UsageError, match="beyond the calendar"):
        Hour.parse("9999-12-31T23") + hours


def test_a_range_that_no_lake_could_hold_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?m)is 69,\d{3},\d{3} hours, more than 1,000,000$"):
        hour_range(Hour.parse("2015-05-01T01"), Hour.parse("9999-12-31T23"))


def test_a_reversed_range_is_refused_without_naming_options() -> None:
    with pytest.raises(UsageError, match="2019-04-01 11:00 UTC is before 2019-04-01 12:00 UTC") as caught:
        hour_range(NOON, NOON + -1)
    assert (caught.value.hint, caught.value.remedy) == ("swap the two hours", "reversed_range")


def test_order_is_that_of_time() -> None:
    texts = ["2020-01-01T00", "2019-10-01T00", "2019-04-01T12", "2019-04-01T00", "2019-03-31T23", "2015-05-01T01"]
    hours = [Hour.parse(text) for text in texts]
    assert sorted(hours) == hours[::-1]


def test_equal_hours_are_one_key() -> None:
    assert len({NOON, Hour.parse("2019-04-01T12"), Hour.parse("2019-04-01T13")}) == 2


def test_frozen() -> None:
    with pytest.raises(AttributeError):
        NOON.stamp = FIRST.stamp  # type: ignore[misc]


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(NOON)) == NOON  # noqa: S301 - our own


def test_now_is_a_whole_hour_that_has_begun() -> None:
    before, now, after = datetime.now(UTC), Hour.now(), datetime.now(UTC)
    assert before - timedelta(hours=1) < now.stamp <= after


def test_parse_date() -> None:
    assert parse_date("2016-02-29") == date(2016, 2, 29)


@pytest.mark.parametrize(
    "text", ["", "2019-4-1", "20190401", "01.04.2019", "2019-04-01T12", "2019-W14-1", "2019-04-01\n"]
)
def test_what_is_written_otherwise_is_no_date(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        parse_date(text)
