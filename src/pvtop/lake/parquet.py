"""A frame as a Parquet file with its provenance; and back, from bytes that may be damaged.

Files are read by pyarrow, which refuses what is damaged: Polars panics at it, or ends the process.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import polars as pl

from pvtop.transform.report import Provenance

PROVENANCE_KEY = "pvtop"
TAIL = 1 << 16  # many times as much as the footer of a report takes
KINDS = {pl.String: {"string", "large_string", "string_view"}, pl.UInt32: {"uint32"}, pl.Int64: {"int64"}}


def write_parquet(frame: pl.DataFrame, provenance: Provenance) -> bytes:
    """Write a frame as Parquet with its provenance; by Polars, as pyarrow takes longer to import than to write."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", metadata={PROVENANCE_KEY: provenance.to_json()})
    return buffer.getvalue()


def read_frame(content: bytes, wanted: pl.Schema) -> pl.DataFrame:
    """Read a frame of the columns that are wanted.

    Raises:
        ValueError: The file is damaged, no Parquet at all, or has other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without threads: with those that read ahead, a process that ends soon after may be aborted.
        file = pq.ParquetFile(io.BytesIO(content), pre_buffer=False)
        # Before its version 20, pyarrow fails at a file of no rows.
        table = file.read(use_threads=False) if file.num_row_groups else file.schema_arrow.empty_table()
        table.validate(full=True)
        found = {field.name: str(field.type) for field in table.schema}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # of bytes in memory, all are damage
        raise ValueError(str(error).partition("\n")[0]) from error
    if list(found) != wanted.names() or any(found[name] not in KINDS[type(kind)] for name, kind in wanted.items()):
        raise ValueError("its columns are others than those of a report")
    frame = pl.from_arrow(pa.table(table.columns, names=wanted.names()))  # no metadata, which may be damaged, too
    return frame.cast(dict(wanted))  # type: ignore[arg-type,return-value]


def read_provenance(file: BinaryIO) -> Provenance | None:
    """Read the provenance in the footer of a Parquet file.

    Returns:
        None where there is none, or none that can be read: the file is damaged or of another version.

    Raises:
        OSError: The file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file.seek(max(0, file.seek(0, io.SEEK_END) - TAIL))
    end = io.BytesIO(file.read())  # so that what the system raises is told from damage
    try:
        metadata = pq.read_metadata(end).metadata or {}
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return Provenance.from_json(metadata.get(PROVENANCE_KEY.encode(), b"null"))
