"""Rows as PostgreSQL's COPY takes them."""

from __future__ import annotations

import struct
from datetime import datetime

import polars as pl

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no header extension
END = b"\xff\xff"
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - as PostgreSQL counts the microseconds of stamps without a zone
SIZES = {pl.Int64: 8, pl.UInt32: 4, pl.Datetime("us"): 8}
"""The types that can be binary, and the bytes of a value. PostgreSQL's `integer` has 4 bytes with a sign."""


def copied(rows: pl.DataFrame) -> tuple[str, bytes]:
    """Return the options of COPY for rows, and the rows: binary if they are numbers and stamps, else CSV.

    PostgreSQL takes twice as long to read the three stamps of a fact from text as for all else of it.
    """
    if all(column.dtype in SIZES and not column.null_count() for column in rows.get_columns()):
        return "FORMAT binary", _binary(rows)
    text = rows.write_csv(include_header=False, quote_style="non_numeric", datetime_format="%Y-%m-%d %H:%M:%S")
    return "FORMAT csv", text.encode()


def _binary(rows: pl.DataFrame) -> bytes:
    """Return rows in the binary format: for each, the number of fields, and for each field its length and its bytes.

    The bytes of a number begin with the highest, but in the memory of Polars with the lowest.
    """
    row, varying = struct.pack(">h", rows.width), {}
    for column in rows.get_columns():
        size = SIZES[column.dtype]
        row += struct.pack(">i", size)
        if column.min() != column.max():
            varying[len(row)] = column
        row += _memory(column.head(1))[::-1]
    content = bytearray(row * len(rows))
    for position, column in varying.items():
        size, memory = SIZES[column.dtype], _memory(column)
        for byte in range(size):
            content[position + byte :: len(row)] = memory[size - 1 - byte :: size]
    return SIGNATURE + content + END


def _memory(column: pl.Series) -> bytes:
    """Return the values as they are in memory."""
    numbers = (column - EPOCH if column.dtype == pl.Datetime else column).to_physical()
    values, size = numbers.rechunk().to_arrow(), SIZES[column.dtype]
    memory: bytes = values.buffers()[1].to_pybytes()
    return memory[values.offset * size :][: len(values) * size]
