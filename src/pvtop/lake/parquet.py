"""Write a frame and its provenance as Parquet, and read both from bytes that may be damaged.

Parquet is read with pyarrow, which raises an error if a file is damaged. Polars panics or ends the process.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import polars as pl

from pvtop.core.hour import Hour
from pvtop.transform.report import Provenance
from pvtop.transform.rollup import RollupProvenance

PROVENANCE_KEY = "pvtop"
TAIL_BYTES = 1 << 16  # many times the size of the footer of a report
ARROW_TYPES = {pl.String: {"string", "large_string", "string_view"}, pl.UInt32: {"uint32"}, pl.Int64: {"int64"}}


def write_parquet(frame: pl.DataFrame, provenance: Provenance | RollupProvenance) -> bytes:
    """Return the frame and its provenance as Parquet.

    Polars writes it, because importing pyarrow takes longer than writing.
    """
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", metadata={PROVENANCE_KEY: provenance.to_json()})
    return buffer.getvalue()


def read_frame(content: bytes, schema: pl.Schema) -> pl.DataFrame:
    """Read a frame from a Parquet file, and check that it has the columns of the schema.

    Raises:
        ValueError: The file is damaged, is not Parquet, or has other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Threads that read ahead could abort a process that ends soon after.
        file = pq.ParquetFile(io.BytesIO(content), pre_buffer=False)
        table = file.read(use_threads=False)
        table.validate(full=True)
        types = {field.name: str(field.type) for field in table.schema}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the bytes are in memory, so each means damage
        raise ValueError(str(error).partition("\n")[0]) from error
    if list(types) != schema.names() or any(types[name] not in ARROW_TYPES[type(it)] for name, it in schema.items()):
        raise ValueError("its columns are not those of a report")
    frame = pl.from_arrow(pa.table(table.columns, names=schema.names()))  # without the metadata, which may be damaged
    return frame.cast(dict(schema))  # type: ignore[arg-type,return-value]


def read_report_frame(content: bytes, schema: pl.Schema, hour: Hour) -> pl.DataFrame:
    """Read a frame from a Parquet file of a report, as `read_frame` does.

    Raises:
        ValueError: As for `read_frame`, or the provenance in the file is that of another hour.
    """
    made = Provenance.from_json(_metadata(content))
    if made and not made.is_of(hour):
        raise ValueError(f"it is the report of {made.stamp}")
    return read_frame(content, schema)


def read_provenance(hour: Hour, file: BinaryIO) -> Provenance | None:
    """Read the provenance in the footer of a Parquet file of a report.

    Returns:
        The provenance, or None if the file is damaged, is the report of another hour, or was written by another
        version.

    Raises:
        OSError: The file cannot be read.
    """
    file.seek(max(0, file.seek(0, io.SEEK_END) - TAIL_BYTES))
    found = Provenance.from_json(_metadata(file.read()))
    return found if found and found.is_of(hour) else None


def read_rollup_provenance(content: bytes) -> RollupProvenance | None:
    """Read the provenance in the footer of a rollup's Parquet file, which may be longer than that of a report.

    Returns:
        The provenance, or None if there is none that can be read, as `read_provenance` does.
    """
    return RollupProvenance.from_json(_metadata(content))


def _metadata(tail: bytes) -> bytes:
    """Return the JSON object in the footer of a Parquet file, or `null` if it cannot be read.

    Args:
        tail: The end of the file. It is in memory, so that an OSError of pyarrow means damage.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(io.BytesIO(tail)).metadata or {}
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return b"null"
    found: bytes = metadata.get(PROVENANCE_KEY.encode(), b"null")
    return found
