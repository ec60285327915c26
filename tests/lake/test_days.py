"""Lazy scans of day files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow.parquet as pq
import pytest

from pvtop.core.day import Day, DayLike
from pvtop.core.errors import NotInLakeError, OutputError, UsageError
from pvtop.lake.day_format import GROUP_ROWS
from pvtop.lake.lake import Lake
from pvtop.lake.layout import day_path
from pvtop.transform.schemas import DAYS
from support.days import DAY, Views, write_day

Engine = Literal["in-memory", "streaming"]
every_engine = pytest.mark.parametrize("engine", ["in-memory", "streaming"])
LAST = DAY + 2


def views(day: Day) -> Views:
    """Return the views of two pages, which differ from day to day."""
    return {("de", "Klima"): {0: day.date.day}, ("en", "Climate"): {1: 2, 23: 3}}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return a lake with three days."""
    for offset in range(3):
        write_day(tmp_path, DAY + offset, views(DAY + offset))
    return Lake(str(tmp_path))


def file(lake: Lake, day: Day) -> Path:
    """Return the path of a day file."""
    return Path(lake.path(day_path(day)))


@every_engine
def test_scan_returns_the_pages_of_each_day(lake: Lake, engine: Engine) -> None:
    found = lake.scan_days(DAY, LAST).collect(engine=engine)
    assert found.schema == DAYS
    assert found.rows() == [
        row
        for day in (DAY, DAY + 1, LAST)
        for row in (
            (day.start, "de", "Klima", day.date.day, [0], [day.date.day]),
            (day.start, "en", "Climate", 5, [1, 23], [2, 3]),
        )
    ]


@pytest.mark.parametrize("first", ["2024-12-31", date(2024, 12, 31), Day(date(2024, 12, 31))])
def test_scan_reads_its_bounds_as_days_dates_and_text(lake: Lake, first: DayLike) -> None:
    assert lake.scan_days(first, LAST).collect()["start"].unique().sort().to_list() == [(DAY + 1).start, LAST.start]


def test_scan_of_days_is_a_frame_like_any_other(lake: Lake) -> None:
    scan = lake.scan_days(DAY, LAST)
    assert scan.select(pl.len()).collect().item() == 6
    assert scan.group_by("start").len().sort("start").collect()["len"].to_list() == [2, 2, 2]
    assert (
        scan.filter(pl.col("start") > DAY.start, pl.col("domain_code") == "de").select("views").sum().collect().item()
    )
    assert scan.filter(pl.col("page_title") == "Climate").select(pl.col("views").sum()).collect().item() == 15
    by_hour = scan.filter(domain_code="en").explode("start_hours", "counts").group_by("start_hours")
    assert by_hour.agg(pl.col("counts").sum()).sort("start_hours").collect().rows() == [(1, 6), (23, 9)]
    assert scan.join(scan, on=["start", "domain_code"]).collect().height == 6


def test_scan_reads_a_large_day_in_parts_and_stops_when_it_has_enough_rows(tmp_path: Path) -> None:
    pages: Views = {("en", f"{number:06}"): {0: 1} for number in range(GROUP_ROWS + 5)}
    write_day(tmp_path, DAY, pages)
    write_day(tmp_path, DAY + 1, {}).write_bytes(b"damaged")
    lake = Lake(str(tmp_path))
    titles = lake.scan_days(DAY, DAY).select("page_title").collect()["page_title"]
    assert titles.to_list() == [title for _, title in pages]
    assert lake.scan_days(DAY, DAY + 1).head(3).collect().height == 3


def test_scan_reads_only_the_columns_that_it_needs(lake: Lake) -> None:
    path = file(lake, DAY)
    chunk = pq.read_metadata(path).row_group(0).column(DAYS.names().index("counts") - 1)
    assert chunk.path_in_schema == "counts.list.element"
    content = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    assert lake.scan_days(DAY, LAST).filter(domain_code="en").select("views").collect().height == 3
    with pytest.raises(OutputError, match=f"cannot read {path}"):
        lake.scan_days(DAY, LAST).select("counts").collect()


def test_scan_reads_only_the_days_of_its_range(lake: Lake) -> None:
    for day in (DAY, LAST):
        file(lake, day).write_bytes(b"damaged")
    assert lake.scan_days(DAY + 1, DAY + 1).collect().height == 2


def test_missing_days_are_named_before_anything_is_read(lake: Lake) -> None:
    file(lake, DAY + 1).unlink()
    with pytest.raises(NotInLakeError, match="lacks 2 of 4 days: 2024-12-31, 2025-01-02") as caught:
        lake.scan_days(DAY, LAST + 1)
    assert caught.value.hint == "make them with build_days, or leave them out with missing='skip'"


def test_missing_days_are_skipped_if_asked(lake: Lake) -> None:
    file(lake, DAY + 1).unlink()
    found = lake.scan_days(DAY + -5, LAST + 5, missing="skip").collect()
    assert found["start"].unique().sort().to_list() == [DAY.start, LAST.start]


@every_engine
def test_hours_that_a_day_file_lacks_are_named_or_skipped(tmp_path: Path, engine: Engine) -> None:
    path = write_day(tmp_path, DAY, views(DAY), missing=[2, 3, 22])
    lake = Lake(str(tmp_path))
    assert lake.scan_days(DAY, DAY, missing="skip").collect(engine=engine).height == 2
    with pytest.raises(NotInLakeError) as caught:
        lake.scan_days(DAY, DAY).collect(engine=engine)
    assert caught.value.message == (
        f"the day file {path} lacks 3 of 24 hours: 2024-12-30T03 to 2024-12-30T04, 2024-12-30T23"
    )
    assert caught.value.hint == "make it again if they are published now, or leave them out with missing='skip'"


def test_scan_of_no_days_has_its_columns(tmp_path: Path) -> None:
    found = Lake(str(tmp_path)).scan_days(DAY, LAST, missing="skip").collect()
    assert (found.height, found.schema) == (0, DAYS)


def test_scan_of_an_empty_day_has_its_columns(tmp_path: Path) -> None:
    write_day(tmp_path, DAY, {})
    found = Lake(str(tmp_path)).scan_days(DAY, DAY).collect()
    assert (found.height, found.schema) == (0, DAYS)


def test_scan_refuses_an_unknown_value_of_missing(lake: Lake) -> None:
    with pytest.raises(UsageError, match="missing is 'ignore'"):
        lake.scan_days(DAY, LAST, missing="ignore")  # type: ignore[arg-type]


def test_reversed_range_of_days_is_refused(lake: Lake) -> None:
    with pytest.raises(UsageError, match="is before"):
        lake.scan_days(LAST, DAY)


@every_engine
@pytest.mark.parametrize("damage", [b"damaged", None], ids=["damaged", "gone"])
def test_unreadable_day_file_is_named_and_no_rows_are_lost_silently(
    lake: Lake, engine: Engine, damage: bytes | None
) -> None:
    """A day file may go between the listing and the reading."""
    scan = lake.scan_days(DAY, LAST)
    path = file(lake, DAY + 1)
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(OutputError, match=f"cannot read {path}: ") as caught:
        scan.collect(engine=engine)
    assert caught.value.hint == "make the day file again"


def test_scan_of_days_in_a_bucket(s3: object, tmp_path: Path) -> None:
    lake = Lake("s3://bucket/lake")
    for day in (DAY, DAY + 1):
        lake.write_day(day, write_day(tmp_path, day, views(day)))
    found = lake.scan_days(DAY, DAY + 1).select("start", "views").collect()
    assert found.rows() == [(DAY.start, 30), (DAY.start, 5), ((DAY + 1).start, 31), ((DAY + 1).start, 5)], s3


def test_day_file_of_another_day_is_not_taken_for_that_day(lake: Lake) -> None:
    path = file(lake, LAST)
    path.write_bytes(file(lake, DAY).read_bytes())
    with pytest.raises(OutputError, match=f"cannot read {path}: it is the day file of {DAY}") as caught:
        lake.scan_days(DAY, LAST).collect()
    assert (caught.value.remedy, caught.value.about) == ("remake_day", LAST.iso)
    assert lake.scan_days(DAY, DAY + 1).collect().height == 4


def test_provenance_of_a_day_is_none_if_the_day_file_has_to_be_made(lake: Lake) -> None:
    assert lake.day_provenance(LAST + 1) is None
    found = lake.day_provenance(DAY)
    assert found
    assert found.day == DAY.iso
    file(lake, LAST).write_bytes(file(lake, DAY).read_bytes())
    file(lake, DAY).write_bytes(b"damaged")
    assert (lake.day_provenance(DAY), lake.day_provenance(LAST)) == (None, None)


def test_damage_beyond_the_metadata_needs_force(lake: Lake) -> None:
    path = file(lake, DAY)
    chunk = pq.read_metadata(path).row_group(0).column(0)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset] ^= 255
    path.write_bytes(content)
    with pytest.raises(OutputError) as caught:
        lake.scan_days(DAY, DAY).collect()
    assert caught.value.remedy == "replace_day", "the plan takes the day file for up to date"
