"""Frames as one lazy frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from pvtop.transform.scan import scan_frames

SCHEMA = pl.Schema({"code": pl.String, "views": pl.Int64})


def test_scan_reads_no_more_frames_than_it_needs() -> None:
    read = []

    def frames(_: Sequence[str]) -> Iterator[pl.DataFrame]:
        for number in range(5):
            read.append(number)
            yield pl.DataFrame({"code": ["a", "b"], "views": [number, -number]})

    scan = scan_frames(frames, SCHEMA)
    assert not read
    assert scan.head(3).collect().rows() == [("a", 0), ("b", 0), ("a", 1)]
    assert read == [0, 1]


def test_filters_and_columns_are_applied_to_each_frame() -> None:
    parts = [pl.DataFrame({"code": ["a", "b"], "views": [number, 10 + number]}) for number in range(3)]
    scan = scan_frames(lambda _: iter(parts), SCHEMA)
    assert scan.filter(pl.col("code") == "b").select("views").collect().rows() == [(10,), (11,), (12,)]
    assert scan.filter(pl.col("views") > 99).collect().schema == SCHEMA


def test_frames_are_asked_for_the_columns_of_the_result_and_of_the_filters() -> None:
    asked = []

    def frames(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        asked.append(sorted(columns))
        yield pl.DataFrame({"code": ["a", "b"], "views": [1, 2]}).select(columns)

    scan = scan_frames(frames, SCHEMA)
    assert scan.select("views").collect().rows() == [(1,), (2,)]
    assert scan.filter(pl.col("code") == "b").select("views").collect().rows() == [(2,)]
    assert scan.collect().columns == ["code", "views"]
    assert asked == [["views"], ["code", "views"], ["code", "views"]]
