"""Dumps scanned from gzip files."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pvtop.core.errors import CorruptError
from pvtop.sources.dumps import scan_dump, scan_rows
from pvtop.storage.gzip import BLOCK, verify_gzip
from support.samples import WriteDump

GOOD = "en A 1 0\n"


def rows(path: Path) -> list[tuple[str, str, int]]:
    return scan_dump(path).collect(engine="streaming").rows()


def test_scan_dump_has_the_documented_columns(write_dump: WriteDump) -> None:
    schema = {"domain_code": pl.String, "page_title": pl.String, "views": pl.Int64}
    path = write_dump(GOOD)
    assert scan_dump(path).collect_schema() == schema
    assert scan_dump(path).collect(engine="streaming").schema == schema


def test_scan_dump_reads_very_long_lines(write_dump: WriteDump) -> None:
    title = "x" * 10_000_000
    assert rows(write_dump(f"{GOOD}en {title} 5 0\n{GOOD}")) == [("en", "A", 1), ("en", title, 5), ("en", "A", 1)]


def test_scan_dump_reads_several_gzip_members(tmp_path: Path) -> None:
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(b"en A 1 0\nen B", mtime=0) + gzip.compress(b" 2 0\n", mtime=0))
    assert rows(path) == [("en", "A", 1), ("en", "B", 2)]
    verify_gzip(path, "it")


def test_scan_rows_reads_clean_and_unclean_blocks(write_dump: WriteDump) -> None:
    many = GOOD * (BLOCK // len(GOOD) + 1)
    path = write_dump(f"{many}\ufeff{many}en B 007 0\r\n{GOOD}")
    found = scan_rows(path).collect(engine="streaming")
    once, end = [("en", "A", 1)], [("en", "B", 7), ("en", "A", 1)]
    count = len(many) // len(GOOD)
    assert found.rows() == [*once * count, ("\ufeffen", "A", 1), *once * (count - 1), *end]


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_parts_of_a_scan_match_the_whole(write_dump: WriteDump, engine: Literal["streaming", "in-memory"]) -> None:
    dump = scan_dump(write_dump("en A 1 0\nbroken\nen B 2 0\nde C 3 0\n" + "fr D 9 0\n" * (BLOCK // 8)))
    whole = dump.collect()
    parts: list[Callable[[Any], Any]] = [
        lambda frame: frame.head(2),
        lambda frame: frame.head(0),
        lambda frame: frame.slice(1, 2),
        lambda frame: frame.filter(pl.col("views") > 1).head(2),
        lambda frame: frame.head(2).filter(pl.col("views") > 1),
        lambda frame: frame.select("page_title").tail(1),
        lambda frame: frame.filter(domain_code="de").select("views"),
        lambda frame: frame.select(pl.len(), pl.col("views").sum()),
    ]
    for part in parts:
        assert_frame_equal(part(dump).collect(engine=engine), part(whole))


def test_scan_of_a_damaged_dump_is_a_corrupt_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(GOOD.encode() * 9, mtime=0)[:-4])
    with pytest.raises(CorruptError, match=f"^{path} is truncated"):
        scan_dump(path).collect()
