"""Writes day files in row groups as the pages come. Knows their columns and their metadata.

pyarrow writes them, because a day has too many pages for the memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pvtop.transform.day import DayProvenance
from pvtop.transform.schemas import DAY_PAGES

if TYPE_CHECKING:
    import pyarrow as pa

PROVENANCE_KEY = b"pvtop"
TITLES_KEY = b"pvtop_first_titles"
DIGEST_KEY = b"pvtop_sha256"  # of the two: Parquet's checksums cover pages only
GROUP_ROWS = 1 << 15  # pages of a row group: one page costs one or two of them
HOURS, COUNTS = "start_hours.list.element", "counts.list.element"  # as Parquet names the lists
COMPRESSION_LEVEL = 3  # of Zstandard: 1 is hardly faster and makes files a tenth larger
COMPRESSION = {"domain_code": "zstd", "page_title": "zstd", "views": "zstd", HOURS: "lz4", COUNTS: "lz4"}
DICTIONARY = ["domain_code", "views", HOURS]  # not the titles, which differ
ENCODING = {COUNTS: "DELTA_BINARY_PACKED"}
COMPAT_LEVEL = pl.CompatLevel.oldest()


class Totals:
    """The counts of a day file, added up while it is written."""

    def __init__(self) -> None:
        self.views = 0
        self.domains: Counter[str] = Counter()
        self.first_titles: list[str] = []

    def add(self, pages: pl.DataFrame) -> None:
        """Add the pages of whole row groups, in the columns of `DAY_PAGES`."""
        self.first_titles += pages.get_column("page_title").gather_every(GROUP_ROWS).to_list()
        self.views += int(pages.get_column("views").cast(pl.Int128).sum())
        for count, code in pages.get_column("domain_code").rle().struct.unnest().iter_rows():
            self.domains[code] += count


def write_day_file(path: Path, frames: Iterable[pl.DataFrame], describe: Callable[[Totals], DayProvenance]) -> None:
    """Write the pages of a day as Parquet. The same pages give the same bytes, however they are cut into frames.

    Args:
        path: The file.
        frames: The columns of `DAY_PAGES`, ascending by code and title in byte order.
        describe: Called after the last frame. Returns the provenance.

    Raises:
        OSError: The file cannot be written.
    """
    import pyarrow.parquet as pq

    totals, schema = Totals(), file_schema()
    with path.open("wb") as file, pq.ParquetWriter(file, schema, **_write_options()) as writer:
        for group in _row_groups(frames):
            totals.add(group)
            writer.write_table(group.to_arrow(compat_level=COMPAT_LEVEL).cast(schema), row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata(day_metadata(describe(totals), totals.first_titles))


def _write_options() -> dict[str, Any]:
    """Return the options of the writer. Lists are read most, so they are compressed for speed, and titles for size."""
    levels = {column: COMPRESSION_LEVEL for column, codec in COMPRESSION.items() if codec == "zstd"}
    return {
        "compression": COMPRESSION,
        "compression_level": levels,
        "use_dictionary": DICTIONARY,
        "column_encoding": ENCODING,
        "write_page_checksum": True,
    }


def day_metadata(provenance: DayProvenance, first_titles: Sequence[str]) -> dict[bytes, bytes]:
    """Return the metadata of a day file: its provenance, and the first title of each row group, with their digest."""
    texts = [provenance.to_json().encode(), json.dumps(first_titles).encode()]
    return {PROVENANCE_KEY: texts[0], TITLES_KEY: texts[1], DIGEST_KEY: sha256(b"".join(texts)).hexdigest().encode()}


def read_metadata(metadata: Mapping[bytes, bytes]) -> tuple[DayProvenance, list[str]]:
    """Return the arguments of `day_metadata`.

    Raises:
        ValueError: It is damaged, or another version wrote it.
    """
    texts = [metadata.get(PROVENANCE_KEY, b"null"), metadata.get(TITLES_KEY, b"null")]
    provenance = DayProvenance.from_json(texts[0])
    if provenance is None or metadata.get(DIGEST_KEY) != sha256(b"".join(texts)).hexdigest().encode():
        raise ValueError("it was made by another version of pvtop, or is damaged")
    return provenance, json.loads(texts[1])


@cache
def file_schema() -> pa.Schema:
    """Return the columns of a day file as pyarrow names them. None has nulls, which takes less time to read."""
    import pyarrow as pa

    written = DAY_PAGES.to_frame().to_arrow(compat_level=COMPAT_LEVEL).schema
    return pa.schema([_without_nulls(column) for column in written])


def _without_nulls(column: pa.Field) -> pa.Field:
    import pyarrow as pa

    if pa.types.is_large_list(column.type):
        column = column.with_type(pa.large_list(column.type.value_field.with_nullable(False)))  # noqa: FBT003
    return column.with_nullable(False)  # noqa: FBT003 - pyarrow takes it by place only


def _row_groups(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Cut frames anew, each into a multiple of the pages of a row group. The last one has the rest."""
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if (rows := sum(map(len, held))) < GROUP_ROWS:
            continue
        joined, whole = pl.concat(held), rows - rows % GROUP_ROWS
        yield joined.head(whole)
        held = [joined.slice(whole)]
    if any(map(len, held)):
        yield pl.concat(held)
