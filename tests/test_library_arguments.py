"""What the functions of the library say about arguments that are wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import pvtop
from support.days import DAY, write_day
from support.samples import WriteDump

NAIVE = dt.datetime(2024, 12, 30, 14)  # noqa: DTZ001 - that is the mistake
JUNK = [None, 5, 2.5, True, b"2024-12-30T14", "", "tomorrow", {}, [], object(), dt.timedelta(hours=1), pl.DataFrame()]
HALF_PAST = NAIVE.replace(minute=30, tzinfo=dt.UTC)
NOT_HOURS = [
    *JUNK,
    HALF_PAST,
    "2024-12-30",
    "2024-12-30T14:30",
    "2024-12-30T24",
    NAIVE,
    NAIVE.date(),
    pvtop.Period.of_day(DAY),
]
NOT_DAYS = [*JUNK, "2024-12-30T14", "2024-02-30", NAIVE, NAIVE.replace(tzinfo=dt.UTC), dt.date(2015, 4, 30)]
REVERSED = ("2024-12-30T14", "2024-12-30T13")
NOT_PERIODS = [*JUNK, "2024", "2024-13", "2024-12-30T14", NAIVE, ("2024-12-30T14",), (NAIVE, NAIVE), REVERSED]

Call = Callable[[Any, Any], object]

OF_AN_HOUR: dict[str, Call] = {
    "run_hour": pvtop.run_hour,
    "run_hours": pvtop.run_hours,
    "run_hours, a list": lambda value, settings: pvtop.run_hours([value], settings),
    "Hour": lambda value, _: pvtop.Hour(value),
    "Hour.at": lambda value, _: pvtop.Hour.at(value),
    "Hour.parse": lambda value, _: pvtop.Hour.parse(value),
    "hour_range": lambda value, _: pvtop.hour_range("2024-12-30T14", value),
    "Day.of_hour": lambda value, _: pvtop.Day.of_hour(value),
    "Period.of_hours": lambda value, _: pvtop.Period.of_hours("2024-12-30T14", value),
    "Period": lambda value, _: pvtop.Period(pvtop.Hour.at("2024-12-30T14"), value),
    "Lake.read": lambda value, settings: pvtop.Lake.of(settings).read(value),
    "Lake.text": lambda value, settings: pvtop.Lake.of(settings).text(value),
    "Lake.provenance": lambda value, settings: pvtop.Lake.of(settings).provenance(value),
    "Lake.scan_reports": lambda value, settings: pvtop.Lake.of(settings).scan_reports("2024-12-30T14", value),
    "Lake.scan_totals": lambda value, settings: pvtop.Lake.of(settings).scan_totals(value, "2024-12-30T14"),
}
OF_A_DAY: dict[str, Call] = {
    "build_days": pvtop.build_days,
    "build_days, a list": lambda value, settings: pvtop.build_days([value], settings),
    "find_movers": pvtop.find_movers,
    "find_spikes": pvtop.find_spikes,
    "Day": lambda value, _: pvtop.Day(value),
    "Day.at": lambda value, _: pvtop.Day.at(value),
    "Day.parse": lambda value, _: pvtop.Day.parse(value),
    "Period.of_day": lambda value, _: pvtop.Period.of_day(value),
    "Lake.scan_days": lambda value, settings: pvtop.Lake.of(settings).scan_days(value, "2024-12-30"),
}
OF_A_PERIOD: dict[str, Call] = {
    "run_rollup": pvtop.run_rollup,
    "read_series": lambda value, settings: pvtop.read_series("en:Climate", value, settings),
    "Period.at": lambda value, _: pvtop.Period.at(value),
    "Lake.rollup": lambda value, settings: pvtop.Lake.of(settings).rollup(value),
}


@pytest.fixture
def settings(tmp_path: Path, write_dump: WriteDump) -> pvtop.Settings:
    """Return settings for a lake that has two day files, and for a source that has a dump."""
    write_dump("en Climate 7 0\n", DAY.hours[5])
    for offset in (-1, 0):
        write_day(tmp_path / "lake", DAY + offset, {("en", "Climate"): {7: 600}})
    return pvtop.Settings.load(source=str(tmp_path / "source"), blacklist="none", output=str(tmp_path / "lake"))


def refused(call: Callable[[], object]) -> pvtop.UsageError:
    """Return the error of a call with a wrong argument. It has a hint, which names no option."""
    with pytest.raises(pvtop.UsageError) as caught:
        call()
    error = caught.value
    assert error.hint
    assert "--" not in error.message + error.hint
    return error


CALLS = [
    pytest.param(call, values, id=name)
    for calls, values in ((OF_AN_HOUR, NOT_HOURS), (OF_A_DAY, NOT_DAYS), (OF_A_PERIOD, NOT_PERIODS))
    for name, call in calls.items()
]


@pytest.mark.parametrize(("call", "values"), CALLS)
def test_value_that_is_no_hour_day_or_period_is_refused(
    call: Call, values: list[object], settings: pvtop.Settings
) -> None:
    for value in values:
        refused(lambda value=value: call(value, settings))  # type: ignore[misc] # the value of this round


@pytest.mark.parametrize("name", ["run_hour", "run_hours", "run_hours, a list", "Hour", "Hour.at"])
def test_time_without_a_zone_is_refused_with_what_to_add(name: str, settings: pvtop.Settings) -> None:
    error = refused(lambda: OF_AN_HOUR[name](NAIVE, settings))
    assert error.message == "2024-12-30T14:00:00 has no time zone"
    assert "tzinfo=datetime.UTC" in error.hint


@pytest.mark.parametrize("value", [None, {}, "reports", Path("reports"), pvtop.Settings])
def test_argument_that_is_no_settings_is_refused(value: Any) -> None:  # noqa: ANN401 - anything
    for call in (
        lambda: pvtop.run_hour("2024-12-30T14", value),
        lambda: pvtop.run_hours("2024-12-30T14", value),
        lambda: pvtop.build_days("2024-12-30", value),
        lambda: pvtop.run_rollup("2024-12-30", value),
        lambda: pvtop.read_series("en:Climate", "2024-12-30", value),
        lambda: pvtop.find_movers("2024-12-30", value),
        lambda: pvtop.find_spikes("2024-12-30", value),
        lambda: pvtop.newest_hour(value),
        lambda: pvtop.last_hours(value, 1),
        lambda: pvtop.Lake.of(value),
    ):
        assert "Settings.load(" in refused(call).hint


def test_reversed_range_is_refused(settings: pvtop.Settings) -> None:
    lake = pvtop.Lake.of(settings)
    for call in (
        lambda: pvtop.hour_range(*REVERSED),
        lambda: lake.scan_reports(*REVERSED),
        lambda: lake.scan_totals(*REVERSED),
        lambda: lake.scan_days("2024-12-30", "2024-12-29"),
        lambda: pvtop.run_rollup(REVERSED, settings),
        lambda: pvtop.read_series("en:Climate", REVERSED, settings),
    ):
        assert refused(call).hint in {"swap the two hours", "swap the two days"}


@pytest.mark.parametrize("value", [[], {}, (), iter(())])
def test_list_of_nothing_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    for call in (
        lambda: pvtop.run_hours(value, settings),
        lambda: pvtop.build_days(value, settings),
        lambda: pvtop.read_series(value, "2024-12-30", settings),
        lambda: pvtop.find_movers("2024-12-30", settings, domains=value),
        lambda: pvtop.find_spikes("2024-12-30", settings, domains=value),
    ):
        assert refused(call).message.startswith("there are no ")


def test_generators_and_single_values_are_read_and_repeats_count_once(settings: pvtop.Settings) -> None:
    stamp = DAY.hours[5].iso
    for hours in (stamp, DAY.hours[5], (text for text in [stamp, stamp]), pl.Series([DAY.hours[5].stamp])):
        assert pvtop.run_hours(hours, settings).counts.total() == 1
    for days in ("2024-12-30", DAY, (text for text in ["2024-12-30", "2024-12-30"])):
        assert len(pvtop.build_days(days, settings).outcomes) == 1
    pages = (text for text in ["en:Climate", "en:Climate"])
    assert pvtop.read_series(pages, "2024-12-30", settings).frame.height == 24
    for domains in ("en", ["en"], (code for code in ["en", "en.m"])):
        assert pvtop.find_spikes("2024-12-30", settings, domains=domains).pages.height == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [*JUNK, "Climate", "https://example.org/wiki/Climate", ("en", "Climate")])
def test_value_that_is_no_page_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.read_series(value, "2024-12-30", settings))
    refused(lambda: pvtop.Page.at(value))
    refused(lambda: pvtop.Page.parse(value))
    refused(lambda: pvtop.Page(value, None))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["en.wikipedia.org", 5, [None], ["en", 5]])
def test_value_that_is_no_domain_code_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.find_movers("2024-12-30", settings, domains=value))
    refused(lambda: pvtop.find_spikes("2024-12-30", settings, domains=value))


@pytest.mark.parametrize("value", [None, 0, -1, 2.5, "7", True, 10**30, float("nan"), []])
def test_value_that_is_no_count_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    for name in ("top", "min_views"):
        refused(lambda name=name: pvtop.find_movers("2024-12-30", settings, **{name: value}))  # type: ignore[misc]
        refused(lambda name=name: pvtop.find_spikes("2024-12-30", settings, **{name: value}))  # type: ignore[misc]
    refused(lambda: pvtop.find_movers("2024-12-30", settings, against=value))
    refused(lambda: pvtop.Lake.of(settings).last(value))


@pytest.mark.parametrize("value", [None, 0, -1, 2.5, "7", True, float("nan"), []])
def test_value_that_is_no_number_of_hours_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.last_hours(settings, value))


def test_more_hours_than_there_are_means_all(settings: pvtop.Settings) -> None:
    assert pvtop.last_hours(settings, 10**30) == [DAY.hours[5]]


@pytest.mark.parametrize("value", [None, 0, -1, "0.5", True, float("nan"), float("inf"), []])
def test_value_that_is_no_share_or_ratio_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.find_spikes("2024-12-30", settings, min_peak_share=value))
    if value is not True:
        refused(lambda: pvtop.find_movers("2024-12-30", settings, min_ratio=value))


@pytest.mark.parametrize("value", [5, "2024", "2024-02-30", NAIVE, b"2024-12-30", DAY])
def test_value_that_is_no_date_of_a_stamp_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.newest_hour(settings, day=value))
    refused(lambda: pvtop.Lake.of(settings).newest(day=value))
    refused(lambda: pvtop.Hour.of(value, 5))


@pytest.mark.parametrize("value", [24, -1, "5", 5.0, True, []])
def test_value_that_is_no_hour_of_a_day_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.newest_hour(settings, hour=value))
    refused(lambda: pvtop.Lake.of(settings).newest(hour=value))
    refused(lambda: pvtop.Hour.of(DAY.date, value))


def test_newest_hour_of_a_date_is_found_by_its_text(settings: pvtop.Settings) -> None:
    hour = DAY.hours[5]
    assert pvtop.newest_hour(settings, day="2024-12-30", hour=6) == hour
    assert pvtop.Hour.of("2024-12-30", 6) == hour
    pvtop.run_hour(hour, settings)
    assert pvtop.Lake(Path(settings.output)).newest(day="2024-12-30") == hour


@pytest.mark.parametrize("value", [None, 5, "", b"lake", [], pvtop.Settings.load()])
def test_value_that_is_no_root_of_a_lake_is_refused(value: Any) -> None:  # noqa: ANN401 - anything
    assert "Lake.of" in refused(lambda: pvtop.Lake(value)).hint


@pytest.mark.parametrize("value", [None, 5, "", b"dump.gz", [], "https://user:h0neyp0t@example.org/dump.gz"])
def test_value_that_is_no_path_of_a_file_is_refused(value: Any) -> None:  # noqa: ANN401 - anything
    for read in (pvtop.scan_dump, pvtop.read_blacklist):
        assert "h0neyp0t" not in refused(lambda read=read: read(value)).message  # type: ignore[misc]


def test_file_is_named_by_a_path_or_text(tmp_path: Path, write_dump: WriteDump) -> None:
    dump = write_dump("en Climate 7 0\n")
    (tmp_path / "blacklist").write_text("en Climate\n")
    for kind in (Path, str, Path.as_uri):
        assert pvtop.scan_dump(kind(dump)).collect().height == 1
        assert pvtop.read_blacklist(kind(tmp_path / "blacklist")).height == 1


@pytest.mark.parametrize("value", [None, [], {"domain_code": ["en"]}, pl.Series(["en"]), pl.DataFrame({"a": [1]})])
def test_value_that_is_no_frame_with_domain_codes_is_refused(value: Any) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.with_domains(value))


@pytest.mark.parametrize("value", ["week", 5, None, [], b"day"])
def test_value_that_is_no_step_is_refused(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    assert refused(lambda: pvtop.read_series("en:Climate", DAY, settings, value)).hint == "write 'hour' or 'day'"


@pytest.mark.parametrize("value", ["ignore", 5, None, [], True])
def test_value_for_what_is_missing_is_error_or_skip(value: Any, settings: pvtop.Settings) -> None:  # noqa: ANN401 - anything
    lake, hour = pvtop.Lake.of(settings), DAY.hours[5]
    refused(lambda: lake.scan_reports(hour, hour, missing=value))
    refused(lambda: lake.scan_totals(hour, hour, missing=value))
    refused(lambda: lake.scan_days(DAY, DAY, missing=value))


@pytest.mark.parametrize(("year", "month"), [("2024", 12), (2024, "12"), (2024.0, 12), (None, 1), (2024, 13), (-1, 1)])
def test_numbers_that_are_no_month_are_refused(year: Any, month: Any) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.Period.of_month(year, month))


@pytest.mark.parametrize("value", [None, 5, b"en", ["en"]])
def test_value_that_is_no_text_is_no_domain(value: Any) -> None:  # noqa: ANN401 - anything
    refused(lambda: pvtop.Domain.of(value))
    refused(lambda: pvtop.Domain.of_host(value))
