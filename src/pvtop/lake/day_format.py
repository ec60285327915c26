"""What a day file is: how its columns are stored, and what its metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import polars as pl

from pvtop.transform.day import DayProvenance
from pvtop.transform.schemas import DAY_PAGES

if TYPE_CHECKING:
    import pyarrow as pa

PROVENANCE_KEY = b"pvtop"
INDEX_KEY = b"pvtop_data_pages"
DIGEST_KEY = b"pvtop_sha256"  # of both: Parquet's checksums cover only the contents of data pages
GROUP_ROWS = 1 << 15  # a multiple of the rows of a data page
DATA_PAGE_ROWS = 1 << 9  # the least that is read to find a page
DATA_PAGE_BYTES = 1 << 30  # so large that only the limit of rows applies
HOURS, COUNTS = "start_hours.list.element", "counts.list.element"  # as Parquet names the lists
COMPRESSION = {"domain_code": "lz4", "page_title": "zstd", "views": "lz4", HOURS: "lz4", COUNTS: "lz4"}
LEVELS = {"page_title": 3}  # of Zstandard: 1 is hardly faster and makes files larger
DICTIONARY = ["domain_code", "views", HOURS]  # not the titles, which differ
ENCODING = {"page_title": "DELTA_BYTE_ARRAY", COUNTS: "DELTA_BINARY_PACKED"}
COMPAT_LEVEL = pl.CompatLevel.oldest()


def write_options() -> dict[str, Any]:
    """Return the options of the writer.

    Titles are most of a file, so they are compressed for size. The other columns are compressed for speed.

    With a page index, pyarrow writes no statistics into the headers of data pages, so `data_pages` can read them.
    """
    return {
        "compression": COMPRESSION,
        "compression_level": LEVELS,
        "use_dictionary": DICTIONARY,
        "column_encoding": ENCODING,
        "write_page_checksum": True,
        "write_page_index": True,
        "max_rows_per_page": DATA_PAGE_ROWS,
        "data_page_size": DATA_PAGE_BYTES,
    }


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


def day_metadata(provenance: DayProvenance, index: bytes) -> dict[bytes, bytes]:
    """Return the metadata of a day file: its provenance and the index of its data pages, with their digest."""
    text = provenance.to_json().encode()
    return {PROVENANCE_KEY: text, INDEX_KEY: index, DIGEST_KEY: sha256(text + index).hexdigest().encode()}


def read_metadata(metadata: Mapping[bytes, bytes]) -> tuple[DayProvenance, bytes]:
    """Return the arguments of `day_metadata`.

    Raises:
        ValueError: It is damaged, or another version wrote it.
    """
    text, index = metadata.get(PROVENANCE_KEY, b"null"), metadata.get(INDEX_KEY, b"null")
    provenance = DayProvenance.from_json(text)
    if provenance is None or metadata.get(DIGEST_KEY) != sha256(text + index).hexdigest().encode():
        raise ValueError("it was made by another version of pvtop, or is damaged")
    return provenance, index
