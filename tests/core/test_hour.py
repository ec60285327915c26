"""The hour, a value."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pvtop.core.errors import UsageError
from pvtop.core.hour import Hour, HourLike, first_runs, hour_range, hours_around, parse_date, runs_of

NOON = Hour(datetime(2019, 4, 1, 12, tzinfo=UTC))
FIRST = Hour(datetime(2015, 5, 1, 1, tzinfo=UTC))
PATHS = [
    ("2019-04-01T12", "2019/2019-04/pageviews-20190401-120000.gz", "date=2019-04-01/hour=12"),
    ("2019-04-01T03", "2019/2019-04/pageviews-20190401-030000.gz", "date=2019-04-01/hour=03"),
    ("2016-02-29T23", "2016/2016-02/pageviews-20160229-230000.gz", "date=2016-02-29/hour=23"),
    ("2019-05-01T00", "2019/2019-05/pageviews-20190501-000000.gz", "date=2019-05-01/hour=00"),
    ("2020-01-01T00", "2020/2020-01/pageviews-20200101-000000.gz", "date=2020-01-01/hour=00"),
]


@pytest.mark.parametrize("day", ["2019-04-01T", "2019-04-01 "])
@pytest.mark.parametrize("time", ["12", "12:00", "12:00:00"])
@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "-00:00", "+0000", "+00"])
def test_parse_reads_stamps(day: str, time: str, zone: str) -> None:
    assert Hour.parse(day + time + zone) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "2019-04-01T13:00+01:00",
        "2019-04-01T14+02",
        "2019-04-01T05:00:00-0700",
        "2019-04-01T17:30+05:30",
        "2019-04-01T08:30:00-03:30",
        "2019-04-02T02:00+14:00",
        "2019-03-31T23:00-13:00",
    ],
)
def test_parse_converts_an_offset_to_utc(text: str) -> None:
    assert Hour.parse(text) == NOON


def test_parse_reads_the_stamp_of_a_provenance() -> None:
    assert Hour.parse(f"{NOON.stamp:%Y-%m-%dT%H:%M:%SZ}") == NOON
    assert Hour.parse(NOON.stamp.isoformat()) == NOON


@pytest.mark.parametrize(
    "text", ["2019-04-01T12:30", "2019-04-01T12:00:01Z", "2019-04-01T12:00+05:30", "2019-04-01T17:00:30+05:00"]
)
def test_parse_refuses_stamps_that_are_not_a_whole_hour_in_utc(text: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(repr(text))} is not a whole hour in UTC") as caught:
        Hour.parse(text)
    assert "2019-04-01T12" in caught.value.hint


@pytest.mark.parametrize("text", ["0001-01-01T00+01:00", "9999-12-31T23-01:00"])
def test_parse_refuses_offsets_that_leave_the_calendar(text: str) -> None:
    with pytest.raises(UsageError, match="is beyond the calendar"):
        Hour.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019-04-01",
        "12",
        "2019-04-01T12:60",
        "2019-04-01T12:00:60",
        "2019-04-01T12:0",
        "2019-04-01T12:00:00.0",
        "2019-04-01T12+2",
        "2019-04-01T12+24:00",
        "2019-04-01T12+02:60",
        "2019-04-01T12Z+02:00",
        "2019-04-01T12 UTC",
        "2019-04-01T12z",
        "2019-04-01T7",
        "2019-4-1T12",
        "20190401T12",
        " 2019-04-01T12",
        "2019-04-01T12\n",
        "٢٠١٩-04-01T12",
        "2019-04-01T１2",
        "2019-04-01T1２:00+0０:00",
    ],
)
def test_parse_refuses_other_spellings_of_an_hour(text: str) -> None:
    with pytest.raises(UsageError, match="is not an hour") as caught:
        Hour.parse(text)
    assert "2019-04-01T12" in caught.value.hint


@pytest.mark.parametrize("day", ["2019-02-29", "2019-04-31", "2019-13-01", "2019-00-01", "2019-01-00", "2100-02-29"])
def test_parse_refuses_days_that_do_not_exist(day: str) -> None:
    with pytest.raises(UsageError, match=f"{day} does not exist"):
        Hour.parse(f"{day}T12")


@pytest.mark.parametrize("hour", [-1, 24, 99])
def test_parse_refuses_hours_that_do_not_exist(hour: int) -> None:
    with pytest.raises(UsageError, match=f"hour {hour} does not exist"):
        Hour.of(date(2019, 4, 1), hour)


def test_parse_refuses_hour_24() -> None:
    with pytest.raises(UsageError, match="hour 24 does not exist"):
        Hour.parse("2019-04-01T24")


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        "2019-04-01T12",
        "2019-04-01T14:00+02:00",
        datetime(2019, 4, 1, 12, tzinfo=UTC),
        datetime(2019, 4, 1, 12, tzinfo=ZoneInfo("UTC")),
        datetime(2019, 4, 1, 13, tzinfo=ZoneInfo("Europe/London")),
        datetime(2019, 4, 1, 17, 30, tzinfo=ZoneInfo("Asia/Kolkata")),
        datetime(2019, 4, 1, 5, tzinfo=timezone(timedelta(hours=-7))),
    ],
    ids=repr,
)
def test_at_reads_hours_times_and_text(value: HourLike) -> None:
    assert Hour.at(value) == NOON


def test_at_returns_a_plain_datetime() -> None:
    class Finer(datetime):
        """A time with more than microseconds, as that of pandas."""

    assert type(Hour.at(Finer(2019, 4, 1, 12, tzinfo=UTC)).stamp) is datetime


def test_at_refuses_a_time_without_a_zone() -> None:
    """Python takes it for local time, and text without an offset is UTC here. A guess could be hours wrong."""
    with pytest.raises(UsageError, match="^2019-04-01T12:00:00 has no time zone") as caught:
        Hour.at(datetime(2019, 4, 1, 12))  # noqa: DTZ001 - the naive time that is refused
    assert caught.value.hint == "add one, such as tzinfo=datetime.UTC; text without an offset is in UTC"


@pytest.mark.parametrize(
    "time",
    [
        datetime(2019, 4, 1, 12, 30, tzinfo=UTC),
        datetime(2019, 4, 1, 12, tzinfo=ZoneInfo("Asia/Kolkata")),
        datetime(2019, 4, 1, 12, 0, 0, 1, tzinfo=UTC),
    ],
    ids=repr,
)
def test_at_refuses_times_that_are_not_a_whole_hour_in_utc(time: datetime) -> None:
    with pytest.raises(UsageError, match="is not a whole hour in UTC"):
        Hour.at(time)


def test_at_refuses_times_that_leave_the_calendar() -> None:
    with pytest.raises(UsageError, match="is beyond the calendar"):
        Hour.at(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


@pytest.mark.parametrize("value", [date(2019, 4, 1), 12, None, "2019-04-01", b"2019-04-01T12", 1_554_120_000.0])
def test_at_refuses_everything_else(value: HourLike) -> None:
    with pytest.raises(UsageError, match="is not an hour") as caught:
        Hour.at(value)
    assert "2019-04-01T12" in caught.value.hint


def test_hour_of_a_date_and_an_hour_of_the_day() -> None:
    assert Hour.of(date(2019, 4, 1), 12) == NOON


@pytest.mark.parametrize(
    "stamp",
    [
        datetime(2019, 4, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        datetime(2019, 7, 1, 12, tzinfo=ZoneInfo("Europe/London")),
        datetime(2019, 4, 1, 12, 30, tzinfo=UTC),
        datetime(2019, 4, 1, 12, 0, 1, tzinfo=UTC),
        datetime(2019, 4, 1, 12, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_stamp_is_a_whole_hour_in_utc(stamp: datetime) -> None:
    with pytest.raises(UsageError, match="is not a whole hour in UTC"):
        Hour(stamp)


def test_first_stamp_is_an_hour() -> None:
    assert Hour.parse("2015-05-01T01") == FIRST


@pytest.mark.parametrize("text", ["2015-05-01T00", "2015-04-30T23", "1999-01-01T00", "0001-01-01T00"])
def test_hour_before_the_first_stamp_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="before the first dump") as caught:
        Hour.parse(text)
    assert caught.value.hint == "the dumps begin with 2015-05-01 01:00 UTC"


@pytest.mark.parametrize(("text", "dump", "partition"), PATHS)
def test_paths_of_an_hour(text: str, dump: str, partition: str) -> None:
    hour = Hour.parse(text)
    assert (hour.dump_path, hour.month_folder, hour.partition) == (dump, dump.rpartition("/")[0], partition)


@pytest.mark.parametrize(("text", "dump", "_"), PATHS)
def test_of_dump_reads_the_hour_from_a_dump_name(text: str, dump: str, _: str) -> None:
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
        "pageviews-２０１９0401-120000.gz",
        "pageviews-2019040１-120000.gz",
        "pageviews-20190401-1２0000.gz",
        "pageviews-21010101-000000.gz",
        "pageviews-99991231-230000.gz",
        "pageviews-20190401-120000xgz",
    ],
)
def test_of_dump_of_another_name_is_none(name: str) -> None:
    assert Hour.from_dump_name(name) is None


@pytest.mark.parametrize("text", ["2019-04-01T12", "2016-02-29T00", "2015-05-01T01"])
def test_parse_reads_iso(text: str) -> None:
    assert Hour.parse(text).iso == text


def test_interval_ends_at_the_stamp() -> None:
    assert NOON.start == datetime(2019, 4, 1, 11, tzinfo=UTC)
    assert Hour.parse("2020-01-01T00").start == datetime(2019, 12, 31, 23, tzinfo=UTC)


def test_str_of_an_hour() -> None:
    assert str(NOON) == "2019-04-01 12:00 UTC"


def test_repr_of_an_hour_is_the_expression_for_it() -> None:
    assert repr(NOON) == "Hour.parse('2019-04-01T12')"
    assert eval(repr(NOON)) == NOON  # noqa: S307 - our own


def test_range_reads_times_and_text() -> None:
    assert hour_range("2019-04-01T12", NOON.stamp + timedelta(hours=2)) == [NOON, NOON + 1, NOON + 2]


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
def test_adding_hours_crosses_days_and_years(text: str, hours: int, wanted: str) -> None:
    assert Hour.parse(text) + hours == Hour.parse(wanted)


def test_adding_hours_ignores_daylight_saving_time() -> None:
    winter = Hour(datetime(2019, 1, 1, tzinfo=ZoneInfo("Europe/London")))
    assert winter + 24 * 181 == Hour.parse("2019-07-01T00")


def test_subtracting_from_the_first_hour_is_refused() -> None:
    with pytest.raises(UsageError, match="before the first dump"):
        FIRST + -1


@pytest.mark.parametrize("hours", [1, 10**12, 10**30])
def test_adding_beyond_the_calendar_is_refused(hours: int) -> None:
    with pytest.raises(UsageError, match="beyond the calendar"):
        Hour.parse("9999-12-31T23") + hours


def test_range_of_too_many_hours_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?m)is 69,\d{3},\d{3} hours, more than 1,000,000$"):
        hour_range(Hour.parse("2015-05-01T01"), Hour.parse("9999-12-31T23"))


def test_reversed_range_is_refused_without_naming_options() -> None:
    with pytest.raises(UsageError, match="2019-04-01 11:00 UTC is before 2019-04-01 12:00 UTC") as caught:
        hour_range(NOON, NOON + -1)
    assert (caught.value.hint, caught.value.remedy) == ("swap the two hours", "reversed_range")


@pytest.mark.parametrize(
    ("hour", "first", "last"),
    [
        ("2019-04-01T12", "2019-03-31T12", "2019-04-02T12"),
        ("2015-05-01T03", "2015-05-01T01", "2015-05-02T03"),
        ("2015-05-01T01", "2015-05-01T01", "2015-05-02T01"),
        ("9999-12-31T22", "9999-12-30T22", "9999-12-31T23"),
        ("9999-12-31T23", "9999-12-30T23", "9999-12-31T23"),
    ],
)
def test_hours_around_stay_within_the_calendar(hour: str, first: str, last: str) -> None:
    assert hours_around(Hour.parse(hour), 24) == hour_range(Hour.parse(first), Hour.parse(last))


def test_hours_sort_by_time() -> None:
    texts = ["2020-01-01T00", "2019-10-01T00", "2019-04-01T12", "2019-04-01T00", "2019-03-31T23", "2015-05-01T01"]
    hours = [Hour.parse(text) for text in texts]
    assert sorted(hours) == hours[::-1]


def test_equal_hours_have_the_same_hash() -> None:
    assert len({NOON, Hour.parse("2019-04-01T12"), Hour.parse("2019-04-01T13")}) == 2


def test_hour_is_frozen() -> None:
    with pytest.raises(AttributeError):
        NOON.stamp = FIRST.stamp  # type: ignore[misc]


def test_hour_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(NOON)) == NOON  # noqa: S301 - our own


def test_now_is_a_whole_hour_that_has_begun() -> None:
    before, now, after = datetime.now(UTC), Hour.now(), datetime.now(UTC)
    assert before - timedelta(hours=1) < now.stamp <= after


def test_parse_date_reads_a_date() -> None:
    assert parse_date("2016-02-29") == date(2016, 2, 29)


@pytest.mark.parametrize(
    "text", ["", "2019-4-1", "20190401", "01.04.2019", "2019-04-01T12", "2019-W14-1", "2019-04-01\n"]
)
def test_parse_date_refuses_other_spellings(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        parse_date(text)


@pytest.mark.parametrize(
    ("offsets", "runs"),
    [
        ([], []),
        ([3], [(3, 3)]),
        ([0, 1, 2], [(0, 2)]),
        ([0, 2, 3, 5], [(0, 0), (2, 3), (5, 5)]),
        ([5, 0], [(5, 5), (0, 0)]),
    ],
)
def test_runs_of_hours_are_their_first_and_last_hours(offsets: list[int], runs: list[tuple[int, int]]) -> None:
    hours = [NOON + offset for offset in offsets]
    assert runs_of(hours) == [(NOON + first, NOON + last) for first, last in runs]


def test_many_runs_of_hours_are_cut_with_their_number() -> None:
    assert first_runs([NOON]) == "2019-04-01T12"
    assert first_runs([NOON, NOON + 1, NOON + 5]) == "2019-04-01T12 to 2019-04-01T13, 2019-04-01T17"
    assert first_runs([NOON + 2 * number for number in range(6)]).endswith(", and 1 more such period")
    assert first_runs([NOON + 2 * number for number in range(1_005)]).endswith("T20, and 1,000 more such periods")
