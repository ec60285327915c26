"""Parse the bytes of a dump into rows: domain code, title and views.

The format follows the source of the generator (wikimedia/analytics-refinery, `pageview_hourly` to files): raw lines
until February 2023, since then Spark's CSV writer with a space as the separator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import polars as pl

from pvtop.core.prefetch import prefetch
from pvtop.transform.scan import scan_frames
from pvtop.transform.schemas import ROWS
from pvtop.transform.titles import decode_code, decode_title

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIELDS = pl.Schema({**ROWS, "size": pl.UInt8()})  # the size is always 0; a block with a larger one is read line by line
COMPRESSED_STARTS = (b"\x1f", b"x", b"(")  # gzip, zlib, Zstandard: Polars would decompress a block that starts so

OnRows = Callable[[pl.DataFrame], object]
"""What takes the rows of each block of a dump."""


def ignore_rows(rows: pl.DataFrame) -> None:
    """Do nothing with the rows of a block."""


def scan_blocks(blocks: Callable[[], Iterator[bytes]], on_rows: OnRows = ignore_rows) -> pl.LazyFrame:
    r"""Scan every line of a dump that is not blank, with codes and titles as written.

    Drops `\r` at the end of a line and a byte-order mark at the start of the dump. Bytes that are not UTF-8 become
    U+FFFD.

    Args:
        blocks: Called each time the frame is collected. Yields the dump's bytes in blocks of whole lines.
        on_rows: Called with all rows of each block, in the order of the file.

    Returns:
        `domain_code` String, `page_title` String, `views` Int64; in the order of the file. For a malformed line,
        `page_title` is the line itself and the other columns are null. Collecting raises whatever `blocks` raises.
    """

    def frames(_: Sequence[str]) -> Iterator[pl.DataFrame]:
        for rows in read_rows(blocks()):
            on_rows(rows)
            yield rows

    return scan_frames(frames, ROWS)


def well_formed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the well-formed lines of `scan_blocks`, with codes and titles decoded.

    Returns:
        `domain_code` String (`""` becomes the empty string), `page_title` String, `views` Int64.
    """
    return rows.filter(pl.col("domain_code").is_not_null()).select(
        decode_code(pl.col("domain_code")), decode_title(pl.col("page_title")), "views"
    )


def read_rows(blocks: Iterator[bytes]) -> Iterator[pl.DataFrame]:
    """Yield the rows of each block, with the columns of `scan_blocks`. Meanwhile a thread prepares the next block."""
    for number, block in enumerate(prefetch(blocks)):
        yield read_block(block if number else block.removeprefix(BYTE_ORDER_MARK))


def read_block(block: bytes) -> pl.DataFrame:
    """Parse a block of whole lines as CSV; if that cannot be proven correct, line by line.

    Args:
        block: Lines with their newlines; the last line may have none.

    Returns:
        A frame with the columns of `scan_blocks`.
    """
    lines = block if block.endswith(b"\n") else block + b"\n"
    rows = _read_at_once(lines)
    return _read_line_by_line(lines) if rows is None else rows


def _read_at_once(block: bytes) -> pl.DataFrame | None:
    r"""Parse a block as CSV.

    Return None if Polars cannot parse it, or if the rows may differ from the lines of the block.

    Polars' CSV reader is too lenient. It accepts `+5`, `\t5` and `007` as counts, drops `\r` and a byte-order mark, and
    fills short lines with nulls. If the rows are written back as lines, each of these makes the result shorter than the
    block, and nothing makes it longer. So the rows match the lines if and only if the result has as many bytes as the
    block.
    """
    if block.startswith(COMPRESSED_STARTS):
        return None
    try:
        fields = pl.read_csv(
            block,
            separator=" ",
            has_header=False,
            quote_char=None,
            empty_string_is_null=False,
            glob=False,
            schema=FIELDS,
        )
    except (pl.exceptions.PolarsError, OSError):
        return None
    columns = code, title, views, size = fields.get_columns()
    if any(column.null_count() for column in columns):
        return None
    lengths = title.str.len_bytes()
    if not lengths.min():
        return None
    separators = len(columns) * len(fields)
    text_bytes = int(code.str.len_bytes().sum()) + int(lengths.sum())
    proven = separators + text_bytes + _count_digits(views) + _count_digits(size) == len(block)
    return fields.select(ROWS.names()) if proven else None


def _count_digits(numbers: pl.Series) -> int:
    """Return how many digits all numbers have together; a negative number counts as one digit."""
    count, power, largest = len(numbers), 10, cast("int", numbers.max() or 0)
    while power <= largest:
        count += int((numbers >= power).sum())
        power *= 10
    return count


def _read_line_by_line(block: bytes) -> pl.DataFrame:
    """Parse a block whose lines may be malformed: read each line as one field, then split it at the spaces."""
    lines = pl.scan_csv(
        b"\n" + block,  # so that Polars sees no byte-order mark and no compression; blank lines are skipped anyway
        separator="\n",  # does not occur within a line, so each line is one field
        has_header=False,
        quote_char=None,
        encoding="utf8-lossy",
        empty_string_is_null=False,
        glob=False,
        schema={"line": pl.String},
    )
    code, title, views, size, rest = (pl.col(f"field_{i}") for i in range(5))
    size = size.str.strip_chars_end("\r")
    well_formed = (
        _is_count(views, pl.col("views")) & _is_count(size, pl.col("size")) & rest.is_null() & (title != "")
    ).fill_null(value=False)
    return (
        lines.select("line", pl.col("line").str.split_exact(" ", 4).alias("fields"))
        .unnest("fields")
        .with_columns(views=views.cast(pl.Int64, strict=False), size=size.cast(pl.Int64, strict=False))
        .with_columns(well_formed=well_formed)
        .select(
            pl.when("well_formed").then(code).alias("domain_code"),
            pl.when("well_formed").then(title).otherwise(pl.col("line").str.strip_chars_end("\r")).alias("page_title"),
            pl.when("well_formed").then("views").alias("views"),
        )
        .filter(pl.col("page_title") != "")
        .collect()
    )


def _is_count(written: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Return whether a field is a non-negative 64-bit integer without a sign; a cast alone would accept a sign."""
    return number.is_not_null() & (written >= "0")
