"""Writes day files in row groups as the pages come.

pyarrow writes them, because a day has too many pages for the memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from pvtop.lake.data_pages import DataPageIndex
from pvtop.lake.day_format import COMPAT_LEVEL, GROUP_ROWS, day_metadata, file_schema, write_options
from pvtop.transform.day import DayProvenance


class Totals:
    """The counts of a day file, added up while it is written."""

    def __init__(self) -> None:
        self.views = 0
        self.domains: Counter[str] = Counter()

    def add(self, pages: pl.DataFrame) -> None:
        """Add pages, in the columns of `DAY_PAGES`."""
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

    totals, index, schema = Totals(), DataPageIndex(), file_schema()
    with path.open("w+b") as file, pq.ParquetWriter(file, schema, **write_options()) as writer:
        for group in _row_groups(frames):
            totals.add(group)
            start = file.tell()
            writer.write_table(group.to_arrow(compat_level=COMPAT_LEVEL).cast(schema), row_group_size=GROUP_ROWS)
            file.seek(start)
            index.add(group.get_column("page_title"), start, file.read())
        writer.add_key_value_metadata(day_metadata(describe(totals), index.to_json()))


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
