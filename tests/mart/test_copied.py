"""Rows as PostgreSQL's COPY takes them. The suite of the mart loads such rows into a real one."""

from __future__ import annotations

import struct
from datetime import datetime

import polars as pl
import pytest

from pvtop.mart.copied import copied

ROWS = pl.DataFrame(
    {"number": [-1, 2**63 - 1], "rank": [1, 2], "stamp": [datetime(2000, 1, 1, 0, 0, 1)] * 2},  # noqa: DTZ001 - in UTC
    schema_overrides={"rank": pl.UInt32},
)


def test_numbers_and_stamps_are_binary() -> None:
    options, content = copied(ROWS)
    first, second = (
        struct.pack(">hiqiiiq", 3, 8, number, 4, rank, 8, 1_000_000)
        for number, rank in ROWS.select("number", "rank").rows()
    )
    assert (options, content) == ("FORMAT binary", b"PGCOPY\n\xff\r\n\0" + bytes(8) + first + second + b"\xff\xff")


def test_no_rows_are_a_header_and_an_end() -> None:
    assert copied(ROWS.clear())[1] == b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"


@pytest.mark.parametrize("value", ["a,b", None])
def test_text_and_missing_values_are_csv(value: str | None) -> None:
    rows = (
        ROWS.with_columns(name=pl.lit(value, pl.String)) if value else ROWS.with_columns(number=pl.lit(None, pl.Int64))
    )
    options, content = copied(rows)
    expected = b'-1,1,"2000-01-01 00:00:01","a,b"' if value else b',1,"2000-01-01 00:00:01"'
    assert (options, content.splitlines()[0]) == ("FORMAT csv", expected)
