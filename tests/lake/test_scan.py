"""Lazy scans of many hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from pvtop.core.errors import NotInLakeError, OutputError, UsageError
from pvtop.core.hour import Hour, HourLike
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, top_pages_path
from pvtop.lake.scan import READERS
from pvtop.transform.schemas import DOMAINS, START, TOP_PAGES
from support.reports import HOUR, make_report

HOURS = [HOUR + offset for offset in range(3 * READERS)]
Engine = Literal["in-memory", "streaming"]
every_engine = pytest.mark.parametrize("engine", ["in-memory", "streaming"])


def pages(hour: Hour) -> list[tuple[str, int, str, int]]:
    """Return pages that differ from hour to hour."""
    return [("de", 1, "Wetter", hour.stamp.hour), ("en", 1, "Main_Page", 500), ("en", 2, f"Page {hour.iso}", 5)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return a lake with `HOURS`."""
    lake = Lake(str(tmp_path / "lake"))
    for hour in HOURS:
        lake.write(make_report(pages=pages(hour), totals=[("en", 1, hour.stamp.hour, 0, 0)], hour=hour))
    return lake


def remove(lake: Lake, *hours: Hour) -> None:
    """Remove reports from a lake."""
    for hour in hours:
        Path(lake.path(top_pages_path(hour))).unlink()


@every_engine
def test_scan_returns_the_reports_with_the_beginning_of_their_hours(lake: Lake, engine: Engine) -> None:
    found = lake.scan_reports(HOURS[0], HOURS[-1]).collect(engine=engine)
    assert found.schema == {"start": START, **TOP_PAGES}
    assert found.rows() == [(hour.start, *page) for hour in HOURS for page in pages(hour)]
    assert found["start"][0] == datetime(2019, 4, 1, 11, tzinfo=UTC)


@every_engine
def test_scan_returns_the_domain_totals(lake: Lake, engine: Engine) -> None:
    found = lake.scan_totals(HOURS[0], HOURS[-1]).collect(engine=engine)
    assert found.schema == {"start": START, **DOMAINS}
    assert found.rows() == [(hour.start, "en", 1, hour.stamp.hour, 0, 0) for hour in HOURS]


@pytest.mark.parametrize(("first", "last"), [("2019-04-01T13", "2019-04-01T15:00+01:00"), (HOURS[1], HOURS[2].stamp)])
def test_scan_reads_its_bounds_as_times_and_text(lake: Lake, first: HourLike, last: HourLike) -> None:
    starts = lake.scan_reports(first, last).select(pl.col("start").unique()).collect().to_series().to_list()
    assert sorted(starts) == [HOURS[1].start, HOURS[2].start]


def test_scan_is_a_frame_like_any_other(lake: Lake) -> None:
    scan = lake.scan_reports(HOURS[0], HOURS[-1])
    by_day = scan.group_by(pl.col("start").dt.date(), "domain_code").agg(pl.col("views").sum())
    views = by_day.filter(domain_code="de").sort("start").collect()["views"].to_list()
    days = [[hour.stamp.hour for hour in HOURS if hour.start.day == day] for day in (1, 2)]
    assert views == list(map(sum, days))
    assert scan.filter(pl.col("page_title") == "Main_Page").select("views").collect().height == len(HOURS)
    assert scan.filter(pl.col("start") == HOURS[2].start).select("views").collect().height == 3
    assert scan.head(4).collect().rows() == scan.collect().rows()[:4]
    assert scan.select(pl.len()).collect().item() == 3 * len(HOURS)


def test_scan_can_be_collected_twice(lake: Lake) -> None:
    scan = lake.scan_reports(HOURS[0], HOURS[1])
    joined = scan.join(scan, on=["start", "domain_code", "rank"])
    assert joined.collect().height == scan.collect().height == 6


def test_scan_reads_only_the_files_of_its_range(lake: Lake) -> None:
    for hour in [HOURS[0], *HOURS[3:]]:
        Path(lake.path(top_pages_path(hour))).write_bytes(b"damaged")
    assert lake.scan_reports(HOURS[1], HOURS[2]).collect().height == 6


def test_scan_stops_reading_when_it_has_enough_rows(lake: Lake) -> None:
    Path(lake.path(top_pages_path(HOURS[-1]))).write_bytes(b"damaged")
    assert lake.scan_reports(HOURS[0], HOURS[-1]).head(1).collect().height == 1


def test_scan_of_empty_reports_has_its_columns(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(make_report(pages=[], totals=[]))
    found = lake.scan_reports(HOUR, HOUR).collect()
    assert (found.height, found.schema) == (0, {"start": START, **TOP_PAGES})


@pytest.mark.parametrize("scan", [Lake.scan_reports, Lake.scan_totals])
def test_missing_hours_are_named_before_anything_is_read(lake: Lake, scan: type) -> None:
    remove(lake, HOURS[1], HOURS[4], HOURS[5])
    missing = "lacks 3 of 24 hours: 2019-04-01T13, 2019-04-01T16 to 2019-04-01T17"
    with pytest.raises(NotInLakeError, match=missing) as caught:
        scan(lake, HOURS[0], HOURS[-1])
    assert caught.value.hint == "make them with run_hours, or leave them out with missing='skip'"


def test_missing_hours_are_left_out_if_asked(lake: Lake) -> None:
    remove(lake, HOURS[1], HOURS[4])
    totals = lake.scan_totals(HOURS[0], HOURS[-1] + 100, missing="skip").collect()
    reports = lake.scan_reports(HOURS[0] + -100, HOURS[-1], missing="skip").collect()
    left = [hour.start for hour in HOURS if hour not in {HOURS[1], HOURS[4]}]
    assert totals["start"].to_list() == reports["start"].unique().sort().to_list() == left


def test_scan_of_no_hours_has_its_columns(lake: Lake) -> None:
    found = lake.scan_totals(HOURS[-1] + 1, HOURS[-1] + 2, missing="skip").collect()
    assert (found.height, found.schema) == (0, {"start": START, **DOMAINS})


def test_another_word_for_missing_hours_is_refused(lake: Lake) -> None:
    with pytest.raises(UsageError, match="missing is 'ignore'"):
        lake.scan_reports(HOURS[0], HOURS[1], missing="ignore")  # type: ignore[arg-type]


def test_reversed_range_is_refused(lake: Lake) -> None:
    with pytest.raises(UsageError, match="is before"):
        lake.scan_reports(HOURS[1], HOURS[0])


@every_engine
@pytest.mark.parametrize("damage", [b"damaged", None], ids=["damaged", "gone"])
def test_unreadable_file_is_named_and_no_rows_are_lost_silently(
    lake: Lake, engine: Engine, damage: bytes | None
) -> None:
    """A lost `domains.parquet`, or one that is damaged, does not show in the listing of made hours."""
    path = Path(lake.path(domains_path(HOURS[5])))
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(OutputError, match=f"cannot read {path}: ") as caught:
        lake.scan_totals(HOURS[0], HOURS[-1]).collect(engine=engine)
    assert caught.value.hint == "make the report again"


def test_scan_of_a_bucket(s3: object) -> None:
    lake = Lake("s3://bucket/lake")
    for hour in HOURS[:3]:
        lake.write(make_report(pages=pages(hour), hour=hour))
    found = lake.scan_reports(HOURS[0], HOURS[0].stamp + timedelta(hours=2)).collect()
    assert found.rows() == [(hour.start, *page) for hour in HOURS[:3] for page in pages(hour)], s3
