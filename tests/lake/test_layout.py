"""Where the files of an hour are in a lake."""

from __future__ import annotations

import pytest

from pvtop.core.hour import Hour
from pvtop.core.period import Period, PeriodLike
from pvtop.lake.layout import (
    domains_path,
    failure_path,
    parse_partition,
    parse_rollup_path,
    parse_top_pages_path,
    rollup_top_pages_path,
    text_path,
    top_pages_path,
)

MIDNIGHT = Hour.parse("2020-01-01T00")


def test_paths_have_two_digits_for_the_hour() -> None:
    assert top_pages_path(MIDNIGHT) == "top_pages/date=2020-01-01/hour=00/top_pages.parquet"
    assert domains_path(MIDNIGHT) == "domains/date=2020-01-01/hour=00/domains.parquet"
    assert failure_path(MIDNIGHT) == "failures/date=2020-01-01/hour=00.json"
    assert text_path(MIDNIGHT) == "text/2020/2020-01/top_pages-20200101-000000.txt"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2020-01-01T00", MIDNIGHT),
        ("9999-99-99T00", None),
        ("2020-01-01T00:00", None),
        ("2020-01-01T02+02:00", None),
        ("x", None),
    ],
)
def test_parse_partition_returns_the_hour_or_none(text: str, hour: Hour | None) -> None:
    assert parse_partition(text) == hour


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("period", ["2024-07", "2024-08-03", ("2024-08-03T01", "2024-08-05T12")])
def test_rollup_is_read_from_its_path(period: PeriodLike, merged: bool) -> None:
    found = Period.at(period)
    assert parse_rollup_path(rollup_top_pages_path(found, merged=merged)) == (found, merged)


@pytest.mark.parametrize(
    "path",
    [
        "rollups/day/domains/day=2024-08-03/domains.parquet",
        "rollups/day/top_pages/day=2024-8-3/top_pages.parquet",
        "rollups/month/top_pages/day=2024-08-03/top_pages.parquet",
        "rollups/range/top_pages/start=2024-08-03T01/end=2024-08-04T00/top_pages.parquet",  # a whole day
        "rollups/day/top_pages/day=2024-08-03/top_pages.parquet.tmp",
        "rollups/day/top_pages/x/top_pages.parquet",
    ],
)
def test_path_that_pvtop_does_not_write_is_no_rollup(path: str) -> None:
    assert parse_rollup_path(path) is None


def test_hour_is_read_from_its_path() -> None:
    assert parse_top_pages_path(top_pages_path(Hour.parse("2024-08-03T06"))) == Hour.parse("2024-08-03T06")
    assert parse_top_pages_path("top_pages/date=2024-08-03/hour=6/top_pages.parquet") is None
