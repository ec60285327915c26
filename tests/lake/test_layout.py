"""Where the files of an hour are in a lake."""

from __future__ import annotations

import pytest

from pvtop.core.hour import Hour
from pvtop.lake.layout import domains_path, failure_path, parse_partition, text_path, top_pages_path

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
