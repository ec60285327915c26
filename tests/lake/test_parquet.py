"""Parquet: what is written is read back, and what is damaged is refused, whatever byte it is."""

from __future__ import annotations

import io
import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pvtop.core.errors import OutputError
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, top_pages_path
from pvtop.lake.parquet import TAIL_BYTES, read_frame, read_provenance, write_parquet
from pvtop.transform.schemas import DOMAINS, TOP_PAGES
from support.reports import HOUR, PROVENANCE, make_report

REPORT = make_report()
FILES = {"top_pages": (top_pages_path(HOUR), TOP_PAGES), "domains": (domains_path(HOUR), DOMAINS)}
FLIPS = 300


def test_written_frame_is_read_back() -> None:
    content = write_parquet(REPORT.top_pages, PROVENANCE)
    assert read_frame(content, TOP_PAGES).equals(REPORT.top_pages)
    assert read_provenance(HOUR, io.BytesIO(content)) == PROVENANCE


def test_frame_written_by_pyarrow_is_read() -> None:
    plain = pa.schema([("domain_code", pa.string()), ("rank", pa.uint32()), ("page_title", pa.string()),
                       ("views", pa.int64())])  # fmt: skip
    file = io.BytesIO()
    pq.write_table(REPORT.top_pages.to_arrow().cast(plain), file)
    assert read_frame(file.getvalue(), TOP_PAGES).equals(REPORT.top_pages)


def test_read_provenance_reads_only_the_end_of_the_file() -> None:
    content = write_parquet(
        make_report(pages=[("en", 1, random.Random(1).randbytes(TAIL_BYTES).hex(), 5)]).top_pages, PROVENANCE
    )
    assert len(content) > TAIL_BYTES
    assert read_provenance(HOUR, io.BytesIO(bytes(len(content) - TAIL_BYTES) + content[-TAIL_BYTES:])) == PROVENANCE


@pytest.mark.parametrize(
    "change",
    [
        pl.DataFrame({"a": [1]}),
        REPORT.top_pages.drop("views"),
        REPORT.top_pages.with_columns(extra=1),
        REPORT.top_pages.with_columns(pl.col("rank").cast(pl.Int64)),
        REPORT.top_pages.with_columns(pl.col("views").cast(pl.String)),
        REPORT.top_pages.select("rank", "domain_code", "page_title", "views"),
    ],
    ids=["others", "one less", "one more", "another kind", "counts in text", "another order"],
)
def test_read_frame_refuses_other_columns(change: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="its columns are not those of a report"):
        read_frame(write_parquet(change, PROVENANCE), TOP_PAGES)


@pytest.mark.parametrize("name", FILES)
def test_damage_of_any_byte_is_refused_or_harmless(name: str, tmp_path: Path) -> None:
    """Polars would panic or end this process at some of them; what is not noticed is for the rules of a report."""
    lake, (path, schema) = Lake(str(tmp_path)), FILES[name]
    lake.write(REPORT)
    whole, draw = (tmp_path / path).read_bytes(), random.Random(1)
    refused = 0
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= draw.randrange(1, 256)
        (tmp_path / path).write_bytes(damaged)
        lake.provenance(HOUR)
        salvage = lake.salvage(HOUR)
        try:
            found = lake.read(HOUR)
        except OutputError:
            refused += 1
            continue
        frame = getattr(found, name)
        assert frame.schema == schema
        assert frame.equals(getattr(salvage, name))
        assert len(frame.rows()) == len(getattr(REPORT, name))
    assert FLIPS / 10 < refused < FLIPS
